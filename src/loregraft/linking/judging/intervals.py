"""How much of a value is chance? Documents are drawn anew, with those of the two systems paired.

Mentions of one document are not independent, so that documents are drawn and not mentions.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Shaped
from numpy.typing import NDArray

from loregraft.artifact import Json

DRAWS = 2_000
LEVEL = 0.95
Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""Totals of counts, a row for each draw -> a value for each row."""

_CHUNK = 8_000_000


@dataclass(frozen=True)
class Interval:
    """A value, and the interval that holds the true one with 95 % confidence."""

    value: float
    low: float
    high: float

    def as_dict(self) -> dict[str, Json]:
        """Give value, low and high rounded to 5 digits."""
        return {"value": round(self.value, 5), "low": round(self.low, 5), "high": round(self.high, 5)}


def micro_f1(totals: Float64[np.ndarray, "rows columns"]) -> Float64[np.ndarray, " rows"]:
    """Give F1 of the totals of right, found and gold; 1 where nothing was to be found and nothing was."""
    right, found, gold = totals.T
    size = found + gold
    return np.where(size > 0, 2 * right / np.maximum(size, 1), 1.0)


def share(totals: Float64[np.ndarray, "rows columns"]) -> Float64[np.ndarray, " rows"]:
    """Give the first total divided by the second (accuracy of right and all); 0 where the second is 0."""
    part, whole = totals.T
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1), 0.0)


def bootstrap(
    statistic: Statistic,
    counts: Shaped[np.ndarray, "documents columns"],
    draws: int = DRAWS,
    seed: int = 0,
) -> Float64[np.ndarray, " values"]:
    """Give the value of a statistic, and after it that of each draw of as many documents, with replacement.

    Args:
        counts: For each document what the statistic needs the totals of.

    Raises:
        ValueError: There is no document.

    Reference:
        Efron and Tibshirani 1993, An Introduction to the Bootstrap, ch. 13.
    """
    counts = counts.astype(np.float64)
    if not len(counts):
        raise ValueError("there is no document to draw")
    values = [statistic(counts.sum(axis=0, keepdims=True))]
    values += [statistic(weights @ counts) for weights in _weights(len(counts), draws, seed)]
    return np.concatenate(values)


def difference(
    statistic: Statistic,
    first: Shaped[np.ndarray, "documents columns"],
    second: Shaped[np.ndarray, "others columns"],
    draws: int = DRAWS,
    seed: int = 0,
) -> Interval:
    """Give by how much the second system is better, with its interval: the same documents for both.

    Raises:
        ValueError: The systems have other documents, or there is none.
    """
    if len(first) != len(second):
        raise ValueError(f"counts of {len(first)} and of {len(second)} documents cannot be paired")
    # The draws hang on the number of documents and the seed alone, so those of the two are paired.
    return interval_of(bootstrap(statistic, second, draws, seed) - bootstrap(statistic, first, draws, seed))


def interval_of(values: Float64[np.ndarray, " values"]) -> Interval:
    """Give the first value with the percentile interval of the others."""
    tail = (1 - LEVEL) / 2
    drawn = values[1:] if len(values) > 1 else values
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return Interval(float(values[0]), float(low), float(high))


def by_document(
    documents: Shaped[np.ndarray, " items"], values: Shaped[np.ndarray, " items"], size: int
) -> Float64[np.ndarray, "size 2"]:
    """Give for each document the sum of its values and their number, for `share`.

    Args:
        documents: The number of the document of each value.
        size: How many documents there are.
    """
    sums = np.bincount(documents, weights=values, minlength=size)
    return np.stack([sums, np.bincount(documents, minlength=size).astype(np.float64)], axis=1)


def _weights(documents: int, draws: int, seed: int) -> Iterator[Float64[np.ndarray, "rows documents"]]:
    """Yield how often each document is drawn, some draws at a time, so that memory stays small."""
    generator = np.random.default_rng(seed)
    step = max(1, _CHUNK // documents)
    for start in range(0, draws, step):
        rows = min(step, draws - start)
        drawn = generator.integers(0, documents, (rows, documents)) + np.arange(rows)[:, None] * documents
        counted = np.bincount(drawn.ravel(), minlength=rows * documents)
        yield counted.reshape(rows, documents).astype(np.float64)
