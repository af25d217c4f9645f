"""Words of a text: offsets are those of the text, and equal names have equal keys."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.kg.names import fold_name
from loregraft.linking.words import name_key, split_words


def test_words_and_their_places():
    words = split_words("A Type-2 fever, 发热!")
    assert [(word.text, word.start, word.end) for word in words] == [
        ("a", 0, 1), ("type", 2, 6), ("2", 7, 8), ("fever", 9, 14), ("发", 16, 17), ("热", 17, 18)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("Type 2 Fever", "type-2  fever"),
        ("\uff28\uff29\uff36", "hiv"),  # full width
        ("Straße", "STRASSE"),
        ("Sjögren", unicodedata.normalize("NFD", "Sjögren")),
        ("snake_case", "snake case"),
        ("发热", "发 热"),
    ],
)
def test_equal_names_have_equal_keys(name, same):
    assert name_key(name) == name_key(same)


def test_other_names_have_other_keys():
    assert name_key("Sjogren") != name_key("Sjögren")
    assert name_key("headache") != name_key("head ache")
    assert name_key("(-)") == ""


def test_an_accent_that_is_its_own_character_belongs_to_the_word():
    """Decomposed text is what some PDF readers and file systems give."""
    text = unicodedata.normalize("NFD", "the Sjögren syndrome")
    (word,) = [word for word in split_words(text) if word.text.startswith("sj")]
    assert word.text == "sjögren"
    assert unicodedata.normalize("NFC", text[word.start : word.end]) == "Sjögren"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_offsets_slice_to_the_word(text):
    end = 0
    for word in split_words(text):
        assert end <= word.start < word.end <= len(text)
        assert fold_name(text[word.start : word.end]) == word.text
        end = word.end


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text("abcDÉß9发热", min_size=1, max_size=6), max_size=5))
def test_a_name_is_found_by_its_key_whatever_stands_between_its_words(words):
    assert name_key(" ".join(words)) == name_key("--".join(words)) == name_key(f"({', '.join(words)})")
