"""Make one graph of two that speak of the same things under different ids, joined by name.

Names are compared as `kg/names.py` folds them. What cannot be told apart by name is left as it is
and counted, never guessed.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa

from loregraft.kg.columns import Table
from loregraft.kg.gather import RAW_SCHEMAS, assemble
from loregraft.kg.graph import Ints, KnowledgeGraph
from loregraft.kg.names import fold_name
from loregraft.kg.readers.lines import id_prefix
from loregraft.records import NameKind

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
    on: Literal["name"] = "name",
    types: Collection[str] | None = None,
) -> tuple[KnowledgeGraph, dict[str, int]]:
    """Give the graph that knows what both know, and counts of how they met.

    Entities of equal id are one. Beyond that, an entity of left joins the one entity of right that
    bears its preferred name (else one of its exact or lay names), as preferred name if any does, else
    as exact or lay name. Where several entities of right bear it, or several of left from one
    vocabulary (equal id prefix) fit one of right equally well, none of them joins. Those of several
    vocabularies (OMIM:1 and ORPHA:2) that join one entity of right become one, under the id that comes
    first in left. The ids that vanish stay as attributes `xref` of the entity they joined.

    Args:
        on: Names are the only way so far.
        types: Types or id prefixes of entities of left that may join; None: all.

    Returns:
        The graph, and counts: `candidates` of left; of these `joined`, `ambiguous` and `unmatched`;
        `targets` (entities of right they joined), `folded` (entities of left that went into another
        one of left), `same_id` (entities in both), `added` (entities only in right).

    Raises:
        ValueError: `on` is not "name".
    """
    if on != "name":
        raise ValueError(f"on must be 'name', got {on!r}")
    candidates = _candidates(left, right, types)
    found, ambiguous = _matches(left, right, candidates)
    matches, crowded = _one_per_vocabulary(found, left.ids)
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
        yield entity, fold_name(name), kind == "preferred"


def _matches(left: KnowledgeGraph, right: KnowledgeGraph, candidates: list[int]) -> tuple[list[_Match], int]:
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
    xrefs = [(entity, "xref", id, "", "join") for entity, id in into.vanished]
    columns = [list(column) for column in zip(*xrefs, strict=True)] or [[]] * 5
    schema = RAW_SCHEMAS["attributes"]
    rows = pa.table(dict(zip(schema.names, columns, strict=True)), schema)
    raw["attributes"] = pa.concat_tables([raw["attributes"], rows])
    tally = Counter(left.tally) + Counter(right.tally)
    return KnowledgeGraph(*assemble(into.ids, list(relations), raw, tally))


def _renumbered(graph: KnowledgeGraph, entities: Ints, relations: Ints) -> dict[Table, pa.Table]:
    tables: dict[Table, pa.Table] = {}
    for table, schema in RAW_SCHEMAS.items():
        rows = graph.tables[table]
        if table == "entities":
            rows = rows.set_column(0, schema.field("id"), pa.array(entities))
        else:
            for position, column in enumerate(schema.names):
                if column in ("entity", "head", "tail", "relation"):
                    numbers = relations if column == "relation" else entities
                    renumbered = pa.array(numbers[rows[column].to_numpy()])
                    rows = rows.set_column(position, schema.field(column), renumbered)
        tables[table] = rows
    return tables
