"""Read texts of a column of a Parquet file, some rows at a time; a column `id` is kept."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from loregraft.errors import BadInput
from loregraft.kg.readers.text.lines import raise_or_collect
from loregraft.kg.readers.text.opening import first_bytes
from loregraft.linking.texts.rows import TextRow, row_of
from loregraft.linking.texts.tables import NoColumn, id_place, place_of

MAGIC = b"PAR1"
ROWS_AT_ONCE = 256
_BUFFER = 1 << 20


def read_parquet_texts(path: Path, column: str, problems: list[BadInput] | None = None) -> Iterator[TextRow]:
    """Yield the texts of a column; a null is a problem, an empty text is one.

    Raises:
        NoColumn: It has not the column, or holds no texts in it.
        BadInput: It is no Parquet file, or damaged; or a text is null or not UTF-8.
    """
    with _opened(path) as file:
        text, id = _columns(path, file, column)
        names = [text] if id is None else [text, id]
        number = 0
        for batch in _batches(path, file, names):
            ids = [None] * len(batch) if id is None else batch.column(id)
            for value, known in zip(batch.column(text), ids, strict=True):
                number += 1
                try:
                    row = _row(path, number, value, known)
                except BadInput as problem:
                    raise_or_collect(problem, problems)
                    continue
                yield row


def check_parquet(path: Path, column: str) -> None:
    """Refuse a file that has not a column of texts; see `read_parquet_texts`."""
    with _opened(path) as file:
        _columns(path, file, column)


def count_rows(path: Path) -> int:
    """Give how many rows a Parquet file has."""
    with _opened(path) as file:
        return int(file.metadata.num_rows)


def _opened(path: Path) -> Any:
    if first_bytes(path, len(MAGIC)) != MAGIC:
        raise BadInput(path, 0, "it does not start as a Parquet file does", "Give a .parquet file.")
    try:  # without these two a row group's columns are read as a whole
        return pq.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _damaged(path, error) from None


def _columns(path: Path, file: Any, column: str) -> tuple[str, str | None]:
    """Give the names of the columns of the texts and of the ids."""
    schema = file.schema_arrow
    place, ids = place_of(path, 0, schema.names, column), id_place(schema.names)
    kind = schema.field(place).type
    plain = kind.value_type if pa.types.is_dictionary(kind) else kind
    if not (pa.types.is_string(plain) or pa.types.is_large_string(plain) or pa.types.is_string_view(plain)):
        fix = "Name the column of the texts with --column."
        raise NoColumn(path, 0, f"the column {schema.names[place]!r} holds {kind}, not texts", fix)
    return schema.names[place], None if ids is None else schema.names[ids]


def _batches(path: Path, file: Any, names: list[str]) -> Iterator[pa.RecordBatch]:
    batches = file.iter_batches(ROWS_AT_ONCE, columns=names)
    while True:
        try:
            batch = next(batches, None)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise _damaged(path, error) from None
        if batch is None:
            return
        yield batch


def _row(path: Path, number: int, text: Any, id: Any) -> TextRow:
    try:
        return row_of(path, number, text.as_py(), None if id is None else id.as_py())
    except UnicodeDecodeError as error:
        found = f"byte {error.start + 1} of the text (0x{error.object[error.start]:02x}) is not UTF-8"
        raise BadInput(path, number, found, "Write it again as UTF-8.") from error


def _damaged(path: Path, error: Exception) -> BadInput:
    words = str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__
    return BadInput(path, 0, f"it cannot be read ({words:.100})", "Copy or write it again.")
