"""Three engines that find the same; a naive search is the judge."""

import re
import sys

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from loregraft.errors import MissingExtra
from loregraft.linking.mentions import automata
from loregraft.linking.mentions.automata import (
    ENGINES,
    Daachorse,
    Substrings,
    WordRuns,
    engine_version,
    first_engine,
    make_automaton,
)

ALL = tuple(ENGINES)
words = st.lists(st.sampled_from(["a", "b", "ab", "é", "ß", "1"]), min_size=1, max_size=4)
padded = words.map(lambda some: f" {' '.join(some)} ")
runs = st.text(st.sampled_from("疫苗痘𠀀a "), min_size=1, max_size=4)


def arrow(patterns):
    return pa.array(patterns, pa.large_string())


def found(automaton, text):
    starts, ends, numbers = automaton.find(text)
    return list(zip(starts.tolist(), ends.tolist(), numbers.tolist(), strict=True))


def naive(patterns, text):
    """Compare each pattern with each place."""
    return sorted(
        (start, start + len(pattern), number)
        for number, pattern in enumerate(patterns)
        for start in range(len(text))
        if text.startswith(pattern, start)
    )


@pytest.mark.parametrize("engine", ALL)
def test_nested_and_overlapping_occurrences_are_all_found(engine):
    patterns = [" lung ", " lung cancer ", " cancer ", " cancer cell "]
    automaton = make_automaton(arrow(patterns), engine)
    assert found(automaton, " lung cancer cell ") == [(0, 6, 0), (0, 13, 1), (5, 13, 2), (5, 18, 3)]


@pytest.mark.parametrize("engine", ALL)
def test_positions_are_characters_whatever_their_bytes(engine):
    automaton = make_automaton(arrow([" né ", "疫苗", "苗"]), engine)
    assert found(automaton, "😀𠀀 né 疫苗") == [(2, 6, 0), (6, 8, 1), (7, 8, 2)]


@pytest.mark.parametrize("engine", ALL)
@given(patterns=st.lists(padded, unique=True, max_size=8), texts=st.lists(padded, max_size=5))
@example(patterns=[], texts=[" a "])
@example(patterns=[" a "], texts=[" a ", " a "])  # joined: two spaces between
@settings(max_examples=50, deadline=None)
def test_word_patterns_are_found_as_a_naive_search_finds_them(engine, patterns, texts):
    text = "".join(texts)
    assert found(make_automaton(arrow(patterns), engine), text) == naive(patterns, text)


@pytest.mark.parametrize("engine", ALL)
@given(patterns=st.lists(runs, unique=True, max_size=8), text=st.lists(runs, max_size=5).map("".join))
@example(patterns=[], text="疫苗")
@example(patterns=["苗"], text="苗苗")
@example(patterns=["苗疫", "苗"], text="疫苗")  # a pattern that the text's end cuts
@example(patterns=[" "], text=" a ")
@settings(max_examples=50, deadline=None)
def test_other_patterns_are_found_as_a_naive_search_finds_them(engine, patterns, text):
    assert found(make_automaton(arrow(patterns), engine), text) == naive(patterns, text)


@pytest.mark.parametrize("engine", ALL)
@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_pieces_of_any_text_are_found_where_they_are(engine, data):
    text = data.draw(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60))
    places = st.tuples(st.integers(0, len(text) - 1), st.integers(1, 5))
    pieces = data.draw(st.lists(places.map(lambda at: text[at[0] : at[0] + at[1]]), unique=True, max_size=6))
    assert found(make_automaton(arrow(pieces), engine), text) == naive(pieces, text)


@pytest.mark.parametrize("engine", ALL)
@pytest.mark.parametrize("sign", ["b", "é", "疫"])
def test_a_long_text_is_searched_in_pieces_and_loses_nothing(engine, sign, monkeypatch):
    patterns = [f" a {sign} ", f" {sign} ", f" {sign} a {sign} "]
    text = f" a {sign}" * 30 + " "
    whole = found(make_automaton(arrow(patterns), engine), text)
    monkeypatch.setattr(automata, "_WINDOW", 7)
    assert found(make_automaton(arrow(patterns), engine), text) == whole == naive(patterns, text)


