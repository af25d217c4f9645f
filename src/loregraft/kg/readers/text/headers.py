"""The first line of a file: what its cells are called, and what is wrong with them.

`lines.py` and `quoted.py` cut the rows; what is recognised by a header asks here too.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from loregraft.errors import BadInput, did_you_mean
from loregraft.kg.tables.columns import TABLES

END_WORDS: dict[str, tuple[str, ...]] = {
    "head": ("head", "h", "subject", "s", "source", "from"),
    "relation": ("relation", "r", "rel", "predicate", "p", "edge"),
    "tail": ("tail", "t", "object", "o", "target", "to"),
}
"""Column -> what its head may be called where all three have such a name; the first that is there counts."""

_OPTIONAL: dict[str, Iterable[str]] = {
    "head": TABLES["triples"],
    "id": ("kind", "language", "description", "type"),
}
"""The first column that is needed -> those that may stand beside it."""
_SHOWN = 100


def first_line(head: str, comment: str = "") -> str:
    """Give the first line that says something, without its line end; empty where there is none.

    Args:
        comment: What a line begins with that is skipped; empty: there are no comments.
    """
    for line in head.split("\n"):
        if line.strip() and not (comment and line.startswith(comment)):
            return line.rstrip("\r")
    return ""


def header_of(head: str) -> set[str]:
    """Give the columns that the first line which is no comment names, cut at tabs; see `named`."""
    return set(named(first_line(head, "#").split("\t"), (*END_WORDS, "id", "name")))


def named(cells: Sequence[str], needed: Sequence[str]) -> list[str]:
    """Give the cells of a first row, trimmed, as the columns they name.

    Columns that are needed, and those known to stand beside them, may be written in capitals; where
    head, relation and tail are needed, all three may be called as in `END_WORDS`.
    """
    known = [*needed, *_OPTIONAL.get(needed[0], ())]
    small = {column.casefold(): column for column in known}
    columns = [small.get(cell.strip().casefold(), cell.strip()) for cell in cells]
    words = [column.casefold() for column in columns]
    present = set(words)
    found = {end: next((word for word in END_WORDS[end] if word in present), "") for end in END_WORDS}
    if needed[0] in END_WORDS and all(found.values()):
        for end, word in found.items():
            columns[words.index(word)] = end
    return columns


def header_problem(path: Path, number: int, header: Sequence[str], needed: Sequence[str]) -> BadInput | None:
    """Say what is wrong with a header: a column that is missing, has no name, or stands twice."""
    columns = set(header)
    for column in needed:
        if column not in columns:
            near = did_you_mean(column, header[:_SHOWN])
            fix = f"The first row must name these columns: {', '.join(needed)}."
            return BadInput(path, number, f"the header has no column {column!r} ({near})", fix)
    if "" in columns:
        found = f"column {header.index('') + 1} has no name"
        return BadInput(path, number, found, "Name the column in the first row, or remove it.")
    twice = first_twice(header)
    if twice is not None:
        return BadInput(path, number, f"the header has the column {twice!r:.60} twice", "Rename one of them.")
    return None


def first_twice(names: Iterable[str]) -> str | None:
    """Give the first name that stood before; None where each stands once."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
