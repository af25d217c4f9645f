"""Pairs: two mentions in a text and how they are related, in memory and as JSON lines."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from loregraft.errors import BadInput
from loregraft.kg.readers.text.lines import raise_or_collect
from loregraft.kg.readers.text.objects import read_objects

FIX = (
    'Write {"text": ..., "head": [start, end], "tail": [start, end], "label": ...} on each line: characters '
    'count from 0, and the end is not included; "entities": [id, id] may follow.'
)


@dataclass(frozen=True)
class Pair:
    """Two mentions in a text.

    Attributes:
        head: Characters start to end, end not included.
        tail: The same; the two may overlap.
        label: "": not known.
        entities: Ids of what head and tail mean, None for one that the graph has not. None altogether: not
            known, so that a linker is asked.

    Raises:
        ValueError: A mention is not in the text, or holds only spaces.
    """

    text: str
    head: tuple[int, int]
    tail: tuple[int, int]
    label: str = ""
    entities: tuple[str | None, str | None] | None = None

    def __post_init__(self) -> None:
        for name, (start, end) in (("head", self.head), ("tail", self.tail)):
            if not 0 <= start < end <= len(self.text):
                found = f"the {name} is at {start} to {end}"
                raise ValueError(f"{found}, and the text has the characters 0 to {len(self.text)}")
            if self.text[start:end].isspace():
                raise ValueError(f"the {name} at {start} to {end} holds only spaces")


def read_pairs(path: Path, problems: list[BadInput] | None = None, *, labelled: bool = True) -> list[Pair]:
    """Read pairs from JSON lines.

    Args:
        problems: Where bad lines go; None stops at the first.
        labelled: False: pairs without label are read too.

    Raises:
        BadInput: A line is no pair, or no line is one.
    """
    found = []
    for number, row in read_objects(path, problems):
        try:
            found.append(_pair(row, labelled))
        except ValueError as error:
            raise_or_collect(BadInput(path, number, str(error), FIX), problems)
    if not found:
        raise BadInput(path, 0, "there is no pair", FIX)
    return found


def _pair(row: Mapping[str, object], labelled: bool) -> Pair:
    text, label = row.get("text"), str(row.get("label") or "").strip()
    if not isinstance(text, str) or not text.strip():
        raise ValueError("an empty text" if "text" in row else "an object without text")
    if labelled and not label:
        raise ValueError("an empty label" if "label" in row else "an object without label")
    return Pair(text, _place(row, "head"), _place(row, "tail"), label, _entities(row))


def _place(row: Mapping[str, object], name: str) -> tuple[int, int]:
    match row.get(name):
        case [int(start), int(end)] if not {type(start), type(end)} - {int}:
            return start, end
        case other:
            raise ValueError(f"{name!r} is {other!r:.40}, and not two whole numbers")


def _entities(row: Mapping[str, object]) -> tuple[str | None, str | None] | None:
    match row.get("entities"):
        case None:
            return None
        case [str() | None as head, str() | None as tail]:
            return head, tail
        case other:
            raise ValueError(f"'entities' is {other!r:.40}, and not two ids (null: not in the graph)")
