"""Split triples into train, valid and test so that no part tells the facts of another one.

What is split are facts: the statements of one fact stay together, and so do all facts between the same
two entities, whatever their relation and direction. That holds inverse, symmetric and near-duplicate
facts together without a guess at which relations mirror each other. Negated facts are in no part.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from loregraft.errors import BadInput
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.mirrors import first_statements, several_statements
from loregraft.kg.tables.columns import Rows

Mode = Literal["transductive", "inductive", "kept"]

PARTS = ("train", "valid", "test")
TRAIN, VALID, TEST = range(3)

Parts = NDArray[np.int8]


class SplitSettings(BaseModel):
    """How triples are split."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Mode = Field(
        "transductive", description="train knows all entities, or not those held out; or parts as imported"
    )
    valid: float = Field(0.1, ge=0, lt=1, allow_inf_nan=False, description="share of the facts, 0 to 1")
    test: float = Field(0.1, ge=0, lt=1, allow_inf_nan=False, description="share of the facts, 0 to 1")
    seed: int = Field(0, ge=0, description="the same seed draws the same parts")

    @model_validator(mode="after")
    def _leaves_train(self) -> "SplitSettings":
        if not self.valid + self.test < 1:
            raise ValueError(f"valid {self.valid:g} and test {self.test:g} leave no triple for train")
        return self


@dataclass(frozen=True)
class TripleSplit:
    """Which part each triple is in.

    Attributes:
        parts: For each row of `graph.triples` its place in `PARTS`.
        counts: What is where, what was moved, and why (see `COUNTED`).
    """

    parts: Parts
    counts: dict[str, int]

    def rows(self, part: str) -> Rows:
        """Give the rows of the triples of a part."""
        return np.flatnonzero(self.parts == PARTS.index(part))


COUNTED = {
    "train": "facts in train",
    "valid": "facts in valid",
    "test": "facts in test",
    "statements_together": "further statements of facts held out, which went with them",
    "moved_with_reverse": "facts moved out of train: one from tail to head of the same two is held out",
    "moved_with_parallel": "facts moved out of train: another relation of the same two is held out",
    "kept_in_train": "facts left in train: an entity or relation would else be unknown there",
    "hubs_kept": "entities left in train: their facts are more than were still to be held out",
    "relations_kept": "entities left in train: a relation would else be unknown there",
    "unseen_entities": "entities of valid and test that train does not have",
    "moved_earlier": "facts that stood in several parts, and stay in the first of them",
    "without_part": "facts that came without a part, and are in train",
    "leaks": "facts of valid and test whose two entities a fact of an earlier part links",
    "short": "facts fewer held out than were asked for",
    "negated": "negated facts, in no part",
    "left_out_ids": "facts in no file: a line cannot hold their ids (blanks at an end, tabs, a # first)",
}
"""What the counts mean. Those that a mode cannot have are left out of a split's counts, and the last
one is told of files only (`kg/split/files.py`)."""


@dataclass(frozen=True)
class _Facts:
    """Each fact once, in the order of the graph; `of_row` is the fact of each row."""

    heads: Rows
    relations: Rows
    tails: Rows
    of_row: Rows

    def __len__(self) -> int:
        return len(self.heads)

    def pairs(self, size: int) -> Rows:
        """Give a number for the two entities of each fact, whichever comes first."""
        low, high = np.minimum(self.heads, self.tails), np.maximum(self.heads, self.tails)
        return np.asarray(np.unique(low * size + high, return_inverse=True)[1].reshape(-1), dtype=np.int64)


def split_triples(graph: KnowledgeGraph, settings: SplitSettings | None = None) -> TripleSplit:
    """Draw a part for each triple. The same seed draws the same parts.

    transductive: each entity and each relation of valid and test is also in train. inductive: entities
    are drawn, and all their facts are in test or valid, so that train does not know them; facts between
    an entity of valid and one of test are in test. kept: parts stay as the files gave them; leaks
    are counted, not mended.

    Takes about 1 s for a million triples.

    Args:
        settings: None: the defaults.

    Raises:
        BadInput: There is nothing that can be held out.
    """
    asked = settings or SplitSettings()
    first = first_statements(graph)
    rows = np.flatnonzero(first)
    ends = (np.asarray(e, dtype=np.int64) for e in (graph.heads, graph.relation_indexes, graph.tails))
    heads, relations, tails = (column[rows] for column in ends)
    facts = _Facts(heads, relations, tails, np.cumsum(first) - 1)
    if asked.mode != "kept" and not any(round(s * len(facts)) for s in (asked.valid, asked.test)):
        found = f"valid {asked.valid:g} and test {asked.test:g} of {len(facts):,} facts is none to hold out"
        raise BadInput(Path("graph"), 0, found, "Ask for a larger share, or give a larger graph.")
    parts, why = MODES[asked.mode](graph, facts, asked, np.random.default_rng(asked.seed))
    counts = _count(graph, facts, parts) | why
    return TripleSplit(parts[facts.of_row], {name: counts[name] for name in COUNTED if name in counts})


