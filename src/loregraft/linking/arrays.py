"""Columns of a linker's folder: numpy arrays and Arrow tables, read where they lie on disk."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def write_arrays(arrays: Mapping[str, NDArray[Any]], folder: Path, prefix: str) -> None:
    """Write each array as PREFIX.NAME.npy."""
    for name, array in arrays.items():
        np.save(folder / f"{prefix}.{name}.npy", array, allow_pickle=False)


def read_arrays(folder: Path, prefix: str) -> dict[str, NDArray[Any]]:
    """Map the arrays of a prefix into memory, read only."""
    files = sorted(folder.glob(f"{prefix}.*.npy"))
    # An empty array cannot be mapped.
    return {file.name.split(".")[1]: _mapped(file) for file in files}


def _mapped(file: Path) -> NDArray[Any]:
    try:
        return np.asarray(np.load(file, mmap_mode="r", allow_pickle=False))
    except ValueError:
        return np.asarray(np.load(file, allow_pickle=False))


def write_table(table: pa.Table, path: Path) -> None:
    """Write a table so that it can be mapped."""
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table.combine_chunks())


def read_table(path: Path) -> pa.Table:
    """Map a table into memory."""
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def whole(column: pa.ChunkedArray) -> pa.LargeStringArray:
    """Give a column of strings in one piece."""
    column = column.cast(pa.large_string())
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
