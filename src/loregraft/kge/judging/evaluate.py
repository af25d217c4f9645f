"""Metrics over ranks: overall, by side, by relation, by category of relation, by degree of the answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool
from numpy.typing import NDArray

from loregraft.artifact import Json
from loregraft.kge.parts import Parts
from loregraft.kge.questions import Ints, Questions, Triples, answers_each
from loregraft.kge.ranking import Ranks, rank
from loregraft.kge.tables import Tables

Ties = Literal["realistic", "optimistic", "pessimistic"]
HITS = (1, 3, 10)
MANY = 1.5
"""Tails a head (heads a tail) from which a relation is 1-N (N-1); Bordes et al. 2013, section 4.3."""
DEGREES = (0, 1, 10, 100, 1000)
DEGREE_NAMES = ("0", "1 to 9", "10 to 99", "100 to 999", "1000 or more")


@dataclass(frozen=True)
class Ranking:
    """The ranks of a part's questions, tails first, then heads."""

    triples: Triples
    relations: int
    ranks: Ranks
    ties: Ties

    @property
    def values(self) -> NDArray[np.float64]:
        """Ranks from 1."""
        found: NDArray[np.float64] = getattr(self.ranks, self.ties)
        return found


def rank_part(
    tables: Tables,
    parts: Parts,
    part: Literal["valid", "test"],
    *,
    filtered: bool = True,
    ties: Ties = "realistic",
) -> Ranking:
    """Rank all questions of a part; filtered ranks leave out answers that any part knows.

    Where train has no triple of an entity or of the relation, the answer is ranked last: nothing was learnt.
    """
    triples = getattr(parts, part)
    questions = Questions.of(triples, parts.relations)
    ranks = rank(tables, questions, parts.known() if filtered else None)
    return Ranking(triples, parts.relations, put_last(ranks, np.tile(learnt(parts, triples), 2)), ties)


def put_last(ranks: Ranks, known: Bool[np.ndarray, " questions"]) -> Ranks:
    """Rank the right answer last, without ties, of each question that is not known."""
    above = np.where(known, ranks.above, ranks.candidates - 1)
    return Ranks(above, np.where(known, ranks.alike, 0), ranks.candidates)


def learnt(parts: Parts, triples: Triples) -> Bool[np.ndarray, " triples"]:
    """Tell for which triples train has a triple of each entity and of the relation."""
    entities, relations = np.zeros(parts.entities, bool), np.zeros(parts.relations, bool)
    entities[parts.train.heads] = entities[parts.train.tails] = relations[parts.train.relations] = True
    return entities[triples.heads] & entities[triples.tails] & relations[triples.relations]


def unseen_relations(parts: Parts, part: Triples) -> Ints:
    """Give the relations of a part that are in no triple of train."""
    return np.setdiff1d(part.relations, parts.train.relations)


def metrics(ranks: NDArray[np.float64], candidates: Ints) -> dict[str, Json]:
    """Give MRR, MR, Hits@k and the adjusted mean rank index of some ranks.

    The index is 1 - (MR - 1) / (expected MR - 1): 1 is perfect, 0 is chance (Berrendorf et al. 2020,
    On the ambiguity of rank-based evaluation ..., eq. 5). All of no rank are None.
    """
    if not len(ranks):
        return {"n": 0, "mrr": None, "mr": None, **{f"hits@{k}": None for k in HITS}, "amri": None}
    chance = (candidates - 1).mean() / 2
    found: dict[str, Json] = {"n": len(ranks), "mrr": float((1 / ranks).mean()), "mr": float(ranks.mean())}
    found |= {f"hits@{k}": float((ranks <= k).mean()) for k in HITS}
    return found | {"amri": float(1 - (ranks.mean() - 1) / chance) if chance else 1.0}


def summary(ranking: Ranking, train: Triples, relation_ids: list[str]) -> dict[str, Json]:
    """Give all metrics as the object that `kge rank --json` prints."""
    n = len(ranking.triples)
    heads = np.arange(2 * n) >= n
    relation = np.tile(ranking.triples.relations, 2)
    answers = np.concatenate([ranking.triples.tails, ranking.triples.heads])
    kinds = categories(train, ranking.relations)[relation]
    used = np.concatenate([train.heads, train.tails])
    degree = np.bincount(used, minlength=int(answers.max(initial=0)) + 1)[answers]
    buckets = np.searchsorted(DEGREES, degree, side="right") - 1

    def of(mask: NDArray[np.bool_]) -> dict[str, Json]:
        return metrics(ranking.values[mask], ranking.ranks.candidates[mask])

    def each(labels: Sequence[str], mask: Callable[[int], NDArray[np.bool_]]) -> dict[str, Json]:
        return {label: of(mask(place)) for place, label in enumerate(labels) if mask(place).any()}

    return {
        **of(np.ones(2 * n, bool)),
        "sides": {"tail": of(~heads), "head": of(heads)},
        "relations": each(relation_ids, lambda place: relation == place),
        "categories": each(CATEGORIES, lambda place: kinds == place),
        "degrees": each(DEGREE_NAMES, lambda place: buckets == place),
    }


CATEGORIES = ("1-1", "1-N", "N-1", "N-N")


def categories(train: Triples, relations: int) -> Ints:
    """Give each relation's place in CATEGORIES, by its triples of train."""
    tails, heads = answers_each(train, relations)
    return (tails >= MANY) * 1 + (heads >= MANY) * 2
