"""Read text files line by line, with line numbers, so that every reader names a bad line alike.

`read_lines` gives the lines, `read_table` the rows of a table with a header, `in_batches` turns rows
into the column batches of `kg/tables/columns.py`. Big files of few cells are cut in `blocks.py`, CSV in
`quoted.py`.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from loregraft.errors import BadInput
from loregraft.kg.readers.text.headers import header_problem, named
from loregraft.kg.readers.text.opening import open_bytes
from loregraft.kg.tables.columns import BATCH_ROWS, TABLES, Cell, Columns, Table

Row = tuple[Cell, ...]
"""The first cells of a table's row, in the order of `TABLES`; the cells left out take their default."""


MAX_PROBLEMS = 1_000


class Problems(list[BadInput]):
    """The bad lines that a reader left out: the first `MAX_PROBLEMS` are kept, all are counted.

    `len` is what is kept, `total` what was found.
    """

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def append(self, problem: BadInput) -> None:
        """Count a problem, and keep it while there is room, without what was in memory where it arose."""
        self.total += 1
        if len(self) < MAX_PROBLEMS:
            problem.__traceback__ = problem.__cause__ = problem.__context__ = None
            super().append(problem)


def raise_or_collect(problem: BadInput, problems: list[BadInput] | None) -> None:
    """Stop at a problem, or, when a list (better: a `Problems`) is given, add it and let the reader go on."""
    if problems is None:
        raise problem
    problems.append(problem)


BATCH_CHARACTERS = 64 << 20
"""Characters of rows that are held before they are passed on, whatever their number."""

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
    path: Path, needed: Sequence[str], problems: list[BadInput] | None = None
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows of a tab-separated file with a header row: line number, and cell by column.

    Lines that start with `#` are comments. A file without a line has no row. Columns are called as
    `named` says. A header without the needed ones is a problem that ends the reading.
    """
    header: Sequence[str] = ()
    for number, line in read_lines(path, problems):
        if line.startswith("#"):
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        if not header:
            header = named(cells, needed)
            problem = header_problem(path, number, header, needed)
            if problem:
                raise_or_collect(problem, problems)
                return
        elif len(cells) != len(header):
            found = f"expected {len(header)} columns as in the header, found {len(cells)} in {line!r:.80}"
            fix = "Put one tab between two columns, also where a cell is empty."
            raise_or_collect(BadInput(path, number, found, fix), problems)
        else:
            yield number, dict(zip(header, cells, strict=True))


def in_batches(rows: Iterable[tuple[Table, Row]]) -> Iterator[Columns]:
    """Yield rows as columns, table by table, at most `BATCH_ROWS` and about `BATCH_CHARACTERS` at a time.

    Rows of one table stay in order. Where they differ in length (those that name their source have a
    cell more than those that do not) a batch ends: batches are small where such rows take turns.
    """
    waiting: dict[Table, list[Row]] = {}
    size = 0
    for table, row in rows:
        alike = waiting.setdefault(table, [])
        if alike and (len(alike[0]) != len(row) or len(alike) == BATCH_ROWS):
            yield _columns(table, alike)
            alike = waiting[table] = []
        alike.append(row)
        size += sum([len(cell) for cell in row if isinstance(cell, str)])
        if size > BATCH_CHARACTERS:
            for full, some in waiting.items():
                yield _columns(full, some)
            waiting, size = {}, 0
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
