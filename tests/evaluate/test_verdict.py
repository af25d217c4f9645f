"""The verdict: helped only if both comparisons say so, and a sentence that carries its figures."""

import pytest

from loregraft.evaluate.significance import Interval
from loregraft.evaluate.verdict import NOT_RUN, overall, sentence

SHOWS = {
    "helped": Interval(0.1, 0.05, 0.15),
    "no evidence": Interval(0.01, -0.02, 0.04),
    "hurt": Interval(-0.1, -0.15, -0.05),
}
UNTOUCHED, SHUFFLED, HARM = ("grafted", "untouched"), ("grafted", "shuffled"), ("shuffled", "untouched")
EXPECTED = {
    ("helped", "helped"): "helped",
    ("helped", "no evidence"): "no evidence",
    ("helped", "hurt"): "no evidence",
    ("no evidence", "helped"): "no evidence",
    ("no evidence", "no evidence"): "no evidence",
    ("no evidence", "hurt"): "no evidence",
    ("hurt", "helped"): "hurt",
    ("hurt", "no evidence"): "hurt",
    ("hurt", "hurt"): "hurt",
}


def contrasts(untouched, shuffled, harm="no evidence"):
    return {UNTOUCHED: SHOWS[untouched], SHUFFLED: SHOWS[shuffled], HARM: SHOWS[harm]}


@pytest.mark.parametrize(("untouched", "shuffled"), list(EXPECTED))
def test_both_comparisons_decide(untouched, shuffled):
    assert overall(contrasts(untouched, shuffled)) == EXPECTED[untouched, shuffled]


def said(status, untouched="helped", shuffled="helped", harm="no evidence", seeds=3):
    values = {"grafted": 0.512, "untouched": 0.4123, "shuffled": 0.3987}
    return sentence(status, values, contrasts(untouched, shuffled, harm), "lay terms", seeds)


def test_the_sentence_has_all_figures():
    assert said("helped") == (
        "Knowledge helped: on lay terms the grafted encoder finds the right concept first for 51.2%, "
        "the untouched one for 41.2% (difference +10.0 points, 95 % interval +5.0 to +15.0), "
        "one trained on a shuffled graph for 39.9% (difference +10.0 points, 95 % interval +5.0 to +15.0); "
        "3 seeds."
    )


@pytest.mark.parametrize(
    ("status", "opening"),
    [
        ("helped", "Knowledge helped: "),
        ("no evidence", "No evidence that the knowledge helped: "),
        ("hurt", "Knowledge hurt: "),
    ],
)
def test_the_sentence_opens_with_the_verdict(status, opening):
    assert said(status).startswith(opening)


def test_both_intervals_are_told_with_their_signs():
    text = said("no evidence", untouched="hurt", shuffled="no evidence", seeds=1)
    assert "difference -10.0 points, 95 % interval -15.0 to -5.0" in text
    assert "difference +1.0 points, 95 % interval -2.0 to +4.0" in text
    assert text.endswith("; 1 seed.")


def test_harm_by_the_shuffled_names_is_told():
    assert "Shuffled names did harm" in said("helped", harm="hurt")
    assert "did harm" not in said("helped", harm="no evidence") + said("helped", harm="helped")


def test_arms_that_were_not_run_are_named():
    assert all(isinstance(arm, str) and arm for arm in NOT_RUN)
