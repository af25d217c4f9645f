"""Calibration: by hand, on data whose truth is known, precision on fresh draws, and what says nothing."""

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.linking.scoring.calibrate import (
    ISOTONIC_FROM,
    LEAST_KEPT,
    MOST_POINTS,
    Calibration,
    Point,
    calibrate,
    expected_calibration_error,
    log_odds,
)

NONE = np.zeros(0), np.zeros(0, bool)


def logistic(scores):
    return 1 / (1 + np.exp(-(1.5 * scores + 1.5)))


def bent(scores):
    """No logistic curve: it rises in steps and never comes to 1."""
    return 0.3 + 0.3 * (scores > -0.5) + 0.37 * np.clip(scores, 0, 1)


def drawn(truth, count, seed):
    generator = np.random.default_rng(seed)
    scores = generator.normal(size=count)
    return scores, generator.random(count) < truth(scores)


def test_two_scores_are_their_shares():
    """40 examples: score 1 is right in 18 of 20, score 0 in 6 of 20; Platt's targets pull a little."""
    scores = np.repeat([1.0, 0.0], 20)
    right = np.r_[np.arange(20) < 18, np.arange(20) < 6]
    found = calibrate(scores, right, answerable=30)
    assert found.method == "platt"
    low, high = found.probabilities(np.array([0.0, 1.0]))
    assert (low, high) == pytest.approx((0.3, 0.9), abs=0.04)
    all_kept, some = found.table
    assert (all_kept.kept, all_kept.precision, all_kept.recall, all_kept.coverage) == (40, 0.6, 0.8, 1.0)
    assert (some.kept, some.precision, some.recall, some.coverage) == (20, 0.9, 0.6, 0.5)
    assert some.expected == pytest.approx(high)
    assert all_kept.expected == pytest.approx((low + high) / 2)
    assert all_kept.threshold < low < some.threshold == pytest.approx((low + high) / 2)
    assert found.point_for(0.55) == (all_kept, "")
    assert found.point_for(0.85) == (some, "")
    point, warning = found.point_for(0.95)
    assert point == some
    assert warning.startswith(
        "No threshold reaches a precision of 95.0% on 40 held-out mentions. The highest, "
    )
    assert warning.endswith(f"reaches {some.estimate():.1%} with 20 links kept.")
    assert found.threshold_for(0.95) == some.threshold


def test_what_is_sure_with_confidence():
    """Wilson's bound for 90 right of 100, z = 1.6449: (0.91353 - 0.05117) / 1.02706 = 0.8396."""
    point = Point(0.5, 100, 0.9, 0.8, 0.9, 1.0)
    assert point.estimate() == pytest.approx(0.85)
    assert point.estimate(0.95) == pytest.approx(0.8396, abs=1e-4)
    assert Point(0.5, 10_000, 0.9, 0.8, 0.9, 1.0).estimate(0.95) == pytest.approx(0.895, abs=1e-3)
    assert Point(0.5, 20, 1.0, 1.0, 1.0, 1.0).estimate(0.95) < 0.9, "20 of 20 are not yet 90 %"


def test_isotonic_by_hand():
    """2,000 each of score 0 with half right, 1 with 40 % and 2 with 90 %: the first two are one step."""
    scores = np.repeat([0.0, 1.0, 2.0], 2_000)
    right = np.concatenate([np.arange(2_000) < count for count in (1_000, 800, 1_800)])
    found = calibrate(scores, right)
    assert found.method == "isotonic"
    assert found.knots == pytest.approx((0.5, 2.0))
    assert found.values == pytest.approx((0.45, 0.9))
    assert found.probabilities(np.array([-9.0, 0.0, 1.25, 2.0, 9.0])) == pytest.approx(
        [0.45, 0.45, 0.675, 0.9, 0.9]
    )


def test_nothing_is_sure():
    scores = np.arange(ISOTONIC_FROM * 1.0)
    found = calibrate(scores, scores >= ISOTONIC_FROM / 2)
    assert found.method == "isotonic"
    assert 0 < found.probabilities(scores).min() < 0.001
    assert 0.999 < found.probabilities(scores).max() < 1


