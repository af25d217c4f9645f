"""Read the CSV files of Neo4j: what `neo4j-admin database import` takes, and what `apoc.export.csv` gives.

The format is that of the chapter Import, CSV header format, of the Neo4j Operations Manual, and of
the page Export to CSV of the APOC documentation.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from loregraft.errors import BadInput
from loregraft.kg.readers.neo4j.rows import Literal, node_rows, relationship_rows
from loregraft.kg.readers.text.headers import first_line
from loregraft.kg.readers.text.lines import Row, in_batches, raise_or_collect
from loregraft.kg.readers.text.opening import first_bytes
from loregraft.kg.readers.text.quoted import delimiter_of, first_cells, read_quoted
from loregraft.kg.tables.columns import Columns, Table

FIX = "The first row names :ID and :LABEL, or :START_ID, :END_ID and :TYPE, beside the properties."
ITEMS = ";"
"""Stands between the items of a list."""

_OPTIONS = r"(?:\{[^{}]*+\})?"
_CELL = re.compile(
    rf"(?P<name>.*):(?P<type>[A-Za-z_]++)(?:\((?P<space>[^()]*+)\))?{_OPTIONS}(?P<many>\[\])?{_OPTIONS}"
)
_DELIMITERS = ",;\t"
_APOC = {"_id": "ID", "_labels": "LABEL", "_start": "START_ID", "_end": "END_ID", "_type": "TYPE"}
_ENDS = ("START_ID", "END_ID", "TYPE")
_FILE = re.compile(r"(?P<stem>.+)\.(csv|tsv)(\.(gz|bz2|xz|zst))?", re.IGNORECASE)
_HEADER = re.compile(r"[-_.]?headers?$", re.IGNORECASE)


@dataclass(frozen=True)
class Column:
    """A column by its header: `name:type(space)[]`."""

    name: str
    type: str
    space: str
    is_list: bool


def read_neo4j_csv(path: Path, problems: list[BadInput] | None = None) -> Iterator[Columns]:
    """Yield nodes as entities and relationships as triples, from a file or from all CSV files of a folder.

    Labels, names and properties go where `read_neo4j_json` puts them; items of a list stand between
    semicolons. Where the header names an id space, as in `:ID(Person)`, the id is `Person:1`, since
    it is unique only there. In a folder a header may be a file of its own: `movies-header.csv` holds
    for `movies.csv` and `movies-part1.csv`. Cells stand between commas, semicolons or tabs, as in the
    header. Columns `:IGNORE` are not read. Labels and types that are given on the command line of
    neo4j-admin stand in no file.

    Raises:
        BadInput: A folder or file without such a header, a row with too few or too many cells,
            without an id or end or type, or with a value that its column cannot hold.
    """
    return in_batches(_rows(path, problems))


def fits_neo4j_csv(path: Path, head: str) -> bool:
    """Tell whether the first row names an id, or two ends, as Neo4j writes it; in a folder, of any file."""
    if not path.is_dir():
        return _is_header(first_cells(head, _DELIMITERS))
    return any(_is_header(first_cells(_head(file), _DELIMITERS)) for file in _files(path)[:100])


def _rows(path: Path, problems: list[BadInput] | None) -> Iterator[tuple[Table, Row]]:
    if not path.is_dir():
        yield from _file(path, None, problems)
        return
    files = _files(path)
    if not files:
        raise BadInput(path, 0, "a folder without a CSV file", "Give the files that neo4j-admin takes.")
    headers = {_base(file): file for file in files if _HEADER.search(_stem(file))}
    for file in files:
        if file in headers.values():
            continue
        fitting = [base for base in headers if re.match(rf"{re.escape(base)}([-_.\d]|part|$)", _stem(file))]
        yield from _file(file, headers[max(fitting, key=len)] if fitting else None, problems)


def _files(folder: Path) -> list[Path]:
    return [file for file in sorted(folder.iterdir()) if _FILE.fullmatch(file.name) and file.is_file()]


def _stem(file: Path) -> str:
    match = _FILE.fullmatch(file.name)
    return match["stem"] if match else file.name


def _base(file: Path) -> str:
    return _HEADER.sub("", _stem(file))


def _head(file: Path) -> str:
    try:
        return first_bytes(file, 1 << 16).decode("utf-8-sig", "replace")
    except BadInput:
        return ""


def _is_header(cells: list[str]) -> bool:
    types = {column.type for column in map(column_of, cells)}
    return "ID" in types or types.issuperset(_ENDS[:2])


def column_of(cell: str) -> Column:
    """Give the column that a cell of the header names."""
    match = _CELL.fullmatch(cell)
    if cell in _APOC:
        return Column("", _APOC[cell], "", False)
    if not match:
        return Column(cell, "", "", False)
    return Column(match["name"], match["type"], match["space"] or "", bool(match["many"]))


def _file(path: Path, header: Path | None, problems: list[BadInput] | None) -> Iterator[tuple[Table, Row]]:
    columns: list[Column] = []
    delimiter = delimiter_of(first_line(_head(header or path)), _DELIMITERS)
    if header is not None:
        for number, cells in read_quoted(header, problems, delimiter):
            columns = _header(header, number, cells, problems)
            break
        if not columns:
            return
    for number, cells in read_quoted(path, problems, delimiter):
        if not columns:
            columns = _header(path, number, cells, problems)
            if not columns:
                return
            continue
        try:
            rows = _row(path, number, columns, cells)
        except ValueError as error:
            found, fix = error.args
            row = ",".join(cells)
            raise_or_collect(BadInput(path, number, f"{found} in {row!r:.80}", fix), problems)
            continue
        except BadInput as problem:
            raise_or_collect(problem, problems)
            continue
        yield from rows


def _header(path: Path, number: int, cells: list[str], problems: list[BadInput] | None) -> list[Column]:
    """Give the columns; none where there is no header."""
    columns = [column_of(cell) for cell in cells]
    found = ""
    if not _is_header(cells):
        found = f"no header of Neo4j: {','.join(cells)!r:.80}"
    elif "START_ID" in {column.type for column in columns} and "TYPE" not in {
        column.type for column in columns
    }:
        found = "the header has no column ':TYPE'"
    else:
        wrong = next((cell for cell in map(column_of, cells) if cell.type not in TYPES), None)
        found = f"there is no type {wrong.type!r:.40} of a column" if wrong else ""
    if found:
        raise_or_collect(BadInput(path, number, found, FIX), problems)
        return []
    return columns


def _row(path: Path, number: int, columns: list[Column], cells: list[str]) -> list[tuple[Table, Row]]:
    if len(cells) != len(columns):
        fix = "Write a comma between cells, also empty ones, and quotes around a cell with a comma."
        raise ValueError(f"expected {len(columns)} cells as in the header, found {len(cells)}", fix)
    marks: dict[str, str] = {}
    labels: list[str] = []
    properties: dict[str, object] = {}
    for column, cell in zip(columns, cells, strict=True):
        if not cell or column.type == "IGNORE":
            continue
        if column.type == "LABEL":
            # APOC writes `:Person:Actor`; elsewhere a colon is a part of a label, as in biolink:Gene.
            mark = ":" if cell.startswith(":") else ITEMS
            labels += [label for label in cell.split(mark) if label]
            continue
        if column.type in ("ID", *_ENDS):
            marks[column.type] = f"{column.space}:{cell}" if column.space else cell
        if column.name:
            properties[column.name] = _value(column, cell)
    if "ID" in marks:
        return node_rows(marks["ID"], labels, properties)
    for mark in _ENDS if any(column.type in _ENDS for column in columns) else ("ID",):
        if mark not in marks:
            raise ValueError(f"a row without :{mark}", "Fill it in, or remove the row.")
    return relationship_rows(path, number, (marks["START_ID"], marks["TYPE"], marks["END_ID"]), properties)


def _value(column: Column, cell: str) -> object:
    make = TYPES[column.type]
    try:
        return [make(item) for item in cell.split(ITEMS) if item] if column.is_list else make(cell)
    except ValueError as error:
        fix = f"Write what the type {column.type!r} of the column {column.name!r} can hold."
        raise ValueError(f"{cell!r:.40} is no {column.type}", fix) from error


def _boolean(cell: str) -> bool:
    if cell.casefold() not in ("true", "false"):
        raise ValueError(cell)
    return cell.casefold() == "true"


def _dated(datatype: str) -> Callable[[str], object]:
    return lambda cell: Literal(cell, datatype)


TYPES: dict[str, Callable[[str], object]] = {
    **dict.fromkeys(("", "string", "char", "point", "ID", *_ENDS, "LABEL", "IGNORE"), str),
    **dict.fromkeys(("int", "long", "short", "byte"), int),
    **dict.fromkeys(("float", "double"), float),
    **dict.fromkeys(("boolean",), _boolean),
    **dict.fromkeys(("datetime", "localdatetime"), _dated("dateTime")),
    **dict.fromkeys(("time", "localtime"), _dated("time")),
    "date": _dated("date"),
    "duration": _dated("duration"),
}
"""Type of a column -> what makes a value of its cell."""
