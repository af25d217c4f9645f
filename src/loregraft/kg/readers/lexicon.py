"""Read lexicons: lists of words with a polarity, an intensity or a category, cut at tabs or commas.

Known shapes are a table with a header row (`word,polarity,...`); `word <tab> number` and `word <tab>
category` without one, as AFINN-111 has it; and the four columns of VADER's lexicon (Hutto and Gilbert
2014, VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media Text; README).
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from loregraft.errors import BadInput
from loregraft.kg.readers.text.headers import first_line
from loregraft.kg.readers.text.lines import Row, in_batches, raise_or_collect, read_lines
from loregraft.kg.readers.text.opening import first_bytes
from loregraft.kg.readers.text.quoted import read_quoted
from loregraft.kg.tables.columns import Columns, Table

WORDS = ("word", "term", "lemma")
"""What the first column of a header row is called."""
NUMBERS = (
    "polarity",
    "sentiment",
    "score",
    "valence",
    "intensity",
    "strength",
    "arousal",
    "dominance",
    "concreteness",
)
CATEGORIES = ("category", "emotion")
WORD, CATEGORY, HAS_CATEGORY = "word", "category", "has_category"
"""The types of entities, and the relation between them."""
PREFIX = "category:"
"""What the id of a category begins with."""
VADER = ("word", "polarity", "polarity_deviation", "polarity_ratings")
ONLY_NUMBERS = frozenset((*NUMBERS, *VADER[:3]))
"""Columns that hold nothing else."""
FIX = "Write a word and its polarity or category with one tab or comma between them."

_NUMBER = re.compile(r"[+-]?(\d++\.?\d*+|\.\d++)(e[+-]?\d++)?", re.IGNORECASE)
_RATINGS = re.compile(r"\[\s*-?\d+(\s*,\s*-?\d+)*\s*\]")
_NAMED = re.compile(r"lexicon|afinn|vader", re.IGNORECASE)
NUMERIC = "decimal"
"""The datatype of a number."""


def read_lexicon(path: Path, problems: list[BadInput] | None = None) -> Iterator[Columns]:
    """Yield the words of a lexicon; a word is an entity of the type `word`, and its own id and name.

    - A number is an attribute with the datatype `decimal`, called as its column, or `polarity` where
      there is no header row. It is kept as it is written: lexicons differ in their range.
    - A category is a triple `has_category` to an entity `category:...` of the type `category`.
    - Any other column is an attribute of its name; `language` is the language of the word, which is
      taken to be `en` where there is none.
    - VADER's columns are `polarity`, `polarity_deviation` and the ten `polarity_ratings`.

    There are no comments: `#` may begin a word. The categories seen are remembered.

    Raises:
        BadInput: A line with too few or too many cells, without a word, or with something else than
            a number in a column of numbers.
    """
    return in_batches(_rows(path, problems))


def fits_lexicon(path: Path, head: str) -> bool:
    """Tell whether it is a lexicon, and no other table of two columns.

    That is so for a header row with a word and a number or category, for VADER's four columns, and
    for two columns of which the second is a number in a file whose name says that it is a lexicon.
    """
    lines = [line for line in head.split("\n")[:20] if line.strip()]
    if path.is_dir() or not lines:
        return False
    first = _cut(lines[0])
    if _is_header(first):
        return True
    rows = [_cut(line) for line in (lines[:-1] if len(lines) == 20 else lines)]
    if all(_is_vader(cells) for cells in rows):
        return True
    numeric = all(len(cells) == 2 and _NUMBER.fullmatch(cells[1]) for cells in rows)
    return numeric and _NAMED.search(path.name) is not None


def is_number(cell: str) -> bool:
    """Tell whether a cell is read as a number."""
    return _NUMBER.fullmatch(cell) is not None


def _rows(path: Path, problems: list[BadInput] | None) -> Iterator[tuple[Table, Row]]:
    header: Sequence[str] = ()
    categories: set[str] = set()
    for number, cells in _cells(path, problems):
        if not header:
            if _is_header(cells):
                header = [cell.casefold() for cell in cells]
                continue
            header = VADER if _is_vader(cells) else ("word", "")
        try:
            rows = _word(header, cells)
        except ValueError as error:
            raise_or_collect(BadInput(path, number, f"{error} in {' '.join(cells)!r:.80}", FIX), problems)
            continue
        for table, row in rows:
            if table == "triples" or row[0] == cells[0] or row[0] not in categories:
                yield table, row
        categories.update(str(row[2]) for table, row in rows if table == "triples")


def _cells(path: Path, problems: list[BadInput] | None) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of each line; a file whose first line has a tab is cut at tabs."""
    first = first_line(first_bytes(path, 1 << 16).decode("utf-8-sig", "replace"))
    if "\t" not in first:
        yield from read_quoted(path, problems)
        return
    for number, line in read_lines(path, problems):
        yield number, [cell.strip() for cell in line.split("\t")]


def _cut(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("\t" if "\t" in line else ",")]


def _is_header(cells: Sequence[str]) -> bool:
    names = [cell.strip('"').casefold() for cell in cells]
    return names[0] in WORDS and any(name in NUMBERS + CATEGORIES for name in names[1:])


def _is_vader(cells: Sequence[str]) -> bool:
    return (
        len(cells) == len(VADER)
        and all(_NUMBER.fullmatch(cell) for cell in cells[1:3])
        and _RATINGS.fullmatch(cells[3]) is not None
    )


def _word(header: Sequence[str], cells: Sequence[str]) -> list[tuple[Table, Row]]:
    if len(cells) != len(header):
        raise ValueError(f"expected {len(header)} cells, found {len(cells)}")
    word = cells[0]
    if not word:
        raise ValueError("no word")
    if not any(cells[1:]):
        raise ValueError(f"nothing is said of {word!r:.40}")
    said = dict(zip(header[1:], cells[1:], strict=True))
    language = said.pop("language", "") or "en"
    rows: list[tuple[Table, Row]] = [
        ("entities", (word, WORD)),
        ("names", (word, word, "preferred", language)),
    ]
    for column, cell in said.items():
        if cell:
            rows += _said_of(word, column, cell)
    return rows


def _said_of(word: str, column: str, cell: str) -> list[tuple[Table, Row]]:
    numeric = is_number(cell)
    if column in ONLY_NUMBERS and not numeric:
        raise ValueError(f"{column!r} is {cell!r:.40} and no number")
    if column in CATEGORIES or not (column or numeric):
        category = PREFIX + cell
        return [
            ("entities", (category, CATEGORY)),
            ("names", (category, cell, "preferred", "en")),
            ("triples", (word, HAS_CATEGORY, category)),
        ]
    return [("attributes", (word, column or "polarity", cell, NUMERIC if numeric else ""))]
