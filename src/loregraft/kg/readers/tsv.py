"""Read tab-separated text: triples, one per line, and entities with their names, one name per line.

The formats for people who have no ontology file: any spreadsheet writes them.
"""

from collections.abc import Iterator
from pathlib import Path

from loregraft.errors import BadInput
from loregraft.kg.readers.rows.entities import NEEDED, entity_rows
from loregraft.kg.readers.rows.triples import collected
from loregraft.kg.readers.text.blocks import read_cells
from loregraft.kg.readers.text.lines import header_of, in_batches, raise_or_collect, read_table
from loregraft.kg.tables.columns import BATCH_ROWS, Columns

FIX = "Write head, relation and tail with one tab between them."
ENDS = ("head", "relation", "tail")


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
    rows = read_table(path, NEEDED, problems)
    return in_batches(collected(path, rows, entity_rows(), problems))


def fits_tsv(path: Path, head: str) -> bool:
    """Tell whether the first line that says something has three cells."""
    first = next((line for line in head.splitlines() if line.strip() and not line.startswith("#")), "")
    return first.count("\t") == 2


def fits_entities_tsv(path: Path, head: str) -> bool:
    """Tell whether there is a header row with the columns id and name."""
    return header_of(head) >= set(NEEDED)


def _line_problem(path: Path, number: int, line: str) -> BadInput | None:
    if line.startswith("#"):
        return None
    found = line.count("\t") + 1
    if found != len(ENDS):
        return BadInput(path, number, f"expected 3 fields, found {found} in {line!r:.80}", FIX)
    return BadInput(path, number, f"an empty field in {line!r:.80}", FIX)
