"""Make the tables of a graph from raw ones: sort the rows, merge those that say the same, count both.

`gather.py` brings the raw tables of files; `kg/join.py` and `kg/edit/change.py` bring those of graphs.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from loregraft.kg.tables.columns import Ints, Table
from loregraft.kg.tables.gather import INDEX, RAW_SCHEMAS, REPEATED, TEXT
from loregraft.records import NameKind

GraphTable = Literal[
    "entities",
    "types",
    "relations",
    "relation_names",
    "names",
    "descriptions",
    "triples",
    "negated",
    "attributes",
    "media",
]

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

_STATEMENT = pa.schema([column for column in RAW_SCHEMAS["triples"] if column.name != "negated"])

SCHEMAS: dict[GraphTable, pa.Schema] = {
    "entities": pa.schema([("id", TEXT), ("type", TEXT), ("source", TEXT)]),
    "types": pa.schema([("entity", INDEX), ("type", TEXT), ("source", TEXT)]),
    "relations": pa.schema(
        [("id", TEXT), ("inverse", TEXT), ("symmetric", pa.bool_()), ("domain", TEXT), ("range", TEXT)]
    ),
    "relation_names": pa.schema([("relation", INDEX), ("name", TEXT), ("language", TEXT)]),
    "names": RAW_SCHEMAS["names"],
    "descriptions": RAW_SCHEMAS["descriptions"],
    "triples": _STATEMENT,
    "negated": _STATEMENT,
    "attributes": RAW_SCHEMAS["attributes"],
    "media": RAW_SCHEMAS["media"],
}
"""The tables of a graph. The type of an entity is its first one. `triples` holds what is true, one row
a statement, sorted by head, relation and tail; what is known to be false stands apart in `negated`.
All other tables are sorted by entity or relation, and as read within one."""

_SAME: dict[GraphTable, tuple[str, ...]] = {
    "types": ("entity", "type"),
    "relation_names": ("relation", "name", "language"),
    "names": ("entity", "name", "language"),
    "descriptions": ("entity", "text", "language"),
    "attributes": ("entity", "property", "value", "datatype", "unit", "language"),
    "media": ("entity", "reference"),
}
"""Rows that agree in these columns say the same; the first is kept, whatever its source. Statements
are merged when they agree in every column, their source included."""

Tables = dict[GraphTable, pa.Table]


def assemble(
    entities: Sequence[str], relations: Sequence[str], raw: Mapping[Table, pa.Table], tally: Counter[str]
) -> tuple[Tables, Counter[str]]:
    """Sort rows, merge those that say the same, and give each entity its first type and source.

    Takes about 1.5 s for a million triples and as much memory again as they have.

    Args:
        entities: The ids, in the order of their indexes.
        relations: Likewise.
        raw: Tables of `RAW_SCHEMAS`.
        tally: Counts so far; `<table>_merged` is added to a copy.

    Raises:
        ValueError: There is a kind of name that does not exist.
    """
    tally = Counter(tally)
    tables: Tables = {
        "entities": _entities(entities, raw["entities"]),
        "relations": _relations(relations, raw["relations"]),
    }
    for table, rows in _in_orders(raw).items():
        tables[table], merged = _distinct(rows, _SAME[table])
        tally[f"{table}_merged"] += merged
    for part, rows in _true_and_false(raw["triples"]).items():
        tables[part], merged = _statements(rows)
        tally["triples_merged"] += merged
    return {table: _whole(tables[table], schema) for table, schema in SCHEMAS.items()}, tally


def _in_orders(raw: Mapping[Table, pa.Table]) -> Tables:
    """Give the tables of what is said of entities and relations, sorted by them."""
    typed = raw["entities"].filter(pc.not_equal(raw["entities"]["type"], ""))
    named = raw["relations"].filter(pc.not_equal(raw["relations"]["name"], ""))
    named = named.select(["id", "name", "language"]).rename_columns(["relation", "name", "language"])
    names = _one_preferred(raw["names"])
    return {
        "types": _in_order(typed.rename_columns(["entity", "type", "source"]), "entity"),
        "relation_names": _in_order(named, "relation"),
        "names": _in_order(names, "entity", _ranks(names["kind"])),
        "descriptions": _in_order(raw["descriptions"], "entity"),
        "attributes": _in_order(raw["attributes"], "entity"),
        "media": _in_order(raw["media"], "entity"),
    }


def _true_and_false(raw: pa.Table) -> Tables:
    """Part the statements; what is known to be false is often none, which costs no copy then."""
    rows = raw.unify_dictionaries().combine_chunks()
    said = rows.drop_columns(["negated"])
    if not pc.any(rows["negated"]).as_py():
        return {"triples": said, "negated": said.slice(0, 0)}
    return {"triples": said.filter(pc.invert(rows["negated"])), "negated": said.filter(rows["negated"])}


def _whole(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Give a table in one piece, so that its columns are arrays without a copy."""
    return rows.combine_chunks() if len(rows) else schema.empty_table()


def _entities(ids: Sequence[str], raw: pa.Table) -> pa.Table:
    columns = {"id": pa.array(ids, TEXT)}
    for column in ("type", "source"):
        columns[column] = _first_given(raw, column, len(ids))
    return pa.table(columns, schema=SCHEMAS["entities"])


