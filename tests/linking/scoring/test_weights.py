"""A linear model over named features."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.linking.scoring.weights import Weights, fit_weights, shares

NAMES = ("good", "noise", "still")


def drawn(seed=0, mentions=300):
    """Mentions of three candidates; the right one has more of the first feature, a fifth have none right."""
    generator = np.random.default_rng(seed)
    matrix = generator.normal(size=(3 * mentions, 3)).astype(np.float32)
    matrix[:, 2] = 1
    right = np.zeros(3 * mentions, bool)
    right[3 * np.arange(mentions) + generator.integers(0, 3, mentions)] = True
    right &= np.repeat(generator.random(mentions) > 0.2, 3)
    matrix[right, 0] += 3
    return matrix, right, 3 * np.arange(mentions + 1)


def test_learning_finds_the_feature_that_tells_and_when_none_is_right():
    matrix, right, starts = drawn()
    first = Weights.of(NAMES, {"still": 0.7}, 0.0)
    learned = fit_weights(matrix, right, starts, first)
    assert learned.named["good"] > 1 > abs(learned.named["noise"])
    assert learned.named["still"] == 0.7  # it is the same for all candidates and says nothing
    p = shares(learned.scores(matrix), starts, learned.nil)
    fresh, truth, places = drawn(seed=1)
    p = shares(learned.scores(fresh), places, learned.nil)
    none = 1 - np.add.reduceat(p, places[:-1])
    no_right = ~np.logical_or.reduceat(truth, places[:-1])
    assert none[no_right].mean() > 0.6 > 0.2 > none[~no_right].mean()


def test_fixed_features_stay_and_nothing_to_learn_from_changes_nothing():
    matrix, right, starts = drawn()
    first = Weights.of(NAMES, {"good": 0.1}, 0.0)
    assert fit_weights(matrix, right, starts, first, fixed=["good"]).named["good"] == 0.1
    assert fit_weights(matrix[:0], right[:0], np.zeros(1, int), first) is first


def test_what_differs_by_rounding_alone_teaches_nothing():
    random = np.random.default_rng(0)
    right = np.tile([True, False], 50)
    matrix = np.stack([1 - 1e-7 * right, right + random.normal(0, 0.5, 100)], axis=1)
    first = Weights.of(("letters", "good"), {"letters": 2.0}, 0.0)
    learned = fit_weights(matrix, right, np.arange(0, 101, 2), first)
    assert learned.named["letters"] == 2.0 and learned.named["good"] > 0.5


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-50, 50, width=32), min_size=3, max_size=3), st.floats(-20, 20))
def test_contributions_add_up_to_the_score(row, nil):
    weights = Weights.of(NAMES, {"good": 1.7, "noise": -0.3, "still": 11.0}, nil)
    matrix = np.array([row], np.float32)
    assert abs(sum(weights.contributions(matrix[0]).values()) - weights.scores(matrix)[0]) < 1e-5


def test_shares_of_a_mention_and_none_are_one_and_a_mention_may_have_no_candidate():
    p = shares(np.array([700.0, 700.0, -5.0]), np.array([0, 2, 2, 3]), -5.0)
    np.testing.assert_allclose(p, [0.5, 0.5, 0.5])
