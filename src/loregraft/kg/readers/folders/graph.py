"""Read a graph folder that `kg/store.py` wrote, so that it can be a source of another graph."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from loregraft.artifact import read_card
from loregraft.errors import BadInput, WrongArtifact
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.readers.folders.openke import check_folder
from loregraft.kg.store import KIND, open_graph
from loregraft.kg.tables.assemble import GraphTable
from loregraft.kg.tables.columns import BATCH_ROWS, TABLES, Columns, Table


def read_graph(path: Path, problems: list[BadInput] | None = None) -> Iterator[Columns]:
    """Yield all that a graph folder holds, each row with the source it had; its counts are not carried on.

    Each table is read as a whole, as everywhere where a graph is opened.

    Raises:
        BadInput: There is no such folder.
        WrongArtifact: It is no graph folder, or damaged.
    """
    check_folder(path)
    yield from graph_columns(open_graph(path))


def fits_graph(path: Path, head: str) -> bool:
    """Tell whether it is a folder with the card of a graph."""
    if not path.is_dir():
        return False
    try:
        return bool(read_card(path, KIND))
    except WrongArtifact:
        return False


def graph_columns(graph: KnowledgeGraph) -> Iterator[Columns]:
    """Yield the tables of a graph as a reader does; gathered again they make the same graph."""
    entities, relations = (graph.tables[table]["id"].combine_chunks() for table in ("entities", "relations"))
    yield from _parts("entities", graph.entities.select(["id", "source"]))
    yield from _parts("entities", _with(graph.tables["types"], {"entity": entities}, {"entity": "id"}))
    yield from _parts("relations", graph.relations)
    named = _with(graph.tables["relation_names"], {"relation": relations}, {"relation": "id"})
    yield from _parts("relations", named)
    of_entities: tuple[Table, ...] = ("names", "descriptions", "attributes", "media")
    for table in of_entities:
        yield from _parts(table, graph.tables[_OWN[table]], {"entity": entities})
    ends = {"head": entities, "relation": relations, "tail": entities}
    for statements, negated in ((graph.triples, False), (graph.negated, True)):
        for batch in _parts("triples", statements, ends):
            yield Columns("triples", {**batch.rows, "negated": pa.repeat(negated, len(batch))})


_OWN: dict[Table, GraphTable] = {
    "names": "names",
    "descriptions": "descriptions",
    "attributes": "attributes",
    "media": "media",
}


def _with(rows: pa.Table, ids: dict[str, pa.Array], names: dict[str, str]) -> pa.Table:
    """Put ids in the place of indexes, and name columns as readers do."""
    columns = {name: rows[name].combine_chunks() for name in rows.column_names}
    for name, texts in ids.items():
        columns[name] = texts.take(columns[name])
    return pa.table({names.get(name, name): column for name, column in columns.items()})


def _parts(table: Table, rows: pa.Table, ids: dict[str, pa.Array] | None = None) -> Iterator[Columns]:
    for start in range(0, len(rows), BATCH_ROWS):
        part = _with(rows.slice(start, BATCH_ROWS), ids or {}, {})
        known = [name for name in part.column_names if name in TABLES[table]]
        yield Columns(table, {name: part[name].combine_chunks() for name in known})
