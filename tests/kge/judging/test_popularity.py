"""The popularity baseline against a plain loop."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies

from loregraft.kge.judging.popularity import rank_by_popularity
from loregraft.kge.parts import Parts
from loregraft.kge.questions import Questions, Triples


def facts(generator, count, entities, relations):
    sizes = (entities, relations, entities)
    columns = np.unique([[generator.integers(0, size) for size in sizes] for _ in range(count)], axis=0)
    return Triples.of(*columns.reshape(-1, 3).T)


@settings(max_examples=50, deadline=None)
@given(strategies.integers(0, 2**32 - 1), strategies.booleans())
def test_ranks_are_those_of_a_plain_loop(seed, filtered):
    generator = np.random.default_rng(seed)
    train, valid, test = (facts(generator, count, 7, 2) for count in (20, 3, 5))
    parts = Parts(train, valid, test, 7, 2)
    questions, known = Questions.of(test, 2), parts.known()
    ranks = rank_by_popularity(parts, questions, known if filtered else None)
    trained = Questions.of(train, 2)
    true = set()
    for part in (train, valid, test):
        asked = Questions.of(part, 2)
        true |= set(zip(asked.given.tolist(), asked.sides.tolist(), asked.answers.tolist(), strict=True))
    for place, (given_, side, answer) in enumerate(
        zip(questions.given.tolist(), questions.sides.tolist(), questions.answers.tolist(), strict=True)
    ):
        counts = [int(((trained.sides == side) & (trained.answers == e)).sum()) for e in range(7)]
        rivals = [e for e in range(7) if e != answer and not (filtered and (given_, side, e) in true)]
        assert ranks.above[place] == sum(counts[e] > counts[answer] for e in rivals)
        assert ranks.alike[place] == sum(counts[e] == counts[answer] for e in rivals)
        assert ranks.candidates[place] == len(rivals) + 1


def test_the_most_frequent_answer_is_first():
    train = Triples.of(*np.array([[0, 0, 4], [1, 0, 4], [2, 0, 3]]).T)
    test = Triples.of(*np.array([[3, 0, 4], [3, 0, 3]]).T)
    parts = Parts(train, train.take(np.zeros(0, np.int64)), test, 5, 1)
    tails = Questions.of(test, 1).take(np.array([0, 1]))
    assert rank_by_popularity(parts, tails, None).realistic.tolist() == [1, 2]
    assert rank_by_popularity(parts, tails, parts.known()).realistic.tolist() == [1, pytest.approx(1)]
