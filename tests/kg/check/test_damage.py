"""Damaged text is told from text that is only foreign."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.kg.check.damage import damage


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("caf\u00c3\u00a9", "for '\u00e9'"),
        ("it\u00e2\u20ac\u2122s", "for '\u2019'"),
        ("25 \u00c2\u00b0C", "for '\u00b0'"),
        ("Gr\ufffdber", "lost"),
        ("a &lt; b", "the escape &lt;"),
        ("caf&#233;", "the escape &#233;"),
        ("caf\\u00e9", r"the escape \u00e9"),
    ],
)
def test_damage_is_said(text, said):
    found = damage(text)
    assert found is not None and said in found


@pytest.mark.parametrize(
    "text",
    ["café", "Sjögren", "Ã", "Â", "AT&T", "R&D; more", "发热", "Ménière\u2019s", "naïve — œuvre", "µg"],
)
def test_foreign_text_is_not_damaged(text):
    assert damage(text) is None


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(min_codepoint=0xA1, max_codepoint=0x7FF), min_size=1, max_size=8))
def test_whatever_was_read_as_latin_1_is_mended(text):
    found = damage(text.encode().decode("latin-1"))
    assert found is not None and found.endswith(f"for {text!r}")
