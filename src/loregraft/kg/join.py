"""Make one graph of two that speak of the same things under different ids.

They join by name (compared as `kg/names.py` folds them), by cross-reference or by a table of ids. What
cannot be told apart is left as it is and counted, never guessed.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.names import fold_name
from loregraft.kg.readers.text.lines import id_prefix
from loregraft.kg.tables.assemble import assemble
from loregraft.kg.tables.columns import TABLES, Cell, Ints, Table
from loregraft.kg.tables.gather import INDEX, RAW_SCHEMAS
from loregraft.records import NameKind

JoinOn = Literal["names", "xref", "table"]

JOIN_KINDS: tuple[NameKind, ...] = ("preferred", "exact", "lay")
"""The names that may join. Abbreviations mean the same as their entity, but also as many others."""


@dataclass(frozen=True)
class _Match:
    left: int
    right: int
    rank: int  # 0: both names are preferred, 1: the left one is, 2: the right one is, 3: neither


def join_graphs(
    left: KnowledgeGraph,
    right: KnowledgeGraph,
    on: JoinOn = "names",
    types: Collection[str] | None = None,
    table: Mapping[str, str] | None = None,
) -> tuple[KnowledgeGraph, dict[str, int]]:
    """Give the graph that knows what both know, and counts of how they met.

    Entities of equal id are one. Beyond that, an entity of left joins the one entity of right that

    - names: bears its preferred name (else one of its exact or lay names), as preferred name if any
      does, else as exact or lay name;
    - xref: it names as an attribute `xref`, or that names it so;
    - table: the table says.

    Where several entities of right fit, or several of left from one vocabulary (equal id prefix) fit
    one of right equally well, none of them joins; only the table is always obeyed. Those of several
    vocabularies (OMIM:1 and ORPHA:2) that join one entity of right become one, under the id that comes
    first in left. The ids that vanish stay as attributes `xref` of the entity they joined.

    Args:
        types: Types or id prefixes of entities of left that may join; None: all.
        table: Id of left -> id of right; for `on="table"`. What one of the graphs lacks is unmatched.

    Returns:
        The graph, and counts: `candidates` of left; of these `joined`, `ambiguous` and `unmatched`;
        `targets` (entities of right they joined), `folded` (entities of left that went into another
        one of left), `same_id` (entities in both), `added` (entities only in right).

    Raises:
        ValueError: `on` is not one of these.
    """
    if on not in _FITS:
        raise ValueError(f"on must be one of {', '.join(_FITS)}, got {on!r}")
    candidates = _candidates(left, right, types)
    found, ambiguous = _FITS[on](left, right, candidates, table or {})
    matches, crowded = (found, 0) if on == "table" else _one_per_vocabulary(found, left.ids)
    into = _number(left, right, matches)
    kept = len(np.unique(into.left))
    counts = {
        "candidates": len(candidates),
        "joined": len(matches),
        "ambiguous": ambiguous + crowded,
        "unmatched": len(candidates) - len(matches) - ambiguous - crowded,
        "targets": len({match.right for match in matches}),
        "folded": len(left) - kept,
        "same_id": len(set(left.ids) & set(right.ids)),
        "added": len(into.ids) - kept,
    }
    return _combined(left, right, into), counts


def _candidates(left: KnowledgeGraph, right: KnowledgeGraph, types: Collection[str] | None) -> list[int]:
    of_type = left.entities["type"].to_pylist()
    return [
        index
        for index in _only_here(left, right)
        if types is None or of_type[index] in types or id_prefix(left.ids[index]) in types
    ]


def _only_here(graph: KnowledgeGraph, other: KnowledgeGraph) -> list[int]:
    known = set(other.ids)
    return [index for index, id in enumerate(graph.ids) if id not in known]


def _folded(graph: KnowledgeGraph, entities: list[int]) -> Iterator[tuple[int, str, bool]]:
    """Yield entity, folded name and whether it is the preferred one; the preferred one comes first."""
    wanted = np.zeros(len(graph), np.bool_)
    wanted[entities] = True
    rows = graph.names.filter(graph.kind_mask(JOIN_KINDS) & wanted[graph.name_entities])
    for entity, name, kind in zip(
        rows["entity"].to_pylist(), rows["name"].to_pylist(), rows["kind"].to_pylist(), strict=True
    ):
        if folded := fold_name(name):  # what has no name bears not the name of all others without
            yield entity, folded, kind == "preferred"


def _by_name(
    left: KnowledgeGraph, right: KnowledgeGraph, candidates: list[int], table: Mapping[str, str]
) -> tuple[list[_Match], int]:
    preferred, others = defaultdict[str, set[int]](set), defaultdict[str, set[int]](set)
    for entity, name, is_preferred in _folded(right, _only_here(right, left)):
        (preferred if is_preferred else others)[name].add(entity)
    matches: dict[int, _Match] = {}
    ambiguous: set[int] = set()
    for entity, name, is_preferred in _folded(left, candidates):
        if entity in matches or entity in ambiguous:
            continue
        owners = preferred.get(name) or others.get(name) or set()
        if len(owners) == 1:
            rank = 2 * (not is_preferred) + (name not in preferred)
            matches[entity] = _Match(entity, next(iter(owners)), rank)
        elif owners:
            ambiguous.add(entity)
    return list(matches.values()), len(ambiguous)


def _by_xref(
    left: KnowledgeGraph, right: KnowledgeGraph, candidates: list[int], table: Mapping[str, str]
) -> tuple[list[_Match], int]:
    allowed, free = set(candidates), set(_only_here(right, left))
    owners = defaultdict[int, set[int]](set)
    for entity, id in _xrefs(left):
        target = right.find(id)
        if entity in allowed and target is not None and target in free:
            owners[entity].add(target)
    for target, id in _xrefs(right):
        owner = left.find(id)
        if owner is not None and owner in allowed and target in free:
            owners[owner].add(target)
    matches = [
        _Match(entity, next(iter(targets)), 0) for entity, targets in owners.items() if len(targets) == 1
    ]
    return matches, len(owners) - len(matches)


def _by_table(
    left: KnowledgeGraph, right: KnowledgeGraph, candidates: list[int], table: Mapping[str, str]
) -> tuple[list[_Match], int]:
    allowed, free = set(candidates), set(_only_here(right, left))
    pairs = [(left.find(of_left), right.find(of_right)) for of_left, of_right in table.items()]
    matches = [
        _Match(entity, target, 0)
        for entity, target in pairs
        if entity is not None and target is not None and entity in allowed and target in free
    ]
    return sorted(matches, key=lambda match: match.left), 0


_FITS = {"names": _by_name, "xref": _by_xref, "table": _by_table}


def _xrefs(graph: KnowledgeGraph) -> Iterator[tuple[int, str]]:
    rows = graph.attributes.filter(pc.equal(graph.attributes["property"], "xref"))
    return zip(rows["entity"].to_pylist(), rows["value"].to_pylist(), strict=True)


def _one_per_vocabulary(found: list[_Match], ids: list[str]) -> tuple[list[_Match], int]:
    rivals = defaultdict[tuple[int, str], list[_Match]](list)
    for match in found:
        rivals[match.right, id_prefix(ids[match.left])].append(match)
    kept = []
    for group in rivals.values():
        best = min(match.rank for match in group)
        winners = [match for match in group if match.rank == best]
        kept += winners if len(winners) == 1 else []
    return sorted(kept, key=lambda match: match.left), len(found) - len(kept)


@dataclass(frozen=True)
class _Numbering:
    """Which index each entity of left and right has in the joined graph, and what ids vanished into which."""

    ids: list[str]
    left: Ints
    right: Ints
    vanished: list[tuple[int, str]]


def _number(left: KnowledgeGraph, right: KnowledgeGraph, matches: list[_Match]) -> _Numbering:
    first: dict[int, int] = {}
    folds = {match.left: first.setdefault(match.right, match.left) for match in matches}
    kept = [index for index in range(len(left)) if folds.get(index, index) == index]
    new = {index: number for number, index in enumerate(kept)}
    of_left = [new[folds.get(index, index)] for index in range(len(left))]
    ids = [left.ids[index] for index in kept]
    numbers = dict(zip(left.ids, of_left, strict=True))
    numbers |= {right.ids[index]: new[target] for index, target in first.items()}
    for id in right.ids:
        if id not in numbers:
            numbers[id] = len(ids)
            ids.append(id)
    of_right = [numbers[id] for id in right.ids]
    vanished = [(of_left[index], left.ids[index]) for index, target in folds.items() if target != index]
    vanished += [(new[target], right.ids[index]) for index, target in first.items()]
    return _Numbering(ids, np.array(of_left, np.int32), np.array(of_right, np.int32), vanished)


def _combined(left: KnowledgeGraph, right: KnowledgeGraph, into: _Numbering) -> KnowledgeGraph:
    relations = {id: index for index, id in enumerate(left.relation_ids)}
    to_relation = np.array([relations.setdefault(id, len(relations)) for id in right.relation_ids], np.int32)
    raw: dict[Table, pa.Table] = {}
    of_left = _renumbered(left, into.left, np.arange(len(left.relations), dtype=np.int32))
    of_right = _renumbered(right, into.right, to_relation)
    for table in RAW_SCHEMAS:
        raw[table] = pa.concat_tables([of_left[table], of_right[table]])
    vanished = [(entity, "xref", id, "join") for entity, id in into.vanished]
    entity, property, value, source = zip(*vanished, strict=True) if vanished else ((),) * 4
    xrefs = {"entity": entity, "property": property, "value": value, "source": source}
    raw["attributes"] = pa.concat_tables([raw["attributes"], _table("attributes", xrefs)])
    tally = Counter(left.tally) + Counter(right.tally)
    return KnowledgeGraph(*assemble(into.ids, list(relations), raw, tally))


def raw_tables(graph: KnowledgeGraph) -> dict[Table, pa.Table]:
    """Give the tables of a graph as `assemble` takes them."""
    types = graph.tables["types"].rename_columns(["id", "type", "source"])
    ids = pa.array(np.arange(len(graph), dtype=np.int32))
    plain = pa.table(
        {"id": ids, "type": pa.repeat(pa.scalar(""), len(graph)), "source": graph.entities["source"]}
    )
    said = graph.relations.set_column(0, "id", pa.array(np.arange(len(graph.relations), dtype=np.int32)))
    named = graph.tables["relation_names"].rename_columns(["id", "name", "language"])
    facts = [
        rows.append_column("negated", pa.repeat(pa.scalar(negated), len(rows)))
        for rows, negated in ((graph.triples, False), (graph.negated, True))
    ]
    return {
        "entities": pa.concat_tables([_completed("entities", types), _completed("entities", plain)]),
        "relations": pa.concat_tables([_completed("relations", said), _completed("relations", named)]),
        "triples": pa.concat_tables([_completed("triples", rows) for rows in facts]),
        "names": graph.names,
        "descriptions": graph.descriptions,
        "attributes": graph.attributes,
        "media": graph.tables["media"],
    }


def _completed(table: Table, rows: pa.Table) -> pa.Table:
    """Give a table all the columns of its raw schema, in order; those it lacks take their default."""
    columns = []
    for column in RAW_SCHEMAS[table]:
        if column.name in rows.column_names:
            columns.append(rows[column.name].cast(column.type))
        else:
            default = pa.scalar(TABLES[table][column.name], column.type)
            columns.append(pa.repeat(default, len(rows)))
    return pa.table(columns, schema=RAW_SCHEMAS[table])


def _table(table: Table, rows: Mapping[str, Sequence[Cell]]) -> pa.Table:
    given = [RAW_SCHEMAS[table].field(column) for column in rows]
    return _completed(table, pa.table([list(values) for values in rows.values()], schema=pa.schema(given)))


def _renumbered(graph: KnowledgeGraph, entities: Ints, relations: Ints) -> dict[Table, pa.Table]:
    tables: dict[Table, pa.Table] = {}
    for table, rows in raw_tables(graph).items():
        for position, column in enumerate(RAW_SCHEMAS[table]):
            if column.type == INDEX:
                of_relations = column.name == "relation" or table == "relations"
                numbers = relations if of_relations else entities
                rows = rows.set_column(position, column, pa.array(numbers[rows[column.name].to_numpy()]))
        tables[table] = rows
    return tables
