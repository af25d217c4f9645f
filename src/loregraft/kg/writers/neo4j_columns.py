"""The columns of Neo4j's import CSV: of what type each property is, and how its values stand in a cell.

`neo4j_csv.py` writes nodes and relationships with them; `kg/readers/neo4j/csv_files.py` reads them back.
"""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

import pyarrow as pa
import pyarrow.compute as pc

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.readers.neo4j.csv_files import ITEMS, Column, column_of
from loregraft.kg.readers.neo4j.rows import ALIASES, DESCRIPTIONS, NAMES
from loregraft.kg.tables.columns import BATCH_ROWS, TABLES
from loregraft.kg.writers.csv_rows import MAX_CSV_CELL, csv_text, header_holds
from loregraft.kg.writers.entities import MAX_COLUMNS

CHANGED = "texts changed in blanks, line ends or semicolons"
STRING = "string"

_LONG = 1 << 63


@dataclass(frozen=True)
class Property:
    """A column for a property.

    Attributes:
        type: As Neo4j calls it; `string` unless all values are read back as what they are.
        is_list: Some node has several values.
    """

    name: str
    type: str = STRING
    is_list: bool = False

    @property
    def header(self) -> str:
        """What the first row calls it."""
        return f"{self.name}:{self.type}{'[]' if self.is_list else ''}"


def node_properties(graph: KnowledgeGraph) -> list[Property]:
    """Give the properties of nodes that can be columns: at most `MAX_COLUMNS`, those of most values."""
    pairs = graph.attributes.select(["entity", "property"]).group_by(["entity", "property"])
    counted = pairs.aggregate([([], "count_all")]).group_by("property")
    totals = counted.aggregate([("count_all", "max"), ("count_all", "sum")]).to_pylist()
    taken = {*NAMES, *ALIASES, *DESCRIPTIONS}
    counts = {row["property"]: row["count_all_sum"] for row in totals}
    several = {row["property"] for row in totals if row["count_all_max"] > 1}
    chosen = _chosen({name: count for name, count in counts.items() if name.casefold() not in taken})
    types: dict[str, set[str]] = defaultdict(set)
    for start in range(0, len(graph.attributes), BATCH_ROWS):
        for row in graph.attributes.slice(start, BATCH_ROWS).to_pylist():
            types[row["property"]].add(type_of(row["value"], row["datatype"]))
    return [Property(name, _one(types[name]), name in several) for name in chosen]


def qualifier_properties(graph: KnowledgeGraph) -> list[Property]:
    """Give the qualifiers that can be columns of relationships, none called as a column of triples."""
    texts = [rows["qualifiers"].cast(pa.large_string()) for rows in (graph.triples, graph.negated)]
    counts: Counter[str] = Counter()
    types: dict[str, set[str]] = defaultdict(set)
    for text in pc.unique(
        pa.chunked_array([chunk for part in texts for chunk in part.chunks], pa.large_string())
    ):
        for name, value in json.loads(text.as_py() or "{}").items():
            counts[name] += 1
            types[name].add(type_of(*as_text(value)))
    taken = {*TABLES["triples"]}
    chosen = _chosen({name: count for name, count in counts.items() if name not in taken})
    return [Property(name, _one(types[name])) for name in chosen]


def type_of(text: str, datatype: str) -> str:
    """Give the type by which a value is read back with its datatype; `string` where none does that."""
    type, fits = _TYPES.get(datatype, (STRING, bool))
    try:
        return type if fits(text) else STRING
    except ValueError:
        return STRING


def as_text(value: object) -> tuple[str, str]:
    """Give a qualifier as text, and its datatype."""
    if isinstance(value, bool):
        return str(value).lower(), "boolean"
    if isinstance(value, int):
        return str(value), "integer"
    return (repr(value), "double") if isinstance(value, float) else (str(value), "")


def joined(texts: Iterable[str], tally: Counter[str]) -> tuple[str, int]:
    """Give the cell of a list, and how many items it holds: none with a semicolon."""
    items: list[str] = []
    size = 0
    for text in texts:
        item = text.strip()
        if not item or ITEMS in item or size + len(item) + 1 >= MAX_CSV_CELL:
            continue
        items.append(item)
        size += len(item) + 1
        tally[CHANGED] += item != text
    return ITEMS.join(items), len(items)


def cell_of(property: Property, texts: Sequence[str], tally: Counter[str]) -> tuple[str, int]:
    """Give the cell of a property, and how many of its values it holds."""
    if property.is_list:
        return joined(texts, tally)
    text = csv_text(texts[0]) if texts else ""
    tally[CHANGED] += bool(text) and text != texts[0]
    return text, int(bool(text))


def _chosen(counts: dict[str, int]) -> list[str]:
    fitting = [
        name
        for name in sorted(counts, key=lambda name: (-counts[name], name))
        if header_holds(name) and column_of(f"{name}:{STRING}") == Column(name, STRING, "", False)
    ]
    return fitting[:MAX_COLUMNS]


def _one(types: set[str]) -> str:
    return next(iter(types)) if len(types) == 1 else STRING


def _is_long(text: str) -> bool:
    return str(int(text)) == text and -_LONG <= int(text) < _LONG


def _is_double(text: str) -> bool:
    return math.isfinite(float(text)) and repr(float(text)) == text


_TYPES: dict[str, tuple[str, Callable[[str], object]]] = {
    "integer": ("long", _is_long),
    "double": ("double", _is_double),
    "boolean": ("boolean", ("true", "false").__contains__),
    "date": ("date", date.fromisoformat),
    "dateTime": ("datetime", datetime.fromisoformat),
    "time": ("time", time.fromisoformat),
}
"""Datatype -> the type of Neo4j, and what a value must pass: neither a ValueError nor false."""
