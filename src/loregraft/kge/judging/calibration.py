"""Calibration: from the score of a triple to the probability that it is true, and how far to trust it.

Platt scaling, fitted on valid with false triples, as Tabacof and Costabello 2020, Probability Calibration
for Knowledge Graph Embedding Models, do it. It takes as given how many of the triples it will be asked
about are true: the base rate.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from loregraft.artifact import Json
from loregraft.errors import BadInput
from loregraft.kge.judging.classify import Judged, Numbers, Yes

STEPS = 100
BINS = 10


@dataclass(frozen=True)
class Calibration:
    """The probability of a score: sigmoid(slope * score + intercept)."""

    slope: float
    intercept: float
    base_rate: float

    def __call__(self, scores: Float64[np.ndarray, "*shape"]) -> Float64[np.ndarray, "*shape"]:
        """Give the probability of each score, 0..1."""
        return sigmoid(self.slope * scores + self.intercept)


def sigmoid(x: Float64[np.ndarray, "*shape"]) -> Float64[np.ndarray, "*shape"]:
    """Give 1 / (1 + exp(-x)) without overflow."""
    return np.asarray(np.exp(-np.logaddexp(0, -x)), np.float64)


def weights(labels: Yes, base_rate: float) -> Numbers:
    """Give weights that sum to 1, with a share of `base_rate` for the true ones."""
    true, count = int(labels.sum()), len(labels)
    return np.where(labels, base_rate / max(1, true), (1 - base_rate) / max(1, count - true))


def calibrate(scores: Numbers, labels: Yes, base_rate: float = 0.5) -> Calibration:
    """Fit slope and intercept: the least weighted log loss, by Newton steps, halved where they overshoot.

    Platt's targets, (n + 1) / (n + 2) for n true and 1 / (m + 2) for m false ones, keep the slope finite
    where scores part true from false.

    Raises:
        ValueError: There is no true or no false triple, or the base rate is not between 0 and 1.

    Reference:
        Platt 1999, Probabilistic Outputs for Support Vector Machines, sec. 2.2.
    """
    true, false = int(labels.sum()), int((~labels).sum())
    if not (true and false and 0 < base_rate < 1):
        raise ValueError(f"{true} true and {false} false triples with a base rate of {base_rate} fit nothing")
    target = np.where(labels, (true + 1) / (true + 2), 1 / (false + 2))
    weight, middle, spread = weights(labels, base_rate), scores.mean(), scores.std() or 1.0
    inputs = np.stack([(scores - middle) / spread, np.ones(len(scores))], 1)
    line = np.array([0.0, np.log(base_rate / (1 - base_rate))])

    def loss(line: Numbers) -> float:
        x = inputs @ line
        return float(weight @ (np.logaddexp(0, x) - target * x))

    for _ in range(STEPS):
        found = sigmoid(inputs @ line)
        slope = inputs.T @ (weight * (found - target))
        curve = (inputs * (weight * found * (1 - found))[:, None]).T @ inputs + 1e-12 * np.eye(2)
        step = np.linalg.solve(curve, slope)
        if slope @ step < 1e-20:
            break
        while loss(line - step) > loss(line) and np.abs(step).max() > 1e-12:
            step = step / 2
        line = line - step
    steepness = float(line[0] / spread)
    return Calibration(steepness, float(line[1] - steepness * middle), base_rate)


def calibrate_on(valid: Judged, base_rate: float = 0.5) -> Calibration:
    """Fit on the triples of valid that train has learnt of.

    Raises:
        BadInput: They are not both true and false.
    """
    scores, labels = valid.scores[valid.learnt], valid.labels[valid.learnt]
    if not 0 < labels.sum() < len(labels):
        found = "train knows no true triple of valid, or no false one, with all its parts"
        raise BadInput(Path("graph"), 0, found, "Split the graph (loregraft kg split).")
    return calibrate(scores, labels, base_rate)


def brier(probabilities: Numbers, labels: Yes, weight: Numbers) -> float:
    """Give the mean squared distance of probability and truth, 0..1; 0 is perfect. Weights sum to 1."""
    return float(weight @ (probabilities - labels) ** 2)


def calibration_error(probabilities: Numbers, labels: Yes, weight: Numbers) -> float:
    """Give the ECE, 0..1: how far the mean probability of a bin is from its share of true ones; 0 is perfect.

    Ten bins of equal width, each by its weight. Whoever always tells the base rate has 0 too: see the Brier
    score beside it.

    Reference:
        Guo et al. 2017, On Calibration of Modern Neural Networks, eq. 3.
    """
    bins = np.minimum((probabilities * BINS).astype(np.int64), BINS - 1)
    return float(np.abs(np.bincount(bins, weight * (probabilities - labels))).sum())


def reliability(found: Calibration, test: Judged) -> dict[str, Json]:
    """Tell how far the probabilities of test are right, beside the sigmoid of the bare score.

    `always_base_rate` is what to beat: the Brier score of the base rate as the answer to everything. Triples
    weigh so that the true ones are a share of `base_rate`. What was not learnt has no probability and is
    left out.
    """
    scores, labels = test.scores[test.learnt], test.labels[test.learnt]
    weight = weights(labels, found.base_rate)

    def of(probabilities: Numbers) -> dict[str, Json]:
        if not len(labels):
            return {"ece": None, "brier": None}
        errors = calibration_error(probabilities, labels, weight), brier(probabilities, labels, weight)
        return dict(zip(("ece", "brier"), errors, strict=True))

    return {
        "base_rate": found.base_rate,
        "slope": found.slope,
        "intercept": found.intercept,
        "n": len(labels),
        "calibrated": of(found(scores)),
        "uncalibrated": of(sigmoid(scores)),
        "always_base_rate": of(np.full(len(labels), found.base_rate)),
    }
