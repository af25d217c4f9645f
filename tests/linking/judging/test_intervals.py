"""Intervals: draws are seeded and paired, and the interval holds what it should."""

import numpy as np
import pytest

from loregraft.linking.judging import intervals
from loregraft.linking.judging.intervals import (
    bootstrap,
    by_document,
    difference,
    interval_of,
    micro_f1,
    share,
)


def test_statistics_by_hand():
    totals = np.array([[4, 7, 6], [0, 0, 0], [0, 3, 0]], np.float64)
    assert micro_f1(totals).tolist() == [pytest.approx(8 / 13), 1, 0]
    assert share(np.array([[1, 4], [0, 0]], np.float64)).tolist() == [0.25, 0]
    counted = by_document(np.array([0, 2, 2]), np.array([1, 1, 0]), 3)
    assert counted.tolist() == [[1, 1], [0, 0], [1, 2]]


def test_documents_that_agree_leave_no_doubt():
    counts = np.tile([3, 4, 4], (20, 1))
    found = interval_of(bootstrap(micro_f1, counts))
    assert (found.value, found.low, found.high) == pytest.approx((0.75, 0.75, 0.75))
    assert found.as_dict() == {"value": 0.75, "low": 0.75, "high": 0.75}


def test_the_interval_is_that_of_theory():
    """The mean of n coins has the deviation sqrt(p (1 - p) / n); 1.96 of them are 95 %."""
    right = np.repeat([1, 0], [140, 60])
    counts = np.stack([right, np.ones(200, np.int64)], 1)
    found = interval_of(bootstrap(share, counts))
    half = 1.96 * np.sqrt(0.7 * 0.3 / 200)
    assert (found.low, found.high) == pytest.approx((0.7 - half, 0.7 + half), abs=0.006)


def test_draws_are_seeded_and_hang_on_no_memory(monkeypatch):
    counts = np.random.default_rng(1).integers(0, 9, (50, 2)) + np.array([0, 9])
    whole = bootstrap(share, counts, draws=100, seed=3)
    assert len(whole) == 101
    monkeypatch.setattr(intervals, "_CHUNK", 7 * 50)
    assert bootstrap(share, counts, draws=100, seed=3) == pytest.approx(whole)
    assert not np.array_equal(bootstrap(share, counts, draws=100, seed=4), whole)


def test_differences_are_paired():
    """Documents differ much, but the second system has one right more in each: no doubt is left."""
    right = np.random.default_rng(0).integers(0, 80, 40)
    first, second = (np.stack([right + more, np.full(40, 100)], 1) for more in (0, 1))
    alone = interval_of(bootstrap(share, first))
    found = difference(share, first, second)
    assert (found.value, found.low, found.high) == pytest.approx((0.01, 0.01, 0.01))
    assert alone.high - alone.low > 0.05
    same = difference(share, first, first)
    assert (same.value, same.low, same.high) == (0, 0, 0)
    assert difference(share, second, first).value == pytest.approx(-0.01)


def test_documents_that_cannot_be_drawn():
    with pytest.raises(ValueError, match="no document"):
        bootstrap(share, np.zeros((0, 2)))
    with pytest.raises(ValueError, match="counts of 1 and of 2 documents"):
        difference(share, np.ones((1, 2)), np.ones((2, 2)))
