"""From raw odds to probabilities, and to the threshold that a precision asks for."""

import json

import numpy as np
import pytest

from loregraft.linking.scoring.calibrate import Calibration, calibrate, error


def drawn(seed, count):
    """Mentions whose raw probability is far too sure: the truth is its cube root of odds."""
    generator = np.random.default_rng(seed)
    truth = generator.beta(2, 1, count)
    odds = 3 * np.log(truth / (1 - truth))
    return 1 / (1 + np.exp(-odds)), generator.random(count) < truth, np.arange(count)


@pytest.mark.parametrize("count", [1_500, 6_000])  # a logistic curve, and isotonic regression
def test_probabilities_hold_on_fresh_mentions(count):
    raw, right, groups = drawn(0, count)
    found = calibrate(raw, right, groups)
    fresh, truth, _ = drawn(1, 20_000)
    assert error(fresh, truth) > 0.08
    assert error(found.probabilities(fresh), truth) <= 0.03
    assert found.ece <= 0.03
    assert (np.diff(found.calibrated) >= 0).all()


@pytest.mark.parametrize("target", [0.8, 0.9, 0.95])
def test_a_precision_that_is_asked_for_holds_on_fresh_mentions_within_two_points(target):
    for seed in (2, 3, 4):
        raw, right, groups = drawn(seed, 6_000)
        found = calibrate(raw, right, groups, seed)
        fresh, truth, _ = drawn(seed + 10, 20_000)
        linked = found.probabilities(fresh) >= found.threshold_for(target)
        assert abs(truth[linked].mean() - target) <= 0.02


def test_what_is_written_is_read_again():
    found = calibrate(*drawn(0, 500))
    assert Calibration.of_dict(json.loads(json.dumps(found.as_dict()))) == found


def test_all_right_all_wrong_and_nothing():
    raw, groups = np.linspace(0, 1, 50), np.arange(50)
    sure = calibrate(raw, np.ones(50, bool), groups)
    assert sure.probabilities(raw).min() > 0.9
    wrong = calibrate(raw, np.zeros(50, bool), groups)
    assert wrong.probabilities(raw).max() < 0.1
    assert wrong.threshold_for(0.9) == 1.0
    with pytest.raises(ValueError, match="no mention"):
        calibrate(raw[:0], np.zeros(0, bool), groups[:0])


def test_mentions_of_a_group_are_held_out_together():
    raw = np.repeat([0.2, 0.8], 50)
    right = np.repeat([True, False], 50)
    one_group = calibrate(raw, right, np.zeros(100, int))
    assert one_group.mentions == 100
