"""Questions: a triple with its head or its tail asked for, and all answers known to be true.

The side of a question is part of its relation: relation r asked for tails is r, asked for heads r + R.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int64
from numpy.typing import NDArray

from loregraft.kg.runs import runs

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Triples:
    """Triples by index, and how much each counts (0..1)."""

    heads: Int64[np.ndarray, " triples"]
    relations: Int64[np.ndarray, " triples"]
    tails: Int64[np.ndarray, " triples"]
    weights: Float32[np.ndarray, " triples"]

    @classmethod
    def of(
        cls,
        heads: NDArray[np.integer],
        relations: NDArray[np.integer],
        tails: NDArray[np.integer],
        weights: NDArray[np.floating] | None = None,
    ) -> "Triples":
        """Take columns of any whole numbers; without weights each triple counts 1."""
        h, r, t = (np.ascontiguousarray(column, np.int64) for column in (heads, relations, tails))
        given = np.ones(len(h), np.float32) if weights is None else np.asarray(weights, np.float32)
        return cls(h, r, t, given)

    def __len__(self) -> int:
        return len(self.heads)

    def take(self, rows: Ints) -> "Triples":
        """Give some of them."""
        return Triples(self.heads[rows], self.relations[rows], self.tails[rows], self.weights[rows])


@dataclass(frozen=True)
class Questions:
    """One question a row.

    Attributes:
        given: The entity that is known.
        sides: Relation, plus the number of relations where the head is asked for.
        answers: The entity that is right.
    """

    given: Int64[np.ndarray, " questions"]
    sides: Int64[np.ndarray, " questions"]
    answers: Int64[np.ndarray, " questions"]
    weights: Float32[np.ndarray, " questions"]

    @classmethod
    def of(cls, triples: Triples, relations: int) -> "Questions":
        """Ask for all tails, then for all heads."""
        return cls(
            np.concatenate([triples.heads, triples.tails]),
            np.concatenate([triples.relations, triples.relations + relations]),
            np.concatenate([triples.tails, triples.heads]),
            np.concatenate([triples.weights, triples.weights]),
        )

    def __len__(self) -> int:
        return len(self.given)

    def take(self, rows: Ints) -> "Questions":
        """Give some of them."""
        return Questions(self.given[rows], self.sides[rows], self.answers[rows], self.weights[rows])


@dataclass(frozen=True)
class Answers:
    """All known answers of each question, question by question.

    Attributes:
        keys: A number for each different question, ascending.
        starts: Where its answers begin in `entities`; one more at the end.
    """

    keys: Int64[np.ndarray, " different"]
    starts: Int64[np.ndarray, " ends"]
    entities: Int64[np.ndarray, " answers"]
    sides: int

    @classmethod
    def of(cls, questions: Questions, relations: int) -> "Answers":
        """Gather the answers; the same answer given twice stands once."""
        sides = 2 * relations
        keys = questions.given * sides + questions.sides
        order = np.lexsort((questions.answers, keys))
        keys, entities = keys[order], questions.answers[order]
        first = np.ones(len(keys), bool)
        first[1:] = (np.diff(keys) != 0) | (np.diff(entities) != 0)
        keys, entities = keys[first], entities[first]
        different, starts = np.unique(keys, return_index=True)
        return cls(different, np.r_[starts, len(keys)].astype(np.int64), entities, sides)

    def rows(self, questions: Questions) -> Ints:
        """Give the row of each question, or -1 where none of its answers is known."""
        keys = questions.given * self.sides + questions.sides
        if not len(self.keys):
            return np.full(len(keys), -1, np.int64)
        rows, order = np.empty(len(keys), np.int64), np.argsort(keys)  # sorted, they are found faster
        rows[order] = np.minimum(np.searchsorted(self.keys, keys[order]), len(self.keys) - 1)
        return np.where(self.keys[rows] == keys, rows, -1)

    def lists(self, questions: Questions) -> tuple[Ints, Ints]:
        """Give the known answers of some questions, one after another, and the question of each."""
        rows = self.rows(questions)
        starts = self.starts[rows]
        asked, places = runs(starts, np.where(rows >= 0, self.starts[rows + 1], starts))
        return self.entities[places], asked


def answers_each(
    triples: Triples, relations: int
) -> tuple[Float64[np.ndarray, " relations"], Float64[np.ndarray, " relations"]]:
    """Give for each relation the mean number of tails a head has, and of heads a tail has."""

    def different(entities: Ints) -> Ints:
        size = int(entities.max(initial=0)) + 1
        return np.bincount(np.unique(triples.relations * size + entities) // size, minlength=relations)

    count = np.bincount(triples.relations, minlength=relations)
    return count / np.maximum(different(triples.heads), 1), count / np.maximum(different(triples.tails), 1)
