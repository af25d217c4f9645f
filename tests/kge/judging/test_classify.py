"""Triple classification: thresholds by hand and against a loop; what was not learnt is never true."""

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.errors import BadInput
from loregraft.kge.judging.classify import Judged, classify, judge, popularity, quality, threshold, thresholds
from loregraft.kge.judging.plausibility import plausibility
from loregraft.kge.parts import Parts
from loregraft.kge.questions import Triples
from loregraft.kge.scorers import SCORERS
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Tables


def of(*rows):
    return Triples.of(*np.array(rows, np.int64).reshape(-1, 3).T)


def cut(scores, labels):
    return threshold(np.array(scores, float), np.array(labels, bool))


def test_thresholds_by_hand():
    assert cut([0.1, 0.4, 0.35, 0.8], [0, 1, 0, 1]) == pytest.approx(0.375)  # midway, all right
    assert cut([1, 2, 3, 4], [0, 1, 0, 1]) == 1.5  # three right; so has 3.5, which is higher
    assert cut([3, 3, 3], [1, 1, 0]) == 3  # all of them, as one
    assert cut([3, 3, 3], [0, 1, 0]) > 3  # none
    assert cut([], []) == math.inf


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(-5, 5), st.booleans()), min_size=1, max_size=30))
def test_no_threshold_is_better_and_no_lower_one_as_good(rows):
    scores, labels = np.array([s for s, _ in rows], float), np.array([label for _, label in rows])
    right = {place: ((scores >= place) == labels).sum() for place in np.arange(-6, 7) - 0.25}
    best = max(right.values())
    found = threshold(scores, labels)
    assert ((scores >= found) == labels).sum() == best
    lowest = min(place for place, count in right.items() if count == best)
    assert ((scores >= found) == (scores >= lowest)).all()


def test_a_relation_with_few_triples_shares_the_threshold_of_all():
    scores = np.array([0.0, 1, 2, 3, 10, 11, 12, 13, 5.0])
    labels = np.array([0, 0, 1, 1, 0, 0, 1, 1, 1], bool)
    relations = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2])
    found = thresholds(scores, labels, relations, 4, fewest=4)
    assert found.own.tolist() == [True, True, False, False]
    assert found.each.tolist() == [1.5, 11.5, found.shared, found.shared]
    assert found.shared == threshold(scores, labels) == 1.5  # 7 of 9 are right; lower ones have less
    every = thresholds(scores, labels, relations, 4, fewest=1)
    assert every.own.tolist() == [True, True, True, False]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=12))
def test_quality_is_that_of_counting(rows):
    both = sum(said and true for said, true in rows)
    told, true = sum(said for said, _ in rows), sum(true for _, true in rows)
    found = quality(*(np.array(column) for column in zip(*rows, strict=True)))
    assert found["n"] == len(rows)
    assert found["accuracy"] == pytest.approx(sum(said == true for said, true in rows) / len(rows))
    assert found["precision"] == pytest.approx(both / max(1, told))
    assert found["recall"] == pytest.approx(both / max(1, true))
    precision, recall = found["precision"], found["recall"]
    assert found["f1"] == pytest.approx(2 * precision * recall / max(precision + recall, 1e-9))


def test_of_no_triple_there_is_no_quality():
    assert set(quality(np.zeros(0, bool), np.zeros(0, bool)).values()) == {0, None}


def judged(triples, labels, scores, learnt=None):
    labels = np.array(labels, bool)
    known = np.ones(len(labels), bool) if learnt is None else np.array(learnt, bool)
    return Judged(triples, labels, np.array(scores, float), known, 0)


def test_a_classification_by_hand():
    triples = of((0, 0, 1), (0, 0, 2), (1, 0, 2), (1, 0, 0), (0, 1, 1), (0, 1, 2))
    valid = judged(triples, [1, 0, 1, 0, 1, 0], [5, 1, 4, 2, 9, 7])
    test = judged(triples, [1, 0, 1, 0, 1, 0], [3.5, 3.2, 6, 2, 8.5, 7.9], [1, 1, 0, 1, 1, 1])
    told = classify(valid, test, ["is", "has"], fewest=2)
    # is: 3; has: 8. Said true: the first two and the fifth; the third is 6, and was not learnt.
    assert {name: one["threshold"] for name, one in told["relations"].items()} == {"is": 3, "has": 8}
    assert (told["n"], told["accuracy"]) == (6, pytest.approx(4 / 6))
    assert (told["precision"], told["recall"], told["f1"]) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert told["relations"]["has"]["accuracy"] == 1 and told["relations"]["is"]["accuracy"] == 0.5
    # One for all is 3 too (five of six right), so that (0, has, 2) with 7.9 is said to be true.
    assert told["one_threshold"]["accuracy"] == pytest.approx(3 / 6)
    assert (told["own_thresholds"], told["not_learnt"]) == (2, 1)
    json.dumps(told, allow_nan=False)
    few = classify(valid, test, ["is", "has"], fewest=5)
    assert few["own_thresholds"] == 0 and few["accuracy"] == few["one_threshold"]["accuracy"]