def test_the_engines_agree_on_a_hundred_thousand_characters():
    text = " " + "lung cancer cell é 疫 苗 痘 " * 5000
    patterns = arrow([" lung cancer ", " cancer ", " cell é ", "疫", " 疫 苗 ", " none "])
    first, *others = (make_automaton(patterns, engine).find(text) for engine in ALL)
    assert len(text) > 100_000 and len(first[0]) == 25_000
    for other in others:
        assert all((left == right).all() for left, right in zip(first, other, strict=True))


def test_longest_first_and_boundaries_afterwards_would_hide_a_name():
    """Why all overlapping occurrences are asked for, of patterns with their boundaries in them."""
    names, text = ["lung cancer", "lung cancer c"], " lung cancer cell "
    longest = re.compile("|".join(sorted(names, key=len, reverse=True)))
    checked = [hit[0] for hit in longest.finditer(text) if not text[hit.end()].isalnum()]
    assert checked == []  # "lung cancer c" was taken, and it ends inside a word
    for engine in ALL:
        automaton = make_automaton(arrow([f" {name} " for name in names]), engine)
        assert found(automaton, text) == [(0, 13, 0)]


@pytest.mark.parametrize("engine", ALL)
@pytest.mark.parametrize("patterns", [["a", ""], ["a", None]])
def test_an_empty_pattern_is_refused(engine, patterns):
    with pytest.raises(ValueError, match="a pattern is empty"):
        make_automaton(arrow(patterns), engine)


@pytest.mark.parametrize("engine", ALL)
def test_a_slice_of_a_column_is_its_own_patterns(engine):
    assert found(make_automaton(arrow(["x", " a ", "y"])[1:2], engine), " a x y ") == [(0, 3, 0)]


@pytest.mark.parametrize("patterns", [[" a ", " é b "], ["疫苗", " a 疫"], []])
def test_daachorse_finds_the_same_after_it_was_saved(patterns):
    made = Daachorse.of(arrow(patterns))
    again = Daachorse.restore(made.to_bytes(), made.wide, made.longest)
    text = " a é b 疫苗 a 疫苗 "
    assert found(again, text) == found(made, text) == naive(patterns, text)


def test_daachorse_runs_over_characters_only_where_a_pattern_has_cjk():
    assert not Daachorse.of(arrow([" é "])).wide
    assert Daachorse.of(arrow([" é ", "𠀀"])).wide


def test_daachorse_refuses_bytes_that_are_no_automaton():
    with pytest.raises(ValueError, match="invalid"):
        Daachorse.restore(b"\xff" * 100, False, 3)


def test_plain_python_has_a_dictionary_of_words_and_one_of_substrings():
    assert isinstance(make_automaton(arrow([" a ", " a b "]), "python"), WordRuns)
    assert isinstance(make_automaton(arrow([" a ", "b "]), "python"), Substrings)
    assert isinstance(make_automaton(arrow([" "]), "python"), Substrings)


def test_the_next_engine_is_taken_where_one_is_missing(monkeypatch):
    assert first_engine() == "daachorse"
    assert isinstance(make_automaton(arrow(["a"])), Daachorse)
    monkeypatch.setitem(sys.modules, "daachorse", None)
    assert first_engine() == "ahocorasick"
    monkeypatch.setitem(sys.modules, "ahocorasick_rs", None)
    assert first_engine() == "python"
    assert found(make_automaton(arrow(["a"])), "ba") == [(1, 2, 0)]


@pytest.mark.parametrize(
    ("engine", "module", "package"),
    [("daachorse", "daachorse", "daachorse"), ("ahocorasick", "ahocorasick_rs", "ahocorasick-rs")],
)
def test_a_named_engine_that_is_missing_is_an_error(engine, module, package, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=f"{package}.*pip install"):
        make_automaton(arrow(["a"]), engine)


def test_versions_are_those_of_the_packages(monkeypatch):
    assert engine_version("daachorse")[0].isdigit()
    monkeypatch.setitem(automata.PACKAGES, "daachorse", "no-such-package")
    assert engine_version("daachorse") == ""
