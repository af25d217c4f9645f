"""Read tables of triples and of entities as spreadsheets write them: CSV, and TSV with a header row.

Rows are cut in `text/quoted.py` (CSV) and `text/lines.py` (TSV); what a row says is taken apart in
`rows/triples.py` and `rows/entities.py`.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from loregraft.errors import BadInput
from loregraft.kg.readers.rows.entities import NEEDED, entity_rows
from loregraft.kg.readers.rows.triples import ENDS, collected, statement
from loregraft.kg.readers.text.headers import first_line, header_of, header_problem, named
from loregraft.kg.readers.text.lines import in_batches, raise_or_collect, read_table
from loregraft.kg.readers.text.quoted import first_cells, read_quoted
from loregraft.kg.tables.columns import Columns


def read_csv(path: Path, problems: list[BadInput] | None = None) -> Iterator[Columns]:
    """Yield the triples of comma-separated text: `head,relation,tail`, with or without a header row.

    A header row names head, relation and tail, in any order (or calls all three as in
    `headers.END_WORDS`: `subject,predicate,object`), and may name any other column of the table
    `triples`, in small letters or capitals; a column that is not known becomes a qualifier. Without a
    header row there are three cells. Cells are trimmed, blank lines skipped; there are no comments.

    Raises:
        BadInput: A row has too few or too many cells, an empty end, a cell that its column cannot
            hold, or a wrong quote.
    """
    return in_batches(collected(path, _rows(path, ENDS, problems), statement, problems))


def read_triples_tsv(path: Path, problems: list[BadInput] | None = None) -> Iterator[Columns]:
    """Yield the triples of tab-separated text with a header row that names head, relation and tail.

    As `read_csv`, but quotes have no meaning and lines that start with `#` are comments.

    Raises:
        BadInput: As `read_csv`.
    """
    return in_batches(collected(path, read_table(path, ENDS, problems), statement, problems))


def read_entities_csv(path: Path, problems: list[BadInput] | None = None) -> Iterator[Columns]:
    """Yield the entities of comma-separated text with a header row: `id`, `name`, and what else is known.

    The columns are those of `read_entities_tsv`; the ids are remembered, since the first name of each
    that has no kind is the preferred one.

    Raises:
        BadInput: A row without id or name, with a kind that does not exist, with too few or too many
            cells, or with a wrong quote.
    """
    return in_batches(collected(path, _rows(path, NEEDED, problems), entity_rows(), problems))


def fits_csv(path: Path, head: str) -> bool:
    """Tell whether the first row names head, relation and tail, or has three cells in a file named .csv."""
    cells = _first_row(path, head)
    is_named = ".csv" in path.suffixes[-2:]
    return set(named(cells, ENDS)).issuperset(ENDS) or (is_named and len(cells) == len(ENDS))


def fits_triples_tsv(path: Path, head: str) -> bool:
    """Tell whether there is a header row, cut at tabs, with the columns head, relation and tail."""
    return header_of(head) >= set(ENDS)


def fits_entities_csv(path: Path, head: str) -> bool:
    """Tell whether there is a header row with the columns id and name, cut at commas or semicolons."""
    return set(named(_first_row(path, head), NEEDED)).issuperset(NEEDED)


def _rows(
    path: Path, needed: Sequence[str], problems: list[BadInput] | None
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield rows by column; where triples have no header row their three cells are the ends."""
    header: Sequence[str] = ()
    for number, cells in read_quoted(path, problems):
        if not header:
            header = named(cells, needed)
            if needed == ENDS and len(cells) == len(ENDS) and len(set(ENDS) & set(header)) < 2:
                header = ENDS
            else:
                problem = header_problem(path, number, header, needed)
                if problem:
                    raise_or_collect(problem, problems)
                    return
                continue
        if len(cells) != len(header):
            row = ",".join(cells)
            found = f"expected {len(header)} cells as in the first row, found {len(cells)} in {row!r:.80}"
            fix = "Write a comma between cells, also empty ones, and quotes around a cell with a comma."
            raise_or_collect(BadInput(path, number, found, fix), problems)
            continue
        yield number, dict(zip(header, cells, strict=True))


def _first_row(path: Path, head: str) -> list[str]:
    return [] if path.is_dir() or "\t" in first_line(head) else first_cells(head)
