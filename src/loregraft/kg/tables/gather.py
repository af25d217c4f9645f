"""Gather column batches into the raw tables of a graph: number the ids, count what is left out.

`kg/tables/assemble.py` sorts and merges the tables made here. Ids are kept once each, as text; rows refer
to them by int32 index, and what is said of triples (source, references ...) is numbered likewise.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from loregraft.kg.tables.columns import TABLES, Cell, Columns, Ints, Table, repeated, storable
from loregraft.kg.tables.text_policy import clean

TEXT, INDEX = pa.large_string(), pa.int32()
GATHER_ROWS = 1 << 19
GATHER_BYTES = 32 << 20
"""As much as is put together before it is cleaned and numbered."""
REPEATED = pa.dictionary(pa.int32(), TEXT)
"""Text of which few values fill many rows."""

_SAID = ("references", "qualifiers", "valid_from", "valid_to", "licence", "split", "source")
"""The columns of triples that hold repeated text."""


def _type(table: Table, column: str) -> pa.DataType:
    if column in ("negated", "symmetric"):
        return pa.bool_()
    if column == "confidence":
        return pa.float32()
    if column in ("entity", "head", "relation", "tail") or (table, column) in (
        ("entities", "id"),
        ("relations", "id"),
    ):
        return INDEX
    return REPEATED if table == "triples" else TEXT


RAW_SCHEMAS: dict[Table, pa.Schema] = {
    table: pa.schema([(column, _type(table, column)) for column in columns])
    for table, columns in TABLES.items()
}
"""The tables as gathered: ids are indexes; `entities` and `relations` may have several rows for one."""


class Numbering:
    """Numbers texts from 0 in the order in which they are first seen."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._numbers = {text: number for number, text in enumerate(texts)}

    def __len__(self) -> int:
        return len(self._numbers)

    def __call__(self, values: Sequence[Cell] | pa.Array) -> Ints:
        """Give the number of each value; new ones get the next free ones."""
        column = values if isinstance(values, pa.Array) else pa.array(values, TEXT)
        encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        indices, used = np.asarray(encoded.indices), np.zeros(len(encoded.dictionary), np.bool_)
        used[indices] = True
        if not used.all():  # rows were left out: what only they named gets no number
            return self(encoded.cast(encoded.dictionary.type))
        known = self._numbers
        numbers = [known.setdefault(text, len(known)) for text in encoded.dictionary.to_pylist()]
        return np.array(numbers, np.int32)[indices]

    def texts(self) -> list[str]:
        """Give the texts by number."""
        return list(self._numbers)


@dataclass
class Gathered:
    """What readers gave: ids by index, raw tables, and counts of what was left out."""

    entities: Numbering = field(default_factory=Numbering)
    relations: Numbering = field(default_factory=Numbering)
    tally: Counter[str] = field(default_factory=Counter)
    _said: dict[str, Numbering] = field(default_factory=lambda: {column: Numbering() for column in _SAID})
    _chunks: dict[Table, list[list[pa.Array | NDArray[np.generic]]]] = field(
        default_factory=lambda: {table: [] for table in TABLES}
    )

    def add(self, batch: Columns) -> None:
        """Take one batch that has all columns of its table, in order."""
        if not len(batch):
            return
        kept = clean(batch.table, batch.rows, self.tally)
        if len(kept[next(iter(kept))]):
            ends = self._ends(kept) if batch.table == "triples" else {}
            self._chunks[batch.table].append(
                [
                    ends[column] if column in ends else self._column(batch.table, column, values)
                    for column, values in kept.items()
                ]
            )

    def tables(self) -> dict[Table, pa.Table]:
        """Give the raw tables; the batches taken so far are given away with them."""
        tables = {}
        for table, schema in RAW_SCHEMAS.items():
            chunks, self._chunks[table] = self._chunks[table], []
            columns = []
            for position, column in enumerate(schema):
                parts = [chunk[position] for chunk in chunks]
                for chunk in chunks:
                    chunk[position] = None
                columns.append(self._joined(column, parts))
            tables[table] = pa.Table.from_arrays(columns, schema=schema)
        return tables

    def _ends(self, rows: Mapping[str, pa.Array]) -> dict[str, Ints]:
        """Give the numbers of heads and tails, taken together: most of them are the same."""
        heads, tails = rows["head"], rows["tail"]
        numbers = self.entities(pa.concat_arrays([heads, tails]))
        return {"head": numbers[: len(heads)], "tail": numbers[len(heads) :]}

    def _column(self, table: Table, column: str, values: pa.Array) -> pa.Array | NDArray[np.generic]:
        kind = RAW_SCHEMAS[table].field(column).type
        if kind == INDEX:
            numbering = self.relations if column == "relation" or table == "relations" else self.entities
            return numbering(values)
        if kind == REPEATED:
            return self._said[column](values)
        return values.cast(kind)

    def _joined(self, column: pa.Field, parts: list[pa.Array | NDArray[np.generic]]) -> pa.Array:
        if column.type in (INDEX, REPEATED):
            codes = pa.array(np.concatenate([np.zeros(0, np.int32), *parts]))
            if column.type == INDEX:
                return codes
            texts = pa.array(self._said[column.name].texts(), TEXT)
            return pa.DictionaryArray.from_arrays(codes, texts)
        chunked = pa.chunked_array(parts, column.type)
        return chunked.combine_chunks() if chunked.num_chunks else pa.array([], column.type)


