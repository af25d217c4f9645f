"""Metrics: worked examples, ties, and equality with scipy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from loregraft.metrics import hits_at, ranks_from_scores, reciprocal, spearman

FEW = st.lists(st.integers(0, 5), min_size=2, max_size=30)


def test_ties_take_the_mean_rank():
    """Scores 3 1 3 2: the two threes share ranks 1 and 2, so 1.5 each; then 2 is third and 1 fourth."""
    scores = np.tile([3.0, 1.0, 3.0, 2.0], (4, 1))
    assert ranks_from_scores(scores, np.arange(4)).tolist() == [1.5, 4.0, 1.5, 3.0]


def test_all_equal_scores_rank_in_the_middle():
    assert ranks_from_scores(np.zeros((1, 9)), np.array([4])).tolist() == [5.0]


def test_a_score_that_is_no_number_has_no_rank():
    """NaN is neither above nor below: counted, it would have been rank 0.5, better than the first."""
    with pytest.raises(ValueError, match="1 of 3 scores are NaN"):
        ranks_from_scores(np.array([[np.nan, 1.0, 2.0]]), np.array([0]))


@settings(max_examples=50, deadline=None)
@given(FEW)
def test_ranks_of_all_candidates_sum_as_without_ties(values):
    scores = np.tile(np.array(values, float), (len(values), 1))
    ranks = ranks_from_scores(scores, np.arange(len(values)))
    assert ranks.sum() == len(values) * (len(values) + 1) / 2
    order = sorted(values, reverse=True)
    for value, rank in zip(values, ranks, strict=True):
        first = order.index(value) + 1
        assert rank == first + (order.count(value) - 1) / 2


def test_hits_and_reciprocal():
    ranks = np.array([1.0, 1.5, 2.0, 5.0, 6.0])
    assert hits_at(ranks, 1).tolist() == [1, 0, 0, 0, 0]
    assert hits_at(ranks, 5).mean() == 0.8
    assert reciprocal(ranks).tolist() == [1, 1 / 1.5, 0.5, 0.2, 1 / 6]
    assert hits_at(np.ones((2, 3, 4)), 1).shape == (2, 3, 4)


def test_spearman_worked_example():
    """Ranks 1 2 3 4 against 1 2 4 3: 1 - 6 * (0 + 0 + 1 + 1) / (4 * 15) = 0.8."""
    assert spearman(np.array([10.0, 20.0, 30.0, 40.0]), np.array([0.1, 0.2, 0.9, 0.8])) == pytest.approx(0.8)


def test_spearman_of_what_does_not_vary_is_zero():
    assert spearman(np.ones(5), np.arange(5.0)) == 0.0
    assert spearman(np.arange(5.0), np.ones(5)) == 0.0


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=3, max_size=40))
def test_spearman_is_that_of_scipy(pairs):
    first, second = (np.array(column, float) for column in zip(*pairs, strict=True))
    if np.ptp(first) and np.ptp(second):
        assert spearman(first, second) == pytest.approx(spearmanr(first, second).statistic, abs=1e-12)
