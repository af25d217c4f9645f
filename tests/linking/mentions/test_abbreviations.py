"""Abbreviations that a text defines itself."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.linking.mentions.abbreviations import abbreviations, later


@pytest.mark.parametrize(
    ("text", "short", "long"),
    [
        ("Patients with Wilms tumour (WT) were seen.", "WT", "Wilms tumour"),
        ("familial adenomatous polyposis ( FAP )", "FAP", "familial adenomatous polyposis"),
        ("the gene for ataxia-telangiectasia (A-T) is", "A-T", "ataxia-telangiectasia"),
        ("myotonic dystrophy (DM) is", "DM", "myotonic dystrophy"),  # the initials in another order
        ("Wilms tumour【WT】", "WT", "Wilms tumour"),
        ("APC (adenomatous polyposis coli) was", "APC", "adenomatous polyposis coli"),
        ("急性髓系白血病（Acute Myeloid Leukemia）与 human immunodeficiency virus（HIV）", "HIV", None),
    ],
)
def test_definitions_are_found(text, short, long):
    (found,) = [one for one in abbreviations(text) if one.short == short]
    assert long is None or found.long == long
    assert text[slice(*found.short_at)] == found.short
    assert text[slice(*found.long_at)] == found.long


@pytest.mark.parametrize(
    "text",
    ["seen in 12 (of 14) cases", "a disease (see below)", "(WT)", "tumour (XQ)", "Wilms tumour\n\n(WT)", ""],
)
def test_brackets_that_define_nothing_are_left(text):
    assert abbreviations(text) == []


def test_later_places_are_whole_words_in_their_own_capitals():
    text = "Wilms tumour (WT): WT, WTs and wt, but not WT1 or AWT."
    (one,) = abbreviations(text)
    places = list(later(text, one))
    assert [text[start:end] for start, end in places] == ["WT", "WT", "WT"]
    assert places[-1] == (23, 25)


@settings(max_examples=50, deadline=None)
@given(st.text(alphabet="ab AB(),;-（）é漢\n", max_size=60))
def test_any_text_gives_places_that_hold_what_is_said(text):
    for one in abbreviations(text):
        assert text[slice(*one.short_at)] == one.short
        assert text[slice(*one.long_at)] == one.long
