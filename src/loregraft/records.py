"""The small things that all rooms pass around: triples, entities, mentions, links, documents.

Views for people and for small jobs. What is large travels as columns (`kg/columns.py`), never as
one Python object per triple.
"""

from dataclasses import dataclass
from typing import Literal

NameKind = Literal["preferred", "exact", "lay", "abbreviation", "broad", "narrow", "related"]
"""How a name relates to its entity. preferred, exact, lay and abbreviation all mean the same thing
as the entity; lay is what people say who are not of the trade; the other three mean a little more or less."""

SAME_MEANING: tuple[NameKind, ...] = ("preferred", "exact", "lay", "abbreviation")
"""The kinds of names that denote exactly their entity."""


@dataclass(frozen=True, slots=True)
class Triple:
    """One fact of the graph, by ids; `negated` facts are known to be false."""

    head: str
    relation: str
    tail: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Name:
    """A string that may name an entity, and how closely it does."""

    text: str
    kind: NameKind = "exact"
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Entity:
    """A thing of the graph, by its id, with all its names (the preferred one first)."""

    id: str
    names: tuple[Name, ...]
    description: str = ""
    type: str = ""

    @property
    def name(self) -> str:
        """The preferred name, or the id where there is no name."""
        return self.names[0].text if self.names else self.id


@dataclass(frozen=True, slots=True)
class Document:
    """A text as read, with an id that stays the same from run to run."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Mention:
    """A span of a text: characters start to end, end not included."""

    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Link:
    """A mention and the entity it means (None: not in the graph), with a score from 0 to 1."""

    mention: Mention
    entity: str | None
    score: float
