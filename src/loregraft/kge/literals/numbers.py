"""The numbers of a graph's attributes as a matrix: a row for each entity, a column for each property.

`gate.py` mixes them into the vectors. A column holds ranks, not amounts: populations and years then have the
same range, and a single wrong value moves nothing else.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float32, Float64
from numpy.typing import NDArray

from loregraft.artifact import Json
from loregraft.errors import BadInput
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kge.questions import Ints
from loregraft.kge.settings import KgeSettings

FEWEST = 10
"""Entities that must have a number before its property is used."""
MOST = 256
"""Properties that are used at most, those with the most numbers."""

NUMBERS = frozenset(
    "integer decimal double float long int short byte number nonNegativeInteger positiveInteger "
    "nonPositiveInteger negativeInteger unsignedLong unsignedInt unsignedShort unsignedByte".split()
)
DATES = frozenset("date dateTime dateTimeStamp gYear gYearMonth".split())
"""Datatypes of XML Schema, without their address."""

_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_DATE = re.compile(
    r"\s*([+-]?\d{4,})(?:-(\d\d)(?:-(\d\d))?)?(?:T(\d\d):(\d\d)(?::(\d\d(?:\.\d+)?))?)?"
    r"(?:Z|[+-]\d\d:\d\d)?\s*",
    re.ASCII,
)


class Property(NamedTuple):
    """What a column holds; the same property in another unit is another column."""

    id: str
    unit: str
    is_date: bool

    @property
    def label(self) -> str:
        """What it is called."""
        return f"{self.id} [{self.unit}]" if self.unit else self.id


@dataclass(frozen=True)
class Literals:
    """The numbers of entities by property.

    Attributes:
        numbers: As they were read; NaN: the entity has none.
        few: Properties left out as too few entities have a number, with how many; so is `alike`, whose
            numbers are all the same, and `more`, which are more than `MOST`.
        unreadable: Values that their datatype calls a number or a date, and that are none, by property.
        several: Entities with several numbers of one property; the middle one is taken, of two the lower.
        untyped: Properties used without a datatype, as all their values are numbers.
    """

    properties: list[Property]
    numbers: Float64[np.ndarray, "entities properties"]
    few: dict[str, int] = field(default_factory=dict)
    alike: dict[str, int] = field(default_factory=dict)
    more: dict[str, int] = field(default_factory=dict)
    unreadable: dict[str, int] = field(default_factory=dict)
    several: int = 0
    untyped: list[str] = field(default_factory=list)

    def matrix(self) -> Float32[np.ndarray, "entities columns"]:
        """Give ranks scaled to -1..1, 0 where there is no number; and 1 where there is one, 0 where not.

        The second kind of column stands after the first, for those properties that not all entities have.
        """
        has = ~np.isnan(self.numbers)
        ranks = np.zeros(self.numbers.shape, np.float32)
        for place in range(len(self.properties)):
            ranks[has[:, place], place] = scaled_ranks(self.numbers[has[:, place], place])
        return np.concatenate([ranks, has[:, ~has.all(0)].astype(np.float32)], axis=1)

    def shuffled(self, seed: int) -> "Literals":
        """Give each property's numbers to other entities among those that have one.

        The control of an experiment: which entity has which number is lost, and nothing else is.
        """
        numbers = self.numbers.copy()
        for place in range(len(self.properties)):
            rows = np.flatnonzero(~np.isnan(numbers[:, place]))
            numbers[rows, place] = np.random.default_rng((seed, place)).permutation(numbers[rows, place])
        return replace(self, numbers=numbers)

    def facts(self) -> dict[str, Json]:
        """Say what was used and what was left out, for a card."""
        counts = (~np.isnan(self.numbers)).sum(0).tolist()
        return {
            "used": {one.label: count for one, count in zip(self.properties, counts, strict=True)},
            "too_few": dict(self.few),
            "all_alike": dict(self.alike),
            "too_many": dict(self.more),
            "unreadable": dict(self.unreadable),
            "entities_with_several": self.several,
            "without_datatype": list(self.untyped),
        }


def literals_for(graph: KnowledgeGraph, settings: KgeSettings) -> Literals | None:
    """Give the numbers that settings ask for, shuffled by their seed for the control.

    Raises:
        BadInput: They ask for some, and the graph has none.
    """
    if settings.literals == "none":
        return None
    found = literals_of(graph)
    return found.shuffled(settings.seed) if settings.literals == "shuffled" else found


def scaled_ranks(numbers: Float64[np.ndarray, " n"]) -> Float32[np.ndarray, " n"]:
    """Give the rank of each number, from -1 for the lowest to 1 for the highest; ties share their mean."""
    _, place, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts + 1) / 2  # from 0
    return np.asarray(2 * middle[place] / max(1, len(numbers) - 1) - 1, np.float32)


def literals_of(graph: KnowledgeGraph, fewest: int = FEWEST) -> Literals:
    """Read the numbers of a graph's attributes.

    A datatype of XML Schema says what is a number or a date. A property without datatypes counts as one of
    numbers where all its values are numbers. A date is its year, with the part of the year that is over.

    Args:
        fewest: Entities that must have a number before its property is used.

    Raises:
        BadInput: No property is left.
    """
    rows, numbers, unreadable, untyped = _read(graph)
    few: dict[str, int] = {}
    alike: dict[str, int] = {}
    kept: list[tuple[Property, Ints, Float64[np.ndarray, " n"]]] = []
    several = 0
    for property in sorted(rows):
        entities, middle, more = _middle(np.array(rows[property], np.int64), np.array(numbers[property]))
        several += more
        if len(entities) < fewest:
            few[property.label] = len(entities)
        elif middle.min() == middle.max():
            alike[property.label] = len(entities)
        else:
            kept.append((property, entities, middle))
    kept.sort(key=lambda one: -len(one[1]))
    if not kept:
        found = f"the graph has no property with different numbers on {fewest} entities"
        fix = "Set literals to none, or import attributes with numbers (loregraft kg stats shows them)."
        raise BadInput(Path("graph"), 0, found, fix)
    matrix = np.full((len(graph), min(MOST, len(kept))), np.nan)
    for place, (_, entities, middle) in enumerate(kept[:MOST]):
        matrix[entities, place] = middle
    more_of = {one.label: len(entities) for one, entities, _ in kept[MOST:]}
    used = [one for one, _, _ in kept[:MOST]]
    guessed = [one.label for one in used if one in untyped]
    return Literals(used, matrix, few, alike, more_of, unreadable, several, guessed)


Found = dict[Property, list[int]]
Read = dict[Property, list[float]]


def _read(graph: KnowledgeGraph) -> tuple[Found, Read, dict[str, int], set[Property]]:
    """Give the entities and the numbers of each property, what is unreadable, and what has no datatype."""
    rows: Found = {}
    numbers: Read = {}
    unreadable: dict[str, int] = {}
    untyped: set[Property] = set()
    table = graph.attributes
    for datatype in sorted(pc.unique(table["datatype"]).to_pylist()):
        kind = re.split(r"[#/:]", datatype)[-1]
        if datatype and kind not in NUMBERS | DATES:
            continue
        part = table.filter(pc.equal(table["datatype"], datatype))
        text = set() if datatype else _of_text(part)
        read = as_date if kind in DATES else as_number
        for entity, id, value, unit in _cells(part):
            property = Property(id, unit, kind in DATES)
            if (id, unit) in text:
                continue
            number = read(value)
            if number is None:
                unreadable[property.label] = unreadable.get(property.label, 0) + 1
                continue
            rows.setdefault(property, []).append(entity)
            numbers.setdefault(property, []).append(number)
            if not datatype:
                untyped.add(property)
    return rows, numbers, unreadable, untyped


def _cells(part: pa.Table) -> Iterable[tuple[int, str, str, str]]:
    return zip(*(part[name].to_pylist() for name in ("entity", "property", "value", "unit")), strict=True)


def _of_text(part: pa.Table) -> set[tuple[str, str]]:
    """Give property and unit of those that have a value which is no number."""
    return {(id, unit) for _, id, value, unit in _cells(part) if as_number(value) is None}


def _middle(entities: Ints, numbers: NDArray[np.float64]) -> tuple[Ints, NDArray[np.float64], int]:
    """Give each entity once with its middle number, and how many entities had several."""
    order = np.lexsort((numbers, entities))
    different, first, counts = np.unique(entities[order], return_index=True, return_counts=True)
    return different, numbers[order][first + (counts - 1) // 2], int((counts > 1).sum())


def as_number(text: str) -> float | None:
    """Read a number in digits, as XML Schema writes it; None: it is none, or not finite."""
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if np.isfinite(number) else None


def as_date(text: str) -> float | None:
    """Read a year, a month, a day or a time of ISO 8601 as a number of years; None: it is none.

    A month or day of 00, as Wikidata has them, counts as the first; time zones count nothing.
    """
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (float(part or 0) for part in match.groups())
    if month > 12 or day > 31 or hour > 24 or minute > 59 or not np.isfinite(year):
        return None
    days = max(day, 1) - 1 + (hour + (minute + second / 60) / 60) / 24
    return year + (max(month, 1) - 1 + days / 31) / 12
