"""Rank the right relation of (head, ?, tail) among all relations."""

from dataclasses import replace

import numpy as np

from loregraft.artifact import Json
from loregraft.kge.judging.evaluate import Ties, learnt, metrics, put_last
from loregraft.kge.judging.false_triples import Part
from loregraft.kge.judging.plausibility import plausibility
from loregraft.kge.parts import Parts
from loregraft.kge.questions import Answers, Ints, Questions, Triples
from loregraft.kge.ranking import Ranks
from loregraft.kge.tables import Tables

SCORES_AT_ONCE = 2**22


def rank_relations(tables: Tables, triples: Triples, known: Answers | None) -> Ranks:
    """Rank the relation of each triple among all relations, by the plausibility of the triple.

    Costs a score for each triple and relation; memory does not grow with their number.

    Args:
        known: Relations that are taken out of the ranking, the right one apart (`known_relations`);
            None: raw ranks.
    """
    above, alike, removed = (np.zeros(len(triples), np.int64) for _ in range(3))
    count = tables.relation_count
    at_once = max(1, SCORES_AT_ONCE // count)
    for start in range(0, len(triples), at_once):
        rows = np.arange(start, min(start + at_once, len(triples)))
        own, places = triples.take(rows), np.arange(len(rows))
        asked = [replace(own, relations=np.full(len(rows), relation)) for relation in range(count)]
        scores = np.stack([plausibility(tables, one) for one in asked])
        true = scores[own.relations, places]
        relations, pairs = own.relations, places
        if known is not None:
            others, asked_by = known.lists(_pairs(own, len(tables.entities.values)))
            other = others != own.relations[asked_by]
            relations, pairs = np.r_[relations, others[other]], np.r_[pairs, asked_by[other]]
        scores[relations, pairs] = -np.inf
        above[rows], alike[rows] = (scores > true).sum(0), (scores == true).sum(0)
        removed[rows] = np.bincount(pairs, minlength=len(rows)) - 1
    return Ranks(above, alike, count - removed)


def known_relations(parts: Parts) -> Answers:
    """Give all relations that any part holds, for each pair of head and tail."""
    asked = [_pairs(part, parts.entities) for part in (parts.train, parts.valid, parts.test)]
    columns = zip(*(vars(one).values() for one in asked), strict=True)
    return Answers.of(Questions(*(np.concatenate(column) for column in columns)), 1)


def _pairs(triples: Triples, entities: int) -> Questions:
    """Ask for relations: what is given is the pair, as one number."""
    given: Ints = triples.heads * entities + triples.tails
    return Questions(given, np.zeros(len(triples), np.int64), triples.relations, triples.weights)


def relation_summary(
    tables: Tables, parts: Parts, part: Part, *, filtered: bool = True, ties: Ties = "realistic"
) -> dict[str, Json]:
    """Rank the relations of a part and give the metrics, named `relation_mrr` and so on.

    Where train has no triple of an entity or of the relation, the relation is ranked last.
    """
    triples: Triples = getattr(parts, part)
    ranks = rank_relations(tables, triples, known_relations(parts) if filtered else None)
    ranks = put_last(ranks, learnt(parts, triples))
    told = metrics(getattr(ranks, ties), ranks.candidates)
    return {name if name == "n" else relation_name(name): value for name, value in told.items()}


def relation_name(metric: str) -> str:
    """Name a metric of ranks among relations, so that nobody takes it for one among entities."""
    return f"relation_{metric}"
