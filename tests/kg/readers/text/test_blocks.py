"""The quick way to read cells agrees with the plain one, line by line."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.errors import BadInput
from loregraft.kg.readers.text import blocks
from loregraft.kg.readers.text.blocks import read_cells

CELL = st.text(st.sampled_from("ab #é中\u3000\u200d\r"), max_size=3)
LINE = st.lists(CELL, max_size=4).map("\t".join)


def plain(text):
    """Cut a text as a person would: regular lines, and odd ones, both by number."""
    regular, odd = [], []
    for number, line in enumerate(text.split("\n"), start=1):
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) == 3 and all(cells) and not line.startswith("#"):
            regular.append((number, *cells))
        elif line.rstrip("\r") and not line.isspace():
            odd.append((number, line.rstrip("\r")))
    return regular, odd


def quick(path, problems=None):
    regular, odd = [], []
    for cells in read_cells(path, 3, problems):
        columns = [column.to_pylist() for column in cells.columns]
        regular += zip(cells.numbers.tolist(), *columns, strict=True)
        odd += cells.odd
    return regular, odd


@settings(max_examples=60, deadline=None)
@given(lines=st.lists(LINE, max_size=12), size=st.sampled_from([4, 16, 1 << 20]), end=st.booleans())
def test_agrees_with_a_plain_reading(lines, size, end, tmp_path_factory):
    text = "\n".join(lines) + ("\n" if end else "")
    path = tmp_path_factory.mktemp("cells") / "a.tsv"
    path.write_bytes(text.encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_BYTES", size)
        assert quick(path) == plain(text)


def test_numbers_stay_right_after_lines_that_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "MAX_LINE", 64)
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 16)
    path = tmp_path / "a.tsv"
    path.write_bytes(b"a\tr\tb\n" + b"x" * 200 + b"\nb\tr\tc\n\xff\tr\td\nc\tr\td\n")
    problems = []
    regular, odd = quick(path, problems)
    assert regular == [(1, "a", "r", "b"), (3, "b", "r", "c"), (5, "c", "r", "d")]
    assert odd == []
    assert [problem.line for problem in problems] == [2, 4]
    with pytest.raises(BadInput, match="line 2: a line of more than"):
        quick(path)


def test_an_empty_file_and_one_without_a_last_line_end(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_bytes(b"")
    assert quick(path) == ([], [])
    path.write_bytes(b"\xef\xbb\xbfa\tr\tb")
    assert quick(path) == ([(1, "a", "r", "b")], [])