def _transductive(
    graph: KnowledgeGraph, facts: _Facts, settings: SplitSettings, generator: np.random.Generator
) -> tuple[Parts, dict[str, int]]:
    """Put the pairs of entities in a random order and hold out the last ones that train can do without.

    Train needs the first pair, in that order, of each entity and relation.
    """
    pairs = facts.pairs(len(graph))
    sizes = np.bincount(pairs)
    order = generator.permutation(len(sizes))
    places = np.empty(len(order), np.int64)
    places[order] = np.arange(len(order))
    needed = _needed(graph, facts, places[pairs], len(order))
    free = order[::-1][~needed[::-1]]
    parts = np.zeros(len(sizes), np.int8)
    left, start = 0, 0
    for part, share in ((TEST, settings.test), (VALID, settings.valid)):
        asked = round(share * len(facts))
        before = np.cumsum(sizes[free[start:]]) - sizes[free[start:]]
        stop = start + int(np.searchsorted(before, asked))
        parts[free[start:stop]] = part
        left += max(0, asked - int(sizes[free[start:stop]].sum()))
        start = stop
    if not start:
        found = "every fact is the only one of an entity or a relation"
        raise BadInput(Path("graph"), 0, found, "Give a graph with more triples, or split by entity.")
    passed = np.flatnonzero(needed & (np.arange(len(order)) >= places[free[start - 1]]))
    why = {"kept_in_train": int(sizes[order[passed]].sum()), "short": left}
    return parts[pairs], _companions(facts, pairs, parts[pairs]) | why


def _needed(graph: KnowledgeGraph, facts: _Facts, places: Rows, size: int) -> NDArray[np.bool_]:
    """Mark the places of which some entity, or some relation, has none before."""
    needed = np.zeros(size, np.bool_)
    for columns, known in (
        ((facts.heads, facts.tails), len(graph)),
        ((facts.relations,), len(graph.relations)),
    ):
        earliest = np.full(known, size, np.int64)
        for column in columns:
            np.minimum.at(earliest, column, places)
        needed[earliest[earliest < size]] = True
    return needed


def _companions(facts: _Facts, pairs: Rows, parts: Parts) -> dict[str, int]:
    """Count the facts held out because of the first one of their pair, by how they lie to it."""
    first = np.unique(pairs, return_index=True)[1][pairs]
    along = (parts != TRAIN) & (first != np.arange(len(facts)))
    same_way = facts.heads == facts.heads[first]
    return {
        "moved_with_reverse": int((along & ~same_way).sum()),
        "moved_with_parallel": int((along & same_way).sum()),
    }


def _inductive(
    graph: KnowledgeGraph, facts: _Facts, settings: SplitSettings, generator: np.random.Generator
) -> tuple[Parts, dict[str, int]]:
    """Draw entities, one after another, whose facts fit into what is to be held out: first all of test.

    Test comes first so that valid has no fact of an entity of test.
    """
    facts_of, pointers = _facts_of(facts, len(graph))
    left_of = np.bincount(facts.relations, minlength=len(graph.relations))
    parts = np.zeros(len(facts), np.int8)
    left = {TEST: round(settings.test * len(facts)), VALID: round(settings.valid * len(facts))}
    passed: dict[int, str] = {}
    order = generator.permutation(len(graph)).tolist()
    for part in left:
        for entity in order:
            if not left[part]:
                break
            fresh = facts_of[pointers[entity] : pointers[entity + 1]]
            fresh = fresh[parts[fresh] == TRAIN]
            used, times = np.unique(facts.relations[fresh], return_counts=True)
            if len(fresh) > left[part]:
                passed[entity] = "hubs_kept"
            elif (left_of[used] <= times).any():
                passed[entity] = "relations_kept"
            elif len(fresh):
                parts[fresh], left[part] = part, left[part] - len(fresh)
                left_of[used] -= times
                passed.pop(entity, None)
    if not parts.any():
        found = "no entity has so few facts that they can be held out"
        raise BadInput(Path("graph"), 0, found, "Ask for a larger share, or give a larger graph.")
    why = {name: list(passed.values()).count(name) for name in ("hubs_kept", "relations_kept")}
    return parts, why | {"short": sum(left.values())}


