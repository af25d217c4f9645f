"""Read tab-separated text: triples, one per line, and entities with their names, one name per line.

The formats for people who have no ontology file: any spreadsheet writes them.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from loregraft.errors import BadInput, did_you_mean
from loregraft.kg.columns import BATCH_ROWS, Columns, Table
from loregraft.kg.readers.blocks import read_cells
from loregraft.kg.readers.lines import Row, header_of, in_batches, raise_or_collect, read_table
from loregraft.records import NameKind

FIX = "Write head, relation and tail with one tab between them."
ENDS = ("head", "relation", "tail")
ENTITY_COLUMNS = ("id", "name", "kind", "language", "description", "type")


def read_tsv(path: Path, problems: list[BadInput] | None = None) -> Iterator[Columns]:
    """Yield the triples of a file in file order, duplicates included: `head <tab> relation <tab> tail`.

    Blank lines and lines that start with `#` are not triples and are skipped.

    Args:
        problems: Where bad lines go. None stops at the first; a list collects them all,
            so that the caller can report how many lines were left out.

    Raises:
        BadInput: A line has not exactly three non-empty fields, or is not UTF-8.
    """
    for cells in read_cells(path, len(ENDS), problems):
        for number, line in cells.odd:
            problem = _line_problem(path, number, line)
            if problem:
                raise_or_collect(problem, problems)
        for start in range(0, len(cells.numbers), BATCH_ROWS):
            columns = (column.slice(start, BATCH_ROWS) for column in cells.columns)
            yield Columns("triples", dict(zip(ENDS, columns, strict=True)))


def read_entities_tsv(path: Path, problems: list[BadInput] | None = None) -> Iterator[Columns]:
    """Yield the entities of a file with a header row: `id`, `name`, and what else is known of them.

    Optional columns are `kind` (a `NameKind`), `language`, `description` and `type`; any other column
    becomes an attribute of that name. An id may have several rows, one for each of its names. Where
    no kind is given the first name of an id is the preferred one and the others are exact.

    Raises:
        BadInput: A row without id or name, with a kind that does not exist, or with too few or too
            many cells.
    """
    return in_batches(_entities(path, problems))


def fits_tsv(path: Path, head: str) -> bool:
    """Tell whether the first line that says something has three cells."""
    first = next((line for line in head.splitlines() if line.strip() and not line.startswith("#")), "")
    return first.count("\t") == 2


def fits_entities_tsv(path: Path, head: str) -> bool:
    """Tell whether there is a header row with the columns id and name."""
    return header_of(head) >= set(ENTITY_COLUMNS[:2])


def _line_problem(path: Path, number: int, line: str) -> BadInput | None:
    if line.startswith("#"):
        return None
    found = line.count("\t") + 1
    if found != len(ENDS):
        return BadInput(path, number, f"expected 3 fields, found {found} in {line!r:.80}", FIX)
    return BadInput(path, number, f"an empty field in {line!r:.80}", FIX)


def _entities(path: Path, problems: list[BadInput] | None) -> Iterator[tuple[Table, Row]]:
    seen: set[str] = set()
    for number, row in read_table(path, ENTITY_COLUMNS[:2], problems):
        problem = _row_problem(path, number, row)
        if problem:
            raise_or_collect(problem, problems)
            continue
        id = row["id"]
        kind = row.get("kind") or ("exact" if id in seen else "preferred")
        seen.add(id)
        yield "entities", (id, row.get("type", ""))
        yield "names", (id, row["name"], kind, row.get("language") or "en")
        if row.get("description"):
            yield "descriptions", (id, row["description"], row.get("language") or "en")
        for column in (column for column in row if column not in ENTITY_COLUMNS):
            if row[column]:
                yield "attributes", (id, column, row[column])


def _row_problem(path: Path, number: int, row: dict[str, str]) -> BadInput | None:
    if not row["id"]:
        return BadInput(path, number, "a row without an id", "Give the entity an id.")
    if not row["name"]:
        found = f"name-less entity: {row['id']!r} has no name"
        return BadInput(path, number, found, "Write its name in the column 'name', or remove the row.")
    kind = row.get("kind", "")
    if kind and kind not in get_args(NameKind):
        found = f"there is no kind of name {kind!r}"
        return BadInput(path, number, found, did_you_mean(kind, get_args(NameKind)))
    return None
