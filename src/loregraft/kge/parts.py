"""The triples of a graph as training takes them: train, valid and test by index, each fact once."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from loregraft.errors import BadInput
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.split.triples import PARTS, SplitSettings, split_triples
from loregraft.kge.questions import Answers, Ints, Questions, Triples


@dataclass(frozen=True)
class Parts:
    """The triples of a graph by part, and how many entities and relations it has."""

    train: Triples
    valid: Triples
    test: Triples
    entities: int
    relations: int

    def known(self) -> Answers:
        """All answers that any part holds, for filtered ranks."""
        questions = [Questions.of(part, self.relations) for part in (self.train, self.valid, self.test)]
        columns = zip(*(vars(one).values() for one in questions), strict=True)
        return Answers.of(Questions(*(np.concatenate(column) for column in columns)), self.relations)

    def unseen(self, part: Triples) -> Ints:
        """Give the entities of a part that are in no triple of train."""
        seen = np.zeros(self.entities, bool)
        seen[self.train.heads] = seen[self.train.tails] = True
        used = np.unique(np.concatenate([part.heads, part.tails]))
        return used[~seen[used]]


def parts_of(graph: KnowledgeGraph, split: SplitSettings | None = None) -> Parts:
    """Take the parts that came with the graph's files, or, where none did, draw them.

    Where every fact is the only one of an entity, none is held out. Negated facts are in no part. A fact's
    weight is the highest confidence of its statements.

    Args:
        split: How parts are drawn; None: a twentieth of the facts each for valid and test.

    Raises:
        BadInput: There is no triple to train on.
    """
    names = graph.triples["split"].combine_chunks()
    given = len(graph.triples) > 0 and bool(pc.any(pc.not_equal(names, "")).as_py())
    settings = SplitSettings(mode="kept") if given else split or SplitSettings(valid=0.05, test=0.05)
    rows = _rows(graph, settings, must=given or split is not None)
    if not len(rows[0]):
        found = "the graph has no triple to train on"
        raise BadInput(Path("graph"), 0, found, "Import files with triples, or others as train.")
    train, valid, test = (_part(graph, own) for own in rows)
    return Parts(train, valid, test, len(graph), len(graph.relation_ids))


def _rows(graph: KnowledgeGraph, settings: SplitSettings, must: bool) -> list[Ints]:
    """Give the rows of each part; where nothing can be held out and nobody asked for it, all are of train."""
    count, none = len(graph.triples), np.zeros(0, np.int64)
    if not count:
        return [none, none, none]
    try:
        drawn = split_triples(graph, settings)
    except BadInput:
        if must:
            raise
        return [np.arange(count), none, none]
    return [drawn.rows(part) for part in PARTS]


def _part(graph: KnowledgeGraph, rows: Ints) -> Triples:
    """Give the different facts of some rows, in their order."""
    columns = graph.heads, graph.relation_indexes, graph.tails
    heads, relations, tails = (np.asarray(column[rows], dtype=np.int64) for column in columns)
    confidence = np.asarray(graph.triples["confidence"].to_numpy())[rows].astype(np.float32)
    order = np.lexsort((-confidence, tails, relations, heads))
    heads, relations, tails = heads[order], relations[order], tails[order]
    first = np.ones(len(rows), bool)
    first[1:] = (np.diff(heads) != 0) | (np.diff(relations) != 0) | (np.diff(tails) != 0)
    return Triples.of(heads[first], relations[first], tails[first], confidence[order][first])
