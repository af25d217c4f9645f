"""Turn nodes and relationships of a property graph into rows of a graph's tables, wherever they come from.

Shared by the readers of Neo4j's exports (`json_lines.py`, `csv_files.py`) and of its server (`bolt.py`).
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from loregraft.kg.readers.rows.triples import SPLITS, statement
from loregraft.kg.readers.text.lines import Row
from loregraft.kg.tables.columns import REFERENCE_MARK, Table

NAMES = ("name", "title", "label")
"""Properties that hold the preferred name of a node; the first that it has counts."""
ALIASES = ("aliases", "alias", "synonyms", "synonym")
DESCRIPTIONS = ("description", "definition")

Properties = Mapping[str, object]


class Literal(NamedTuple):
    """A value as text, with its datatype."""

    text: str
    datatype: str = ""


def node_rows(id: str, labels: Iterable[str], properties: Properties) -> list[tuple[Table, Row]]:
    """Give the rows of a node: its labels are types, its name and description are told by the property.

    All other properties are attributes, a list one for each item. The language of names is taken to
    be English, since Neo4j does not say it.
    """
    rows: list[tuple[Table, Row]] = [("entities", (id, label)) for label in [*labels] or [""]]
    given = {property.casefold(): property for property in reversed([*properties])}
    name = next((given[key] for key in NAMES if key in given and _literals(properties[given[key]])), None)
    for property, value in properties.items():
        literals = _literals(value)
        if property == name:
            kinds = ["preferred"] + ["exact"] * len(literals)
            rows += [
                ("names", (id, literal.text, kind)) for literal, kind in zip(literals, kinds, strict=False)
            ]
        elif property.casefold() in ALIASES:
            rows += [("names", (id, literal.text, "exact")) for literal in literals]
        elif property.casefold() in DESCRIPTIONS:
            rows += [("descriptions", (id, literal.text)) for literal in literals]
        else:
            rows += [("attributes", (id, property, *literal)) for literal in literals]
    return rows


def relationship_rows(
    path: Path, number: int, ends: tuple[str, str, str], properties: Properties
) -> list[tuple[Table, Row]]:
    """Give the row of a relationship, whose ends are the ids of head and tail around its type.

    A property that is called as a column of the table `triples`, and holds what that can hold, goes
    there; all others are qualifiers, the items of a list joined by `|`.
    """
    head, relation, tail = ends
    columns = {name: properties[name] for name, fits in _COLUMNS.items() if fits(properties.get(name))}
    qualifiers = {}
    for name, value in properties.items():
        if name not in columns and (literals := list(_literals(value))):
            is_scalar = isinstance(value, bool | int | float)
            qualifiers[name] = value if is_scalar else REFERENCE_MARK.join(text for text, _ in literals)
    said = {"head": head, "relation": relation, "tail": tail, **columns, "qualifiers": qualifiers}
    return statement(path, number, said)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _are_texts(value: object) -> bool:
    return _is_text(value) or (isinstance(value, list) and bool(value) and all(map(_is_text, value)))


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


_COLUMNS: dict[str, Callable[[object], bool]] = {
    "negated": lambda value: isinstance(value, bool),
    "references": _are_texts,
    "confidence": _is_share,
    "valid_from": _is_text,
    "valid_to": _is_text,
    "licence": _is_text,
    "split": lambda value: value in SPLITS,
    "source": _is_text,
}
"""Column of `triples` -> can it hold a value?"""


def _literals(value: object) -> list[Literal]:
    """Give the texts of a value: none, one, or one for each item."""
    if isinstance(value, list | tuple) and not isinstance(value, Literal) and not _is_point(value):
        return [literal for item in value for literal in _literals(item)]
    literal = _literal(value)
    return [literal] if literal.text.strip() else []


def _is_point(value: object) -> bool:
    """Tell whether it is a place as the driver gives them, which is a tuple too."""
    return hasattr(value, "srid")


def _literal(value: Any) -> Literal:
    if isinstance(value, Literal):
        return value
    if value is None:
        return Literal("")
    if isinstance(value, bool):
        return Literal(str(value).lower(), "boolean")
    if isinstance(value, int):
        return Literal(str(value), "integer")
    if isinstance(value, float):
        return Literal(repr(value), "double")
    if isinstance(value, dict):
        return Literal(json.dumps(value, ensure_ascii=False))
    if hasattr(value, "iso_format"):  # the dates, times and durations of the driver
        return Literal(value.iso_format(), _TIMES.get(type(value).__name__, ""))
    return Literal(str(value))


_TIMES = {"Date": "date", "DateTime": "dateTime", "Time": "time", "Duration": "duration"}


def texts(values: object) -> Iterator[str]:
    """Yield the items of a list of texts.

    Raises:
        ValueError: It is no such list.
    """
    if not isinstance(values, list | tuple | set | frozenset) or not all(map(_is_text, values)):
        raise ValueError(f"expected a list of texts, found {values!r:.40}")
    yield from values