def gather(batches: Iterable[Columns], source: str = "") -> Gathered:
    """Take the batches of one or more readers.

    Attributes of no entity ("") are a reader's word on what it left out; they are only counted, as
    `left_out_<property>`.

    Args:
        source: What rows are marked with that come without a source.

    Raises:
        ValueError: A batch has columns of unequal length, lacks one that it must have, or names one
            that is not known.
    """
    gathered = Gathered()
    for batch in _larger(batches, storable(source)):
        gathered.add(batch)
    return gathered


def _larger(batches: Iterable[Columns], source: str) -> Iterator[Columns]:
    """Put batches of one table that follow each other together: ids are numbered in fewer, larger steps."""
    waiting: list[Columns] = []
    rows = size = 0
    for batch in batches:
        _check(batch)
        more = _bytes(batch)
        full = rows >= GATHER_ROWS or size + more > GATHER_BYTES
        if waiting and (full or batch.table != waiting[0].table):
            yield _together(waiting, source)
            waiting, rows, size = [], 0, 0
        waiting.append(batch)
        rows += len(batch)
        size += more
    if waiting:
        yield _together(waiting, source)


def _check(batch: Columns) -> None:
    columns, count = TABLES[batch.table], len(batch)
    unknown = batch.rows.keys() - columns.keys()
    if unknown:
        raise ValueError(f"the table {batch.table!r} has no column {sorted(unknown)[0]!r}")
    for column, default in columns.items():
        values = batch.rows.get(column)
        if values is None:
            if default is None and count:
                raise ValueError(f"a batch of {batch.table!r} lacks the column {column!r}")
        elif len(values) != count:
            raise ValueError(f"the column {column!r} has {len(values)} rows, the first one {count}")


def _bytes(batch: Columns) -> int:
    """Tell about how much the text of a batch takes."""
    size = 0
    for values in batch.rows.values():
        if isinstance(values, pa.Array):
            size += values.nbytes
        elif len(values) and isinstance(values[0], str):
            size += sum(map(len, values))
    return size


def _together(batches: list[Columns], source: str) -> Columns:
    """Make one batch of several, with all columns of the table; what is not given takes its default."""
    table, count = batches[0].table, sum(map(len, batches))
    rows: dict[str, pa.Array] = {}
    for column, default in TABLES[table].items():
        kind = RAW_SCHEMAS[table].field(column).type
        value = source if column == "source" else default
        if all(column not in batch.rows for batch in batches):
            rows[column] = repeated(str(value), count) if kind == REPEATED else pa.repeat(value, count)
            continue
        parts = [batch.rows[column] if column in batch.rows else [value] * len(batch) for batch in batches]
        rows[column] = _one_column(parts, kind if column in _NO_TEXT else TEXT)
    return Columns(table, rows)


_NO_TEXT = ("negated", "symmetric", "confidence")


def _one_column(parts: Iterable[Sequence[Cell] | pa.Array], kind: pa.DataType) -> pa.Array:
    arrays: list[pa.Array] = []
    for is_array, run in groupby(parts, lambda part: isinstance(part, pa.Array)):
        alike = list(run)
        arrays += alike if is_array else [pa.array(list(chain.from_iterable(alike)), kind)]
    if len({array.type for array in arrays}) > 1:  # readers differ in what they call text
        arrays = [array.cast(kind) for array in arrays]
    return pa.concat_arrays(arrays) if len(arrays) > 1 else arrays[0]
