"""Annotated texts: a document, its mentions and what a person or a system says that each of them means.

What all readers yield and all writers take. A mention may have several ids at once, which a `Link` cannot
hold: one is enough (alternatives), or all are meant together (composite).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from loregraft.artifact import Json
from loregraft.errors import BadInput
from loregraft.records import Document, Link, Mention

FIX = "Count characters of the text from 0, the end not included."
Unit = Literal["utf-8", "utf-16-le"]
"""What some programs count places in, instead of characters: bytes, and the halves of Java's characters."""

_UNIT_BYTES = {"utf-8": 1, "utf-16-le": 2}


@dataclass(frozen=True, slots=True)
class Gold:
    """A mention and all that it means by the word of a person (or of a system, where a system wrote it).

    Attributes:
        entities: Ids, the first one first; none: NIL, the mention means nothing in the graph.
        composite: All of them are meant together ("breast and ovarian cancer"); False: any of them is right.
        score: 0..1; 1 where nobody doubts.
        type: What kind of thing it is, as the file calls it; empty: not said.
        more: What else is said of it, as given: candidates, features, evidence, ...
    """

    mention: Mention
    entities: tuple[str, ...] = ()
    composite: bool = False
    score: float = 1.0
    type: str = ""
    more: Mapping[str, Json] = field(default_factory=dict, hash=False)

    @property
    def link(self) -> Link:
        """The mention with the first of its ids."""
        return Link(self.mention, self.entities[0] if self.entities else None, self.score)


@dataclass(frozen=True)
class Annotated:
    """A document and what its mentions mean, ordered by place; they may nest and overlap.

    Attributes:
        language: Of the text, such as en; empty: not said.
        more: What else is said of the document, as given.
    """

    document: Document
    gold: tuple[Gold, ...] = ()
    language: str = ""
    more: Mapping[str, Json] = field(default_factory=dict, hash=False)

    @property
    def links(self) -> tuple[Link, ...]:
        """The mentions, each with the first of its ids."""
        return tuple(gold.link for gold in self.gold)

    @property
    def places(self) -> list[tuple[int, int]]:
        """Where its mentions stand."""
        return [(gold.mention.start, gold.mention.end) for gold in self.gold]

    @classmethod
    def of(cls, document: Document, links: Iterable[Link]) -> "Annotated":
        """Take what a linker found."""
        found = (
            Gold(link.mention, () if link.entity is None else (link.entity,), score=link.score)
            for link in links
        )
        return cls(document, in_order(found))


def in_order(gold: Iterable[Gold]) -> tuple[Gold, ...]:
    """Sort by place, the longer first among those that start together; otherwise as given."""
    return tuple(sorted(gold, key=lambda one: (one.mention.start, -one.mention.end)))


def mention_at(
    path: Path, line: int, text: str, start: int, end: int, surface: str | None, unit: Unit | None = None
) -> Mention:
    """Give the mention at a place, after a look whether the text there is what the file says it is.

    Blanks may differ, since many programs trim them or turn line ends into spaces. The mention has the
    words of the text.

    Args:
        surface: What the file says stands there; None: it does not say.
        unit: What the file may count in, if its words do not stand where the characters are counted.

    Raises:
        BadInput: The place is not in the text, is empty, or something else stands there.
    """
    place = (start, end)
    if unit and surface is not None and not _stands(text, place, surface):
        other = _in_characters(text, place, unit)
        place = other if other and _stands(text, other, surface) else place
    start, end = place
    if not 0 <= start < end <= len(text):
        found = f"a mention from {start} to {end} in a text of {len(text)} characters"
        raise BadInput(path, line, found, FIX)
    if surface is not None and not _stands(text, place, surface):
        found = f"at {start} to {end} stands {text[start:end]!r:.60}, not {surface!r:.60}"
        raise BadInput(path, line, found, FIX)
    return Mention(start, end, text[start:end])


def _stands(text: str, place: tuple[int, int], surface: str) -> bool:
    start, end = place
    if not 0 <= start < end <= len(text):
        return False
    there = text[start:end]
    return there == surface or there.split() == surface.split()


def _in_characters(text: str, place: tuple[int, int], unit: Unit) -> tuple[int, int] | None:
    """Turn a place in units into one in characters; None where it cuts a character."""
    coded, size = text.encode(unit, "surrogatepass"), _UNIT_BYTES[unit]
    start, end = (min(max(at, 0) * size, len(coded)) for at in place)
    try:
        before = len(coded[:start].decode(unit))
        return before, before + len(coded[start:end].decode(unit))
    except UnicodeDecodeError:
        return None
