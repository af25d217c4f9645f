"""How sure is a link? From scores to probabilities, and from a wanted precision to a threshold.

Learnt from predictions on held-out mentions (`held_out.py`) of which it is known whether they were right;
a mention whose entity is not in the graph has no right one. The mentions must be like those that will be
linked, in how often their entity is missing too.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float, Float64
from numpy.typing import NDArray

from loregraft.artifact import Json

Method = Literal["constant", "platt", "isotonic"]

ISOTONIC_FROM = 2_000
"""Examples; with fewer a curve of any shape follows chance."""

BINS = 10
MOST_POINTS = 1_000
"""Rows of the table; of more different probabilities as many are kept, evenly by how many links they keep."""

LEAST_KEPT = 20
"""Fewer links tell nothing of their precision: of 20 one is 5 %."""

FOLDS = 5

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Point:
    """What happens where links of at least this probability are kept.

    Attributes:
        threshold: Probability.
        kept: How many links of the held-out data are kept.
        precision: The share of these that is right.
        expected: The mean of their probabilities.
        recall: The share of the mentions with an answer that is linked rightly; 0 where none has one.
        coverage: The share of all predictions that is kept.
    """

    threshold: float
    kept: int
    precision: float
    expected: float
    recall: float
    coverage: float

    def estimate(self, confidence: float | None = None) -> float:
        """Give the precision to count on.

        Counting alone swings where few links are kept, and the probabilities are wrong where the curve is:
        the mean of the two is nearer to the truth on fresh data than either.

        Args:
            confidence: Above 0.5: give instead what the true precision is above with this confidence, by
                the links counted alone (Wilson's bound, one side). It holds for one threshold; the least of
                many that reach it was lucky, so that the confidence is a little less.
        """
        if confidence is None:
            return (self.precision + self.expected) / 2
        n, p, z = self.kept, self.precision, NormalDist().inv_cdf(confidence)
        spread = z * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return float((p + z * z / (2 * n) - spread) / (1 + z * z / n))


@dataclass(frozen=True)
class Calibration:
    """The probability that a link is right, by its score, and what each threshold would have given.

    Attributes:
        method: platt: sigmoid(slope * score + intercept), `knots` being slope and intercept. isotonic: a
            line through points, `knots` their scores. constant: the same for every score; no knots.
        knots: See `method`; ascending for isotonic.
        values: The probabilities at the knots of isotonic, ascending; the one of constant; else none.
        examples: How many it was learnt from.
        ece: The expected calibration error of probabilities for examples that were not learnt from; 0..1.
        table: By threshold, the least first.
    """

    method: Method
    knots: tuple[float, ...]
    values: tuple[float, ...]
    examples: int
    ece: float
    table: tuple[Point, ...]

    def probabilities(self, scores: Float[np.ndarray, "*shape"]) -> Float64[np.ndarray, "*shape"]:
        """Give the probability of each score; never lower for a higher score."""
        return _probabilities(self.method, self.knots, self.values, scores)

    def point_for(self, precision: float, confidence: float | None = None) -> tuple[Point, str]:
        """Give the least threshold with at least this precision, and a warning.

        Args:
            precision: Wanted, 0..1; compared with `Point.estimate`.
            confidence: Passed to it; with 0.95 the precision is reached nearly surely, and fewer links kept.

        Returns:
            The point, and "" where it is reached. Where none reaches it: the highest threshold (that keeps
            LEAST_KEPT links, if there is one) and a text that tells what it does reach.
        """
        enough = [point for point in self.table if point.kept >= LEAST_KEPT]
        for point in enough:
            if point.estimate(confidence) >= precision:
                return point, ""
        if not self.table:
            nothing = Point(1.0, 0, 0.0, 0.0, 0.0, 0.0)
            return nothing, "The linker was fitted on no mention, so that no precision can be promised."
        highest = (enough or self.table[:1])[-1]
        most = f"The highest, {highest.threshold:.4f}, reaches {highest.estimate(confidence):.1%}"
        wanted = (
            f"No threshold reaches a precision of {precision:.1%} on {self.examples:,} held-out mentions."
        )
        return highest, f"{wanted} {most} with {highest.kept:,} links kept."

    def threshold_for(self, precision: float, confidence: float | None = None) -> float:
        """Give the threshold of `point_for`, without its warning."""
        return self.point_for(precision, confidence)[0].threshold

    def as_dict(self) -> dict[str, Json]:
        """Give it as what JSON can hold; `of_dict` gives the same back, to the last bit."""
        fields = asdict(self)
        lists = {name: list(fields[name]) for name in ("knots", "values")}
        return fields | lists | {"table": [asdict(point) for point in self.table]}

    @classmethod
    def of_dict(cls, fields: Mapping[str, Json]) -> "Calibration":
        """Read what `as_dict` gave.

        Raises:
            TypeError: A field is missing, or is none of a calibration.
        """
        given: dict[str, Any] = dict(fields)
        given |= {name: tuple(given[name]) for name in ("knots", "values") if name in given}
        return cls(**given | {"table": tuple(Point(**point) for point in given.get("table", ()))})


def calibrate(
    scores: Float[np.ndarray, " examples"],
    right: Bool[np.ndarray, " examples"],
    answerable: int | None = None,
) -> Calibration:
    """Learn the probability that a prediction is right from its score, and make the table of thresholds.

    Below ISOTONIC_FROM examples a logistic curve of two parameters (Platt), which suits scores that are log
    odds or margins (`log_odds`); else a rising line through points. Constant, (right + 1) / (examples + 2),
    where there is only one score, where all are right or all wrong, or where higher scores are not more
    often right.

    Args:
        scores: Of the best candidate of each mention.
        answerable: How many mentions have an answer in the graph, for recall; None: as many as are right,
            so that recall is that of the predictions only.

    Raises:
        ValueError: A score is not a finite number.

    Reference:
        Platt 1999, Probabilistic Outputs for Support Vector Machines; Oron and Flournoy 2017, Centered
        Isotonic Regression, sec. 2.2.
    """
    if not np.isfinite(scores).all():
        raise ValueError(f"{int((~np.isfinite(scores)).sum())} of {len(scores)} scores are not finite")
    scores = scores.astype(np.float64)
    method, knots, values = _fit(scores, right)
    found = _probabilities(method, knots, values, scores)
    table = _table(found, right, int(right.sum()) if answerable is None else answerable)
    return Calibration(method, knots, values, len(scores), _unseen_error(scores, right), table)


def log_odds(shares: Float[np.ndarray, "*shape"]) -> Float64[np.ndarray, "*shape"]:
    """Give log(p / (1 - p)) of shares, which a logistic curve fits; within -21..21."""
    p = np.clip(shares.astype(np.float64), 1e-9, 1 - 1e-9)
    return np.asarray(np.log(p / (1 - p)))


def expected_calibration_error(
    probabilities: Float[np.ndarray, " examples"], right: Bool[np.ndarray, " examples"], bins: int = BINS
) -> float:
    """Give how far the mean probability of a bin is from its share of right ones, 0..1; 0 is perfect.

    Bins of equally many examples; equal probabilities share one. Chance alone gives about
    0.4 * sqrt(bins / examples): 0.03 with 10 bins of 180 examples each. 0 where there is no example.

    Reference:
        Nguyen and O'Connor 2015, Posterior Calibration and Exploratory Analysis for NLP Models, sec. 3.
    """
    if not len(probabilities):
        return 0.0
    from scipy.stats import rankdata

    place = (rankdata(probabilities) - 0.5) * bins / len(probabilities)
    apart = np.bincount(place.astype(np.int64), probabilities - right, bins)
    return float(np.abs(apart).sum() / len(probabilities))


def _probabilities(
    method: Method, knots: tuple[float, ...], values: tuple[float, ...], scores: NDArray[np.floating]
) -> Numbers:
    if method == "constant":
        return np.full(scores.shape, values[0])
    if method == "isotonic":
        return np.asarray(np.interp(scores, knots, values), np.float64)
    slope, intercept = knots
    return np.asarray(np.exp(-np.logaddexp(0, -(slope * scores.astype(np.float64) + intercept))))


Curve = tuple[Method, tuple[float, ...], tuple[float, ...]]


def _fit(scores: Numbers, right: NDArray[np.bool_]) -> Curve:
    count, rights = len(scores), int(right.sum())
    constant: Curve = "constant", (), ((rights + 1) / (count + 2),)
    if not 0 < rights < count or scores.min() == scores.max():
        return constant
    if count >= ISOTONIC_FROM:
        knots, values = _isotonic(scores, right)
        return ("isotonic", knots, values) if len(knots) > 1 else constant
    from loregraft.kge.judging.calibration import calibrate as platt  # loads torch

    line = platt(scores, right, rights / count)
    return ("platt", (line.slope, line.intercept), ()) if line.slope > 0 else constant


def _isotonic(scores: Numbers, right: NDArray[np.bool_]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Fit steps that rise, and give the middle of each: a line through them rises all the way."""
    from sklearn.isotonic import isotonic_regression

    different, place, times = np.unique(scores, return_inverse=True, return_counts=True)
    weight = times.astype(np.float64)
    fitted = isotonic_regression(np.bincount(place, right) / weight, sample_weight=weight)
    # Equal shares of different scores are one step, but for rounding.
    step = np.cumsum(np.diff(fitted, prepend=-1.0) > 1e-12) - 1
    sizes = np.bincount(step, weight)
    knots = np.bincount(step, weight * different) / sizes
    # Nothing is sure: at most as for one more example that is wrong, and one that is right.
    least = 1 / (len(scores) + 2)
    values = np.clip(np.bincount(step, weight * fitted) / sizes, least, 1 - least)
    return tuple(knots.tolist()), tuple(values.tolist())


def _table(found: Numbers, right: NDArray[np.bool_], answerable: int) -> tuple[Point, ...]:
    """Count what each threshold keeps; each lies between two probabilities, so that rounding is harmless."""
    values, place, times = np.unique(found, return_inverse=True, return_counts=True)
    if not len(values):
        return ()
    below = np.concatenate([[values[0] * (1 - 2e-9)], values[:-1]])
    thresholds = np.where(below == 0, 0.0, (below + values) / 2)
    kept, rights, total = (
        np.cumsum(column[::-1])[::-1]
        for column in (times, np.bincount(place, right, len(values)), values * times)
    )
    taken = np.unique(np.searchsorted(-kept, -np.linspace(kept[0], 1, MOST_POINTS), "right") - 1)
    rows = range(len(values)) if len(values) <= MOST_POINTS else taken.tolist()
    return tuple(
        Point(
            threshold=float(thresholds[row]),
            kept=int(kept[row]),
            precision=float(rights[row] / kept[row]),
            expected=float(total[row] / kept[row]),
            recall=float(rights[row] / answerable) if answerable else 0.0,
            coverage=float(kept[row] / len(found)),
        )
        for row in rows
    )


def _unseen_error(scores: Numbers, right: NDArray[np.bool_]) -> float:
    """Give the calibration error of each fold by a curve that was fitted to the others."""
    fold = np.arange(len(scores)) % FOLDS
    found = np.empty(len(scores))
    for number in range(FOLDS):
        own = fold == number
        if own.any():
            found[own] = _probabilities(*_fit(scores[~own], right[~own]), scores[own])
    return expected_calibration_error(found, right)
