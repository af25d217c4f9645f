"""Numbers and labels as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loregraft.report.results import Estimate
from loregraft.report.text import (
    change,
    clean,
    count,
    duration,
    interval,
    measure,
    megabytes,
    one_line,
    shorten,
    signed,
    signed_interval,
)


def test_metrics():
    assert measure(0.2604, "acc@1") == "26.0%"
    assert measure(0.7424, "spearman") == "0.742"
    assert measure(-0.2, "spearman") == "−0.200"
    assert measure(None, "acc@1") == "–"


def test_differences():
    assert change(0.125, "acc@1") == "+12.5 points"
    assert change(-0.004, "spearman") == "−0.004"
    assert change(None, "acc@1") == "–"


@pytest.mark.parametrize("value", [0.0, -0.0, 0.0002, -0.0002])
def test_what_rounds_to_zero_has_no_sign(value):
    assert signed(value, "acc@1") == "0.0"


def test_ten_is_not_taken_for_zero():
    assert signed(0.1, "acc@1") == "+10.0"
    assert signed(-0.1, "acc@1") == "−10.0"


def test_intervals():
    found = Estimate(0.125, 0.101, 0.149)
    assert interval(found, "acc@1") == "10.1 to 14.9"
    assert signed_interval(found, "acc@1") == "+10.1 to +14.9"
    assert interval(Estimate(0.1, None, 0.2), "acc@1") == ""


def test_sizes():
    assert [duration(seconds) for seconds in (0.4, 45.0, 576.0, 8_000.0)] == [
        "0.4 s",
        "45 s",
        "9.6 min",
        "2.2 h",
    ]
    assert [megabytes(size) for size in (90.9, 1931.0, None)] == ["91 MB", "1.9 GB", "–"]
    assert [count(value) for value in (1257, 17.5, None)] == ["1,257", "17.5", "–"]


def test_clean_replaces_what_could_act():
    assert clean("a\x1b[31mb\u202ec\x00d") == "a\ufffd[31mb\ufffdc\ufffdd"
    harmless = "Löfgren\n\t\u05e9\u05dc 疾病 \U0001f469\u200d\u2695"
    assert clean(harmless) == harmless


@given(st.text(st.characters(exclude_categories=())))
def test_clean_text_can_be_written_and_is_stable(text):
    clean(text).encode("utf-8")
    assert clean(clean(text)) == clean(text)
    assert "\n" not in one_line(text)


@given(st.text(), st.integers(1, 50))
def test_shorten_keeps_the_limit(text, limit):
    assert len(shorten(text, limit)) <= limit or len(text) <= limit
