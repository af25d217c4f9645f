"""Scores, by hand."""

import pytest

from loregraft.tasks.score import score_labels

GOLD = ["a", "a", "b", "none", "none"]
SAID = ["a", "b", "b", "none", "a"]
"""a: 1 of 2 found, 1 of 2 said right: 1/2. b: 1 of 1, 1 of 2: 2/3. none: 1 of 2, 1 of 1: 2/3."""


def test_by_hand():
    found = score_labels(GOLD, SAID, {"a", "b", "none"})
    assert found.examples == 5 and found.accuracy == pytest.approx(3 / 5)
    assert found.f1 == pytest.approx({"a": 1 / 2, "b": 2 / 3, "none": 2 / 3})
    assert found.macro_f1 == pytest.approx((1 / 2 + 2 / 3 + 2 / 3) / 3)
    assert found.micro_f1 == pytest.approx(found.accuracy) and found.unlearnt == {}


def test_without_a_label():
    """Of a and b: 2 right, 4 said, 3 there: 2 * 2 / 7."""
    found = score_labels(GOLD, SAID, {"a", "b", "none"}, without=["none"])
    assert found.accuracy == pytest.approx(3 / 5) and found.f1.keys() == {"a", "b"}
    assert found.micro_f1 == pytest.approx(4 / 7) and found.macro_f1 == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_labels_that_were_not_learnt_are_wrong_and_told():
    found = score_labels(["new", "newer", "new", "a"], ["a", "a", "a", "a"], {"a", "b"})
    assert found.unlearnt == {"new": 2, "newer": 1}
    assert found.accuracy == 1 / 4 and found.f1["new"] == 0.0


def test_nothing_counts_when_all_is_left_out():
    found = score_labels(["none"], ["none"], {"none"}, without=["none"])
    assert (found.accuracy, found.macro_f1, found.micro_f1, found.f1) == (1.0, 0.0, 0.0, {})


def test_as_json():
    assert score_labels(["a"], ["a"], {"a"}, cut=1).to_json()["cut"] == 1
