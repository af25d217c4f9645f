"""The baseline that needs no vectors: the right answer is what answers this relation most often in train."""

import numpy as np

from loregraft.kge.parts import Parts
from loregraft.kge.questions import Answers, Questions
from loregraft.kge.ranking import Ranks


def rank_by_popularity(parts: Parts, questions: Questions, known: Answers | None) -> Ranks:
    """Rank entities by how many triples of train they answer, for the relation and side of each question.

    Args:
        known: Answers that are taken out of the ranking, the right one apart; None: raw ranks.
    """
    trained = Questions.of(parts.train, parts.relations)
    above, alike, removed = (np.zeros(len(questions), np.int64) for _ in range(3))
    for side in np.unique(questions.sides):
        rows = np.flatnonzero(questions.sides == side)
        counts = np.bincount(trained.answers[trained.sides == side], minlength=parts.entities)
        ordered, own = np.sort(counts), counts[questions.answers[rows]]
        above[rows] = parts.entities - np.searchsorted(ordered, own, "right")
        alike[rows] = np.searchsorted(ordered, own, "right") - np.searchsorted(ordered, own, "left") - 1
        if known is None:
            continue
        entities, asked = known.lists(questions.take(rows))
        others = entities != questions.answers[rows][asked]
        entities, asked = entities[others], asked[others]
        above[rows] -= np.bincount(asked[counts[entities] > own[asked]], minlength=len(rows))
        alike[rows] -= np.bincount(asked[counts[entities] == own[asked]], minlength=len(rows))
        removed[rows] = np.bincount(asked, minlength=len(rows))
    return Ranks(above, alike, parts.entities - removed)
