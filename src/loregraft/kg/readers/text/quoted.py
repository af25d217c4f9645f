"""Read comma-separated text row by row: cells in quotes may hold commas, quotes and line ends.

The formats on top are in `kg/readers/delimited.py`.
"""

import csv
import io
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from loregraft.errors import BadInput
from loregraft.kg.readers.text.headers import first_line
from loregraft.kg.readers.text.lines import MAX_LINE, decoded_lines, raise_or_collect

MAX_ROW_LINES = 1_000
"""Over how many lines a row may go: a quote that is not closed may not swallow the file."""

FIX = 'Put a cell with a comma, a quote or a line end in quotes, and double the quotes in it: "say ""hi""".'

DELIMITERS = ",;"

_Line = tuple[int, str]
_IN_QUOTES = re.compile(r'"[^"]*+"?+')


def read_quoted(
    path: Path, problems: list[BadInput] | None = None, delimiter: str = ""
) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that say something: the number of their first line, and their cells, trimmed.

    A cell has at most 131,072 characters. After a row with a wrong quote reading goes on with the
    next line.

    Args:
        delimiter: What stands between cells; empty: what `delimiter_of` finds in the first line.
    """
    rest, waiting = _lines(path, problems), deque[_Line]()
    alone = 0
    while waiting or (first := next(rest, None)):
        if not waiting:
            assert first is not None
            waiting.append(first)
        number, line = waiting[0]
        if not line.strip():
            waiting.popleft()
            continue
        delimiter = delimiter or delimiter_of(line)
        feed = _Feed(waiting, rest, 1 if number <= alone else MAX_ROW_LINES)
        try:
            cells = _cells(feed, delimiter)
        except csv.Error as error:
            raise_or_collect(_problem(path, number, line, str(error)), problems)
            # Each line is tried once more at most, so that no file takes time without end.
            alone = max(alone, waiting[feed.taken - 1][0])
            waiting.popleft()
            continue
        for _ in range(feed.taken):
            waiting.popleft()
        yield number, [cell.strip() for cell in cells]


def delimiter_of(line: str, delimiters: str = DELIMITERS) -> str:
    """Give the delimiter that stands most often in a line outside quotes; of two the one named first."""
    bare = _IN_QUOTES.sub("", line)
    return max(delimiters, key=bare.count)


def first_cells(head: str, delimiters: str = DELIMITERS) -> list[str]:
    """Give the cells of the first row of a file's head, trimmed; none where its quotes are wrong."""
    line = first_line(head)
    if not line:
        return []
    rest = io.StringIO(head[head.index(line) :], newline="\n")
    try:
        cells = next(csv.reader(rest, delimiter=delimiter_of(line, delimiters), strict=True), [])
    except csv.Error:
        return []
    return [cell.strip() for cell in cells]


class _Feed:
    """Gives the lines that wait, then those of the file, and keeps what it gave for a second try."""

    def __init__(self, waiting: deque[_Line], rest: Iterator[_Line], limit: int) -> None:
        self._waiting, self._rest, self._limit = waiting, rest, limit
        self.taken, self._size = 0, 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.taken >= self._limit or self._size > MAX_LINE:
            raise StopIteration
        if self.taken == len(self._waiting):
            self._waiting.append(next(self._rest))
        line = self._waiting[self.taken][1]
        self.taken += 1
        self._size += len(line)
        return line


def _cells(feed: _Feed, delimiter: str) -> list[str]:
    return next(csv.reader(feed, delimiter=delimiter, strict=True))


def _problem(path: Path, number: int, line: str, error: str) -> BadInput:
    found = "a quote that is not closed" if "unexpected end" in error else f"{error}"
    return BadInput(path, number, f"{found} in {line.rstrip()!r:.80}", FIX)


def _lines(path: Path, problems: list[BadInput] | None) -> Iterator[_Line]:
    """Yield number and text of all lines, line end included: a cell in quotes may hold some."""
    for number, line in decoded_lines(path, problems):
        if "\0" in line:
            fix = "Save the file as text, or remove the character."
            raise_or_collect(BadInput(path, number, "a NUL character", fix), problems)
        else:
            yield number, line
