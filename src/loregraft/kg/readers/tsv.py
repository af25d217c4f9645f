"""Read tab-separated text: triples, one per line, and entities with their names, one name per line.

The formats for people who have no ontology file: any spreadsheet writes them.
"""

from collections.abc import Iterator
from pathlib import Path

from loregraft.errors import BadInput
from loregraft.kg.readers.rows.entities import NEEDED, entity_rows
from loregraft.kg.readers.rows.triples import ENDS, collected
from loregraft.kg.readers.text.blocks import Cells, read_cells
from loregraft.kg.readers.text.headers import first_line, header_of, named
from loregraft.kg.readers.text.lines import in_batches, raise_or_collect, read_table
from loregraft.kg.tables.columns import BATCH_ROWS, Columns

FIX = "Write head, relation and tail with one tab between them."


def read_tsv(path: Path, problems: list[BadInput] | None = None) -> Iterator[Columns]:
    """Yield the triples of a file in file order, duplicates included: `head <tab> relation <tab> tail`.

    Blank lines and lines that start with `#` are not triples and are skipped, and so is a first row
    that only names the columns, as in `headers.END_WORDS` (`subject <tab> predicate <tab> object`).

    Args:
        problems: Where bad lines go. None stops at the first; a list (better: a `Problems`) collects
            them, so that the caller can report how many lines were left out.

    Raises:
        BadInput: A line has not exactly three non-empty fields, or is not UTF-8; or the first row names
            the columns in another order.
    """
    begun = False
    for cells in read_cells(path, len(ENDS), problems):
        if not begun and len(cells.numbers):
            begun, cells = True, _without_header(path, cells, problems)
        for number, line in cells.odd:
            problem = _line_problem(path, number, line)
            if problem:
                raise_or_collect(problem, problems)
        for start in range(0, len(cells.numbers), BATCH_ROWS):
            columns = (column.slice(start, BATCH_ROWS) for column in cells.columns)
            yield Columns("triples", dict(zip(ENDS, columns, strict=True)))


def read_entities_tsv(path: Path, problems: list[BadInput] | None = None) -> Iterator[Columns]:
    """Yield the entities of a file with a header row: `id`, `name`, and what else is known of them.

    Both may be called as in `headers.NAME_WORDS`, such as id and label. Optional columns are `kind` (a
    `NameKind`), `language`, `description` and `type`; any other column becomes an attribute of that name.
    An id may have several rows, one for each of its names. Where no kind is given the name is the
    preferred one of its id, or exact where that has one already.

    Raises:
        BadInput: A row without id or name, with a kind that does not exist, or with too few or too
            many cells.
    """
    rows = read_table(path, NEEDED, problems)
    return in_batches(collected(path, rows, entity_rows(), problems))


def fits_tsv(path: Path, head: str) -> bool:
    """Tell whether the first line that says something has three cells."""
    return first_line(head, "#").count("\t") == 2


def fits_entities_tsv(path: Path, head: str) -> bool:
    """Tell whether there is a header row with the columns id and name."""
    return header_of(head) >= set(NEEDED)


def _without_header(path: Path, cells: Cells, problems: list[BadInput] | None) -> Cells:
    """Take the first row away if it only names the columns."""
    number, first = int(cells.numbers[0]), [column[0].as_py() for column in cells.columns]
    header = named(first, ENDS)
    if set(header) != set(ENDS):
        return cells
    if tuple(header) != ENDS:
        fix = "Name the format: triples_tsv."
        raise_or_collect(BadInput(path, number, f"columns in another order: {first}", fix), problems)
    return Cells([column.slice(1) for column in cells.columns], cells.numbers[1:], cells.odd)


def _line_problem(path: Path, number: int, line: str) -> BadInput | None:
    if line.startswith("#"):
        return None
    found = line.count("\t") + 1
    if found != len(ENDS):
        return BadInput(path, number, f"expected 3 fields, found {found} in {line!r:.80}", FIX)
    return BadInput(path, number, f"an empty field in {line!r:.80}", FIX)
