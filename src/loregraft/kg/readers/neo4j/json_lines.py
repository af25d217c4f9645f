"""Read the JSON exports of Neo4j's APOC library: a node or relationship a line.

The format is that of the page Export to JSON of the APOC documentation, as its formats JSON_LINES and
ARRAY_JSON (with one item a line) have it.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from loregraft.errors import BadInput
from loregraft.kg.readers.neo4j.rows import node_rows, relationship_rows, texts
from loregraft.kg.readers.text.lines import Row, in_batches, raise_or_collect
from loregraft.kg.readers.text.objects import first_object, read_objects
from loregraft.kg.tables.columns import Columns, Table

FIX = "Write a node or a relationship as apoc.export.json does."

_NODE = re.compile(r'"type"\s*:\s*"node"')
_RELATIONSHIP = re.compile(r'"type"\s*:\s*"relationship"')


def read_neo4j_json(path: Path, problems: list[BadInput] | None = None) -> Iterator[Columns]:
    """Yield nodes as entities and relationships as triples; their ids are those of the database.

    Labels are types. `name`, `title` or `label` is the preferred name, `aliases` and `synonyms` are
    exact ones, `description` or `definition` is the description, all other properties of a node are
    attributes. Properties of a relationship are qualifiers, or columns of the table `triples` where
    they are called so and fit. The ids of relationships are not read.

    Raises:
        BadInput: A line is no JSON object, neither node nor relationship, or lacks an id or type.
    """
    return in_batches(_rows(path, problems))


def fits_neo4j_json(path: Path, head: str) -> bool:
    """Tell whether the first object is a node or a relationship of Neo4j."""
    first = first_object(head)
    is_node = _NODE.search(first) and '"id"' in first
    is_relationship = _RELATIONSHIP.search(first) and '"start"' in first and '"end"' in first
    return not path.is_dir() and bool(is_node or is_relationship)


def _rows(path: Path, problems: list[BadInput] | None) -> Iterator[tuple[Table, Row]]:
    for number, said in read_objects(path, problems):
        try:
            rows = _object(path, number, said)
        except ValueError as error:
            raise_or_collect(BadInput(path, number, f"{error}: {str(said)!r:.60}", FIX), problems)
            continue
        except BadInput as problem:
            raise_or_collect(problem, problems)
            continue
        yield from rows


def _object(path: Path, number: int, said: dict[str, Any]) -> list[tuple[Table, Row]]:
    properties = said.get("properties") or {}
    if not isinstance(properties, dict):
        raise ValueError("the properties are no object")
    if said.get("type") == "node":
        return node_rows(_id(said), list(texts(said.get("labels") or [])), properties)
    if said.get("type") == "relationship":
        relation = said.get("label")
        if not isinstance(relation, str) or not relation:
            raise ValueError("a relationship without a label")
        ends = (_id(said.get("start")), relation, _id(said.get("end")))
        return relationship_rows(path, number, ends, properties)
    raise ValueError("neither a node nor a relationship")


def _id(said: Any) -> str:
    id = said.get("id") if isinstance(said, dict) else None
    if isinstance(id, bool) or not isinstance(id, str | int) or id == "":
        raise ValueError("a node without an id")
    return str(id)
