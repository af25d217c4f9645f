"""Write the entities of a graph: as a table with a name a row (TSV, CSV), or as JSON Lines with all of it."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from loregraft.disk import whole_file
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.readers.rows.entities import ENTITY_COLUMNS
from loregraft.kg.readers.rows.triples import ENDS
from loregraft.kg.tables.assemble import GraphTable
from loregraft.kg.writers.csv_rows import csv_rows, csv_text, header_holds, in_one_line, row_holds
from loregraft.kg.writers.telling import Told, sizes, told

MAX_COLUMNS = 200
"""Properties that a table of entities has columns for."""

_BLOCK = 4_096
_TAKEN = {*ENTITY_COLUMNS, *ENDS}
_PARTS: tuple[GraphTable, ...] = ("types", "names", "descriptions", "attributes", "media")

Rows = list[dict[str, Any]]


@dataclass
class Known:
    """All that a graph knows of one entity: rows by table, without triples."""

    id: str
    source: str
    rows: dict[GraphTable, Rows] = field(default_factory=dict)


def write_entities_tsv(graph: KnowledgeGraph, path: Path) -> Told:
    """Write a name a row, with a header row: id, name, kind, language, description, type, and attributes.

    A property of which no entity has two values is a column. Tabs and line ends become spaces. Cannot
    hold other attributes, media, sources, triples, entities without a name, and descriptions in a
    language in which the entity has no name.
    """
    with whole_file(path) as building, building.open("w", encoding="utf-8", newline="\n") as file:
        properties, tally = attribute_columns(graph, _flat), Counter[str]()
        file.write("\t".join([*ENTITY_COLUMNS, *properties]) + "\n")
        for row in _table_rows(graph, _flat, properties, tally):
            file.write("\t".join(row) + "\n")
    return told_of_entities(graph, tally)


def write_entities_csv(graph: KnowledgeGraph, path: Path) -> Told:
    """Write a name a row as CSV, with a header row and the columns of `write_entities_tsv`.

    Blanks at the ends of a text are trimmed; line ends become spaces where a row had a thousand of them.
    Cannot hold what `write_entities_tsv` cannot.
    """
    with whole_file(path) as building, building.open("w", encoding="utf-8", newline="") as file:
        properties = [name for name in attribute_columns(graph, csv_text) if header_holds(name)]
        write_row = csv_rows(file, [*ENTITY_COLUMNS, *properties])
        tally = Counter[str]()
        for row in _table_rows(graph, csv_text, properties, tally):
            tally["texts changed in blanks, tabs or line ends"] += not row_holds(row)
            write_row(row if row_holds(row) else in_one_line(row))
    return told_of_entities(graph, tally)


def write_entities_jsonl(graph: KnowledgeGraph, path: Path) -> Told:
    """Write an entity a line as JSON, with names, descriptions, types, attributes, media and sources.

    Cannot hold triples and what is known of relations, and the source of a type.
    """
    types = 0
    with whole_file(path) as building, building.open("w", encoding="utf-8", newline="\n") as file:
        for known in known_entities(graph):
            file.write(json.dumps(_object(known), ensure_ascii=False) + "\n")
            types += sum(row["source"] != known.source for row in known.rows["types"])
    left_out = {"sources of types": types, **sizes(graph, ("triples", "negated", "relations"))}
    return told({"entities": len(graph)}, left_out)


def known_entities(graph: KnowledgeGraph) -> Iterator[Known]:
    """Yield all entities with what is known of them, in the order of their indexes."""
    starts = {table: np.asarray(graph.tables[table]["entity"]) for table in _PARTS}
    for first in range(0, len(graph), _BLOCK):
        block = graph.entities.slice(first, _BLOCK).to_pylist()
        known = [Known(row["id"], row["source"], {table: [] for table in _PARTS}) for row in block]
        for table in _PARTS:
            begin, end = np.searchsorted(starts[table], [first, first + len(block)]).tolist()
            for row in graph.tables[table].slice(begin, end - begin).to_pylist():
                known[row["entity"] - first].rows[table].append(row)
        yield from known


def attribute_columns(graph: KnowledgeGraph, plain: Callable[[str], str]) -> list[str]:
    """Give the properties that can be columns: no entity has two values of one, and a header can say it.

    There are at most `MAX_COLUMNS`: those that most entities have.
    """
    pairs = graph.attributes.select(["entity", "property"]).group_by(["entity", "property"])
    counted = pairs.aggregate([([], "count_all")])
    of_property = counted.group_by("property").aggregate([("count_all", "max"), ("count_all", "sum")])
    fitting = sorted(
        (-row["count_all_sum"], row["property"])
        for row in of_property.to_pylist()
        if row["count_all_max"] == 1 and row["property"] and plain(row["property"]) == row["property"]
    )
    # A reader takes these in capitals, too, so that one of them can never be an attribute.
    columns = {name: property for _, property in fitting if (name := property.casefold()) not in _TAKEN}
    return list(columns.values())[:MAX_COLUMNS]


def entity_table(
    known: Known, plain: Callable[[str], str], tally: Counter[str], properties: Sequence[str] = ()
) -> list[list[str]]:
    """Give the rows of an entity with the columns of `read_entities_tsv`; what they cannot hold is counted.

    Types and descriptions stand beside the names; where there are more of them than names a name is
    repeated, which changes nothing. The first row has the attributes.

    Args:
        plain: Makes a text such that the file holds it; empty: it cannot.
        properties: Those of `attribute_columns`.
    """
    rows = []
    for name in known.rows["names"]:
        text = plain(name["name"])
        tally["texts changed in blanks, tabs or line ends"] += text != name["name"]
        if not text:
            tally["names_of_blanks"] += 1
            continue
        tally["languages of names, now en"] += not name["language"]
        rows.append([known.id, text, name["kind"], name["language"], "", ""])
    if not rows or not known.id:
        tally["entities_without_a_name"] += 1
        return []
    for place, type in enumerate(known.rows["types"]):
        if place == len(rows):
            rows.append([*rows[0][:4], "", ""])
        rows[place][5] = plain(type["type"])
    for description in known.rows["descriptions"]:
        text = plain(description["text"])
        tally["texts changed in blanks, tabs or line ends"] += text != description["text"]
        alike = [row for row in rows if row[3] == description["language"]]
        if not alike or not text:
            tally["descriptions in a language without a name"] += 1
            continue
        free = next((row for row in alike if not row[4]), None)
        if free is None:
            free = [*alike[0][:4], "", ""]
            rows.append(free)
        free[4] = text
    tally["written"] += 1
    values = _values(known, plain, tally, properties)
    return [[*row, *(values if place == 0 else [""] * len(values))] for place, row in enumerate(rows)]


def _values(
    known: Known, plain: Callable[[str], str], tally: Counter[str], properties: Sequence[str]
) -> list[str]:
    """Give the cell of each property."""
    found = dict.fromkeys(properties, "")
    for row in known.rows["attributes"]:
        text = plain(row["value"])
        if row["property"] not in found or not text:
            continue
        found[row["property"]] = text
        tally["written attributes"] += 1
        tally["texts changed in blanks, tabs or line ends"] += text != row["value"]
        tally["datatypes, units and languages of attributes"] += any(
            row[column] for column in ("datatype", "unit", "language")
        )
    return list(found.values())


def _table_rows(
    graph: KnowledgeGraph, plain: Callable[[str], str], properties: Sequence[str], tally: Counter[str]
) -> Iterator[list[str]]:
    """Yield the rows of all entities, the header aside; see `entity_table`."""
    for known in known_entities(graph):
        if known.id != plain(known.id) or (plain is _flat and known.id.startswith("#")):
            tally["entities with ids of blanks or line ends"] += 1
            continue
        yield from entity_table(known, plain, tally, properties)


def _flat(text: str) -> str:
    return re.sub(r"[\t\r\n\0]+", " ", text).strip()


def told_of_entities(graph: KnowledgeGraph, tally: Counter[str]) -> Told:
    """Tell what a table of entities holds, by the counts of `entity_table`."""
    written = {"entities": tally.pop("written", 0), "attributes": tally.pop("written attributes", 0)}
    left_out = {**tally, **sizes(graph, ("attributes", "media", "triples", "negated", "relations"))}
    left_out["attributes"] -= written["attributes"]
    return told(written, left_out)


def _object(known: Known) -> dict[str, object]:
    """Say all of an entity, leaving out what the reader takes for granted."""
    said: dict[str, object] = {"id": known.id}
    if known.source:
        said["source"] = known.source
    if known.rows["types"]:
        said["types"] = [row["type"] for row in known.rows["types"]]
    # The first name without a kind is read as preferred where no other is said to be, all others as exact.
    preferred = sum(row["kind"] == "preferred" for row in known.rows["names"])
    kinds = ("preferred" if preferred == 1 else "exact", "exact") if preferred else ("", "")
    names = [
        _short(row, "name", "text", {"kind": kinds[place > 0], "language": "en"}, known)
        for place, row in enumerate(known.rows["names"])
    ]
    descriptions = [
        _short(row, "text", "text", {"language": "en"}, known) for row in known.rows["descriptions"]
    ]
    if names:
        said["names"] = names
    if len(descriptions) == 1:
        said["description"] = descriptions[0]
    elif descriptions:
        said["descriptions"] = descriptions
    attributes: dict[str, list[object]] = {}
    for row in known.rows["attributes"]:
        usual = {"datatype": "", "unit": "", "language": ""}
        attributes.setdefault(row["property"], []).append(_short(row, "value", "value", usual, known))
    if attributes:
        said["attributes"] = {
            property: values[0] if len(values) == 1 else values for property, values in attributes.items()
        }
    media = [
        _short(row, "reference", "reference", {"kind": "image", "licence": ""}, known)
        for row in known.rows["media"]
    ]
    if media:
        said["media"] = media
    return said


def _short(row: dict[str, Any], column: str, key: str, usual: dict[str, str], known: Known) -> object:
    """Give a text alone where all else is as usual, or an object."""
    more = {name: row[name] for name, default in usual.items() if row[name] != default}
    if row["source"] != known.source:
        more["source"] = row["source"]
    return {key: row[column], **more} if more else row[column]
