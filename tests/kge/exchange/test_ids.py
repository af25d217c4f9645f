"""Ids are written so that a format holds them, and read with what is wrong named."""

import gzip
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loregraft.errors import BadInput
from loregraft.kge.exchange.ids import ANY_BLANK, BREAKING, escaped, read_numbered, said_of_escapes

SMALL = st.text(st.sampled_from(' \t\n\r\x85\u2028%25aé"'), max_size=8)


@pytest.mark.parametrize("breaking", [ANY_BLANK, BREAKING])
@given(ids=st.lists(st.one_of(st.text(), SMALL)))
def test_escapes_are_undone_and_hold_no_blank(breaking, ids):
    ids = [id for id in ids if not any("\ud800" <= letter <= "\udfff" for letter in id)]
    written = escaped(ids, breaking)
    assert [unquote(id) for id in written] == ids
    assert all(len(id.split()) <= 1 for id in written) or breaking is BREAKING
    assert all(id == id.strip() and "\t" not in id and len(id.splitlines()) <= 1 for id in written)


def test_only_what_breaks_is_escaped_and_it_is_said():
    """A blank is allowed where tabs part fields; a percent sign changes where it looks like an escape."""
    ids = ["a b", "100 %", "a%20b", "tab\there", "é"]
    assert escaped(ids, BREAKING) == ["a b", "100 %", "a%2520b", "tab%09here", "é"]
    spaced = escaped(ids, ANY_BLANK)
    assert spaced == ["a%20b", "100%20%", "a%2520b", "tab%09here", "é"]
    assert "in 4 ids of entities" in said_of_escapes(ids, spaced, "entities")[0]
    assert said_of_escapes(ids, ids, "entities") == []


def test_numbered_ids_are_read_in_any_order(tmp_path):
    path = tmp_path / "entities.tsv"
    path.write_text("1\tb c\n0\ta\n")
    assert read_numbered(path) == ["a", "b c"]
    with gzip.open(tmp_path / "x.tsv.gz", "wt") as file:
        file.write('id\tlabel\n0\t"say ""a"""\n1\tb\n')
    assert read_numbered(tmp_path / "x.tsv.gz", ("id", "label")) == ['say "a"', "b"]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("0\ta\nb\t1\n", 2, "expected an index and an id with a tab between them, found 'b\\t1'"),
        ("0\ta\tb\n", 1, "expected an index and an id"),
        ("0\ta\n1\ta\n", 2, "the id 'a' stands there already"),
        ("0\ta\n0\tb\n", 2, "the index 0 or"),
        ("0\ta\n2\tb\n", 0, "no row with the index 1, and there are 2 rows"),
        ("", 0, "no row with the index 0"),
    ],
)
def test_a_wrong_line_is_named(tmp_path, text, line, said):
    path = tmp_path / "entities.tsv"
    path.write_text(text)
    with pytest.raises(BadInput) as raised:
        read_numbered(path)
    assert raised.value.line == line and said in raised.value.found and raised.value.fix.startswith("Give")
