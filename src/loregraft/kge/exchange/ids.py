"""The ids of rows in the files of other tools: escaped where a format would break them, read and checked."""

import csv
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from loregraft.errors import BadInput
from loregraft.kg.readers.text.lines import read_lines

ANY_BLANK = re.compile(r"\s|%(?=[0-9A-Fa-f]{2})")
"""What cannot stand in an id where blanks part fields; a percent sign that would be read as an escape."""
BREAKING = re.compile(r"[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]|^\s+|\s+$|%(?=[0-9A-Fa-f]{2})")
"""The same where tabs part fields, lines end lines, and blanks at the ends are cut off."""


def escaped(ids: Iterable[str], breaking: re.Pattern[str]) -> list[str]:
    """Write what breaks a format as its UTF-8 bytes, %20 for a blank; `urllib.parse.unquote` undoes it."""
    return [
        breaking.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), id) for id in ids
    ]


def said_of_escapes(ids: Sequence[str], written: Sequence[str], what: str) -> list[str]:
    """Say how many ids were written otherwise than they are; nothing where none was."""
    changed = sum(id != other for id, other in zip(ids, written, strict=True))
    return [f"blanks or % in {changed:,} ids of {what} are written as %20, %25 and so on"] if changed else []


def read_numbered(path: Path, header: Sequence[str] = ()) -> list[str]:
    """Read lines of index, tab and id, in any order, and give the ids by index.

    Args:
        header: The words of a first line that is no row. Files with one quote ids as CSV does.

    Raises:
        BadInput: No file, a line of something else, an id twice, or an index twice or missing.
    """
    found: dict[int, str] = {}
    lines: dict[str, int] = {}
    for number, line in read_lines(path):
        row = next(csv.reader([line], delimiter="\t")) if header else line.split("\t")
        if number == 1 and header and row == list(header):
            continue
        if len(row) != 2 or not row[0].strip().isdecimal():
            said = f"expected an index and an id with a tab between them, found {line!r:.80}"
            raise BadInput(path, number, said, "Give the file that belongs to the vectors.")
        index, id = int(row[0]), row[1]
        if index in found or id in lines:
            said = f"the index {index} or the id {id!r:.60} stands there already"
            raise BadInput(path, number, said, "Give each index and each id once.")
        found[index], lines[id] = id, number
    missing = next((index for index in range(len(found)) if index not in found), None)
    if missing is not None or not found:
        said = f"there is no row with the index {missing or 0}, and there are {len(found):,} rows"
        raise BadInput(path, 0, said, "Give a row for each index from 0 on.")
    return [found[index] for index in range(len(found))]
