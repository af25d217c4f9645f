"""Findings: what a check tells, in one form for all of them.

The checks stand in `triples.py`, `names.py` and `shape.py`; `checks.py` runs them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.tables.columns import Bools

Level = Literal["pass", "note", "warn", "fail"]

EXAMPLES = 3


@dataclass(frozen=True)
class Finding:
    """The outcome of one check.

    Attributes:
        name: What was looked for.
        level: pass: none found; note: fine for some, worth knowing; warn: it is wrong, but the graph can
            be used; fail: correct it first.
        count: How many were found.
        examples: Up to three of them.
        fix: What to do; empty when the check passed.
    """

    name: str
    level: Level
    count: int
    examples: tuple[str, ...] = ()
    fix: str = ""


def finding(name: str, level: Level, count: int, examples: Iterable[str], fix: str) -> Finding:
    """Give a finding that passes where nothing was found."""
    return Finding(name, level, count, tuple(examples), fix) if count else Finding(name, "pass", 0)


def of_entities(name: str, level: Level, graph: KnowledgeGraph, found: Bools, fix: str) -> Finding:
    """Give a finding on the entities that are marked."""
    indexes = np.flatnonzero(found)
    return finding(name, level, len(indexes), (graph.ids[index] for index in indexes[:EXAMPLES]), fix)


def of_triples(
    name: str, level: Level, graph: KnowledgeGraph, rows: NDArray[np.integer[Any]], fix: str
) -> Finding:
    """Give a finding on triples, by row number."""
    return finding(name, level, len(rows), (written(graph, int(row)) for row in rows[:EXAMPLES]), fix)


def of_names(name: str, level: Level, graph: KnowledgeGraph, found: pa.ChunkedArray, fix: str) -> Finding:
    """Give a finding on the names that are marked."""
    rows = graph.names.filter(found)
    shown = rows.slice(0, EXAMPLES).to_pylist()
    examples = (f"{graph.ids[row['entity']]}: {row['name']!a}" for row in shown)
    return finding(name, level, len(rows), examples, fix)


def written(graph: KnowledgeGraph, row: int) -> str:
    """Write a triple by its ids."""
    head, tail = int(graph.heads[row]), int(graph.tails[row])
    return f"{graph.ids[head]} {graph.relation_ids[int(graph.relation_indexes[row])]} {graph.ids[tail]}"
