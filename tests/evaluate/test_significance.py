"""Intervals: right by hand, the same as a naive loop, and as often wrong as they say."""

import numpy as np
import pytest

from loregraft.evaluate.significance import Interval, interval, resample, verdict


def difference(scores, clusters, seed=0, resamples=300):
    """Compare arm 1 with arm 0."""
    samples = resample(scores, clusters, seed, resamples)
    value = scores[1].mean() - scores[0].mean()
    return interval(value, samples[:, 1] - samples[:, 0])


def test_two_items_worked_example():
    """Items 0 and 1, drawn twice: the mean is 0, 1/2 or 1 with chances 1/4, 1/2 and 1/4."""
    samples = resample(np.array([[[0.0, 1.0]]]), np.array([0, 1]), 0, 4000)[:, 0]
    shares = [np.mean(samples == value) for value in (0, 0.5, 1)]
    assert sum(shares) == pytest.approx(1)
    assert shares == pytest.approx([1 / 4, 1 / 2, 1 / 4], abs=0.025)


def test_a_cluster_is_drawn_as_one():
    """Clusters {0, 0, 0} and {1}: the mean is 0, 1/4 (both once) or 1, and nothing between."""
    samples = resample(np.array([[[0.0, 0.0, 0.0, 1.0]]]), np.array([7, 7, 7, 3]), 0, 1000)[:, 0]
    assert set(samples.tolist()) == {0.0, 0.25, 1.0}


def test_seeds_are_drawn_too():
    """Seeds that say 0 and 1 on every item: the mean is 0, 1/2 or 1, though items do not vary."""
    samples = resample(np.array([[[0.0] * 5, [1.0] * 5]]), np.arange(5), 0, 1000)[:, 0]
    assert set(samples.tolist()) == {0.0, 0.5, 1.0}
    assert samples.mean() == pytest.approx(0.5, abs=0.05)


def test_it_is_the_naive_loop():
    """Draw clusters, then seeds, with the same generator; put the items together and average."""
    generator = np.random.default_rng(1)
    scores = generator.random((2, 3, 12))
    clusters = np.array([5, 5, 2, 2, 2, 9, 9, 1, 1, 1, 1, 4])
    draws = np.random.default_rng(42)
    cluster_draws, seed_draws = draws.integers(0, 5, (50, 5)), draws.integers(0, 3, (50, 1, 3))
    expected = np.zeros((50, 2))
    for row in range(50):
        items = [i for c in cluster_draws[row] for i in np.flatnonzero(clusters == np.unique(clusters)[c])]
        for arm in range(2):
            expected[row, arm] = np.mean([scores[arm, s, items].mean() for s in seed_draws[row, 0]])
    assert resample(scores, clusters, 42, 50) == pytest.approx(expected)


def test_arms_are_drawn_together_and_the_seed_decides():
    scores = np.random.default_rng(0).random((1, 2, 40))
    both = np.concatenate([scores, scores + 0.25])
    samples = resample(both, np.arange(40), 3, 1200)
    assert samples[:, 1] - samples[:, 0] == pytest.approx(np.full(1200, 0.25))
    assert np.array_equal(samples, resample(both, np.arange(40), 3, 1200))
    assert not np.array_equal(samples, resample(both, np.arange(40), 4, 1200))


def test_the_interval_is_cut_at_the_percentiles():
    found = interval(50.0, np.arange(101.0))
    assert (found.value, found.low, found.high) == pytest.approx((50.0, 2.5, 97.5))
    assert Interval(0.123456, -0.000001, 1.0).as_dict() == {"value": 0.12346, "low": -0.0, "high": 1.0}


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.1, 0.2, "helped"),
        (-0.2, -0.1, "hurt"),
        (-0.1, 0.1, "no evidence"),
        (0.0, 0.1, "no evidence"),
        (-0.1, 0.0, "no evidence"),
        (0.0, 0.0, "no evidence"),
    ],
)
def test_verdict_of_an_interval(low, high, expected):
    assert verdict(Interval((low + high) / 2, low, high)) == expected


def test_equal_arms_show_nothing():
    scores = np.repeat(np.random.default_rng(0).random((1, 1, 50)), 2, axis=0)
    found = difference(scores, np.arange(50))
    assert (found.value, found.low, found.high) == (0, 0, 0)
    assert verdict(found) == "no evidence"


def names_of_concepts(generator, concepts=60, each=3, gain=0.0):
    """Simulate hits of two arms: names of one concept are alike, and arm 1 is better by `gain`.

    Each concept has a chance of its own, the same for both arms; a third of its names then take over
    the answer to its first name.
    """
    chance = generator.beta(2, 2, concepts)
    clusters = np.repeat(np.arange(concepts), each)
    hits = np.stack(
        [generator.random((concepts, each)) < np.clip(chance + add, 0, 1)[:, None] for add in (0, gain)]
    )
    hits[:, :, 1] = hits[:, :, 0]
    return hits.reshape(2, 1, -1).astype(float), clusters


def test_intervals_hold_the_true_value_as_often_as_they_say():
    """400 worlds; 95 % of them within three standard errors (0.011) and a little for few clusters."""
    generator = np.random.default_rng(0)
    held = 0
    for world in range(400):
        scores, clusters = names_of_concepts(generator)
        found = interval(scores[0].mean(), resample(scores[:1], clusters, world, 200)[:, 0])
        held += found.low <= 0.5 <= found.high  # the mean of beta(2, 2)
    assert 0.91 <= held / 400 <= 0.98


def test_no_difference_is_seldom_taken_for_one():
    """Arms of equal worth, 400 times: "helped" or "hurt" in about 5 %, at most 5 % + 3 * 1.1 %."""
    generator = np.random.default_rng(1)
    verdicts = [verdict(difference(*names_of_concepts(generator), seed=w, resamples=200)) for w in range(400)]
    wrong = np.mean([found != "no evidence" for found in verdicts])
    assert wrong <= 0.083
    assert verdicts.count("helped") > 0 and verdicts.count("hurt") > 0  # neither side is favoured by design


def test_a_large_difference_is_found():
    generator = np.random.default_rng(2)
    for world in range(20):
        scores, clusters = names_of_concepts(generator, concepts=200, gain=0.25)
        assert verdict(difference(scores, clusters, seed=world)) == "helped"
        assert verdict(difference(scores[::-1], clusters, seed=world)) == "hurt"


def test_clusters_widen_the_interval():
    """Four names that always agree are one observation: taken for four, the interval is half as wide."""
    hits = np.repeat(np.random.default_rng(3).random(200) < 0.5, 4).astype(float)[None, None]
    apart = interval(0.5, resample(hits, np.arange(800), 0, 2000)[:, 0])
    together = interval(0.5, resample(hits, np.repeat(np.arange(200), 4), 0, 2000)[:, 0])
    assert (together.high - together.low) / (apart.high - apart.low) == pytest.approx(2, abs=0.15)


def test_seeds_that_differ_widen_the_interval():
    generator = np.random.default_rng(4)
    hits = generator.random(500) < 0.5
    alike = np.repeat(hits[None, None], 3, axis=1).astype(float)
    apart = alike + np.array([-0.2, 0.0, 0.2])[None, :, None]
    narrow, wide = (interval(0.5, resample(s, np.arange(500), 0, 1000)[:, 0]) for s in (alike, apart))
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)
