"""Say of a file or folder of no known format what it looks like, and what to do with it."""

import re
from collections.abc import Callable
from pathlib import Path

from loregraft.kg.readers.text.headers import first_line

TABLE = (
    "Name the columns in the first row: head, relation and tail for triples, id and name for entities; "
    "or name the format with --format (`loregraft kg formats` lists them)."
)
OTHER = (
    "Write head, relation and tail with one tab between them, a triple a line; "
    "or name the format with --format (`loregraft kg formats` lists them)."
)
_JSON = (
    'Write an object a line with the keys "head", "relation" and "tail" for triples, or "id" and "name" '
    "for entities."
)


def advice(path: Path, head: str) -> tuple[str, str]:
    """Give what was found, and what to do.

    Args:
        head: The first part of the file as text; empty for a folder.
    """
    if path.is_dir():
        names = sorted(file.name for file in path.iterdir())
        found = f"no known format: a folder with {', '.join(names[:5]) or 'nothing in it'}"
        return found, "Name the files in it that are to be read, one after another."
    first = first_line(head, "#")
    if not first:
        return "there is nothing in it", "Give a file with triples or entities."
    fix = next(fix for looks_so, fix in _LOOKS if looks_so(first))
    return f"no known format: it starts with {first!r:.60}", fix


def _is_table(first: str) -> bool:
    return any(first.count(mark) >= 2 for mark in "\t,;")


_LOOKS: tuple[tuple[Callable[[str], object], str], ...] = (
    (
        re.compile(r"\s*<(!doctype )?html", re.IGNORECASE).match,
        "This is a web page: download the file itself.",
    ),
    (re.compile(r"sep=.$", re.IGNORECASE).match, "Remove the first line: it is a word for Excel."),
    (re.compile(r"[^\r]*\r[^\r]").match, "Save the file with line ends of Unix or Windows, not of old Macs."),
    (re.compile(r"\s*[\[{]").match, _JSON),
    (_is_table, TABLE),
    (bool, OTHER),
)
"""Does the first line look so? -> what to do. The first that fits counts."""
