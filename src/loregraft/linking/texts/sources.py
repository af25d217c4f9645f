"""Where texts come from: files of several formats and standard input, one after another.

What no reading can mend (a file or column that is not there) is said before the first text is read; what is
wrong with a row, or with what is in a file, is said when it is its turn, and the rest is still read.
"""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from loregraft.errors import BadInput
from loregraft.kg.readers.text.lines import raise_or_collect
from loregraft.kg.readers.text.opening import HEAD_BYTES, first_bytes, open_bytes
from loregraft.linking.texts.lines import read_stream, read_text_lines, read_text_objects
from loregraft.linking.texts.parquet import MAGIC, check_parquet, count_rows, read_parquet_texts
from loregraft.linking.texts.rows import TextRow
from loregraft.linking.texts.tables import NoColumn, check_csv, check_tsv, read_csv_texts, read_tsv_texts

Format = Literal["lines", "jsonl", "csv", "tsv", "parquet"]
Reader = Callable[[Path, str, list[BadInput] | None], Iterator[TextRow]]
Watch = Callable[[float], None]

PACKED = (".gz", ".bz2", ".xz", ".zst")
"""Ends of a name that do not count; what is packed is known by its first bytes."""
SUFFIXES: dict[str, Format] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".parquet": "parquet",
}
"""End of a name -> format; of any other a line is a text."""
READERS: dict[Format, Reader] = {
    "lines": read_text_lines,
    "jsonl": read_text_objects,
    "csv": read_csv_texts,
    "tsv": read_tsv_texts,
    "parquet": read_parquet_texts,
}
CHECKS: dict[Format, Callable[[Path, str], None]] = {
    "csv": check_csv,
    "tsv": check_tsv,
    "parquet": check_parquet,
}
"""Format -> what refuses a file without the column."""


@dataclass(frozen=True)
class Source:
    """A file of texts, or standard input, where the path is `-`.

    Attributes:
        column: Column or key of the texts, for formats that have such.
    """

    path: Path
    column: str = "text"

    @property
    def is_standard_input(self) -> bool:
        """Whether it is no file."""
        return str(self.path) == "-"

    @property
    def size_bytes(self) -> int:
        """Its size as it lies on the disk; 0 for standard input."""
        return 0 if self.is_standard_input else self.path.stat().st_size

    def check(self) -> None:
        """Refuse what cannot be read at all, before anything is.

        Raises:
            BadInput: The file is not there, is a folder, or may not be read.
            NoColumn: A table has not the column.
        """
        if self.is_standard_input:
            return
        if not self.path.is_file() or not os.access(self.path, os.R_OK):
            first_bytes(self.path, 1)  # says what it is
        try:
            check = CHECKS.get(self._format())
            if check is not None:
                check(self.path, self.column)
        except NoColumn:
            raise
        except BadInput:
            pass  # it will be said when it is read

    def rows(self, problems: list[BadInput] | None = None) -> Iterator[TextRow]:
        """Yield its texts.

        Raises:
            BadInput: The file cannot be read on; or a row cannot, and `problems` is None.
        """
        if self.is_standard_input:
            yield from read_stream(sys.stdin.buffer.readline, problems)
        else:
            yield from READERS[self._format()](self.path, self.column, problems)

    def count(self) -> int:
        """Count its lines, or the rows of a Parquet file; 0 where that cannot be known."""
        if self.is_standard_input:
            return 0
        try:
            if self._format() == "parquet":
                return count_rows(self.path)
            with open_bytes(self.path) as file:
                return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
        except BadInput:
            return 0

    def _format(self) -> Format:
        """Tell the format by the first bytes and the name; a binary file has none."""
        head = first_bytes(self.path, HEAD_BYTES)
        if head.startswith(MAGIC):
            return "parquet"
        if b"\0" in head:
            line = head[: head.index(b"\0")].count(b"\n") + 1
            fix = "Give text, JSON lines, CSV, TSV or Parquet."
            raise BadInput(self.path, line, "a NUL byte: this is a binary file, not text", fix)
        name = self.path.name.casefold()
        for packed in PACKED:
            name = name.removesuffix(packed)
        return SUFFIXES.get(Path(name).suffix, "lines")


def open_sources(paths: Sequence[Path], column: str = "text") -> list[Source]:
    """Give what is to be read, each checked; see `Source.check`."""
    sources = [Source(path, column) for path in paths]
    for source in sources:
        source.check()
    return sources


def read_sources(
    sources: Sequence[Source], problems: list[BadInput] | None = None, watch: Watch | None = None
) -> Iterator[TextRow]:
    """Yield the texts of all sources. A file that cannot be read on is one problem; the next are still read.

    Args:
        problems: Where rows and files go that cannot be read; None stops at the first.
        watch: Told what share has been read, 0..1, after each text. Lines are counted for it, once a file.
    """
    whole, done = sum(source.size_bytes for source in sources), 0
    for source in sources:
        size, lines = source.size_bytes, source.count() if watch is not None else 0
        try:
            for row in source.rows(problems):
                if watch is not None and whole and lines:
                    watch((done + size * min(row.number / lines, 1.0)) / whole)
                yield row
        except BadInput as problem:
            raise_or_collect(problem, problems)
        done += size
