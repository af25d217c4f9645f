"""The forgetting check: the pairs that come with the package, and their resampled correlation."""

from collections import Counter

import numpy as np
import pytest

from loregraft.evaluate.similarity import cosines, general_pairs, resample_spearman
from loregraft.metrics import spearman


def test_the_pairs_of_the_package():
    pairs = general_pairs()
    assert len(pairs.first) == len(pairs.second) == len(pairs.similarity) == 160
    assert set(pairs.similarity.tolist()) == {0, 1, 2, 3, 4, 5}
    assert min(Counter(pairs.similarity.tolist()).values()) >= 15  # every grade says something
    both = list(zip(pairs.first, pairs.second, strict=True))
    assert len({frozenset(pair) for pair in both}) == 160
    for sentence in (*pairs.first, *pairs.second):
        assert sentence == sentence.strip() and sentence[-1] in ".?!" and sentence[0].isupper()
    assert all(first != second for first, second in both)


def test_a_cosine_for_each_pair(tiny_encoder):
    found = cosines(tiny_encoder, general_pairs())
    assert found.shape == (160,) and (np.abs(found) <= 1 + 1e-5).all()


def test_resampled_correlation():
    """A prediction that is the gold itself has 1 in every resample, its negative -1, noise about 0."""
    gold = general_pairs().similarity
    noise = np.random.default_rng(0).random(160)
    samples = resample_spearman(np.stack([gold, -gold, noise]), gold, seed=0, resamples=200)
    assert samples[:, 0] == pytest.approx(np.ones(200))
    assert samples[:, 1] == pytest.approx(-np.ones(200))
    assert samples[:, 2].mean() == pytest.approx(spearman(noise, gold), abs=0.03)
    assert samples[:, 2].std() == pytest.approx(1 / np.sqrt(160), rel=0.3)


def test_arms_are_drawn_together_and_the_seed_decides():
    gold = np.arange(30.0)
    noise = np.random.default_rng(0).random(30)
    samples = resample_spearman(np.stack([noise, noise]), gold, seed=1, resamples=50)
    assert np.array_equal(samples[:, 0], samples[:, 1])
    assert np.array_equal(samples, resample_spearman(np.stack([noise, noise]), gold, seed=1, resamples=50))
    assert not np.array_equal(
        samples, resample_spearman(np.stack([noise, noise]), gold, seed=2, resamples=50)
    )
