"""Lexicons: words with polarity or category, in the shapes in which they come."""

import bz2
import csv
import gzip
import io
import os
from collections import defaultdict
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.errors import BadInput
from loregraft.kg.readers import recognise
from loregraft.kg.readers.lexicon import fits_lexicon, read_lexicon

DATA = Path(os.environ.get("LOREGRAFT_DATA", Path(__file__).parents[4] / "shared" / "data"))
VADER_LINES = [
    ":D\t2.3\t0.45\t[2, 3, 2, 3, 2, 2, 2, 3, 2, 2]",
    "#fail\t-2.0\t1.1\t[-2, -2, -1, -3, -2, -2, -2, -2, -2, -2]",
]


def rows_of(path, problems=None):
    found = defaultdict(list)
    for batch in read_lexicon(path, problems):
        found[batch.table] += zip(
            *(pa.array(column).to_pylist() for column in batch.rows.values()), strict=True
        )
    return found


def write(path, lines, pack=bytes):
    path.write_bytes(pack("".join(f"{line}\n" for line in lines).encode()))
    return path


@pytest.mark.parametrize("tab", [True, False])
def test_a_header_row_names_the_columns(tab, tmp_path):
    lines = [
        "Word,Polarity,emotion,language,pos",
        "good,+1.9,joy,,adj",
        "schlimm,-2,anger,de,",
        "great,3,joy,,",
    ]
    path = write(tmp_path / "a.csv", [line.replace(",", "\t") for line in lines] if tab else lines)
    assert recognise(path) == "lexicon"
    rows = rows_of(path)
    assert rows["entities"] == [
        ("good", "word"),
        ("category:joy", "category"),
        ("schlimm", "word"),
        ("category:anger", "category"),
        ("great", "word"),
    ]
    assert rows["names"] == [
        ("good", "good", "preferred", "en"),
        ("category:joy", "joy", "preferred", "en"),
        ("schlimm", "schlimm", "preferred", "de"),
        ("category:anger", "anger", "preferred", "en"),
        ("great", "great", "preferred", "en"),
    ]
    assert rows["triples"] == [
        ("good", "has_category", "category:joy"),
        ("schlimm", "has_category", "category:anger"),
        ("great", "has_category", "category:joy"),
    ]
    assert rows["attributes"] == [
        ("good", "polarity", "+1.9", "decimal"),
        ("good", "pos", "adj", ""),
        ("schlimm", "polarity", "-2", "decimal"),
        ("great", "polarity", "3", "decimal"),
    ]


def test_vader_and_afinn(tmp_path):
    path = write(tmp_path / "words.txt", VADER_LINES)
    assert recognise(path) == "lexicon"
    assert rows_of(path)["attributes"][:3] == [
        (":D", "polarity", "2.3", "decimal"),
        (":D", "polarity_deviation", "0.45", "decimal"),
        (":D", "polarity_ratings", "[2, 3, 2, 3, 2, 2, 2, 3, 2, 2]", ""),
    ]
    path = write(tmp_path / "AFINN-111.txt", ["abandon\t-2", "can't stand\t-3"])
    assert recognise(path) == "lexicon"
    assert rows_of(path)["attributes"] == [
        ("abandon", "polarity", "-2", "decimal"),
        ("can't stand", "polarity", "-3", "decimal"),
    ]
    path = write(tmp_path / "plain.txt", ["calm\tpeace"])
    assert rows_of(path)["triples"] == [("calm", "has_category", "category:peace")]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_packed_files(pack, tmp_path):
    path = write(tmp_path / "a", VADER_LINES, pack)
    assert recognise(path) == "lexicon"
    assert len(rows_of(path)["entities"]) == 2


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("entity2id.txt", "a\t0\nb\t1\n"),
        ("scores.csv", "good,1.5\n"),
        ("a.tsv", "a\tr\tb\n"),
        ("a.csv", "head,relation,tail\n"),
        ("entities.csv", "id,name,category\n"),
        ("my_lexicon.tsv", "a\tr\tb\n"),
        ("lexicon.txt", "good words\n"),
        ("words.txt", "word,other\n"),
        ("empty.lexicon", "\n"),
    ],
)
def test_other_tables_are_not_taken(name, head, tmp_path):
    assert not fits_lexicon(tmp_path / name, head)
    assert not fits_lexicon(tmp_path, head)


BAD = {
    "cells": ("good\t1\t2", "expected 2 cells, found 3 in 'good 1 2'"),
    "comma": ("good,1", "expected 2 cells, found 1"),
    "word": ("\t1.5", "no word"),
    "nothing": ("good\t", "nothing is said of 'good'"),
    "number": ("good\tvery", "'polarity' is 'very' and no number"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_lines_are_named_and_the_rest_is_read(case, tmp_path):
    line, found = BAD[case]
    path = write(tmp_path / "a.tsv", ["word\tpolarity", "fine\t1", line, "bad\t-1"])
    with pytest.raises(BadInput) as caught:
        rows_of(path)
    assert caught.value.line == 3
    assert found in caught.value.found
    assert caught.value.fix == "Write a word and its polarity or category with one tab or comma between them."
    problems = []
    assert [row[0] for row in rows_of(path, problems)["entities"]] == ["fine", "bad"]
    assert [problem.line for problem in problems] == [3]


words = st.text(st.characters(blacklist_categories=("Cs", "C", "Z")), min_size=1, max_size=10)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(words, st.decimals(-9, 9, places=2).map(str), st.sampled_from(["joy", "fear"])), min_size=1
    )
)
def test_what_is_written_is_read(tmp_path_factory, entries):
    text = io.StringIO()
    csv.writer(text).writerows([("word", "polarity", "category"), *entries])
    path = tmp_path_factory.mktemp("lexicon") / "a.csv"
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    rows = rows_of(path)
    assert [(row[0], row[2]) for row in rows["attributes"]] == [(word, number) for word, number, _ in entries]
    assert [(row[0], row[2]) for row in rows["triples"]] == [
        (word, f"category:{kind}") for word, _, kind in entries
    ]


def test_vader_itself():
    path = DATA / "vader" / "vader_sentiment_lexicon.txt"
    if not path.is_file():
        pytest.skip("VADER's lexicon is not here")
    assert recognise(path) == "lexicon"
    problems = []
    rows = rows_of(path, problems)
    lines = sum(1 for line in path.read_bytes().splitlines() if line.strip())
    assert len(rows["entities"]) + len(problems) == lines > 7_500
    assert len(problems) < 5
    polarity = {row[0]: float(row[2]) for row in rows["attributes"] if row[1] == "polarity"}
    assert (polarity["good"], polarity["great"], polarity["horrible"]) == (1.9, 3.1, -2.5)


def test_a_word_that_is_called_as_a_category_is_kept(tmp_path):
    path = write(tmp_path / "a.csv", ["word,emotion,polarity", "good,joy,", "category:joy,,2"])
    rows = rows_of(path)
    assert ("category:joy", "word") in rows["entities"] and ("category:joy", "category") in rows["entities"]
    assert rows["attributes"] == [("category:joy", "polarity", "2", "decimal")]
