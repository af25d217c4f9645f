"""Answers to (head, relation, ?) and (?, relation, tail), and which of them the graph states already."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Int8

from loregraft.errors import BadInput
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kge.judging.calibration import Calibration
from loregraft.kge.judging.evaluate import learnt
from loregraft.kge.judging.plausibility import plausibility
from loregraft.kge.parts import Parts
from loregraft.kge.questions import Triples
from loregraft.kge.vectors import Vectors

ASKED = "?"
Stated = Literal["train", "valid", "test", "negated"]
STATED: tuple[Stated | None, ...] = (None, "negated", "test", "valid", "train")
"""What a graph says of a triple; None: nothing, it is new."""


@dataclass(frozen=True)
class Prediction:
    """An answer.

    Attributes:
        index: Of the entity; the same in graph and vectors.
        score: Higher is better, no fixed range.
        stated: The part that holds the triple, or that it is known to be false; None: it is new.
        probability: That the triple is true, 0..1; None: not asked for, or train knows the triple's entities
            or relation not.
    """

    index: int
    id: str
    score: float
    stated: Stated | None
    probability: float | None = None


def predict(
    vectors: Vectors,
    graph: KnowledgeGraph,
    parts: Parts,
    triple: Sequence[str],
    *,
    only_new: bool = False,
    calibration: Calibration | None = None,
) -> list[Prediction]:
    """Give all entities as answers to a triple with one end asked for, best first.

    Args:
        graph: That the vectors were trained on; so are its parts.
        triple: Ids of head, relation and tail; "?" for the end that is asked for.
        only_new: Leave out what the graph states, true or false.
        calibration: Gives probabilities, of both sides of a triple where the score is of one; so, with
            reciprocal relations, their order may be another.

    Raises:
        BadInput: Not just one end is asked for, or an id is unknown.
    """
    head, relation, tail = triple
    if (head == ASKED) == (tail == ASKED):
        found = f"{'both ends are' if head == ASKED else 'no end is'} asked for in {' '.join(triple)!r:.90}"
        raise BadInput(Path("question"), 0, found, "Write '?' for the head or for the tail.")
    heads = head == ASKED
    known = tail if heads else head
    scores = vectors.answers(known, relation, heads=heads)
    asked = vectors.index(known), vectors.relation_index(relation)
    stated = _stated(graph, parts, asked, heads)
    likely = _probabilities(vectors, parts, asked, heads, calibration)
    order = np.argsort(-scores, kind="stable")
    if only_new:
        order = order[stated[order] == 0]
    return [
        Prediction(e, vectors.ids[e], float(scores[e]), STATED[stated[e]], likely[e]) for e in order.tolist()
    ]


def _probabilities(
    vectors: Vectors, parts: Parts, asked: tuple[int, int], heads: bool, calibration: Calibration | None
) -> list[float | None]:
    if calibration is None:
        return [None] * parts.entities
    given, relation, every = (*np.repeat([asked], parts.entities, 0).T, np.arange(parts.entities))
    triples = Triples.of(every, relation, given) if heads else Triples.of(given, relation, every)
    found = calibration(plausibility(vectors.tables, triples)).tolist()
    return [one if known else None for one, known in zip(found, learnt(parts, triples), strict=True)]


def _stated(
    graph: KnowledgeGraph, parts: Parts, asked: tuple[int, int], heads: bool
) -> Int8[np.ndarray, " entities"]:
    """Give for each entity, as answer, its place in STATED."""
    negated = [np.asarray(graph.negated[name]) for name in ("head", "relation", "tail")]
    true = [(part.heads, part.relations, part.tails) for part in (parts.test, parts.valid, parts.train)]
    found = np.zeros(parts.entities, np.int8)
    for place, (head, relation, tail) in enumerate([negated, *true], start=1):
        known, answers = (tail, head) if heads else (head, tail)
        found[answers[(known == asked[0]) & (relation == asked[1])]] = place
    return found
