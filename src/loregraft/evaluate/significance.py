"""Is a difference more than chance? Paired bootstrap over clusters of items, and over seeds."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

RESAMPLES = 10_000
LEVEL = 0.95
Verdict = Literal["helped", "no evidence", "hurt"]


@dataclass(frozen=True)
class Interval:
    """A value and the interval that holds the true one with 95 % confidence."""

    value: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float]:
        """Give value, low and high rounded to 5 digits."""
        return {"value": round(self.value, 5), "low": round(self.low, 5), "high": round(self.high, 5)}


def resample(
    scores: Float[np.ndarray, "arms seeds items"],
    clusters: Int[np.ndarray, " items"],
    seed: int,
    resamples: int = RESAMPLES,
) -> Float[np.ndarray, "resamples arms"]:
    """Give each arm's mean score in resampled worlds, the same world for all arms (paired).

    Items of one cluster (the names of one concept) are drawn together, since they are not
    independent; with several seeds these are drawn too.

    Reference:
        Efron and Tibshirani 1993, An Introduction to the Bootstrap, ch. 13; for clusters and two
        levels Davison and Hinkley 1997, sec. 3.8.
    """
    arms, seeds, _ = scores.shape
    _, cluster = np.unique(clusters, return_inverse=True)
    count = int(cluster.max(initial=-1)) + 1
    sums = np.zeros((arms * seeds, count))
    for row, values in enumerate(scores.reshape(arms * seeds, -1)):
        sums[row] = np.bincount(cluster, weights=values, minlength=count)
    sizes = np.bincount(cluster, minlength=count).astype(np.float64)
    generator = np.random.default_rng(seed)
    means = np.empty((resamples, arms))
    for start in range(0, resamples, 500):
        rows = min(500, resamples - start)
        draws = generator.integers(0, count, (rows, count)) + np.arange(rows)[:, None] * count
        weights = np.bincount(draws.ravel(), minlength=rows * count).reshape(rows, count)
        by_seed = (weights @ sums.T).reshape(rows, arms, seeds) / (weights @ sizes)[:, None, None]
        drawn = generator.integers(0, seeds, (rows, 1, seeds))
        means[start : start + rows] = np.take_along_axis(by_seed, drawn, axis=2).mean(axis=2)
    return means


def interval(value: float, samples: Float[np.ndarray, " resamples"]) -> Interval:
    """Give the percentile interval of a bootstrapped value."""
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(samples, [tail, 1 - tail])
    return Interval(float(value), float(low), float(high))


def verdict(difference: Interval) -> Verdict:
    """Say what an interval of a difference shows: above zero, below zero, or neither."""
    if difference.low > 0:
        return "helped"
    return "hurt" if difference.high < 0 else "no evidence"
