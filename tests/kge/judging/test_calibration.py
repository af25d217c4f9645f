"""Probabilities: Platt's fit against another optimiser, errors against loops, and what they mean by hand."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from loregraft.errors import BadInput
from loregraft.kge.judging.calibration import (
    Calibration,
    brier,
    calibrate,
    calibrate_on,
    calibration_error,
    reliability,
    sigmoid,
    weights,
)
from loregraft.kge.judging.classify import Judged, judge
from loregraft.kge.judging.plausibility import plausibility
from loregraft.kge.parts import Parts, parts_of
from loregraft.kge.predict import predict
from loregraft.kge.questions import Triples
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Tables
from loregraft.kge.vectors import Vectors


def drawn(seed, count=60):
    """Scores of true and false triples that overlap, on any scale."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) < generator.integers(1, count)
    scale, middle = 10 ** generator.uniform(-3, 3), generator.normal(0, 50)
    return (generator.normal(0, 1, count) + labels * generator.uniform(-1, 4)) * scale + middle, labels


def test_two_scores_are_their_shares_of_true_ones():
    """Score 1: three true and one false; score 0: one true and three false. Platt's targets: 5/6 and 1/6."""
    scores, labels = np.repeat([1.0, 0.0], 4), np.array([1, 1, 1, 0, 1, 0, 0, 0], bool)
    found = calibrate(scores, labels)
    assert found(np.array([1.0, 0.0])) == pytest.approx(
        [(3 * 5 / 6 + 1 / 6) / 4, (5 / 6 + 3 / 6) / 4], abs=1e-9
    )
    # Where a tenth is true, a true one weighs 0.1 / 4 and a false one 0.9 / 4.
    rare = calibrate(scores, labels, 0.1)(np.array([1.0, 0.0]))
    assert rare == pytest.approx([(0.3 * 5 / 6 + 0.9 / 6) / 1.2, (0.1 * 5 / 6 + 2.7 / 6) / 2.8], abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), base_rate=st.floats(0.01, 0.99))
def test_no_other_line_has_a_lower_loss(seed, base_rate):
    scores, labels = drawn(seed)
    true = labels.sum()
    target = np.where(labels, (true + 1) / (true + 2), 1 / (len(labels) - true + 2))
    weight = np.where(labels, base_rate / true, (1 - base_rate) / (len(labels) - true))
    inputs = (scores - scores.mean()) / scores.std()

    def loss(line):
        p = 1 / (1 + np.exp(-np.clip(line[0] * inputs + line[1], -700, 700)))
        return -(weight * (target * np.log(p) + (1 - target) * np.log1p(-p))).sum()

    peer = minimize(loss, [0, 0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-13})
    found = calibrate(scores, labels, base_rate)
    own = found.slope * scores.std(), found.intercept + found.slope * scores.mean()
    assert loss(own) == pytest.approx(peer.fun, abs=1e-9)
    assert (found(scores) * weight).sum() == pytest.approx((target * weight).sum(), abs=1e-7)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), factor=st.floats(0.01, 100), shift=st.floats(-100, 100))
def test_the_scale_of_scores_does_not_matter(seed, factor, shift):
    scores, labels = drawn(seed)
    one = calibrate(scores, labels, 0.3)(scores)
    other = calibrate(scores * factor + shift, labels, 0.3)(scores * factor + shift)
    assert other == pytest.approx(one, abs=1e-5)


def test_probabilities_that_made_the_labels_are_found_again():
    """And for another base rate the odds change by the ratio of the odds."""
    generator = np.random.default_rng(0)
    scores = generator.normal(3, 4, 40_000)
    labels = generator.random(len(scores)) < sigmoid(0.5 * scores - 2)
    found = calibrate(scores, labels, float(labels.mean()))
    assert (found.slope, found.intercept) == (pytest.approx(0.5, abs=0.03), pytest.approx(-2, abs=0.1))
    even = calibrate(scores, labels, 0.5)
    odds = labels.mean() / (1 - labels.mean())
    assert even.intercept == pytest.approx(-2 - np.log(odds), abs=0.1)


@pytest.mark.parametrize("base_rate", [0.001, 0.5, 0.9])
def test_scores_that_part_true_from_false_or_say_nothing_give_finite_lines(base_rate):
    labels = np.arange(20) < 10
    parted = calibrate(labels * 2.0, labels, base_rate)
    assert parted(np.array([2.0, 0.0])) == pytest.approx([11 / 12, 1 / 12], abs=1e-6)
    flat = calibrate(np.full(20, 7.0), labels, base_rate)
    assert flat(np.array([7.0]))[0] == pytest.approx(base_rate * 11 / 12 + (1 - base_rate) / 12, abs=1e-6)


@pytest.mark.parametrize(
    ("labels", "base_rate"), [([1, 1], 0.5), ([0, 0], 0.5), ([], 0.5), ([0, 1], 0.0), ([0, 1], 1.0)]
)
def test_what_cannot_be_fitted_is_refused(labels, base_rate):
    with pytest.raises(ValueError, match="fit nothing"):
        calibrate(np.zeros(len(labels)), np.array(labels, bool), base_rate)


