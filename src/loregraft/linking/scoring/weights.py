"""A linear model over named features, so that a score is the sum of what each feature gave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int64

NIL = "nil"
"""Names the score of "none of the candidates" among what `fit_weights` keeps."""

STEADY = 1e-5
"""Spread up to which a feature is the same for all: what is left is rounding, and teaches nothing."""

Matrix = Float[np.ndarray, "candidates features"]
Starts = Int64[np.ndarray, " ends"]


@dataclass(frozen=True)
class Weights:
    """What each feature counts.

    Attributes:
        features: Names, in the order of the columns that are scored.
        values: The weights, in nats for a unit of the feature.
        nil: The score of "none of the candidates", in nats.
    """

    features: tuple[str, ...]
    values: Float[np.ndarray, " features"]
    nil: float

    @classmethod
    def of(cls, features: Sequence[str], named: Mapping[str, float], nil: float) -> "Weights":
        """Take weights by name; features that are not named count nothing."""
        values = np.array([named.get(feature, 0.0) for feature in features], np.float64)
        return cls(tuple(features), values, nil)

    @property
    def named(self) -> dict[str, float]:
        """The weights by name."""
        return dict(zip(self.features, self.values.tolist(), strict=True))

    def changed(self, **named: float) -> "Weights":
        """Give the same with other weights for some features."""
        return Weights.of(self.features, self.named | named, self.nil)

    def scores(self, matrix: Matrix) -> Float[np.ndarray, " candidates"]:
        """Give the score of each candidate, in nats: differences are log odds."""
        return np.asarray(matrix @ self.values, np.float64)

    def contributions(self, row: Float[np.ndarray, " features"]) -> dict[str, float]:
        """Give what each feature of a candidate adds to its score; their sum is the score."""
        parts = (row.astype(np.float64) * self.values).tolist()
        return {name: part for name, part in zip(self.features, parts, strict=True) if part}


def owners_of(starts: Starts) -> Int64[np.ndarray, " candidates"]:
    """Give the mention of each candidate, where those of a mention begin at `starts`."""
    return np.repeat(np.arange(len(starts) - 1), np.diff(starts))


def best_of(
    scores: Float[np.ndarray, " candidates"], starts: Starts
) -> tuple[Bool[np.ndarray, " mentions"], Int64[np.ndarray, " answered"]]:
    """Tell which mentions have a candidate, and give the row of the best of each of these."""
    order = np.lexsort((np.arange(len(scores)), -scores, owners_of(starts)))
    answered = np.diff(starts) > 0
    return answered, order[starts[:-1][answered]]


def shares(
    scores: Float[np.ndarray, " candidates"], starts: Starts, nil: float
) -> Float[np.ndarray, " candidates"]:
    """Give each candidate's probability among those of its mention and none of them.

    Args:
        starts: Where the candidates of a mention begin; one more at the end. A mention may have none.
    """
    owner = owners_of(starts)
    top = np.full(len(starts) - 1, nil)
    np.maximum.at(top, owner, scores)
    odds = np.exp(scores - top[owner])
    total = np.bincount(owner, odds, len(starts) - 1) + np.exp(nil - top)
    return np.asarray(odds / total[owner], np.float64)


def fit_weights(
    matrix: Matrix,
    right: Bool[np.ndarray, " candidates"],
    starts: Starts,
    first: Weights,
    *,
    pull: float = 1e-3,
    fixed: Sequence[str] = (),
) -> Weights:
    """Learn weights from mentions: multinomial logistic regression, "none" being one of the choices.

    The loss is the mean over mentions of -log of the probability of all right choices together (of "none",
    where no candidate is right) plus `pull` times the squared distance from the first weights, each
    feature measured by its spread.

    Args:
        right: Which candidates are right; of a mention none, one or several.
        fixed: Features that keep their first weight; NIL among them keeps its own.
    """
    from scipy.optimize import minimize

    if not len(starts) > 1:
        return first
    spread = matrix.std(axis=0).astype(np.float64)
    moving = (spread > STEADY) & ~np.isin(first.features, list(fixed))
    scale = np.where(moving, spread, 1.0)
    moves = np.r_[moving, NIL not in fixed]
    owner = owners_of(starts)
    none_right = np.bincount(owner, right, len(starts) - 1) == 0
    x = matrix.astype(np.float64) / scale
    begin = np.r_[first.values * scale, first.nil]

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        p = shares(x @ values[:-1], starts, values[-1])
        none = np.maximum(1 - np.bincount(owner, p, len(starts) - 1), 1e-12)
        correct = np.where(none_right, none, np.bincount(owner, p * right, len(starts) - 1))
        share = np.where(none_right[owner], 0, p * right / np.maximum(correct[owner], 1e-30))
        away = np.where(moves, values - begin, 0)
        by_nil = (none - none_right * 1.0).sum() / len(none)
        gradient = np.r_[(p - share) @ x / len(none), by_nil] + 2 * pull * away
        gradient[~moves] = 0
        return float(-np.log(np.maximum(correct, 1e-30)).mean() + pull * away @ away), gradient

    found = minimize(loss, begin, jac=True, method="L-BFGS-B", options={"maxiter": 500}).x
    values = np.where(moving, found[:-1] / scale, first.values)
    return Weights(first.features, values, float(found[-1]))