def _facts_of(facts: _Facts, size: int) -> tuple[Rows, list[int]]:
    """Give the facts of entity i as places `pointers[i]` to `pointers[i + 1]`; a loop is there once."""
    ends = np.concatenate([facts.heads, facts.tails])
    numbers = np.tile(np.arange(len(facts)), 2)
    once = np.concatenate([np.ones(len(facts), np.bool_), facts.heads != facts.tails])
    ends, numbers = ends[once], numbers[once]
    pointers = np.concatenate([[0], np.cumsum(np.bincount(ends, minlength=size))])
    return numbers[np.argsort(ends, kind="stable")], pointers.tolist()


def _kept(
    graph: KnowledgeGraph, facts: _Facts, settings: SplitSettings, generator: np.random.Generator
) -> tuple[Parts, dict[str, int]]:
    """Take the parts that the files came with; a fact that is in several stays in the first of them."""
    column = graph.triples["split"].combine_chunks()
    texts = column.dictionary.to_pylist()
    if not any(text in PARTS for text in texts):
        fix = "Choose --mode transductive or inductive, or import files of such parts."
        raise BadInput(Path("graph"), 0, "no triple came with a part (train, valid or test)", fix)
    place = np.array([PARTS.index(text) if text in PARTS else len(PARTS) for text in texts], np.int8)
    stated = place[np.asarray(column.indices)]
    lowest = np.full(len(facts), len(PARTS), np.int8)
    np.minimum.at(lowest, facts.of_row, stated)
    differ = (stated != lowest[facts.of_row]) & (stated < len(PARTS))
    without = lowest == len(PARTS)
    lowest[without] = TRAIN
    return lowest, {
        "moved_earlier": len(np.unique(facts.of_row[differ])),
        "without_part": int(without.sum()),
        "leaks": _leaks(facts.pairs(len(graph)), lowest),
    }


MODES: dict[
    str,
    Callable[[KnowledgeGraph, _Facts, SplitSettings, np.random.Generator], tuple[Parts, dict[str, int]]],
] = {"transductive": _transductive, "inductive": _inductive, "kept": _kept}
"""All modes."""


def _leaks(pairs: Rows, parts: Parts) -> int:
    """Count the facts of valid and test whose two entities are linked in a part before theirs."""
    lowest = np.full(int(pairs.max(initial=-1)) + 1, len(PARTS), np.int8)
    np.minimum.at(lowest, pairs, parts)
    return int((lowest[pairs] < parts).sum())


def _count(graph: KnowledgeGraph, facts: _Facts, parts: Parts) -> dict[str, int]:
    known, held_out = (
        np.concatenate([facts.heads[mask], facts.tails[mask]]) for mask in (parts == TRAIN, parts != TRAIN)
    )
    counts = {name: int((parts == place).sum()) for place, name in enumerate(PARTS)}
    statements = int((parts[facts.of_row] != TRAIN).sum())
    return counts | {
        "statements_together": statements - counts["valid"] - counts["test"],
        "unseen_entities": len(np.setdiff1d(held_out, known)),
        "negated": len(graph.negated),
    }


def with_split(graph: KnowledgeGraph, split: TripleSplit) -> KnowledgeGraph:
    """Give the same graph with the parts in the column `split`; that of negated facts is emptied.

    Statements that differed in their old part only are merged, and counted as `triples_merged`.
    """
    triples = _with_parts(graph.triples, split.parts, PARTS)
    negated = _with_parts(graph.negated, np.zeros(len(graph.negated), np.int8), ("",))
    tables = {name: graph.tables[name] for name in graph.tables}
    tally = dict(graph.tally)
    for name, rows in (("triples", triples), ("negated", negated)):
        kept = _merged(rows)
        tally["triples_merged"] = tally.get("triples_merged", 0) + len(rows) - len(kept)
        tables[name] = kept  # type: ignore[index]
    return KnowledgeGraph(tables, tally)


def _with_parts(rows: pa.Table, parts: Parts, names: Sequence[str]) -> pa.Table:
    place = rows.schema.get_field_index("split")
    field = rows.schema.field(place)
    texts = pa.array(names, field.type.value_type)
    return rows.set_column(place, field, pa.DictionaryArray.from_arrays(parts.astype(np.int32), texts))


def _merged(rows: pa.Table) -> pa.Table:
    """Keep one of those rows that agree in every column; only facts with several statements can."""
    several = several_statements(*(np.asarray(rows[end]) for end in ("head", "relation", "tail")))
    places = np.flatnonzero(several)
    plain = rows.take(pa.array(places))
    columns = [
        column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
        for column in plain.columns
    ]
    numbered = pa.table([*columns, pa.array(places)], [*rows.schema.names, "row"])
    kept = numbered.group_by(rows.schema.names, use_threads=False).aggregate([("row", "min")])["row_min"]
    if len(kept) == len(places):
        return rows
    mask = ~several
    mask[np.asarray(kept)] = True
    return rows.filter(pa.array(mask)).combine_chunks()
