"""Rank the right answer of each question among all entities, in constant memory.

Scores are made entities by questions, the faster way round, a tile of entities at a time, and counted
where they lie: no mask, no sort. Filtered: other known answers are taken out of the count.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from loregraft.kge import kernels
from loregraft.kge.asking import Asked, grouped
from loregraft.kge.measures import pairs
from loregraft.kge.questions import Answers, Ints, Questions
from loregraft.kge.scorers.scorer import Measure, Scorer
from loregraft.kge.tables import Tables

QUESTIONS_AT_ONCE = 512
TILE_ENTITIES = 16_384
RECHECKED_AT_ONCE = 65_536
ROUNDING = 4e-6
"""Share of the size of a sum of some hundred products by which float32 may be wrong."""


@dataclass(frozen=True)
class Ranks:
    """How many entities score above the right answer of each question, and how many alike.

    Attributes:
        alike: Entities with the same score, the right answer not counted.
        candidates: Entities in the ranking, the right answer counted.
    """

    above: Ints
    alike: Ints
    candidates: Ints

    @property
    def realistic(self) -> Float64[np.ndarray, " questions"]:
        """Ranks from 1; among equal scores the mean."""
        return 1 + self.above + self.alike / 2

    @property
    def optimistic(self) -> Float64[np.ndarray, " questions"]:
        """Ranks from 1; the best among equal scores."""
        return 1.0 + self.above

    @property
    def pessimistic(self) -> Float64[np.ndarray, " questions"]:
        """Ranks from 1; the worst among equal scores."""
        return 1.0 + self.above + self.alike


def rank(tables: Tables, questions: Questions, known: Answers | None) -> Ranks:
    """Rank the answers of questions among all entities.

    Args:
        known: Answers that are taken out of the ranking, the right one apart; None: raw ranks.
    """
    tables = tables.final()
    values = tables.entities.values
    above, alike, removed = (np.zeros(len(questions), np.int64) for _ in range(3))
    order = np.argsort(questions.sides, kind="stable")
    for start in range(0, len(questions), QUESTIONS_AT_ONCE):
        rows = order[start : start + QUESTIONS_AT_ONCE]
        part, groups = grouped(tables, questions.take(rows))  # sorted by side, they keep their order
        for group in groups:
            own = part.take(np.arange(group.rows.start, group.rows.stop))
            met, left_out = rows[group.rows], left_out_of(own, known)
            ends = (values[torch.from_numpy(column)] for column in (own.given, own.answers))
            contest = Contest.of(tables.scorer, Asked.of(tables, group), *ends)
            for first in range(0, len(values), TILE_ENTITIES):
                contest.meet(values[first : first + TILE_ENTITIES], first, left_out)
            above[met], alike[met] = contest.above, contest.alike
            removed[met] = np.bincount(left_out[1], minlength=len(own)) - 1
    return Ranks(above, alike, len(values) - removed)


def left_out_of(questions: Questions, known: Answers | None) -> tuple[Ints, Ints]:
    """Give the entities that do not compete, the right answer too, and the question of each."""
    own = np.arange(len(questions))
    if known is None:
        return questions.answers, own
    entities, asked = known.lists(questions)
    others = entities != questions.answers[asked]
    return np.r_[questions.answers, entities[others]], np.r_[own, asked[others]]


@dataclass(frozen=True)
class Contest:
    """Questions of a group, the scores of their right answers, and how many entities were above and alike.

    A matrix product rounds otherwise than the scorer's formula. Scores that are so near that this could
    matter are made again as the right answer's is, one by one.
    """

    scorer: Scorer
    asked: Asked
    queries: Tensor
    true: Tensor
    above: Ints
    alike: Ints

    @classmethod
    def of(cls, scorer: Scorer, asked: Asked, given: Tensor, answers: Tensor) -> "Contest":
        """Ask, with the vectors of the known entities and of the right answers."""
        queries = asked.query(scorer, given)
        if scorer.candidate is not None:
            answers = scorer.candidate(answers, asked.relation)
        above, alike = np.zeros((2, len(given)), np.int64)
        return cls(scorer, asked, queries, pairs(scorer.measure, queries, answers), above, alike)

    def meet(self, tile: Tensor, first: int, left_out: tuple[Ints, Ints]) -> None:
        """Count a tile of entities, whose rows begin at `first`."""
        measure = self.scorer.measure
        if self.scorer.candidate is not None:
            tile = self.scorer.candidate(tile, self.asked.relation)
        scores, low, high = comparable(measure, tile, self.queries, self.true)
        kernels.leave_out(scores, first, *left_out)
        over, rows, columns = kernels.count(scores, low, high)
        self.above[:] += over
        for start in range(0, len(rows), RECHECKED_AT_ONCE):
            row, column = rows[start : start + RECHECKED_AT_ONCE], columns[start : start + RECHECKED_AT_ONCE]
            again, true = pairs(measure, self.queries[column], tile[row]), self.true[column]
            for counts, won in ((self.above, again > true), (self.alike, again == true)):
                counts += np.bincount(column[won].numpy(), minlength=len(counts))


def all_scores(tables: Tables, known: int, side: int) -> Float[np.ndarray, " entities"]:
    """Give the score of every entity as the answer of one question."""
    one = np.array([0], np.int64)
    question = Questions(one + known, one + side, one, np.ones(1, np.float32))
    _, (group,) = grouped(tables, question)
    asked, scorer, values = Asked.of(tables, group), tables.scorer, tables.entities.values
    query = asked.query(scorer, values[known : known + 1])
    scores = []
    for first in range(0, len(values), TILE_ENTITIES):
        tile = values[first : first + TILE_ENTITIES]
        tile = tile if scorer.candidate is None else scorer.candidate(tile, asked.relation)
        scores.append(pairs(scorer.measure, query.expand(len(tile), -1), tile))
    return torch.cat(scores).numpy()


def comparable(
    measure: Measure, tile: Tensor, queries: Tensor, true: Tensor
) -> tuple[Float[Tensor, "entities questions"], Float[Tensor, " questions"], Float[Tensor, " questions"]]:
    """Give numbers in the order of the scores, entities by questions, and the range of near ties.

    For lengths this is 2 e.q - e.e, which is q.q less the squared length.
    """
    if measure in ("l1", "modulus"):
        room = ROUNDING * (1 - true)
        return _sums(measure, tile, queries), true - room, true + room
    squares = (queries * queries).sum(1)
    largest = (tile * tile).sum(1).amax()
    if measure == "dot":
        room = ROUNDING * (squares * largest).sqrt()
        return tile @ queries.T, true - room, true + room
    scores = torch.addmm(-(tile * tile).sum(1, keepdim=True), tile, queries.T, alpha=2)
    middle, room = squares - true * true, 4 * ROUNDING * (squares + largest)
    return scores, middle - room, middle + room


def _sums(measure: Measure, tile: Tensor, queries: Tensor) -> Tensor:
    return kernels.l1(tile, queries) if measure == "l1" else kernels.modulus(tile, queries)
