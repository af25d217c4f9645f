"""Gather column batches into the tables of a graph: number the ids, merge exact duplicates, count both.

`kg/graph.py` wraps the tables made here; `kg/join.py` renumbers the tables of two graphs and comes
back here. Ids are kept once each, as text; rows refer to them by int32 index.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from loregraft.kg.columns import TABLES, Columns, Table
from loregraft.records import NameKind

GraphTable = Literal["entities", "relations", "names", "descriptions", "triples", "attributes"]

KIND_ORDER: tuple[NameKind, ...] = (
    "preferred",
    "lay",
    "abbreviation",
    "exact",
    "narrow",
    "broad",
    "related",
)
"""The order of an entity's names; of two equal names the one whose kind comes first is kept, so that
what says more (lay) wins over what says less (exact)."""

_TEXT, _INDEX = pa.large_string(), pa.int32()
_INDEXES = ("id", "entity", "head", "relation", "tail")
_SAME: dict[Table, tuple[str, ...]] = {
    "names": ("entity", "name", "language"),
    "descriptions": ("entity", "text", "language"),
    "triples": ("head", "relation", "tail", "negated", "reference", "qualifiers"),
    "attributes": ("entity", "property", "value", "unit"),
}
"""Rows that agree in these columns say the same; the first is kept, whatever their source."""


def _schema(table: Table) -> pa.Schema:
    kinds = {"negated": pa.bool_()} | dict.fromkeys(_INDEXES, _INDEX)
    return pa.schema([(column, kinds.get(column, _TEXT)) for column in TABLES[table]])


RAW_SCHEMAS: dict[Table, pa.Schema] = {table: _schema(table) for table in TABLES}
"""The tables as gathered: ids are indexes, `entities` may have several rows for one entity."""

SCHEMAS: dict[GraphTable, pa.Schema] = {
    "entities": pa.schema([("id", _TEXT), ("type", _TEXT), ("source", _TEXT)]),
    "relations": pa.schema([("id", _TEXT)]),
    "names": RAW_SCHEMAS["names"],
    "descriptions": RAW_SCHEMAS["descriptions"],
    "triples": RAW_SCHEMAS["triples"],
    "attributes": RAW_SCHEMAS["attributes"],
}
"""The tables of a graph. Names, descriptions and attributes are sorted by entity; triples are as read."""


def gather(batches: Iterable[Columns], source: str = "") -> tuple[dict[GraphTable, pa.Table], Counter[str]]:
    """Make the tables of a graph from the batches of one or more readers, and tell what was merged.

    Attributes of no entity ("") are a reader's word on what it left out; they are only counted, as
    `left_out_<property>`.

    Args:
        source: What rows are marked with that come without a source.

    Raises:
        ValueError: A batch has columns of unequal length, lacks one that it must have, or names a
            kind of name that does not exist.
    """
    entities: dict[str, int] = {}
    relations: dict[str, int] = {}
    tally: Counter[str] = Counter()
    chunks = {table: [schema.empty_table()] for table, schema in RAW_SCHEMAS.items()}
    for batch in batches:
        rows = _completed(batch, source)
        if batch.table == "attributes":
            rows = _about_entities(rows, tally)
        arrays = [
            _indexes(values, relations if column == "relation" else entities)
            if column in _INDEXES
            else pa.array(values, RAW_SCHEMAS[batch.table].field(column).type)
            for column, values in rows.items()
        ]
        chunks[batch.table].append(pa.Table.from_arrays(arrays, schema=RAW_SCHEMAS[batch.table]))
    raw = {table: pa.concat_tables(parts) for table, parts in chunks.items()}
    return assemble(list(entities), list(relations), raw, tally)


def assemble(
    entities: Sequence[str], relations: Sequence[str], raw: Mapping[Table, pa.Table], tally: Counter[str]
) -> tuple[dict[GraphTable, pa.Table], Counter[str]]:
    """Sort rows, merge those that say the same, and give each entity its first type and source.

    Args:
        entities: The ids, in the order of their indexes.
        raw: Tables of `RAW_SCHEMAS`.
        tally: Counts so far; `<table>_merged` is added to a copy.
    """
    tally = Counter(tally)
    tables: dict[GraphTable, pa.Table] = {
        "entities": _entities(entities, raw["entities"]),
        "relations": pa.table({"id": pa.array(relations, _TEXT)}),
    }
    sorted_rows = {
        "names": _in_order(raw["names"], _ranks(raw["names"]["kind"])),
        "descriptions": _in_order(raw["descriptions"]),
        "triples": raw["triples"],
        "attributes": _in_order(raw["attributes"]),
    }
    for table, same in _SAME.items():
        tables[table], merged = _distinct(sorted_rows[table], same)
        tally[f"{table}_merged"] += merged
    tables["names"] = _one_preferred(tables["names"])
    return {table: rows.combine_chunks() for table, rows in tables.items()}, tally


def _completed(batch: Columns, source: str) -> dict[str, Sequence[str | bool]]:
    rows: dict[str, Sequence[str | bool]] = {}
    unknown = set(batch.rows) - set(TABLES[batch.table])
    if unknown:
        raise ValueError(f"the table {batch.table!r} has no column {sorted(unknown)[0]!r}")
    for column, default in TABLES[batch.table].items():
        values = batch.rows.get(column)
        if values is None:
            if default is None:
                raise ValueError(f"a batch of {batch.table!r} lacks the column {column!r}")
            values = [source if column == "source" else default] * len(batch)
        if len(values) != len(batch):
            raise ValueError(f"the column {column!r} has {len(values)} rows, the first one {len(batch)}")
        rows[column] = values
    return rows


def _about_entities(
    rows: dict[str, Sequence[str | bool]], tally: Counter[str]
) -> dict[str, Sequence[str | bool]]:
    if "" not in rows["entity"]:
        return rows
    keep = [entity != "" for entity in rows["entity"]]
    for kept, name in zip(keep, rows["property"], strict=True):
        if not kept:
            tally[f"left_out_{name}"] += 1
    return {
        column: [value for value, kept in zip(values, keep, strict=True) if kept]
        for column, values in rows.items()
    }


def _indexes(ids: Sequence[str | bool], known: dict[str, int]) -> pa.Array:
    numbers = (known.setdefault(str(id), len(known)) for id in ids)
    return pa.array(np.fromiter(numbers, np.int32, len(ids)))


def _entities(ids: Sequence[str], raw: pa.Table) -> pa.Table:
    columns = {"id": pa.array(ids, _TEXT)}
    for column in ("type", "source"):
        given = raw.filter(pc.not_equal(raw[column], ""))
        entities, first = np.unique(given["id"], return_index=True)
        rows = np.full(len(ids), -1, np.int64)
        rows[entities] = first
        found = given[column].take(pa.array(rows, mask=rows < 0))
        columns[column] = pc.fill_null(found, "")
    return pa.table(columns, schema=SCHEMAS["entities"])


def _ranks(kinds: pa.ChunkedArray) -> NDArray[np.int32]:
    ranks = pc.index_in(kinds, value_set=pa.array(KIND_ORDER, _TEXT))
    if ranks.null_count:
        unknown = kinds.filter(pc.is_null(ranks))[0].as_py()
        raise ValueError(f"there is no kind of name {unknown!r}; the kinds are {', '.join(KIND_ORDER)}")
    return np.asarray(ranks, dtype=np.int32)


def _in_order(rows: pa.Table, then: NDArray[np.int32] | None = None) -> pa.Table:
    entities = np.asarray(rows["entity"])
    order = np.argsort(entities, kind="stable") if then is None else np.lexsort((then, entities))
    return rows.take(order)


def _distinct(rows: pa.Table, same: Sequence[str]) -> tuple[pa.Table, int]:
    if not len(rows):
        return rows, 0
    numbered = rows.select(same).append_column("row", pa.array(np.arange(len(rows))))
    first = numbered.group_by(list(same), use_threads=False).aggregate([("row", "min")])["row_min"]
    if len(first) == len(rows):
        return rows, 0
    return rows.take(np.sort(np.asarray(first))), len(rows) - len(first)


def _one_preferred(names: pa.Table) -> pa.Table:
    """Make all but the first preferred name of an entity and language exact."""
    rows = np.flatnonzero(np.asarray(pc.equal(names["kind"], "preferred")))
    languages = np.asarray(names["language"].combine_chunks().dictionary_encode().indices).astype(np.int64)
    key = np.asarray(names["entity"]).astype(np.int64) * (languages.max(initial=0) + 1) + languages
    _, first = np.unique(key[rows], return_index=True)
    later = np.zeros(len(names), bool)
    later[np.delete(rows, first)] = True
    kinds = pc.if_else(pa.array(later), pa.scalar("exact", _TEXT), names["kind"])
    return names.set_column(names.schema.get_field_index("kind"), "kind", kinds)
