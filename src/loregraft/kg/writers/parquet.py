"""Write the triples of a graph, or its entities, as one Parquet file."""

from collections import Counter
from pathlib import Path

import pyarrow as pa

from loregraft.disk import whole_file
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.readers.rows.entities import ENTITY_COLUMNS
from loregraft.kg.tables.columns import BATCH_ROWS, TABLES
from loregraft.kg.writers.entities import attribute_columns, entity_table, known_entities, told_of_entities
from loregraft.kg.writers.telling import TABLES_OF_ENTITIES, Told, said_of_relations, sizes, told
from loregraft.kg.writers.triples import said_tables

_TYPES: dict[str, pa.DataType] = {"negated": pa.bool_(), "confidence": pa.float32()}
_TRIPLES = pa.schema([(name, _TYPES.get(name, pa.string())) for name in TABLES["triples"]])


def write_parquet(graph: KnowledgeGraph, path: Path) -> Told:
    """Write the triples as a Parquet file with the columns of the table `triples`, the negated ones too.

    Cannot hold names and all else that is known of entities and relations.
    """
    import pyarrow.parquet as pq

    written = 0
    with whole_file(path) as building, pq.ParquetWriter(building, _TRIPLES, compression="zstd") as file:
        for part in said_tables(graph):
            file.write_table(part.cast(_TRIPLES))
            written += len(part)
    left_out = {
        **sizes(graph, TABLES_OF_ENTITIES),
        "types": len(graph.tables["types"]),
        "relations_with_more_than_an_id": said_of_relations(graph),
    }
    return told({"triples": written}, left_out)


def write_entities_parquet(graph: KnowledgeGraph, path: Path) -> Told:
    """Write a name a row as a Parquet file, with the columns of `write_entities_tsv`.

    Texts stay as they are. Cannot hold what else `write_entities_tsv` cannot.
    """
    import pyarrow.parquet as pq

    tally: Counter[str] = Counter()
    rows: list[list[str]] = []
    properties = attribute_columns(graph, str)
    schema = pa.schema([(name, pa.string()) for name in (*ENTITY_COLUMNS, *properties)])
    with whole_file(path) as building, pq.ParquetWriter(building, schema, compression="zstd") as file:
        for known in known_entities(graph):
            rows += entity_table(known, str, tally, properties)
            if len(rows) >= BATCH_ROWS:
                file.write_table(_table(rows, schema))
                rows = []
        if rows:
            file.write_table(_table(rows, schema))
    return told_of_entities(graph, tally)


def _table(rows: list[list[str]], schema: pa.Schema) -> pa.Table:
    columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
    return pa.Table.from_arrays(columns, schema=schema)
