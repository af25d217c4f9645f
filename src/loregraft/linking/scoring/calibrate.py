"""From the odds of a linear model to probabilities to trust, and to the threshold a precision asks for.

Up to MANY held-out mentions by a logistic curve of two numbers (Platt 1999, Probabilistic Outputs for
Support Vector Machines), beyond them by the best ascending step curve (isotonic regression; Zadrozny and
Elkan 2002, Transforming Classifier Scores into Accurate Multiclass Probability Estimates).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int64

from loregraft.artifact import Json

MANY = 2_000
FOLDS = 5
BINS = 15
TARGETS = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99)
_EDGE = 1e-6
_TILT = 1e-4

Numbers = Float[np.ndarray, " mentions"]
Corners = Float[np.ndarray, " corners"]
Yes = Bool[np.ndarray, " mentions"]


@dataclass(frozen=True)
class Point:
    """What a threshold gave on held-out mentions.

    Attributes:
        precision: Of the links, how many are right.
        coverage: Of the mentions, how many are linked.
        recall: Of the mentions, how many are linked rightly.
    """

    threshold: float
    precision: float
    coverage: float
    recall: float


@dataclass(frozen=True)
class Calibration:
    """A curve from raw probabilities to calibrated ones, by its corners; between them it is straight.

    Attributes:
        raw: Ascending.
        calibrated: Never falling.
        table: For each of TARGETS that some threshold reaches, the least such.
        ece: Expected calibration error on mentions that the curve had not seen, 0..1.
        mentions: How many it was made of.
    """

    raw: tuple[float, ...]
    calibrated: tuple[float, ...]
    table: tuple[Point, ...]
    ece: float
    mentions: int

    def probabilities(self, raw: Numbers) -> Numbers:
        """Calibrate."""
        return np.interp(raw, self.raw, self.calibrated)

    def threshold_for(self, precision: float) -> float:
        """Give the least threshold that reached a precision; where none did, that which came nearest."""
        enough = [point.threshold for point in self.table if point.precision >= precision]
        if enough:
            return min(enough)
        return max(self.table, key=lambda point: point.precision).threshold if self.table else 1.0

    def as_dict(self) -> dict[str, Json]:
        """Give it as JSON can hold it."""
        return asdict(self) | {"raw": list(self.raw), "calibrated": list(self.calibrated)}

    @classmethod
    def of_dict(cls, told: Mapping[str, Any]) -> "Calibration":
        """Read what `as_dict` gave."""
        table = tuple(Point(**point) for point in told["table"])
        curve = tuple(told["raw"]), tuple(told["calibrated"])
        return cls(*curve, table, float(told["ece"]), int(told["mentions"]))


def calibrate(raw: Numbers, right: Yes, groups: Int64[np.ndarray, " mentions"], seed: int = 0) -> Calibration:
    """Fit a curve, and judge it on mentions whose group it has not seen.

    Args:
        raw: Of the best candidate of each mention, as the linear model says; 0 where there is none.
        right: Is it right?
        groups: Mentions of one group (a text, an entity) are held out together.

    Raises:
        ValueError: There is no mention.
    """
    if not len(raw):
        raise ValueError("no mention to calibrate on")
    different, numbers = np.unique(groups, return_inverse=True)
    fold = np.random.default_rng(seed).permutation(len(different))[numbers] % FOLDS
    unseen = np.empty(len(raw))
    for part in range(FOLDS):
        held = fold == part
        curve = _curve(raw[~held], right[~held]) if (~held).any() else _curve(raw, right)
        unseen[held] = np.interp(raw[held], *curve)
    xs, ys = _curve(raw, right)
    table = tuple(_table(unseen, right))
    return Calibration(tuple(xs.tolist()), tuple(ys.tolist()), table, error(unseen, right), len(raw))


def error(probabilities: Numbers, right: Yes) -> float:
    """Give the expected calibration error over bins of as many mentions each (Naeini et al. 2015)."""
    order = np.argsort(probabilities, kind="stable")
    bins = [part for part in np.array_split(order, BINS) if len(part)]
    away = [len(part) * abs(probabilities[part].mean() - right[part].mean()) for part in bins]
    return float(sum(away) / max(1, len(right)))


def _curve(raw: Numbers, right: Yes) -> tuple[Corners, Corners]:
    if len(raw) > MANY:
        from sklearn.isotonic import IsotonicRegression  # slow to import

        fitted = IsotonicRegression(y_min=_EDGE, y_max=1 - _EDGE, out_of_bounds="clip").fit(raw, right)
        xs, ys = fitted.X_thresholds_.astype(np.float64), fitted.y_thresholds_.astype(np.float64)
        return xs, np.minimum(ys + _TILT * xs, 1.0)  # on a step the surer mention still comes first
    slope, shift = _line(_odds(raw), right)
    xs = np.r_[0.0, 1 / (1 + np.exp(-np.linspace(-9.2, 9.2, 400))), 1.0]
    return xs, 1 / (1 + np.exp(-(max(slope, 0.0) * _odds(xs) + shift)))


def _odds(p: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    clipped = np.clip(p, 1e-4, 1 - 1e-4)
    return np.log(clipped / (1 - clipped))


def _line(x: Numbers, right: Yes) -> tuple[float, float]:
    """Fit a logistic curve to Platt's targets, which keep it finite where all are right or all wrong."""
    from scipy.optimize import minimize

    many, few = int(right.sum()), int((~right).sum())
    target = np.where(right, (many + 1) / (many + 2), 1 / (few + 2))

    def loss(line: Float[np.ndarray, "2"]) -> tuple[float, Float[np.ndarray, "2"]]:
        z = line[0] * x + line[1]
        away = 1 / (1 + np.exp(-z)) - target
        value = (np.logaddexp(0, z) - target * z).mean()
        return float(value), np.array([(away * x).mean(), away.mean()])

    slope, shift = minimize(loss, np.array([1.0, 0.0]), jac=True, method="BFGS").x
    return float(slope), float(shift)


def _table(p: Numbers, right: Yes) -> list[Point]:
    """For each target, give the least threshold whose links reach it, of those that keep at least ten."""
    order = np.argsort(-p, kind="stable")
    links = np.arange(1, len(p) + 1)
    correct = np.cumsum(right[order])
    last = np.r_[np.diff(p[order]) != 0, True]  # mentions of equal probability come and go together
    precision = correct / links
    points = []
    for target in TARGETS:
        places = np.flatnonzero(last & (precision >= target) & (links >= min(10, len(p))))
        if len(places):
            at = int(places[-1])
            row = float(p[order][at]), float(precision[at]), float(links[at] / len(p))
            points.append(Point(*row, float(correct[at] / len(p))))
    return points
