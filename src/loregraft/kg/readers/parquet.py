"""Read a Parquet file of triples or of entities, told apart by the names of its columns."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from loregraft.errors import BadInput, did_you_mean
from loregraft.kg.readers.rows.entities import NEEDED, entity_rows
from loregraft.kg.readers.rows.triples import ENDS, SPLITS, Said, collected, statement
from loregraft.kg.readers.text.lines import in_batches
from loregraft.kg.readers.text.opening import MAX_RATIO, SAFE_BYTES, open_bytes
from loregraft.kg.tables.columns import BATCH_ROWS, Columns
from loregraft.kg.tables.text_policy import MAX_TEXT_BYTES

MAX_CELL = 16 * MAX_TEXT_BYTES
"""Bytes of a cell; a longer one is no text of a graph."""

_PLAIN = (*ENDS, "references", "valid_from", "valid_to", "licence", "split", "source")
"""Columns of text that are taken as they are, many rows at once."""


def read_parquet(path: Path, problems: list[BadInput] | None = None) -> Iterator[Columns]:
    """Yield the triples or entities of a Parquet file; lines of problems are rows, from 1.

    Triples have the columns head, relation and tail, and any others of the table `triples`; columns
    that are not known become qualifiers. Entities have the columns of `read_entities_tsv`, and their
    ids are remembered. A null is a cell that says nothing. Triples of known columns of text alone
    are read many at once.

    Raises:
        BadInput: It is no Parquet file, it is damaged or unpacks to too much, it has neither set of
            columns, or a row has a cell that its column cannot hold.
    """
    file = _opened(path)
    names = list(file.schema_arrow.names)
    if set(ENDS) <= set(names):
        yield from _triples(path, file, problems)
    elif set(NEEDED) <= set(names):
        rows = _rows(path, _batches(path, file))
        yield from in_batches(collected(path, rows, entity_rows(), problems))
    else:
        found = f"its columns are {', '.join(names[:6]) or 'none'} ({did_you_mean('head', names)})"
        raise BadInput(path, 0, found, "Name the columns head, relation and tail, or id and name.")


def fits_parquet(path: Path, head: str) -> bool:
    """Tell whether the file starts as Parquet does."""
    return not path.is_dir() and head.startswith("PAR1")


def _opened(path: Path) -> Any:
    """Open a Parquet file with its columns of text as dictionaries, so that repeated text stays small."""
    import pyarrow.parquet as pq

    with open_bytes(path) as opened:  # tells what is missing, a folder or packed
        if opened.read(4) != b"PAR1":
            raise BadInput(path, 0, "it does not start as a Parquet file does", "Give a .parquet file.")
    try:
        schema = pq.read_schema(path)
        texts = [field.name for field in schema if pa.types.is_string(field.type)]
        file = pq.ParquetFile(path, read_dictionary=texts)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(path, error) from error
    for group in range(file.metadata.num_row_groups):
        for place in range(file.metadata.num_columns):
            column = file.metadata.row_group(group).column(place)
            size, packed = column.total_uncompressed_size, max(column.total_compressed_size, 1)
            if size > SAFE_BYTES and size > MAX_RATIO * packed:
                found = f"a column unpacks to {size // packed} times its size, and no text does"
                raise BadInput(path, 0, found, "If you trust it, write it again without compression.")
    return file


def _damaged(path: Path, error: Exception) -> BadInput:
    words = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
    return BadInput(path, 0, f"it cannot be read ({words:.100})", "Copy or write it again.")


def _batches(path: Path, file: Any) -> Iterator[pa.RecordBatch]:
    batches = file.iter_batches(BATCH_ROWS)
    while True:
        try:
            batch = next(batches, None)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _damaged(path, error) from error
        if batch is None:
            return
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            texts = column.dictionary if pa.types.is_dictionary(column.type) else column
            if pa.types.is_string(texts.type) or pa.types.is_large_string(texts.type):
                longest = pc.max(pc.binary_length(texts)).as_py() or 0
                if longest > MAX_CELL:
                    found = f"a cell of {longest:,} bytes in the column {name!r}"
                    raise BadInput(path, 0, found, f"Cut it down to {MAX_CELL:,} bytes.")
        if len(batch):
            yield batch


def _rows(path: Path, batches: Iterator[pa.RecordBatch], number: int = 1) -> Iterator[tuple[int, Said]]:
    for batch in batches:
        for place in range(0, len(batch), 1_024):  # few rows as objects at a time
            try:
                rows = batch.slice(place, 1_024).to_pylist()
            except UnicodeDecodeError as error:
                raise BadInput(path, 0, f"a text is not UTF-8 ({error})", "Write it again.") from error
            yield from enumerate(rows, start=number + place)
        number += len(batch)


def _triples(path: Path, file: Any, problems: list[BadInput] | None) -> Iterator[Columns]:
    number = 1
    for batch in _batches(path, file):
        rows = _plain(batch)
        if rows is not None:
            yield Columns("triples", rows)
        else:
            some = _rows(path, iter([batch]), number)
            yield from in_batches(collected(path, some, statement, problems))
        number += len(batch)


def _plain(batch: pa.RecordBatch) -> Mapping[str, pa.Array] | None:
    """Give the columns of a batch as they are; None where a row needs a closer look."""
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    rows = {}
    for name, column in columns.items():
        if name in ("negated", "confidence") and not column.null_count and _is_plain_number(column):
            rows[name] = column
            continue
        whole = pa.types.is_dictionary(column.type)
        if name not in (*_PLAIN, "qualifiers") or not (whole or pa.types.is_large_string(column.type)):
            return None
        if name == "qualifiers" and not pc.all(pc.equal(_text(column), "")).as_py():
            return None
        if name == "source" and not column.null_count and pc.all(pc.equal(_text(column), "")).as_py():
            continue  # as if there were no such column
        if column.null_count or (name in (*ENDS, "source") and pc.any(pc.equal(_text(column), "")).as_py()):
            return None
        rows[name] = column.cast(pa.string()) if name in ENDS or not whole else column
    if (
        "split" in rows
        and not pc.all(pc.is_in(_text(rows["split"]), value_set=pa.array([*SPLITS, ""]))).as_py()
    ):
        return None
    return rows


def _is_plain_number(column: pa.Array) -> bool:
    if pa.types.is_boolean(column.type):
        return True
    in_range = pa.types.is_floating(column.type) and pc.and_(
        pc.greater_equal(column, 0.0), pc.less_equal(column, 1.0)
    )
    return bool(in_range and pc.all(in_range).as_py())


def _text(column: pa.Array) -> pa.Array:
    return column.cast(pa.string())
