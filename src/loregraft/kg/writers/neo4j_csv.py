"""Write a folder of CSV files that `neo4j-admin database import` takes: nodes and relationships.

The types of columns are chosen in `neo4j_columns.py`; `kg/readers/neo4j/csv_files.py` reads the folder back.
"""

import contextlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from loregraft.artifact import fingerprint, writing
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.readers.neo4j.csv_files import ITEMS
from loregraft.kg.readers.rows.triples import ENDS
from loregraft.kg.tables.assemble import GraphTable
from loregraft.kg.tables.columns import REFERENCE_MARK, TABLES
from loregraft.kg.writers.csv_rows import csv_rows, csv_text, in_one_line, row_holds
from loregraft.kg.writers.entities import Known, known_entities
from loregraft.kg.writers.neo4j_columns import (
    CHANGED,
    STRING,
    Property,
    as_text,
    cell_of,
    joined,
    node_properties,
    qualifier_properties,
)
from loregraft.kg.writers.telling import Told, said_of_relations, sizes, told
from loregraft.kg.writers.triples import said_batches
from loregraft.records import SAME_MEANING

NODES, RELATIONSHIPS, NEGATED = "nodes.csv", "relationships.csv", "negated.csv"

_NODE = (":ID", ":LABEL", "name", "aliases:string[]", "description")
_ENDS = (":START_ID", ":TYPE", ":END_ID")
_SAID = {
    "source": "source",
    "references": "references:string[]",
    "confidence": "confidence:double",
    "valid_from": "valid_from",
    "valid_to": "valid_to",
    "licence": "licence",
    "split": "split",
}
"""Column of triples -> its header."""
_MAX_LINES = 100  # of an id
_TYPES_LOST, _VALUES_LOST = "datatypes, units and languages of attributes", "values of qualifiers"

_TABLES: tuple[GraphTable, ...] = ("types", "names", "descriptions", "attributes")

WriteRow = Callable[[Sequence[str]], object]


def write_neo4j_csv(graph: KnowledgeGraph, path: Path) -> Told:
    """Write `nodes.csv` and `relationships.csv` with headers such as `:ID`, `:LABEL` and `:START_ID`.

    Types of entities are labels; the first name is `name`, the others are `aliases`; attributes and
    qualifiers are properties, with a type where all values are of one. Facts that are known to be false
    are in a file of their own, `negated.csv`, each marked so: leave it out, and Neo4j has what is true.
    Cannot hold names that mean a little more or less, languages, all descriptions of an entity but one,
    media, sources of what is no triple, what is known of relations, and texts with a semicolon in a list.
    Texts may go over several lines: neo4j-admin wants `--multiline-fields=true` for them.
    """
    key = fingerprint("neo4j_csv", graph.counts(), int(np.bitwise_xor.reduce(graph.triple_hashes)))
    tally: Counter[str] = Counter()
    with writing(path, "neo4j_csv", key) as (building, facts), contextlib.ExitStack() as files:

        def begin(name: str, header: Sequence[str]) -> WriteRow:
            file = files.enter_context((building / name).open("w", encoding="utf-8", newline=""))
            return csv_rows(file, header)

        _write_nodes(graph, begin, tally)
        _write_relationships(graph, begin, tally)
        files.close()
        facts["counts"] = {what: tally[what] for what in ("nodes", "relationships", "negated facts")}
    return _told(graph, tally)


def _write_nodes(
    graph: KnowledgeGraph, begin: Callable[[str, Sequence[str]], WriteRow], tally: Counter[str]
) -> None:
    properties = node_properties(graph)
    write_row = begin(NODES, [*_NODE, *(property.header for property in properties)])
    for known in known_entities(graph):
        if not _holds(known.id):
            tally["entities with ids of blanks or many lines"] += 1
            continue
        tally["nodes"] += 1
        _write(write_row, [known.id, *_told_of(known, tally), *_values(known, properties, tally)], 1, tally)


def _told_of(known: Known, tally: Counter[str]) -> tuple[str, str, str, str]:
    """Give labels, name, aliases and description."""
    types = [row["type"] for row in known.rows["types"]]
    labels = [type for type in types if type == type.strip() and ITEMS not in type and type[0] != ":"]
    tally["types"] += len(labels)
    same = [row for row in known.rows["names"] if row["kind"] in SAME_MEANING]
    first, others = same[:1], same[1:]
    name, named = cell_of(Property("name"), [row["name"] for row in first], tally)
    aliases, count = joined((row["name"] for row in others), tally)
    tally["names"] += named + count
    tally["kinds of names, now preferred or exact"] += sum(row["kind"] != "preferred" for row in first)
    tally["kinds of names, now preferred or exact"] += sum(row["kind"] != "exact" for row in others)
    texts = known.rows["descriptions"][:1]
    description, described = cell_of(Property("description"), [row["text"] for row in texts], tally)
    tally["descriptions"] += described
    tally["languages, now en"] += sum(row["language"] != "en" for row in (*first, *others, *texts))
    return ITEMS.join(labels), name, aliases, description


