"""Letters that pass for others are found; Greek letters of science are left alone."""

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from loregraft.kg.check.look_alikes import MIXED, is_disguised, look


def is_mixed(name):
    return pc.match_substring_regex(pa.array([name]), MIXED)[0].as_py()


@pytest.mark.parametrize(
    "name",
    [
        "\u0430spirin",  # Cyrillic a
        "aspiri\u043f",
        "p\u03b1in",  # Greek alpha
        "\u0391spirin",  # Greek capital Alpha
        "c\u03bfld",  # omicron
        "the \u0421OVID test",
    ],
)
def test_a_word_of_two_scripts_is_found(name):
    assert is_mixed(name)


@pytest.mark.parametrize(
    "name",
    [
        "TNF\u03b1", "NF\u03baB", "IFN\u03b3R1", "\u03b22-microglobulin", "\u03bcmol",
        "\u03b1v\u03b23 integrin", "\u03b1-synuclein", "aspirin \u0430\u0441\u043f\u0438",
        "caf\u00e9", "\u53d1\u70ed IgG",
    ],
)  # fmt: skip
def test_names_of_science_and_of_one_script_a_word_are_left_alone(name):
    assert not is_mixed(name)


def test_names_that_look_alike_have_one_look():
    assert look("\u0410spirin") == look("ASPIRIN") == look("\uff21spirin") == "aspirin"
    assert look("\u041d\u0412") == look("hb") == look("\u043d\u0432")
    assert look("fever") != look("fewer")
    assert is_disguised("\u0430spirin") and not is_disguised("aspirin \u00e9 \u53d1")
