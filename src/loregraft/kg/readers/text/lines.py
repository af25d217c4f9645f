"""Read text files line by line, with line numbers, so that every reader names a bad line alike.

All readers of text sit on `read_lines`, those with a header row on `read_table`; `in_batches` turns
the rows they find into the column batches of `kg/tables/columns.py`.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from loregraft.errors import BadInput, did_you_mean
from loregraft.kg.readers.text.opening import open_bytes
from loregraft.kg.tables.columns import BATCH_ROWS, TABLES, Cell, Columns, Table

Row = tuple[Cell, ...]
"""The first cells of a table's row, in the order of `TABLES`; the cells left out take their default."""


def raise_or_collect(problem: BadInput, problems: list[BadInput] | None) -> None:
    """Stop at a problem, or, when a list is given, add it there and let the reader go on."""
    if problems is None:
        raise problem
    problems.append(problem)


MAX_LINE = 16 << 20
"""Bytes that a line may have; a longer one is no line of a text but damage, or an attack on memory."""


def read_lines(path: Path, problems: list[BadInput] | None = None) -> Iterator[tuple[int, str]]:
    """Yield number and text of the lines that say something, without line end and byte order mark.

    Blank lines are skipped. A line that is not UTF-8, or longer than `MAX_LINE`, is a problem; the
    lines after it are still read.
    """
    for number, text in decoded_lines(path, problems):
        line = text.rstrip("\r\n")
        if line and not line.isspace():
            yield number, line


def decoded_lines(path: Path, problems: list[BadInput] | None = None) -> Iterator[tuple[int, str]]:
    """Yield number and text of all lines, line end included, without byte order mark; see `read_lines`."""
    with open_bytes(path) as file:
        number = 0
        while raw := file.readline(MAX_LINE + 1):
            number += 1
            if len(raw) > MAX_LINE:
                while raw and not raw.endswith(b"\n"):
                    raw = file.readline(MAX_LINE)
                raise_or_collect(too_long(path, number), problems)
                continue
            try:
                yield number, raw.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise_or_collect(not_utf8(path, number, error), problems)


def too_long(path: Path, number: int) -> BadInput:
    """Say that a line is longer than `MAX_LINE`."""
    return BadInput(path, number, f"a line of more than {MAX_LINE:,} bytes", "Break it, or remove it.")


def not_utf8(path: Path, number: int, error: UnicodeDecodeError) -> BadInput:
    """Say which byte of a line is not UTF-8."""
    found = f"byte {error.start + 1} (0x{error.object[error.start]:02x}) is not UTF-8"
    return BadInput(path, number, found, "Save the file as UTF-8.")


def read_table(
    path: Path, needed: Iterable[str], problems: list[BadInput] | None = None
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows of a tab-separated file with a header row: line number, and cell by column.

    Lines that start with `#` are comments. A file without a line has no row. A header without the
    needed columns is a problem that ends the reading.
    """
    header: list[str] = []
    for number, line in read_lines(path, problems):
        if line.startswith("#"):
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        if not header:
            header = cells
            problem = _header_problem(path, number, header, needed)
            if problem:
                raise_or_collect(problem, problems)
                return
        elif len(cells) != len(header):
            found = f"expected {len(header)} columns as in the header, found {len(cells)} in {line!r:.80}"
            fix = "Put one tab between two columns, also where a cell is empty."
            raise_or_collect(BadInput(path, number, found, fix), problems)
        else:
            yield number, dict(zip(header, cells, strict=True))


def header_of(head: str) -> set[str]:
    """Give the cells of the first line of a text that is no comment, cut at tabs."""
    first = next((line for line in head.splitlines() if line.strip() and not line.startswith("#")), "")
    return {cell.strip() for cell in first.split("\t")}


def in_batches(rows: Iterable[tuple[Table, Row]]) -> Iterator[Columns]:
    """Yield rows as columns, table by table, at most `BATCH_ROWS` at a time.

    Rows of one table stay in order. Where they differ in length (those that name their source have a
    cell more than those that do not) a batch ends: batches are small where such rows take turns.
    """
    waiting: dict[Table, list[Row]] = {}
    for table, row in rows:
        alike = waiting.setdefault(table, [])
        if alike and (len(alike[0]) != len(row) or len(alike) == BATCH_ROWS):
            yield _columns(table, alike)
            alike = waiting[table] = []
        alike.append(row)
    for table, alike in waiting.items():
        yield _columns(table, alike)


def id_prefix(id: str) -> str:
    """Give the vocabulary an id comes from: `HP` for `HP:0000118`; empty where the id does not say."""
    prefix, colon, _ = id.partition(":")
    return prefix if colon else ""


def _columns(table: Table, rows: list[Row]) -> Columns:
    names = list(TABLES[table])[: len(rows[0])]
    columns = [list(column) for column in zip(*rows, strict=True)]
    return Columns(table, dict(zip(names, columns, strict=True)))


def _header_problem(path: Path, number: int, header: list[str], needed: Iterable[str]) -> BadInput | None:
    fix = f"The first row must name these columns: {', '.join(needed)}."
    for column in needed:
        if column not in header:
            near = did_you_mean(column, header)
            return BadInput(path, number, f"the header has no column {column!r} ({near})", fix)
    if len(set(header)) < len(header):
        twice = next(column for column in header if header.count(column) > 1)
        return BadInput(path, number, f"the header has the column {twice!r} twice", "Rename one of them.")
    return None
