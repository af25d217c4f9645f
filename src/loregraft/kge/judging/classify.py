"""Triple classification: is a triple true? A threshold of the score for each relation, chosen on valid.

As OpenKE has it, after Socher et al. 2013, Reasoning With Neural Tensor Networks for Knowledge Base
Completion.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float64

from loregraft.artifact import Json
from loregraft.errors import BadInput
from loregraft.kge.judging.evaluate import learnt
from loregraft.kge.judging.false_triples import Pairs, Part, false_triples
from loregraft.kge.judging.plausibility import plausibility
from loregraft.kge.parts import Parts
from loregraft.kge.questions import Ints, Triples
from loregraft.kge.tables import Tables

FEWEST = 10
"""Triples of valid, true and false together, that a relation needs for a threshold of its own."""

Numbers = Float64[np.ndarray, " triples"]
Yes = Bool[np.ndarray, " triples"]


@dataclass(frozen=True)
class Thresholds:
    """The score from which on a triple counts as true.

    Attributes:
        each: For each relation; that of all relations where `own` is False.
        shared: For all relations together.
    """

    each: Float64[np.ndarray, " relations"]
    own: Bool[np.ndarray, " relations"]
    shared: float


def threshold(scores: Numbers, labels: Yes) -> float:
    """Give the threshold with the best accuracy; the lowest of several, inf where there is nothing to go by.

    It lies midway between two scores; the lowest and the highest possible one accept all and none.
    """
    values, place = np.unique(scores, return_inverse=True)
    if not len(values):
        return float("inf")
    gain = np.bincount(
        place, np.where(labels, -1.0, 1.0)
    )  # right ones more, when the cut moves above a value
    right = np.r_[0.0, np.cumsum(gain)]
    cuts = np.r_[values[0], (values[:-1] + values[1:]) / 2, np.nextafter(values[-1], np.inf)]
    return float(cuts[np.argmax(right)])


def thresholds(scores: Numbers, labels: Yes, relations: Ints, count: int, fewest: int = FEWEST) -> Thresholds:
    """Give the thresholds of `count` relations; those with fewer than `fewest` triples share one."""
    shared = threshold(scores, labels)
    own = np.bincount(relations, minlength=count) >= max(1, fewest)
    each = np.full(count, shared)
    for relation in np.flatnonzero(own):
        mask = relations == relation
        each[relation] = threshold(scores[mask], labels[mask])
    return Thresholds(each, own, shared)


def quality(said: Yes, labels: Yes) -> dict[str, Json]:
    """Give accuracy, precision, recall and F1 of what was said to be true, 0..1.

    Where nothing is said to be true, precision and F1 are 0; all of no triple are None.
    """
    if not len(said):
        return {"n": 0, "accuracy": None, "precision": None, "recall": None, "f1": None}
    hits, told, true = int((said & labels).sum()), int(said.sum()), int(labels.sum())
    return {
        "n": len(said),
        "accuracy": float((said == labels).mean()),
        "precision": hits / told if told else 0.0,
        "recall": hits / true if true else 0.0,
        "f1": 2 * hits / (told + true) if hits else 0.0,
    }


@dataclass(frozen=True)
class Judged:
    """The triples of a part with their false ones, and how they score.

    Attributes:
        learnt: Where train has both entities and the relation; what it has not is never said to be true.
    """

    triples: Triples
    labels: Yes
    scores: Numbers
    learnt: Yes
    left_out: int

    @classmethod
    def of(cls, pairs: Pairs, parts: Parts, scores: Numbers) -> "Judged":
        """Take the scores of `pairs.triples`."""
        return cls(pairs.triples, pairs.labels, scores, learnt(parts, pairs.triples), pairs.left_out)


def judge(tables: Tables, parts: Parts, part: Part, seed: int = 0) -> Judged:
    """Draw a false triple for each true one of a part and score them all.

    Raises:
        BadInput: The part is empty, or none of its triples can be made false.
    """
    pairs = false_triples(parts, part, seed)
    if not len(pairs.true):
        found = f"the part {part} of the graph has no triple that another entity makes false"
        raise BadInput(Path("graph"), 0, found, "Split the graph (loregraft kg split).")
    return Judged.of(pairs, parts, plausibility(tables, pairs.triples))


def classify(
    valid: Judged, test: Judged, relation_ids: Sequence[str], fewest: int = FEWEST
) -> dict[str, Json]:
    """Set thresholds on valid and judge test by them; the object that `kge classify --json` prints.

    Args:
        fewest: Triples of valid that a relation needs for a threshold of its own.
    """
    known, count, relations = valid.learnt, len(relation_ids), test.triples.relations
    scores, labels = valid.scores[known], valid.labels[known]
    found = thresholds(scores, labels, valid.triples.relations[known], count, fewest)
    said = test.learnt & (test.scores >= found.each[relations])
    shared = test.learnt & (test.scores >= found.shared)

    def of(relation: int) -> dict[str, Json]:
        mask = relations == relation
        cut = float(found.each[relation])
        kind = {"threshold": cut if np.isfinite(cut) else None, "own_threshold": bool(found.own[relation])}
        return {**kind, **quality(said[mask], test.labels[mask])}

    return {
        **quality(said, test.labels),
        "one_threshold": quality(shared, test.labels),
        "relations": {relation_ids[one]: of(one) for one in np.unique(relations).tolist()},
        "own_thresholds": int(found.own.sum()),
        "not_learnt": int((~test.learnt).sum()),
        "without_false": test.left_out,
    }


def popularity(parts: Parts, triples: Triples) -> Numbers:
    """Score triples by how often head and tail stand in their places of the relation in train.

    The baseline that needs no vectors: the sum of log(1 + count) of both.
    """

    def counts(ends: Ints, own: Ints) -> Ints:
        keys = np.sort(parts.train.relations * parts.entities + ends)
        asked = triples.relations * parts.entities + own
        return np.searchsorted(keys, asked, "right") - np.searchsorted(keys, asked, "left")

    heads, tails = counts(parts.train.heads, triples.heads), counts(parts.train.tails, triples.tails)
    return np.asarray(np.log1p(heads) + np.log1p(tails), np.float64)
