"""Tell what is different between two graphs: by ids and texts, so that no order of rows or ids counts.

`kg/edit/change.py` makes such a difference, a new release of a vocabulary another.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.identity import Hashes, hash_ids, hash_triples
from loregraft.kg.tables.assemble import SCHEMAS, GraphTable
from loregraft.kg.tables.columns import Rows
from loregraft.kg.tables.gather import INDEX

_KEYS: dict[GraphTable, tuple[str, ...]] = {
    "entities": ("id",),
    "types": ("entity", "type"),
    "relations": ("id",),
    "relation_names": ("relation", "name", "language"),
    "names": ("entity", "name", "language"),
    "descriptions": ("entity", "language"),
    "triples": ("head", "relation", "tail"),
    "negated": ("head", "relation", "tail"),
    "attributes": ("entity", "property", "value", "language"),
    "media": ("entity", "reference"),
}
"""The columns that say what a row is about. Rows of which these are in both graphs, but the others
differ, are changed."""

_UNCOUNTED = {"entities": ("type", "source")}
"""Columns that hold the first of several rows of another table; which one is first does not count."""

_EXAMPLE_CHARACTERS = 100


@dataclass(frozen=True)
class Difference:
    """What is different in one table, counted in things: entities, names, facts ...

    Attributes:
        added: In the second graph only.
        removed: In the first only.
        changed: In both, but something else is said of it: the kind of a name, the text of a
            description, the statements of a fact.
        examples: The first ones of each, as text.
    """

    added: int
    removed: int
    changed: int
    examples: Mapping[str, tuple[str, ...]]


def diff_graphs(
    first: KnowledgeGraph, second: KnowledgeGraph, *, examples: int = 3, sources: bool = True
) -> dict[GraphTable, Difference]:
    """Compare two graphs table by table; only tables with a difference are given, so {} means equal.

    Takes about 4 s for two graphs of a million triples each, and 60 bytes for each row.

    Args:
        examples: How many of each kind to name.
        sources: Whether it is a change when the same is said by another source.
    """
    found = {}
    for table in SCHEMAS:
        before, after = (_Side(table, graph, sources) for graph in (first, second))
        difference = _difference(table, before, after, examples)
        if difference.added or difference.removed or difference.changed:
            found[table] = difference
    return found


def _difference(table: GraphTable, before: "_Side", after: "_Side", examples: int) -> Difference:
    in_after, in_before = np.isin(before.keys, after.keys), np.isin(after.keys, before.keys)
    shared = np.flatnonzero(in_before)  # the keys of both sides are sorted, so these fit one another
    changed = shared[after.contents[shared] != before.contents[in_after]]
    added, removed = np.flatnonzero(~in_before), np.flatnonzero(~in_after)
    shown = {
        "added": _shown(table, after.graph, after.rows[added], examples),
        "removed": _shown(table, before.graph, before.rows[removed], examples),
        "changed": _shown(table, after.graph, after.rows[changed], examples),
    }
    return Difference(
        len(added), len(removed), len(changed), {kind: texts for kind, texts in shown.items() if texts}
    )


class _Side:
    """The things of a table as numbers: keys, ascending; what is said of each; and its first row."""

    def __init__(self, table: GraphTable, graph: KnowledgeGraph, sources: bool) -> None:
        self.graph = graph
        rows = graph.tables[table]
        left_out = (*_UNCOUNTED.get(table, ()), *(() if sources else ("source",)))
        said = [name for name in rows.column_names if name not in (*_KEYS[table], *left_out)]
        keys, contents = _mixed(graph, rows, _KEYS[table]), _mixed(graph, rows, said)
        self.keys, self.rows, group = np.unique(keys, return_index=True, return_inverse=True)
        contents = hash_triples(contents, keys, keys)
        if len(self.keys) < len(keys) and not sources:
            # Statements that differ only in their source say the same once that does not count.
            _, first = np.unique(contents, return_index=True)
            group, contents = group[first], contents[first]
        self.contents = np.zeros(len(self.keys), np.uint64)
        np.add.at(self.contents, group, contents)  # a sum, so that the order does not count


def _mixed(graph: KnowledgeGraph, rows: pa.Table, columns: Sequence[str]) -> Hashes:
    """Hash the cells of some columns of each row together."""
    mixed = np.zeros(len(rows), np.uint64)
    for name in columns:
        cells = _cells(graph, name, rows[name])
        mixed = hash_triples(mixed, cells, cells)
    return mixed


def _cells(graph: KnowledgeGraph, name: str, column: pa.ChunkedArray) -> Hashes:
    whole = column.combine_chunks()
    if whole.type == INDEX:
        return (graph.relation_hashes if name == "relation" else graph.entity_hashes)[np.asarray(whole)]
    if pa.types.is_boolean(whole.type):
        return np.asarray(whole.to_numpy(zero_copy_only=False)).astype(np.uint64)
    if pa.types.is_floating(whole.type):
        return np.asarray(whole).astype(np.float32).view(np.uint32).astype(np.uint64)
    encoded = whole if pa.types.is_dictionary(whole.type) else whole.dictionary_encode()
    if not len(encoded):
        return np.zeros(0, np.uint64)
    return hash_ids(encoded.dictionary.to_pylist())[np.asarray(encoded.indices)]


def _shown(table: GraphTable, graph: KnowledgeGraph, rows: Rows, count: int) -> tuple[str, ...]:
    """Write the first rows as text, by row number."""
    taken = graph.tables[table].take(pa.array(np.sort(rows)[:count]))
    columns = [name for name in taken.column_names if name not in ("source", "confidence", "symmetric")]
    texts = []
    for row in taken.select(columns).to_pylist():
        for name, kind in zip(columns, taken.select(columns).schema.types, strict=True):
            if kind == INDEX:
                index = row[name]
                row[name] = graph.relation_ids[index] if name == "relation" else graph.id_at(index)
        text = " ".join(str(cell) for cell in row.values() if cell)
        short = text if len(text) <= _EXAMPLE_CHARACTERS else f"{text[: _EXAMPLE_CHARACTERS - 1]}…"
        texts.append(short)
    return tuple(texts)