@pytest.mark.parametrize("truth", [logistic, bent])
@pytest.mark.parametrize("seed", range(3))
def test_probabilities_are_right_on_fresh_data(truth, seed):
    scores, right = drawn(truth, 4_000, seed)
    found = calibrate(scores, right)
    fresh, fresh_right = drawn(truth, 20_000, seed + 100)
    assert found.method == "isotonic"
    assert expected_calibration_error(found.probabilities(fresh), fresh_right) <= 0.03
    assert found.ece <= 0.04
    assert np.abs(found.probabilities(fresh) - truth(fresh)).mean() <= 0.03


@pytest.mark.parametrize("seed", range(5))
def test_few_examples_are_enough_for_a_logistic_curve(seed):
    scores, right = drawn(logistic, 800, seed)
    found = calibrate(scores, right)
    fresh, fresh_right = drawn(logistic, 20_000, seed + 100)
    assert found.method == "platt"
    assert found.knots == pytest.approx((1.5, 1.5), abs=0.45)
    assert expected_calibration_error(found.probabilities(fresh), fresh_right) <= 0.03


@pytest.mark.parametrize("target", [0.9, 0.95])
@pytest.mark.parametrize("truth", [logistic, bent])
def test_the_wanted_precision_holds_on_fresh_data(truth, target):
    """3,000 held-out mentions: within 2 points for at least 11 of 12 draws, within one in the mean.

    Of 1,000 links kept the share of right ones swings by 0.7 points around the truth, whatever is done.
    """
    apart = []
    for seed in range(12):
        found = calibrate(*drawn(truth, 3_000, seed))
        point, warning = found.point_for(target)
        fresh, right = drawn(truth, 50_000, seed + 1_000)
        kept = found.probabilities(fresh) >= point.threshold
        assert not warning
        assert kept.mean() == pytest.approx(point.coverage, abs=0.05)
        apart.append(right[kept].mean() - target)
    assert (np.abs(apart) <= 0.02).sum() >= 11
    assert np.abs(apart).mean() <= 0.01
    assert abs(np.mean(apart)) <= 0.006


def test_with_confidence_the_precision_is_rarely_missed():
    missed = 0
    for seed in range(40):
        found = calibrate(*drawn(logistic, 3_000, seed))
        threshold = found.threshold_for(0.9, confidence=0.95)
        assert threshold > found.threshold_for(0.9)
        fresh, right = drawn(logistic, 20_000, seed + 1_000)
        missed += right[found.probabilities(fresh) >= threshold].mean() < 0.9 - 0.002
    assert missed <= 6


