"""The first line of a file: what its cells are called, and what is wrong with them.

`lines.py` and `quoted.py` cut the rows; what is recognised by a header asks here too.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from loregraft.errors import BadInput, did_you_mean
from loregraft.kg.tables.columns import TABLES

END_WORDS: dict[str, tuple[str, ...]] = {
    "head": ("head", "h", "subject", "s", "source", "from", "头实体", "实体1", "主语", "主体"),
    "relation": ("relation", "r", "rel", "predicate", "p", "edge", "关系", "谓语", "谓词"),
    "tail": ("tail", "t", "object", "o", "target", "to", "尾实体", "实体2", "宾语", "客体"),
}
"""Column -> what its head may be called where all three have such a name; the first that is there counts."""
NAME_WORDS: dict[str, tuple[str, ...]] = {
    "id": ("id", "identifier", "编号", "标识"),
    "name": ("name", "label", "名称", "名字"),
}
"""The same for a table of entities."""
_MORE_WORDS = {"类型": "type", "描述": "description", "语言": "language"}
"""What may stand beside id and name -> the column."""

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
    head, relation and tail are needed, all three may be called as in `END_WORDS`, and id and name as in
    `NAME_WORDS`.
    """
    known = [*needed, *_OPTIONAL.get(needed[0], ())]
    small = {column.casefold(): column for column in known} | (_MORE_WORDS if needed[0] == "id" else {})
    columns = [small.get(cell.strip().casefold(), cell.strip()) for cell in cells]
    words = [column.casefold() for column in columns]
    present = set(words)
    for called in (END_WORDS, NAME_WORDS):
        found = {column: next((word for word in called[column] if word in present), "") for column in called}
        if set(called).issubset(needed) and all(found.values()):
            for column, word in found.items():
                columns[words.index(word)] = column
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
