"""False triples: true ones with another head or tail, for judging what vectors hold for true.

`classify.py` sets thresholds and `calibration.py` fits probabilities on the same false triples.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool

from loregraft.kge.parts import Parts
from loregraft.kge.questions import Ints, Questions, Triples

Part = Literal["valid", "test"]
DRAWS = 20
"""Entities drawn for a triple before all that are left are looked up."""


@dataclass(frozen=True)
class Pairs:
    """True triples, and in the same row of each a false one.

    Attributes:
        left_out: True triples that no other entity makes false.
    """

    true: Triples
    false: Triples
    left_out: int

    @property
    def triples(self) -> Triples:
        """All triples, the true ones first."""
        both = zip(vars(self.true).values(), vars(self.false).values(), strict=True)
        return Triples(*(np.concatenate(columns) for columns in both))

    @property
    def labels(self) -> Bool[np.ndarray, " triples"]:
        """Tell which of `triples` are true."""
        return np.arange(2 * len(self.true)) < len(self.true)


def false_triples(parts: Parts, part: Part, seed: int = 0) -> Pairs:
    """Draw a false triple for each true one of a part.

    Head or tail, by the toss of a coin, becomes another of the entities that any part has in that place of
    the relation, all alike likely. No false triple is a known fact: where each of these entities makes one,
    the other end changes; then any entity will do. The same one may be drawn for several true triples.

    Reference:
        Socher et al. 2013, Reasoning With Neural Tensor Networks for Knowledge Base Completion.
    """
    triples: Triples = getattr(parts, part)
    count, generator = len(triples), np.random.default_rng((seed, part == "test"))
    questions, facts = Questions.of(triples, parts.relations), _Facts(parts)
    heads = generator.random(count) < 0.5
    found = np.full(count, -1, np.int64)
    for seen in (True, False):
        for _ in range(2):
            rows = np.flatnonzero(found < 0)
            found[rows] = facts.draw(questions.take(rows + count * heads[rows]), seen, generator)
            heads[found < 0] ^= True
    kept = found >= 0
    other_heads = np.where(heads, found, triples.heads)
    other_tails = np.where(heads, triples.tails, found)
    false = Triples(other_heads, triples.relations, other_tails, triples.weights)
    return Pairs(triples.take(np.flatnonzero(kept)), false.take(np.flatnonzero(kept)), int((~kept).sum()))


class _Facts:
    """The facts of all parts as sorted numbers, from both sides, and the entities seen in each place."""

    def __init__(self, parts: Parts) -> None:
        self._entities, self._sides = parts.entities, 2 * parts.relations
        asked = [Questions.of(part, parts.relations) for part in (parts.train, parts.valid, parts.test)]
        self._keys = np.unique(np.concatenate([self._key(one, one.answers) for one in asked]))
        places = np.unique(np.concatenate([one.sides * self._entities + one.answers for one in asked]))
        self._starts = np.searchsorted(places, np.arange(self._sides + 1) * self._entities)
        self._seen = places % self._entities

    def draw(self, questions: Questions, seen: bool, generator: np.random.Generator) -> Ints:
        """Draw a wrong answer for each question, -1 where there is none."""
        first = self._starts[questions.sides] if seen else np.zeros(len(questions), np.int64)
        last = self._starts[questions.sides + 1] if seen else first + self._entities
        pool = self._seen if seen else np.arange(self._entities)
        found = np.full(len(questions), -1, np.int64)
        for _ in range(DRAWS):
            rows = np.flatnonzero(found < 0)
            if not len(rows):
                break
            drawn = pool[generator.integers(first[rows], last[rows])]
            found[rows] = np.where(self._are_known(questions.take(rows), drawn), -1, drawn)
        rows = np.flatnonzero(found < 0)
        for row, allowed in zip(
            rows.tolist(), self._allowed(questions, rows, pool, (first, last)), strict=True
        ):
            if len(allowed):
                found[row] = generator.choice(allowed)
        return found

    def _allowed(self, questions: Questions, rows: Ints, pool: Ints, ends: tuple[Ints, Ints]) -> list[Ints]:
        """Give all wrong answers of some questions; each question is looked up once."""
        made: dict[tuple[int, int], Ints] = {}
        asked = [(int(questions.given[row]), int(questions.sides[row])) for row in rows]
        for row, key in zip(rows.tolist(), asked, strict=True):
            if key not in made:
                choice = pool[ends[0][row] : ends[1][row]]
                same = questions.take(np.full(len(choice), row))
                made[key] = choice[~self._are_known(same, choice)]
        return [made[key] for key in asked]

    def _key(self, questions: Questions, answers: Ints) -> Ints:
        return (questions.given * self._sides + questions.sides) * self._entities + answers

    def _are_known(self, questions: Questions, answers: Ints) -> Bool[np.ndarray, " questions"]:
        keys = self._key(questions, answers)
        places = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return self._keys[places] == keys
