"""Rank right answers among entities of which only some are in memory: the same ranks as `ranking.py` gives.

Partition after partition is read once, and meets all questions. These are few, as those of a validation.
"""

from dataclasses import dataclass

import numpy as np

from loregraft.kge.asking import Asked, grouped
from loregraft.kge.partitions.files import Buffer
from loregraft.kge.questions import Answers, Ints, Questions
from loregraft.kge.ranking import QUESTIONS_AT_ONCE, Contest, Ranks, left_out_of


@dataclass(frozen=True)
class _Entry:
    """A contest, the rows of its questions, and what does not compete."""

    contest: Contest
    rows: Ints
    left_out: tuple[Ints, Ints]


def rank_in_partitions(buffer: Buffer, questions: Questions, known: Answers | None) -> Ranks:
    """Rank the answers of questions among all entities; see `ranking.rank`."""
    entries, layout = _entries(buffer, questions, known), buffer.files.layout
    for partition in range(len(layout.sizes)):
        for first, tile in buffer.tiles(partition):
            for one in entries:
                entities, asked = one.left_out
                own = layout.partition[entities] == partition
                one.contest.meet(tile, first, (layout.row[entities[own]], asked[own]))
    above, alike, removed = (np.zeros(len(questions), np.int64) for _ in range(3))
    for one in entries:
        above[one.rows], alike[one.rows] = one.contest.above, one.contest.alike
        removed[one.rows] = np.bincount(one.left_out[1], minlength=len(one.rows)) - 1
    return Ranks(above, alike, len(layout.row) - removed)


def _entries(buffer: Buffer, questions: Questions, known: Answers | None) -> list[_Entry]:
    found, tables, order = [], buffer.tables, np.argsort(questions.sides, kind="stable")
    for start in range(0, len(questions), QUESTIONS_AT_ONCE):
        rows = order[start : start + QUESTIONS_AT_ONCE]
        part, groups = grouped(tables, questions.take(rows))  # sorted by side, they keep their order
        given, answers = buffer.values(part.given), buffer.values(part.answers)
        for group in groups:
            own = part.take(np.arange(group.rows.start, group.rows.stop))
            ends = given[group.rows], answers[group.rows]
            contest = Contest.of(tables.scorer, Asked.of(tables, group), *ends)
            found.append(_Entry(contest, rows[group.rows], left_out_of(own, known)))
    return found
