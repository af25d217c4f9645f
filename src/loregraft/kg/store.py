"""A graph on disk: one Parquet file per table, and memory-mapped lists of each entity's triples.

Written and verified through `artifact.py`; what is opened is the same `KnowledgeGraph` as was saved.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from loregraft.artifact import Json, read_card, verify, writing
from loregraft.errors import WrongArtifact
from loregraft.kg.gather import SCHEMAS, GraphTable
from loregraft.kg.graph import Adjacency, Ints, KnowledgeGraph

KIND = "graph"
FIX = "Import the graph again, or take the folder from a backup."


def save_graph(
    graph: KnowledgeGraph,
    folder: Path,
    key: str,
    *,
    settings: Mapping[str, Json] | None = None,
    inputs: Mapping[str, str] | None = None,
    facts: Mapping[str, Json] | None = None,
) -> None:
    """Write a graph folder, whole or not at all; its card tells the counts.

    Args:
        key: Fingerprint of everything the graph depends on.
        inputs: sha256 by name of what was read.
        facts: What else the card is to tell, such as the findings of `kg/check.py`.

    Raises:
        CannotWrite: No permission, or the disk is full.
    """
    with writing(folder, KIND, key, settings=settings, inputs=inputs) as (building, card_facts):
        for table, rows in graph.tables.items():
            pq.write_table(rows, building / f"{table}.parquet", compression="zstd")
        for name, adjacency in (("outgoing", graph.outgoing), ("incoming", graph.incoming)):
            np.save(building / f"{name}_pointers.npy", adjacency.pointers)
            np.save(building / f"{name}_rows.npy", adjacency.rows)
        card_facts.update(facts or {}, tally=dict(graph.tally), counts=dict(graph.counts()))


def open_graph(folder: Path, check: bool = True) -> KnowledgeGraph:
    """Open a graph folder; the lists of each entity's triples stay on disk until they are asked for.

    Args:
        check: Compare the files with the card first (about 1 s per GB).

    Raises:
        WrongArtifact: It is no graph folder, or its files are not what was written.
    """
    card = read_card(folder, KIND)
    problems = verify(folder) if check else []
    if problems:
        raise WrongArtifact(folder, "; ".join(problems[:3]), FIX)
    try:
        tables = {table: _table(folder, table) for table in SCHEMAS}
        adjacency = _adjacency(folder, "outgoing"), _adjacency(folder, "incoming")
    except (OSError, ValueError, EOFError, pa.ArrowException) as error:
        raise WrongArtifact(folder, f"a file cannot be read ({error})", FIX) from error
    if any(len(ends.pointers) != len(tables["entities"]) + 1 for ends in adjacency):
        raise WrongArtifact(folder, "its files do not belong together", FIX)
    tally = card.facts.get("tally")
    counted = tally if isinstance(tally, dict) else {}
    merged = {name: count for name, count in counted.items() if isinstance(count, int)}
    return KnowledgeGraph(tables, merged, adjacency)


def neighbours(graph: KnowledgeGraph, index: int) -> Ints:
    """Give the entities that share a triple with one, by index, ascending, each once, itself left out."""
    ahead = graph.tails[graph.outgoing.of_entity(index)]
    behind = graph.heads[graph.incoming.of_entity(index)]
    found = np.unique(np.concatenate([ahead, behind]))
    return found[found != index]


def _table(folder: Path, table: GraphTable) -> pa.Table:
    rows = pq.read_table(folder / f"{table}.parquet", memory_map=True).combine_chunks()
    if rows.schema.names != SCHEMAS[table].names:
        raise ValueError(f"{table}.parquet has the columns {', '.join(rows.schema.names)}")
    return rows.cast(SCHEMAS[table])


def _adjacency(folder: Path, name: str) -> Adjacency:
    pointers = np.load(folder / f"{name}_pointers.npy", mmap_mode="r", allow_pickle=False)
    return Adjacency(pointers, np.load(folder / f"{name}_rows.npy", mmap_mode="r", allow_pickle=False))
