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
MAX_ITEMS = 100
"""Items of a list, on average over the rows of a row group."""
PART_BYTES = 64 << 20
"""Bytes of text that are unpacked at once."""

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
    """Open a Parquet file with all its text as dictionaries, so that repeated text stays small."""
    import pyarrow.parquet as pq

    with open_bytes(path) as opened:  # tells what is missing, a folder, a pipe or packed
        if opened.read(4) != b"PAR1":
            raise BadInput(path, 0, "it does not start as a Parquet file does", "Give a .parquet file.")
    try:
        with pq.ParquetFile(path) as file:
            leaves = [file.schema.column(place) for place in range(len(file.schema))]
        texts = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"]
        file = pq.ParquetFile(path, read_dictionary=texts)
        for group in range(file.metadata.num_row_groups):
            part = file.metadata.row_group(group)
            for place in range(file.metadata.num_columns):
                _refuse_bomb(path, part.column(place), part.num_rows)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(path, error) from error
    return file


def _refuse_bomb(path: Path, column: Any, rows: int) -> None:
    """Refuse a column of a row group that would unpack to far more than it has in the file."""
    size, packed = column.total_uncompressed_size, max(column.total_compressed_size, 1)
    if size > SAFE_BYTES and size > MAX_RATIO * packed:
        found = f"a column unpacks to {size // packed} times its size, and no text does"
        raise BadInput(path, 0, found, "If you trust it, write it again without compression.")
    if "DELTA_BYTE_ARRAY" in column.encodings:
        found = f"the column {column.path_in_schema!r:.60} is encoded as DELTA_BYTE_ARRAY, which is not read"
        raise BadInput(path, 0, found, "Write it again with dictionaries or plain.")
    if column.num_values > MAX_ITEMS * rows + BATCH_ROWS:
        found = f"{column.num_values:,} items in {rows:,} rows of {column.path_in_schema!r:.60}"
        raise BadInput(path, 0, found, f"Write lists of {MAX_ITEMS} items at most.")


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
            longest = _longest(column)
            if longest > MAX_CELL:
                found = f"a cell of {longest:,} bytes in the column {name!r}"
                raise BadInput(path, 0, found, f"Cut it down to {MAX_CELL:,} bytes.")
        yield from _parts(batch)


def _parts(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Halve a batch until its text, each repetition counted, is no more than `PART_BYTES`."""
    if len(batch) > 1 and sum(map(_size, batch.columns)) > PART_BYTES:
        half = len(batch) // 2
        yield from _parts(batch.slice(0, half))
        yield from _parts(batch.slice(half))
    elif len(batch):
        yield batch


def _longest(column: pa.Array) -> int:
    """Give the bytes of the longest text of a column, also inside lists and structs."""
    if pa.types.is_dictionary(column.type):
        return _longest(column.dictionary)
    if pa.types.is_struct(column.type):
        return max(map(_longest, column.flatten()), default=0)
    if _is_list(column.type):
        return _longest(column.flatten())
    if _has_length(column.type):
        return pc.max(pc.binary_length(column)).as_py() or 0
    return 0


def _size(column: pa.Array) -> int:
    """Give the bytes of a column with each repetition of a text counted."""
    if pa.types.is_dictionary(column.type):
        lengths = pc.binary_length(column.dictionary)
        return pc.sum(lengths.take(column.indices)).as_py() or 0
    if pa.types.is_struct(column.type):
        return sum(map(_size, column.flatten()))
    if _is_list(column.type):
        return 8 * len(column) + _size(column.flatten())
    return int(column.nbytes)


def _is_list(type: pa.DataType) -> bool:
    lists = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list, pa.types.is_map)
    return any(is_list(type) for is_list in lists)


def _has_length(type: pa.DataType) -> bool:
    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    return any(is_text(type) for is_text in texts)


def _rows(path: Path, batches: Iterator[pa.RecordBatch], number: int = 1) -> Iterator[tuple[int, Said]]:
    for batch in batches:
        for place in range(0, len(batch), 1_024):  # few rows as objects at a time
            try:
                rows = batch.slice(place, 1_024).to_pylist()
            except UnicodeDecodeError as error:
                raise BadInput(path, 0, f"a text is not UTF-8 ({error})", "Write it again.") from error
            except (pa.ArrowException, ValueError, OverflowError) as error:
                raise _damaged(path, error) from error
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
        if name in _PLAIN_NUMBERS and not column.null_count and _PLAIN_NUMBERS[name](column):
            rows[name] = column
            continue
        whole = pa.types.is_dictionary(column.type) and pa.types.is_string(column.type.value_type)
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


def _is_truth(column: pa.Array) -> bool:
    return bool(pa.types.is_boolean(column.type))


def _is_share(column: pa.Array) -> bool:
    if not (pa.types.is_float32(column.type) or pa.types.is_float64(column.type)):
        return False
    return bool(pc.all(pc.and_(pc.greater_equal(column, 0.0), pc.less_equal(column, 1.0))).as_py())


_PLAIN_NUMBERS = {"negated": _is_truth, "confidence": _is_share}
"""Column -> can it be taken as it is?"""


def _text(column: pa.Array) -> pa.Array:
    return column.cast(pa.string())
