"""Read text with a fixed number of cells a line, many lines at once: for files of millions of lines.

A block of whole lines is cut at all its tabs in one go. A line that is not as it should be is left
to the caller, with its number; it costs as much as in any other reader, the others next to nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from loregraft.errors import BadInput
from loregraft.kg.readers.text.lines import MAX_LINE, not_utf8, raise_or_collect, too_long
from loregraft.kg.readers.text.opening import open_bytes

BLOCK_BYTES = 2 << 20
_BOM = b"\xef\xbb\xbf"
_TAB, _NEWLINE = b"\t\n"


@dataclass(frozen=True)
class Cells:
    """The lines of a block.

    Attributes:
        columns: The cells of the regular lines, trimmed, one array a column.
        numbers: The line number of each of them.
        odd: Number and text of each other line that is not blank.
    """

    columns: list[pa.Array]
    numbers: NDArray[np.int64]
    odd: list[tuple[int, str]]


def read_cells(path: Path, width: int, problems: list[BadInput] | None = None) -> Iterator[Cells]:
    """Yield a file block by block; a line is regular when it has `width` cells, none empty, and no `#` first.

    A line that is not UTF-8, or too long, is a problem; the lines after it are still read.
    """
    number = 1
    for block in read_blocks(path, problems):
        if isinstance(block, int):
            number += block
            continue
        yield _cut(number, without_damage(path, number, block, problems), width)
        number += block.count(b"\n")


def read_blocks(path: Path, problems: list[BadInput] | None) -> Iterator[bytes | int]:
    """Yield whole lines as bytes that end with a line end, or how many lines were skipped."""
    number, rest = 1, b""
    with open_bytes(path) as file:
        if (start := file.read(3)) != _BOM:
            rest = start
        while chunk := file.read(BLOCK_BYTES):
            first = chunk.find(b"\n")
            if len(rest) + (len(chunk) if first < 0 else first) > MAX_LINE:
                raise_or_collect(too_long(path, number), problems)
                while chunk and b"\n" not in chunk:
                    chunk = file.read(BLOCK_BYTES)
                rest, chunk = b"", chunk.partition(b"\n")[2]
                number += 1
                yield 1
            end = chunk.rfind(b"\n") + 1
            if end:
                block, rest = rest + chunk[:end], chunk[end:]
                number += block.count(b"\n")
                yield block
            else:
                rest += chunk
    if rest:
        yield rest + b"\n"


def without_damage(path: Path, number: int, block: bytes, problems: list[BadInput] | None) -> bytes:
    """Empty the lines that are not UTF-8."""
    try:
        block.decode()
        return block
    except UnicodeDecodeError:
        lines = block.split(b"\n")
    for place, line in enumerate(lines):
        try:
            line.decode()
        except UnicodeDecodeError as error:
            raise_or_collect(not_utf8(path, number + place, error), problems)
            lines[place] = b""
    return b"\n".join(lines)


def _cut(number: int, block: bytes, width: int) -> Cells:
    text = np.frombuffer(block, np.uint8)
    line_ends = np.flatnonzero(text == _NEWLINE)
    marks = np.flatnonzero((text == _NEWLINE) | (text == _TAB))
    starts = np.concatenate([[0], line_ends[:-1] + 1])
    last_mark = np.searchsorted(marks, line_ends)
    cells = np.diff(last_mark, prepend=-1)
    regular = (cells == width) & (text[starts] != ord("#"))
    places = np.flatnonzero(regular)
    ends = marks[last_mark[places][:, None] + np.arange(1 - width, 1)]  # lines x width
    begins = np.concatenate([starts[places][:, None], ends[:, :-1] + 1], axis=1)
    columns = [_column(block, begins[:, column], ends[:, column]) for column in range(width)]
    empty = np.zeros(len(places), np.bool_)
    for column in columns:
        empty |= np.asarray(pc.equal(pc.binary_length(column), 0))
    if empty.any():
        keep = pa.array(~empty)
        columns = [column.filter(keep) for column in columns]
        regular[places[empty]] = False
        places = places[~empty]
    odd = []
    for place in np.flatnonzero(~regular).tolist():
        line = block[starts[place] : line_ends[place]].decode().rstrip("\r")
        if line and not line.isspace():
            odd.append((number + place, line))
    return Cells(columns, number + places, odd)


def _column(block: bytes, begins: NDArray[np.int64], ends: NDArray[np.int64]) -> pa.Array:
    """Cut texts out of a block: every other piece of it, the pieces between being skipped."""
    bounds = np.empty(2 * len(begins) + 1, np.int32)
    bounds[0:-1:2], bounds[1::2] = begins, ends
    bounds[-1] = ends[-1] if len(ends) else 0
    buffers = [None, pa.py_buffer(bounds), pa.py_buffer(block)]
    pieces = pa.Array.from_buffers(pa.string(), len(bounds) - 1, buffers)
    return pc.utf8_trim_whitespace(pieces.take(pa.array(np.arange(0, len(bounds) - 1, 2))))