def _relations(ids: Sequence[str], raw: pa.Table) -> pa.Table:
    columns = {"id": pa.array(ids, TEXT)}
    for column in ("inverse", "domain", "range"):
        columns[column] = _first_given(raw, column, len(ids))
    symmetric = np.zeros(len(ids), np.bool_)
    symmetric[np.asarray(raw.filter(raw["symmetric"])["id"])] = True
    columns["symmetric"] = pa.array(symmetric)
    return pa.table({name: columns[name] for name in SCHEMAS["relations"].names}, SCHEMAS["relations"])


def _first_given(raw: pa.Table, column: str, size: int) -> pa.ChunkedArray:
    """Give for each id the first text that is not empty; empty where there is none."""
    given = raw.filter(pc.not_equal(raw[column], ""))
    indexes, first = np.unique(np.asarray(given["id"]), return_index=True)
    rows = np.full(size, -1, np.int64)
    rows[indexes] = first
    return pc.fill_null(given[column].take(pa.array(rows, mask=rows < 0)), "")


def _ranks(kinds: pa.ChunkedArray) -> NDArray[np.int32]:
    ranks = pc.index_in(kinds, value_set=pa.array(KIND_ORDER, TEXT))
    if ranks.null_count:
        unknown = kinds.filter(pc.is_null(ranks))[0].as_py()
        raise ValueError(f"there is no kind of name {unknown!r}; the kinds are {', '.join(KIND_ORDER)}")
    return np.asarray(ranks, dtype=np.int32)


def _in_order(rows: pa.Table, by: str, then: NDArray[np.int32] | None = None) -> pa.Table:
    keys = np.asarray(rows[by])
    order = np.argsort(keys, kind="stable") if then is None else np.lexsort((then, keys))
    return rows.take(order)


def _distinct(rows: pa.Table, same: Sequence[str]) -> tuple[pa.Table, int]:
    if not len(rows):
        return rows, 0
    numbered = rows.select(same).append_column("row", pa.array(np.arange(len(rows))))
    first = numbered.group_by(list(same), use_threads=False).aggregate([("row", "min")])["row_min"]
    if len(first) == len(rows):
        return rows, 0
    return rows.take(np.sort(np.asarray(first))), len(rows) - len(first)


def _statements(rows: pa.Table) -> tuple[pa.Table, int]:
    """Sort statements by head, relation and tail, and keep the first of those that are wholly equal."""
    heads, relations, tails = (np.asarray(rows[name]) for name in ("head", "relation", "tail"))
    order = triple_order(heads, relations, tails)
    same = np.ones(max(len(order) - 1, 0), np.bool_)
    for ends in (heads, relations, tails):
        ends = ends[order]
        same &= ends[1:] == ends[:-1]
    if not same.any():
        return _taken(rows, order), 0
    group = np.concatenate([[0], np.cumsum(~same)])
    several = np.zeros(len(order), np.bool_)
    several[1:] |= same
    several[:-1] |= same
    places = np.flatnonzero(several)
    said = [_codes(rows[column.name])[order[places]] for column in _STATEMENT if column.name not in _ENDS]
    rows_said = np.stack(
        [group[places].astype(np.int64), *(codes.astype(np.int64) for codes in said)], axis=1
    )
    _, first = np.unique(rows_said, axis=0, return_index=True)
    keep = ~several
    keep[places[first]] = True
    return _taken(rows, order[keep]), int(len(order) - keep.sum())


_ENDS = ("head", "relation", "tail")


def triple_order(heads: Ints, relations: Ints, tails: Ints) -> NDArray[np.int64]:
    """Give the order that sorts triples by head, relation and tail; equal ones stay as they are."""
    sizes = [int(ends.max(initial=0)) + 1 for ends in (heads, relations, tails)]
    if sizes[0] * sizes[1] * sizes[2] >= 2**63:
        return np.lexsort((tails, relations, heads))
    keys = heads.astype(np.int64)
    keys *= sizes[1]
    keys += relations
    keys *= sizes[2]
    keys += tails
    return np.argsort(keys, kind="stable")


def _codes(column: pa.ChunkedArray) -> NDArray[np.generic]:
    """Give a number for each cell that is equal where the cells are."""
    whole = column.combine_chunks()
    if column.type == REPEATED:
        return np.asarray(whole.indices)
    return np.asarray(whole.to_numpy(zero_copy_only=False), np.float32).view(np.int32)


def _taken(rows: pa.Table, order: NDArray[np.int64]) -> pa.Table:
    return rows.take(pa.array(order))


def _one_preferred(names: pa.Table) -> pa.Table:
    """Make all but the first preferred name of an entity and language exact.

    Before equal names are merged: one that is also a lay name then stays that.
    """
    rows = np.flatnonzero(np.asarray(pc.equal(names["kind"], "preferred")))
    languages = np.asarray(names["language"].combine_chunks().dictionary_encode().indices).astype(np.int64)
    key = np.asarray(names["entity"]).astype(np.int64) * (languages.max(initial=0) + 1) + languages
    _, first = np.unique(key[rows], return_index=True)
    later = np.zeros(len(names), bool)
    later[np.delete(rows, first)] = True
    kinds = pc.if_else(pa.array(later), pa.scalar("exact", TEXT), names["kind"])
    return names.set_column(names.schema.get_field_index("kind"), "kind", kinds)