def _values(known: Known, properties: Sequence[Property], tally: Counter[str]) -> list[str]:
    """Give the cell of each property."""
    found: dict[str, list[str]] = {property.name: [] for property in properties}
    types = {property.name: property.type for property in properties}
    for row in known.rows["attributes"]:
        if row["property"] in found:
            found[row["property"]].append(row["value"])
            lost = row["datatype"] and types[row["property"]] == STRING
            tally[_TYPES_LOST] += bool(lost or row["unit"] or row["language"])
    cells = []
    for property in properties:
        cell, count = cell_of(property, found[property.name], tally)
        tally["attributes"] += count
        cells.append(cell)
    return cells


def _write_relationships(
    graph: KnowledgeGraph, begin: Callable[[str, Sequence[str]], WriteRow], tally: Counter[str]
) -> None:
    qualifiers = qualifier_properties(graph)
    said = [column for column in _SAID if _is_said(graph, column)]
    header = [*_ENDS, *(_SAID[column] for column in said), *(property.header for property in qualifiers)]
    write_row = begin(RELATIONSHIPS, header)
    write_negated = begin(NEGATED, [*header, "negated:boolean"]) if len(graph.negated) else write_row
    for batch in said_batches(graph):
        for row in batch:
            ends = [row[end] for end in ENDS]
            if not all(map(_holds, ends)):
                tally["statements with ids of blanks or many lines"] += 1
                continue
            cells = [*ends, *(_said(column, row[column], tally) for column in said)]
            cells += _qualifiers(row["qualifiers"], qualifiers, tally)
            if row["negated"]:
                _write(write_negated, [*cells, "true"], len(ENDS), tally)
            else:
                _write(write_row, cells, len(ENDS), tally)
            tally["negated facts" if row["negated"] else "relationships"] += 1


def _is_said(graph: KnowledgeGraph, column: str) -> bool:
    """Tell whether a column of triples says something somewhere."""
    default = TABLES["triples"][column]
    for rows in (graph.triples, graph.negated):
        kind = pa.float32() if column == "confidence" else pa.large_string()
        if pc.any(pc.not_equal(rows[column].cast(kind), pa.scalar(default, kind))).as_py():
            return True
    return False


def _said(column: str, value: Any, tally: Counter[str]) -> str:
    if value == TABLES["triples"][column]:
        return ""
    if column == "confidence":
        return str(np.float32(value))
    if column == "references":
        parts = [part.replace(ITEMS, "%3B") for part in value.split(REFERENCE_MARK)]
        tally[CHANGED] += value.count(ITEMS)
        cell, count = joined(parts, tally)
        tally["references"] += sum(map(bool, parts)) - count
        return cell
    return cell_of(Property(column), [value], tally)[0]


def _qualifiers(text: str, properties: Sequence[Property], tally: Counter[str]) -> list[str]:
    """Give the cell of each qualifier."""
    found: dict[str, Any] = json.loads(text) if text else {}
    cells = []
    for property in properties:
        value, datatype = as_text(found[property.name]) if property.name in found else ("", "")
        cell, _ = cell_of(property, [value], tally)
        tally["types of qualifiers, now text"] += bool(cell and datatype and property.type == STRING)
        cells.append(cell)
    tally[_VALUES_LOST] += len(found) - sum(map(bool, cells))
    return cells


def _write(write_row: WriteRow, cells: list[str], ids: int, tally: Counter[str]) -> None:
    """Write a row, with spaces for line ends where it would go over too many lines; the ids stay."""
    if not row_holds(cells):
        tally[CHANGED] += 1
        cells = [*cells[:ids], *in_one_line(cells[ids:])]
    write_row(cells)


def _holds(id: str) -> bool:
    return bool(id) and csv_text(id) == id and id.count("\n") < _MAX_LINES


def _told(graph: KnowledgeGraph, tally: Counter[str]) -> Told:
    written = {what: tally.pop(what, 0) for what in ("nodes", "relationships", "negated facts")}
    left_out = {table: len(graph.tables[table]) - tally.pop(table, 0) for table in _TABLES}
    sources = sum(
        pc.sum(pc.not_equal(graph.tables[table]["source"].cast(pa.large_string()), "")).as_py() or 0
        for table in (*_TABLES, "entities")
    )
    more = {
        **sizes(graph, ["media"]),
        "sources of names, types and attributes": sources,
        "relations_with_more_than_an_id": said_of_relations(graph),
    }
    return told(written, {**{str(table): count for table, count in left_out.items()}, **tally, **more})
