"""A graph on disk: one Parquet file per table, and memory-mapped arrays for everything that is looked up.

Written and verified through `artifact.py`; what is opened is the same `KnowledgeGraph` as was saved.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from loregraft.artifact import CARD, Json, read_card, verify, writing
from loregraft.errors import WrongArtifact
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.indexes import COMPUTE, Array, ArrayName
from loregraft.kg.tables.assemble import SCHEMAS, GraphTable

KIND = "graph"
LAYOUT = 2
"""Of the tables and arrays; a folder of another layout is not opened."""
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
        facts: What else the card is to tell, such as the findings of `kg/check/checks.py`.

    Raises:
        CannotWrite: No permission, or the disk is full.
    """
    with writing(folder, KIND, key, settings=settings, inputs=inputs) as (building, card_facts):
        write_graph(graph, building)
        counts: dict[str, Json] = {**graph.counts()}
        card_facts.update(facts or {}, tally=dict(graph.tally), counts=counts, layout=LAYOUT)


def write_graph(graph: KnowledgeGraph, building: Path) -> None:
    """Write the files of a graph into a folder that is being built."""
    for table in SCHEMAS:
        pq.write_table(graph.tables[table], building / f"{table}.parquet", compression="zstd")
    for name in COMPUTE:
        np.save(building / f"{name}.npy", graph.array(name))


def open_graph(folder: Path | str, check: bool = False) -> KnowledgeGraph:
    """Open a graph folder. Takes some milliseconds whatever its size: what is asked for is read then.

    The graph stays what it was when it was opened, also when the folder is replaced (as an edit does). It
    holds each file of a table open until that table is read.

    Args:
        check: Compare all files with the card first (about 1 s per GB).

    Raises:
        WrongArtifact: It is no graph folder, or its files are not what was written. Reading on raises
            it too, for a table that is damaged.
    """
    folder = Path(folder)
    while True:
        before = _card_file(folder)
        graph = _opened(folder, check)
        if _card_file(folder) == before:  # else it was replaced, and half of it may be the old one
            return graph


def _card_file(folder: Path) -> tuple[int, int]:
    try:
        found = (folder / CARD).stat()
    except OSError:
        return 0, 0  # `read_card` tells what is wrong
    return found.st_ino, found.st_mtime_ns


def _opened(folder: Path, check: bool) -> KnowledgeGraph:
    card = read_card(folder, KIND)
    if card.facts.get("layout") != LAYOUT:
        raise WrongArtifact(
            folder, "it was written by another version of loregraft", "Import the graph again."
        )
    problems = (
        verify(folder)
        if check
        else [f"{name}: missing" for name in card.outputs if not (folder / name).is_file()]
    )
    if problems:
        raise WrongArtifact(folder, "; ".join(problems[:3]), FIX)
    try:
        arrays = {name: _array(folder, name) for name in COMPUTE}
        files = {table: pa.OSFile(str(folder / f"{table}.parquet"), "rb") for table in SCHEMAS}
    except (OSError, ValueError, EOFError) as error:
        raise WrongArtifact(folder, f"a file cannot be read ({error})", FIX) from error
    tally, counts = _numbers(card.facts.get("tally")), _numbers(card.facts.get("counts"))
    _match(folder, arrays, counts)
    return KnowledgeGraph(_Tables(folder, files), tally, arrays, counts)


class _Tables(Mapping[GraphTable, pa.Table]):
    """The tables of a folder, each read when it is first asked for.

    The files are open from the start and not mapped: one that is cut short is an error then, no crash.
    """

    def __init__(self, folder: Path, files: Mapping[GraphTable, pa.NativeFile]) -> None:
        self._folder, self._files, self._read = folder, files, dict[GraphTable, pa.Table]()

    def __getitem__(self, table: GraphTable) -> pa.Table:
        if table not in self._read:
            if table not in SCHEMAS:
                raise KeyError(table)
            with self._files[table] as file:
                self._read[table] = _table(self._folder, table, file)
        return self._read[table]

    def __iter__(self) -> Iterator[GraphTable]:
        return iter(SCHEMAS)

    def __len__(self) -> int:
        return len(SCHEMAS)


def read_table(folder: Path, table: GraphTable) -> pa.Table:
    """Read one table of a folder, as a graph that is opened has it.

    Raises:
        WrongArtifact: It is not there or not as it was written.
    """
    with pa.OSFile(str(folder / f"{table}.parquet")) as file:
        return _table(folder, table, file)


def _table(folder: Path, table: GraphTable, file: pa.NativeFile) -> pa.Table:
    try:
        rows = pq.read_table(file)
        if rows.schema.names != SCHEMAS[table].names:
            raise ValueError(f"{table}.parquet has the columns {', '.join(rows.schema.names)}")
        return rows.cast(SCHEMAS[table]).unify_dictionaries().combine_chunks()
    except (OSError, ValueError, pa.ArrowException) as error:
        raise WrongArtifact(folder, f"a file cannot be read ({error})", FIX) from error


def _array(folder: Path, name: ArrayName) -> Array:
    path = folder / f"{name}.npy"
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError:  # an empty array cannot be mapped
        return np.load(path, allow_pickle=False)


def _match(folder: Path, arrays: Mapping[ArrayName, Array], counts: Mapping[str, int]) -> None:
    """Tell when the arrays do not belong to the tables that the card speaks of."""
    lengths: dict[str, int] = {name: array.shape[-1] for name, array in arrays.items()}
    entities, triples, names = (counts.get(table, -1) for table in ("entities", "triples", "names"))
    expected: dict[str, int] = (
        dict.fromkeys(("heads", "relations", "tails", "in_rows"), triples)
        | dict.fromkeys(("out_pointers", "in_pointers"), entities + 1)
        | {"id_index": entities, "name_order": names, "name_pointers": names + 1}
    )
    if any(lengths[name] != length for name, length in expected.items()):
        raise WrongArtifact(folder, "its files do not belong together", FIX)


def _numbers(found: Json) -> dict[str, int]:
    counted = found if isinstance(found, dict) else {}
    return {name: count for name, count in counted.items() if isinstance(count, int)}
