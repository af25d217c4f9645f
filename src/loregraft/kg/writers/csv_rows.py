"""Write rows of CSV such that `kg/readers/text/quoted.py` reads them as they were.

`triples.py`, `entities.py`, `lexicon.py` and `neo4j_csv.py` write through it.
"""

import csv
import re
from collections.abc import Callable, Sequence
from typing import IO

from loregraft.kg.readers.text.quoted import MAX_ROW_LINES

MAX_CSV_CELL = 131_072
"""Characters that a cell of CSV may have for the reader."""

_NOT_IN_A_HEADER = re.compile(r"[\t\r\n]")
_LINE_END = re.compile(r"\r\n|\r|\n")


def csv_rows(file: IO[str], header: Sequence[str]) -> Callable[[Sequence[str]], object]:
    """Write the first row, and give what writes the others.

    The first row is put in quotes where something in it could be taken for what stands between cells.
    """
    risky = any(";" in name for name in header)
    first = csv.writer(file, lineterminator="\r\n", quoting=csv.QUOTE_ALL if risky else csv.QUOTE_MINIMAL)
    first.writerow(header)
    return csv.writer(file, lineterminator="\r\n").writerow  # this line end also makes it quote both


def csv_holds(cell: str) -> bool:
    """Tell whether a cell is read as it was written."""
    return cell == cell.strip() and "\0" not in cell and len(cell) < MAX_CSV_CELL


def csv_text(text: str) -> str:
    """Give a text as a cell can hold it, without blanks at its ends; empty where it cannot."""
    trimmed = text.strip()
    return trimmed if csv_holds(trimmed) else ""


def header_holds(name: str) -> bool:
    """Tell whether the first row can name a column so: only others may go over several lines."""
    return bool(name) and csv_holds(name) and not _NOT_IN_A_HEADER.search(name)


def row_holds(cells: Sequence[str]) -> bool:
    """Tell whether a row goes over no more lines than the reader takes for one."""
    return sum(cell.count("\n") for cell in cells) < MAX_ROW_LINES


def in_one_line(cells: Sequence[str]) -> list[str]:
    """Give a row with spaces for line ends."""
    return [_LINE_END.sub(" ", cell) for cell in cells]
