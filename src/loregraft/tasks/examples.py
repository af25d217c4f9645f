"""Labelled texts from a file: JSON lines with text and label, a table with such columns, or `label text`."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from loregraft.errors import BadInput, did_you_mean
from loregraft.kg.readers.text.lines import raise_or_collect, read_lines
from loregraft.kg.readers.text.quoted import read_quoted

TEXT, LABEL = "text", "label"
FIX = 'Write {"text": ..., "label": ...} on each line, a table with columns text and label, or `label text`.'


@dataclass(frozen=True)
class Example:
    """A text and what it is."""

    text: str
    label: str


def read_examples(path: Path, problems: list[BadInput] | None = None) -> list[Example]:
    """Read labelled texts; the ending tells the form: .jsonl, .csv, .tsv; any other has `label text` lines.

    A file without ending whose first line is a JSON object is JSON lines too.

    Args:
        problems: Where bad lines go; None stops at the first.

    Raises:
        BadInput: A line has no label or no text, or no line has.
    """
    ending = path.suffix.lower()
    first = next((line for _, line in read_lines(path)), "")
    if ending == ".csv":
        found = list(_table(path, read_quoted(path, problems), problems))
    elif ending == ".tsv":
        rows = ((number, line.split("\t")) for number, line in read_lines(path, problems))
        found = list(_table(path, rows, problems))
    elif ending == ".jsonl" or first.lstrip().startswith("{"):
        found = list(_objects(path, problems))
    else:
        found = list(_lines(path, problems))
    if not found:
        raise BadInput(path, 0, "there is no labelled text", FIX)
    return found


def _objects(path: Path, problems: list[BadInput] | None) -> Iterator[Example]:
    for number, line in read_lines(path, problems):
        try:
            row = json.loads(line)
        except ValueError as error:
            raise_or_collect(BadInput(path, number, f"not JSON ({error})", FIX), problems)
            continue
        if not isinstance(row, dict) or TEXT not in row or LABEL not in row:
            raise_or_collect(BadInput(path, number, "an object without text or label", FIX), problems)
            continue
        yield from _example(path, number, row[TEXT], row[LABEL], problems)


def _table(
    path: Path, rows: Iterator[tuple[int, list[str]]], problems: list[BadInput] | None
) -> Iterator[Example]:
    _, header = next(rows, (0, []))
    names = [name.strip().lower() for name in header]
    for wanted in (TEXT, LABEL):
        if wanted not in names:
            raise BadInput(path, 1, f"no column is named {wanted!r}. {did_you_mean(wanted, names)}", FIX)
    text, label = names.index(TEXT), names.index(LABEL)
    for number, cells in rows:
        if len(cells) != len(header):
            found = f"{len(cells)} cells where the header has {len(header)}"
            raise_or_collect(BadInput(path, number, found, FIX), problems)
            continue
        yield from _example(path, number, cells[text], cells[label], problems)


def _lines(path: Path, problems: list[BadInput] | None) -> Iterator[Example]:
    for number, line in read_lines(path, problems):
        label, _, text = line.strip().partition("\t" if "\t" in line else " ")
        yield from _example(path, number, text, label, problems)


def _example(
    path: Path, number: int, text: object, label: object, problems: list[BadInput] | None
) -> Iterator[Example]:
    written, named = str(text or "").strip(), "" if label is None else str(label).strip()
    if not written or not named:
        found = "an empty text" if not written else "an empty label"
        raise_or_collect(BadInput(path, number, found, FIX), problems)
        return
    yield Example(written, named)
