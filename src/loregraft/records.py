"""The small things that all rooms pass around: triples, entities, mentions, links, documents.

Views for people and for small jobs. What is large travels as columns (`kg/tables/columns.py`), never as
one Python object per triple.
"""

from dataclasses import dataclass, field
from typing import Literal

NameKind = Literal["preferred", "exact", "lay", "abbreviation", "broad", "narrow", "related"]
"""How a name relates to its entity. preferred, exact, lay and abbreviation all mean the same thing
as the entity; lay is what people say who are not of the trade; the other three mean a little more or less."""

SAME_MEANING: tuple[NameKind, ...] = ("preferred", "exact", "lay", "abbreviation")
"""The kinds of names that denote exactly their entity."""

Scalar = str | int | float | bool
"""The value of a qualifier."""


@dataclass(frozen=True, slots=True)
class Triple:
    """One statement of the graph, by ids: a fact, who says so, and under which conditions.

    Two triples are equal when they state the same fact; the rest does not count.

    Attributes:
        negated: The fact is known to be false.
        source: The file, named graph or data set it comes from.
        confidence: 0..1; 1 where the source does not say.
        references: What the source cites, such as PMIDs or addresses.
        valid_from: ISO 8601 date from which it holds; empty: not stated.
        valid_to: ISO 8601 date until which it holds; empty: not stated.
        qualifiers: Under which conditions: (property, value) pairs, such as ("frequency", "1/2").
        split: train, valid or test where the files came with such parts.
    """

    head: str
    relation: str
    tail: str
    negated: bool = False
    source: str = field(default="", compare=False)
    confidence: float = field(default=1.0, compare=False)
    licence: str = field(default="", compare=False)
    references: tuple[str, ...] = field(default=(), compare=False)
    valid_from: str = field(default="", compare=False)
    valid_to: str = field(default="", compare=False)
    qualifiers: tuple[tuple[str, Scalar], ...] = field(default=(), compare=False)
    split: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Name:
    """A string that may name an entity, and how closely it does."""

    text: str
    kind: NameKind = "exact"
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Attribute:
    """A value of an entity that is no entity: a number with its unit, a date, an identifier elsewhere."""

    property: str
    value: str
    datatype: str = ""
    unit: str = ""
    language: str = ""


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
