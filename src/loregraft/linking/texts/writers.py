"""Write linked texts: JSON lines, packed or not, Parquet and a page; a row a text, also one without links.

A file is written whole or not at all. How it is written is told by the end of its name.
"""

import contextlib
import gzip
import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from loregraft.artifact import Json
from loregraft.disk import whole_file
from loregraft.errors import CannotWrite
from loregraft.linking.entities import Entities
from loregraft.linking.texts.page import page_foot, page_head, page_text
from loregraft.linking.texts.rows import TextRow
from loregraft.records import Link

Write = Callable[[TextRow, Sequence[Link]], None]
Labels = Callable[[Sequence[Link]], dict[str, str]]
"""From links to the names of their entities, by id."""

ROWS_AT_ONCE = 4_096
CHARACTERS_AT_ONCE = 16 << 20
SCHEMA = pa.schema(
    [
        ("id", pa.large_string()),
        ("text", pa.large_string()),
        (
            "links",
            pa.list_(
                pa.struct(
                    [
                        ("start", pa.int64()),
                        ("end", pa.int64()),
                        ("text", pa.string()),
                        ("entity", pa.string()),
                        ("score", pa.float64()),
                    ]
                )
            ),
        ),
    ]
)
"""The columns of a Parquet file of linked texts."""


def as_json(row: TextRow, links: Sequence[Link]) -> dict[str, Json]:
    """Give a linked text as the object that stands on its line; one without an id has none."""
    said: dict[str, Json] = {} if row.id is None else {"id": row.id}
    return {**said, "text": row.text, "links": [_link(link) for link in links]}


def json_line(row: TextRow, links: Sequence[Link]) -> str:
    """Give a linked text as a line of JSON, without line end."""
    return json.dumps(as_json(row, links), ensure_ascii=False, allow_nan=False)


def labels_of(entities: Entities, links: Sequence[Link]) -> dict[str, str]:
    """Give the names of the entities that are linked to, by id."""
    ids = {link.entity for link in links if link.entity is not None}
    return {id: entities.label(entities.numbers[id]) for id in sorted(ids)}


def check_output(path: Path, force: bool) -> None:
    """Refuse a name of no known format, and a file that is there already.

    Raises:
        CannotWrite: It is so.
    """
    if _ending(path) is None:
        known = ", ".join(WRITERS)
        raise CannotWrite(path, "its name does not say which format is meant", f"End it with one of {known}.")
    if path.exists() and not force:
        raise CannotWrite(path, "it exists already", "Choose another name, or overwrite it with --force.")


@contextlib.contextmanager
def writing_links(path: Path, labels: Labels) -> Iterator[Write]:
    """Give what writes a text after another into a file, which is there when the block ends well.

    Raises:
        CannotWrite: As `check_output` for the name, and as `whole_file`.
    """
    check_output(path, force=True)
    with whole_file(path) as building, WRITERS[_ending(path) or ""](path, building, labels) as write:
        yield write


@contextlib.contextmanager
def _json_lines(path: Path, building: Path, labels: Labels) -> Iterator[Write]:
    with building.open("w", encoding="utf-8", newline="\n") as file:
        yield _lines_into(file)


@contextlib.contextmanager
def _packed_json_lines(path: Path, building: Path, labels: Labels) -> Iterator[Write]:
    with (
        building.open("wb") as raw,  # without name and time the same links are the same bytes
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed,
        io.TextIOWrapper(packed, encoding="utf-8", newline="\n") as file,
    ):
        yield _lines_into(file)


@contextlib.contextmanager
def _parquet(path: Path, building: Path, labels: Labels) -> Iterator[Write]:
    waiting: list[dict[str, Json]] = []
    size = 0
    with pq.ParquetWriter(building, SCHEMA, compression="zstd") as file:

        def flush() -> None:
            nonlocal size
            file.write_batch(pa.RecordBatch.from_pylist(waiting, SCHEMA))
            waiting.clear()
            size = 0

        def write(row: TextRow, links: Sequence[Link]) -> None:
            nonlocal size
            id = None if row.id is None else str(row.id)
            waiting.append({"id": id, **as_json(TextRow(row.text), links)})
            size += len(row.text)
            if len(waiting) >= ROWS_AT_ONCE or size > CHARACTERS_AT_ONCE:
                flush()

        yield write
        if waiting:
            flush()


@contextlib.contextmanager
def _page(path: Path, building: Path, labels: Labels) -> Iterator[Write]:
    texts = linked = 0
    with building.open("w", encoding="utf-8", newline="\n") as file:
        file.write(page_head(path.name))

        def write(row: TextRow, links: Sequence[Link]) -> None:
            nonlocal texts, linked
            texts, linked = texts + 1, linked + len(links)
            file.write(page_text(texts, row, links, labels(links)))

        yield write
        file.write(page_foot(texts, linked))


WRITERS: dict[str, Callable[[Path, Path, Labels], AbstractContextManager[Write]]] = {
    ".jsonl": _json_lines,
    ".jsonl.gz": _packed_json_lines,
    ".parquet": _parquet,
    ".html": _page,
}
"""End of a name -> how it is written: the path that it will have, that it has now, names of entities."""


def _ending(path: Path) -> str | None:
    return next((ending for ending in WRITERS if path.name.casefold().endswith(ending)), None)


def _lines_into(file: io.TextIOWrapper) -> Write:
    def write(row: TextRow, links: Sequence[Link]) -> None:
        file.write(json_line(row, links) + "\n")

    return write


def _link(link: Link) -> dict[str, Json]:
    mention = link.mention
    place: dict[str, Json] = {"start": mention.start, "end": mention.end, "text": mention.text}
    return {**place, "entity": link.entity, "score": link.score}
