"""Read texts of a column of a CSV or TSV file with a header row; a column `id` is kept."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from loregraft.errors import BadInput, did_you_mean
from loregraft.kg.readers.text.headers import first_twice
from loregraft.kg.readers.text.lines import MAX_LINE, raise_or_collect, read_lines
from loregraft.kg.readers.text.quoted import read_quoted
from loregraft.linking.texts.rows import TextRow, row_of

SHOWN = 30
"""Columns that a message names."""
_Rows = Iterator[tuple[int, list[str]]]


class NoColumn(BadInput):
    """A table has not the column that is to be read."""


def read_csv_texts(path: Path, column: str, problems: list[BadInput] | None = None) -> Iterator[TextRow]:
    """Yield the texts of a column of comma- or semicolon-separated text; cells are trimmed.

    Raises:
        NoColumn: The header does not name the column.
        BadInput: A row has too few or too many cells, or a wrong quote.
    """
    return _texts(path, _long_cells(read_quoted(path, problems)), column, problems)


def read_tsv_texts(path: Path, column: str, problems: list[BadInput] | None = None) -> Iterator[TextRow]:
    """Yield the texts of a column of tab-separated text, as they are: quotes have no meaning.

    Raises:
        NoColumn: The header does not name the column.
        BadInput: A row has too few or too many cells.
    """
    lines = ((number, line.split("\t")) for number, line in read_lines(path, problems))
    return _texts(path, lines, column, problems)


def check_csv(path: Path, column: str) -> None:
    """Refuse a file whose header does not name a column; one without a line has no texts and is fine."""
    _check(path, read_quoted(path), column)


def check_tsv(path: Path, column: str) -> None:
    """Refuse a file whose header does not name a column; see `check_csv`."""
    _check(path, ((number, line.split("\t")) for number, line in read_lines(path)), column)


def place_of(path: Path, number: int, header: Sequence[str], column: str) -> int:
    """Give where a column stands; capitals tell names apart only where they must.

    Raises:
        NoColumn: It is not there, or stands twice.
    """
    names = list(header)
    if column not in names:
        names = [name.casefold() for name in names]
    wanted = column if column in names else column.casefold()
    if wanted not in names:
        there = ", ".join(repr(name)[:40] for name in header[:SHOWN]) + (", ..." * (len(header) > SHOWN))
        fix = f"Name the column of the texts with --column. {did_you_mean(column, header)}"
        raise NoColumn(path, number, f"there is no column {column!r}; there are {there or 'none'}", fix)
    if first_twice(name for name in names if name == wanted) is not None:
        raise NoColumn(path, number, f"the column {column!r} stands twice", "Rename one of them.")
    return names.index(wanted)


def id_place(header: Sequence[str]) -> int | None:
    """Give where the ids stand; None where there are none."""
    return next((place for place, name in enumerate(header) if name.strip().casefold() == "id"), None)


def _texts(path: Path, rows: _Rows, column: str, problems: list[BadInput] | None) -> Iterator[TextRow]:
    header: list[str] = []
    text, id = 0, None
    for number, cells in rows:
        if not header:
            header = [cell.strip() for cell in cells]
            text, id = place_of(path, number, header, column), id_place(header)
        elif len(cells) != len(header):
            found = f"expected {len(header)} cells as in the first row, found {len(cells)}"
            fix = "Put a cell that holds what separates cells in quotes, or take it out (TSV)."
            raise_or_collect(BadInput(path, number, found, fix), problems)
        else:
            yield row_of(path, number, cells[text], None if id is None else cells[id] or None)


def _check(path: Path, rows: _Rows, column: str) -> None:
    first = next(rows, None)
    if first is not None:
        place_of(path, first[0], [cell.strip() for cell in first[1]], column)


def _long_cells(rows: _Rows) -> _Rows:
    """Let cells be as long as lines; the limit belongs to the process, so it is lent for a row at a time."""
    while True:
        limit = csv.field_size_limit(MAX_LINE)
        try:
            row = next(rows, None)
        finally:
            csv.field_size_limit(limit)
        if row is None:
            return
        yield row
