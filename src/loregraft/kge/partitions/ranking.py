"""Rank right answers among entities of which only some are in memory: the same ranks as `ranking.py` gives.

Partition after partition is read once, and meets all questions. These are few, as those of a validation.
"""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from loregraft.kge import kernels
from loregraft.kge.asking import Asked, grouped
from loregraft.kge.measures import pairs
from loregraft.kge.partitions.files import Buffer
from loregraft.kge.questions import Answers, Ints, Questions
from loregraft.kge.ranking import QUESTIONS_AT_ONCE, RECHECKED_AT_ONCE, Ranks, comparable
from loregraft.kge.scorers.scorer import Scorer


@dataclass(frozen=True)
class _Contest:
    """Questions of a group with the scores of their right answers, and the counts so far."""

    rows: Ints
    asked: Asked
    queries: Tensor
    true: Tensor
    left_out: tuple[Ints, Ints]
    above: Ints
    alike: Ints


def rank_in_partitions(buffer: Buffer, questions: Questions, known: Answers | None) -> Ranks:
    """Rank the answers of questions among all entities; see `ranking.rank`."""
    contests, layout = _contests(buffer, questions, known), buffer.files.layout
    for partition in range(len(layout.sizes)):
        for first, tile in buffer.tiles(partition):
            for one in contests:
                entities, asked = one.left_out
                own = layout.partition[entities] == partition
                _count(buffer.tables.scorer, one, tile, first, (layout.row[entities[own]], asked[own]))
    above, alike, removed = (np.zeros(len(questions), np.int64) for _ in range(3))
    for one in contests:
        above[one.rows], alike[one.rows] = one.above, one.alike
        removed[one.rows] = np.bincount(one.left_out[1], minlength=len(one.rows)) - 1
    return Ranks(above, alike, len(layout.row) - removed)


def _contests(buffer: Buffer, questions: Questions, known: Answers | None) -> list[_Contest]:
    found, tables, order = [], buffer.tables, np.argsort(questions.sides, kind="stable")
    for start in range(0, len(questions), QUESTIONS_AT_ONCE):
        rows = order[start : start + QUESTIONS_AT_ONCE]
        part, groups = grouped(tables, questions.take(rows))  # sorted by side, they keep their order
        given, answers = buffer.values(part.given), buffer.values(part.answers)
        for group in groups:
            asked, own = Asked.of(tables, group), part.take(np.arange(group.rows.start, group.rows.stop))
            queries, right = asked.query(tables.scorer, given[group.rows]), answers[group.rows]
            if tables.scorer.candidate is not None:
                right = tables.scorer.candidate(right, asked.relation)
            counts = np.zeros((2, len(own)), np.int64)
            true, left_out = pairs(tables.scorer.measure, queries, right), _left_out(own, known)
            found.append(_Contest(rows[group.rows], asked, queries, true, left_out, counts[0], counts[1]))
    return found


def _left_out(questions: Questions, known: Answers | None) -> tuple[Ints, Ints]:
    """Give the entities that do not compete, the right answer too, and the question of each."""
    own = np.arange(len(questions))
    if known is None:
        return questions.answers, own
    entities, asked = known.lists(questions)
    others = entities != questions.answers[asked]
    return np.r_[questions.answers, entities[others]], np.r_[own, asked[others]]


def _count(scorer: Scorer, one: _Contest, tile: Tensor, first: int, left_out: tuple[Ints, Ints]) -> None:
    """Count what scores above the right answer in a tile, and alike; near ties are scored one by one."""
    if scorer.candidate is not None:
        tile = scorer.candidate(tile, one.asked.relation)
    scores, low, high = comparable(scorer.measure, tile, one.queries, one.true)
    kernels.leave_out(scores, first, *left_out)
    over, rows, columns = kernels.count(scores, low, high)
    one.above[:] += over
    for start in range(0, len(rows), RECHECKED_AT_ONCE):
        row, column = rows[start : start + RECHECKED_AT_ONCE], columns[start : start + RECHECKED_AT_ONCE]
        again = pairs(scorer.measure, one.queries[column], tile[row])
        for counts, won in ((one.above, again > one.true[column]), (one.alike, again == one.true[column])):
            counts += np.bincount(column[won].numpy(), minlength=len(counts))
