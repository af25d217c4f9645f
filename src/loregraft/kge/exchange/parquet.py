"""Parquet: a table of entities and one of relations, each with ids and vectors as lists of fixed size."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from torch import Tensor

from loregraft.artifact import fingerprint, writing
from loregraft.kge.exchange.rows import ROWS_AT_ONCE
from loregraft.kge.exchange.told import Told, counts
from loregraft.kge.vectors import Vectors


def write_parquet(vectors: Vectors, path: Path) -> Told:
    """Write `entities.parquet` and `relations.parquet`: columns `id` and `vector`.

    With reciprocal relations, `relations.parquet` has the column `backwards` too, and each id twice. A table
    that all relations share (TuckER's core) goes to `core.parquet`, its row numbers as ids.
    """
    tables = vectors.tables
    key = fingerprint("exported", "parquet", vectors.settings.model_dump(mode="json"), vectors.graph_key)
    ids, told = vectors.relation_ids, counts(vectors)
    with writing(path, "exported", key, parents={"graph": vectors.graph_key}) as (building, facts):
        facts["format"] = "parquet"
        _write(building / "entities.parquet", {"id": vectors.ids}, tables.entities.values)
        columns: dict[str, Sequence[object]] = {"id": ids}
        if tables.reciprocal:
            columns = {"id": ids * 2, "backwards": [False] * len(ids) + [True] * len(ids)}
            told["relations backwards"] = len(ids)
        _write(building / "relations.parquet", columns, tables.relations.values)
        if tables.core is not None:
            told["rows of the core"] = len(tables.core.values)
            rows = [str(row) for row in range(len(tables.core.values))]
            _write(building / "core.parquet", {"id": rows}, tables.core.values)
    return Told(told, [])


def _write(path: Path, columns: dict[str, Sequence[object]], values: Tensor) -> None:
    vector = pa.field("vector", pa.list_(pa.float32(), values.shape[1]))
    schema = pa.schema([*(pa.field(name, pa.array(some[:1]).type) for name, some in columns.items()), vector])
    with pq.ParquetWriter(path, schema) as writer:
        for batch in _batches(columns, values, schema):
            writer.write_batch(batch)


def _batches(
    columns: dict[str, Sequence[object]], values: Tensor, schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    for start in range(0, len(values), ROWS_AT_ONCE):
        rows = slice(start, start + ROWS_AT_ONCE)
        flat = pa.array(np.asarray(values[rows]).reshape(-1))
        vector = pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
        own = [pa.array(some[rows], schema.field(name).type) for name, some in columns.items()]
        yield pa.record_batch([*own, vector], schema=schema)