def line(reciprocal=False):
    """Vectors of one place each; relation 0 turns the place of e into that of e + 1."""
    tables = Tables.start(6, 1, KgeSettings(model="transe_l1", dim=1, reciprocal=reciprocal))
    tables.entities.values[:] = torch.arange(6.0)[:, None]
    tables.relations.values[:] = torch.tensor([[1.0], [-1.0]][: 1 + reciprocal])
    return tables


@pytest.mark.parametrize("reciprocal", [False, True])
def test_a_perfect_scorer_is_always_right(reciprocal):
    parts = Parts(of((0, 0, 1), (4, 0, 5)), of((1, 0, 2), (3, 0, 4)), of((2, 0, 3)), 6, 1)
    learnt_all = Parts(of(*((e, 0, e + 1) for e in range(5))), parts.valid, parts.test, 6, 1)
    for seed in range(5):
        valid, test = (judge(line(reciprocal), learnt_all, part, seed) for part in ("valid", "test"))
        assert (valid.scores == 0).tolist() == valid.labels.tolist()
        told = classify(valid, test, ["next"], fewest=1)
        assert (told["accuracy"], told["f1"], told["not_learnt"]) == (1, 1, 0)
    # With less in train: 2 and 3 are unknown, so that (2, next, 3) is not said to be true.
    valid, test = (judge(line(reciprocal), parts, part) for part in ("valid", "test"))
    told = classify(valid, test, ["next"], fewest=1)
    assert told["recall"] == 0 and told["not_learnt"] == 2


def test_a_relation_that_train_does_not_know_is_not_learnt():
    parts = Parts(of((0, 0, 1), (1, 0, 2)), of((0, 0, 2)), of((0, 1, 2)), 3, 2)
    tables = Tables.start(3, 2, KgeSettings(model="distmult", dim=4))
    told = classify(judge(tables, parts, "valid"), judge(tables, parts, "test"), ["is", "has"])
    assert told["not_learnt"] == 2 and told["recall"] == 0


def test_an_empty_part_is_told():
    parts = Parts(of((0, 0, 1)), of(), of((1, 0, 1)), 2, 1)
    with pytest.raises(BadInput, match=r"the part valid of the graph has no triple .* Split the graph"):
        judge(line(), parts, "valid")


def test_popularity_by_hand():
    parts = Parts(of((0, 0, 1), (0, 0, 2), (3, 0, 1), (0, 1, 1)), of(), of(), 4, 2)
    asked = of((0, 0, 1), (3, 0, 2), (3, 1, 1), (2, 0, 3))
    counts = [(2, 2), (1, 1), (0, 1), (0, 0)]  # of the head as head, of the tail as tail
    assert popularity(parts, asked) == pytest.approx([math.log1p(h) + math.log1p(t) for h, t in counts])


@pytest.mark.parametrize("reciprocal", [False, True])
@pytest.mark.parametrize("name", sorted(SCORERS))
def test_plausibility_is_the_formula_and_the_mean_of_both_sides(name, reciprocal, monkeypatch):
    monkeypatch.setattr("loregraft.kge.judging.plausibility.AT_ONCE", 7)
    tables = Tables.start(9, 3, KgeSettings(model=name, dim=8, reciprocal=reciprocal))
    generator = np.random.default_rng(0)
    triples = Triples.of(*(generator.integers(0, size, 20) for size in (9, 3, 9)))
    values, scorer = tables.entities.values.double(), tables.scorer

    def score(h, r, t):
        relation = tables.relations.values[[r]].double()
        if tables.core is not None:
            relation = scorer.compose(relation, tables.core.values.double())
        return float(scorer.score(values[[h]], relation, values[[t]]))

    rows = zip(triples.heads.tolist(), triples.relations.tolist(), triples.tails.tolist(), strict=True)
    sides = [(score(h, r, t), score(t, r + 3, h) if reciprocal else score(h, r, t)) for h, r, t in rows]
    assert plausibility(tables, triples) == pytest.approx(np.mean(sides, 1), rel=1e-4, abs=1e-6)