def test_a_few_lucky_links_reach_nothing():
    """Half of all are right at every score, and by luck the highest ten: no precision of 95 %."""
    generator = np.random.default_rng(0)
    scores, right = np.arange(500.0), generator.random(500) < 0.5
    right[-10:] = True
    point, warning = calibrate(scores, right).point_for(0.95)
    assert "No threshold reaches a precision of 95.0%" in warning
    assert point.kept == LEAST_KEPT


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.sampled_from([1, 2, 5, 30, 500, 2_500]))
def test_it_never_falls_and_is_kept_to_the_last_bit(seed, count):
    generator = np.random.default_rng(seed)
    scores = generator.normal(0, 10 ** generator.uniform(-3, 3), count).round(int(generator.integers(0, 4)))
    right = generator.random(count) < generator.random()
    found = calibrate(scores, right)
    asked = np.sort(np.r_[scores, generator.normal(0, 100, 50), -1e300, 1e300])
    probabilities = found.probabilities(asked)
    assert (np.diff(probabilities) >= 0).all()
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    again = Calibration.of_dict(json.loads(json.dumps(found.as_dict())))
    assert again == found
    assert (again.probabilities(asked) == probabilities).all()
    for lower, higher in pairwise(found.table):
        assert lower.threshold < higher.threshold
        assert lower.kept > higher.kept
        assert lower.recall >= higher.recall
    own = found.probabilities(scores)
    for point in found.table[:: max(1, len(found.table) // 5)]:
        kept = own >= point.threshold
        assert (kept.sum(), right[kept].mean()) == (point.kept, pytest.approx(point.precision))
    assert found.table[0].coverage == 1


def test_a_table_of_many_scores_is_cut_evenly():
    found = calibrate(*drawn(logistic, 9_000, 0))
    assert len(found.table) <= MOST_POINTS
    assert found.table[0].kept == 9_000
    assert max(lower.kept - higher.kept for lower, higher in pairwise(found.table)) < 700


@pytest.mark.parametrize(("right", "expected"), [(True, 51 / 52), (False, 1 / 52)])
def test_all_right_and_all_wrong(right, expected):
    found = calibrate(np.arange(50.0), np.full(50, right))
    assert (found.method, found.values) == ("constant", (pytest.approx(expected),))
    assert found.probabilities(np.array([-1e9, 3.0])).tolist() == [expected, expected]
    point, warning = found.point_for(0.9)
    assert (point.kept, point.precision, point.coverage) == (50, float(right), 1)
    assert bool(warning) is not right
    assert point.threshold <= expected


def test_one_score_and_one_example_and_none():
    same = calibrate(np.full(98, 0.7), np.arange(98) < 74)
    assert (same.method, same.values) == ("constant", (0.75,))
    one = calibrate(np.array([3.0]), np.array([True]))
    assert one.probabilities(np.array([3.0])) == pytest.approx([2 / 3])
    assert one.point_for(0.5)[0].kept == 1, "fewer than LEAST_KEPT in all"
    none = calibrate(*NONE)
    assert (none.method, none.values, none.ece, none.table) == ("constant", (0.5,), 0.0, ())
    point, warning = none.point_for(0.9)
    assert (point.threshold, point.kept) == (1.0, 0)
    assert warning == "The linker was fitted on no mention, so that no precision can be promised."


def test_scores_that_mislead_are_not_followed():
    """The higher, the more often wrong."""
    scores = np.arange(100.0)
    assert calibrate(scores, scores < 50).method == "constant"
    many = np.arange(ISOTONIC_FROM * 1.0)
    assert calibrate(many, many < 1_000).method == "constant"


def test_no_answer_in_the_graph_is_no_recall():
    found = calibrate(np.arange(30.0), np.zeros(30, bool), answerable=0)
    assert found.table[0].recall == 0


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_score_that_is_no_number(wrong):
    with pytest.raises(ValueError, match="1 of 2 scores are not finite"):
        calibrate(np.array([1.0, wrong]), np.array([True, False]))


def test_a_dict_that_is_no_calibration():
    fields = calibrate(*NONE).as_dict()
    with pytest.raises(TypeError):
        Calibration.of_dict({name: value for name, value in fields.items() if name != "knots"})
    with pytest.raises(TypeError):
        Calibration.of_dict(fields | {"more": 1})


def test_log_odds():
    assert log_odds(np.array([0.5, 0.9])) == pytest.approx([0, np.log(9)])
    assert np.isfinite(log_odds(np.array([0.0, 1.0], np.float32))).all()


def test_calibration_error_by_hand():
    """Two bins of two: 0.2 and 0.4 with one right, 0.8 and 0.9 with both right: (0.4 + 0.3) / 4."""
    probabilities, right = np.array([0.9, 0.2, 0.8, 0.4]), np.array([True, False, True, True])
    assert expected_calibration_error(probabilities, right, bins=2) == pytest.approx((0.4 + 0.3) / 4)
    assert expected_calibration_error(*NONE) == 0
    # Equal probabilities share a bin, so that their order does not matter.
    same, half = np.full(100, 0.5), np.arange(100) < 50
    assert expected_calibration_error(same, half) == pytest.approx(0)
    assert expected_calibration_error(np.ones(10), np.zeros(10, bool)) == pytest.approx(1)