def test_a_sigmoid_does_not_overflow():
    assert sigmoid(np.array([-1e4, 0, 1e4])).tolist() == [0, 0.5, 1]


def test_errors_by_hand():
    probabilities, labels = np.array([0.05, 0.08, 0.95, 1.0]), np.array([0, 1, 1, 1], bool)
    weight = np.full(4, 1 / 4)
    # Two in the first bin: mean 0.065, half are true; two in the last: mean 0.975, all are true.
    assert calibration_error(probabilities, labels, weight) == pytest.approx((0.435 + 0.025) / 2)
    assert brier(probabilities, labels, weight) == pytest.approx((0.05**2 + 0.92**2 + 0.05**2) / 4)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=2, max_size=30),
    base_rate=st.floats(0.1, 0.9),
)
def test_errors_are_those_of_loops(rows, base_rate):
    probabilities, labels = np.array([p for p, _ in rows]), np.array([label for _, label in rows])
    weight = weights(labels, base_rate)
    each = list(zip(probabilities.tolist(), labels.tolist(), weight.tolist(), strict=True))
    for label, share in ((True, base_rate), (False, 1 - base_rate)):
        assert weight[labels == label].sum() == pytest.approx(share if (labels == label).any() else 0)
    assert brier(probabilities, labels, weight) == pytest.approx(sum(w * (p - y) ** 2 for p, y, w in each))
    ece = 0.0
    for place in range(10):
        own = [(p, y, w) for p, y, w in each if min(int(p * 10), 9) == place]
        mass = sum(w for *_, w in own)
        if mass:
            mean, share = (sum(w * one[i] for one in own for w in [one[2]]) / mass for i in (0, 1))
            ece += mass * abs(mean - share)
    assert calibration_error(probabilities, labels, weight) == pytest.approx(ece, abs=1e-12)


def test_reliability_tells_what_was_learnt_beside_bare_scores_and_the_base_rate():
    generator = np.random.default_rng(1)
    scores = generator.normal(0, 8, 4000)
    labels = generator.random(4000) < sigmoid(scores / 4)
    triples = Triples.of(*np.zeros((3, 4000), np.int64))
    learnt = np.arange(4000) % 4 > 0
    wrong = np.where(learnt, scores, np.where(labels, -99, 99))  # what was not learnt says the contrary
    told = reliability(Calibration(0.25, 0, 0.5), Judged(triples, labels, wrong, learnt, 0))
    assert told["n"] == 3000
    assert told["calibrated"]["ece"] < 0.05 < 0.1 < told["uncalibrated"]["ece"]
    assert told["calibrated"]["brier"] < told["uncalibrated"]["brier"] < 0.25
    assert told["always_base_rate"] == {"ece": pytest.approx(0), "brier": pytest.approx(0.25)}
    nothing = Judged(triples, labels, wrong, np.zeros(4000, bool), 0)
    none = reliability(Calibration(0.25, 0, 0.5), nothing)
    assert none["n"] == 0 and none["calibrated"] == {"ece": None, "brier": None}
    json.dumps([told, none], allow_nan=False)


def test_a_part_of_which_nothing_was_learnt_is_told():
    one = Triples.of(np.array([0]), np.array([0]), np.array([1]))
    other = Triples.of(np.array([2]), np.array([0]), np.array([3]))
    tables = Tables.start(4, 1, KgeSettings(model="distmult", dim=4))
    valid = judge(tables, Parts(one, other, other, 4, 1), "valid")
    with pytest.raises(BadInput, match=r"train knows no true triple of valid.* Split the graph"):
        calibrate_on(valid)


@pytest.mark.parametrize("heads", [False, True])
@pytest.mark.parametrize("reciprocal", [False, True])
def test_predictions_have_the_probability_of_their_triples(ring_graph, reciprocal, heads):
    settings = KgeSettings(model="transe", dim=8, reciprocal=reciprocal)
    tables = Tables.start(len(ring_graph), len(ring_graph.relation_ids), settings)
    vectors = Vectors(tables, ring_graph.ids, ring_graph.relation_ids, settings, "key")
    parts, found = parts_of(ring_graph), Calibration(5.0, 4.0, 0.5)
    asked = ("?", "next", "E:3") if heads else ("E:3", "next", "?")
    known, relation = vectors.index("E:3"), vectors.relation_index("next")
    for one in predict(vectors, ring_graph, parts, asked, calibration=found):
        row = (one.index, relation, known) if heads else (known, relation, one.index)
        score = plausibility(tables, Triples.of(*np.array([row]).T))[0]
        assert one.probability == pytest.approx(1 / (1 + np.exp(-4 - 5 * score)), rel=1e-5)
    assert {one.probability for one in predict(vectors, ring_graph, parts, asked)} == {None}
    new = vectors.index("E:7")
    kept = np.flatnonzero((parts.train.heads != new) & (parts.train.tails != new))
    less = Parts(parts.train.take(kept), parts.valid, parts.test, parts.entities, parts.relations)
    told = predict(vectors, ring_graph, less, asked, calibration=found)
    assert [one.id for one in told if one.probability is None] == ["E:7"]
