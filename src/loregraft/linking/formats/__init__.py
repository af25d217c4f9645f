"""Annotated texts as files: one file per format, with its reader and its writer.

Readers stream documents (`records.Annotated`) and check that each mention is where the file says; writers
write whole or not at all and tell what the format cannot hold.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from loregraft.errors import BadInput, CannotWrite, did_you_mean
from loregraft.kg.readers.text.opening import fitting
from loregraft.kg.writers.telling import Told
from loregraft.linking.formats.bioc import fits_bioc, read_bioc, write_bioc
from loregraft.linking.formats.brat import fits_brat, read_brat, write_brat
from loregraft.linking.formats.docbin import fits_docbin, read_docbin, write_docbin
from loregraft.linking.formats.elevant import (
    fits_elevant,
    read_elevant,
    write_elevant,
    write_elevant_links,
)
from loregraft.linking.formats.gsc import fits_gsc, read_gsc
from loregraft.linking.formats.jsonl import fits_jsonl, read_jsonl, write_jsonl
from loregraft.linking.formats.nif import fits_nif, read_nif, write_nif
from loregraft.linking.formats.pubtator import fits_pubtator, read_pubtator, write_pubtator
from loregraft.linking.formats.records import Annotated

Reader = Callable[[Path, list[BadInput] | None, Counter[str] | None], Iterator[Annotated]]
"""`read_x(path, problems, left_out)`: yields documents; bad lines go to `problems`, what is left out on
purpose is counted in `left_out`."""
Writer = Callable[[Iterable[Annotated], Path], Told]

READERS: dict[str, Reader] = {
    "jsonl": read_jsonl,
    "pubtator": read_pubtator,
    "brat": read_brat,
    "nif": read_nif,
    "elevant": read_elevant,
    "bioc": read_bioc,
    "docbin": read_docbin,
    "gsc": read_gsc,
}
"""Format -> its reader."""

WRITERS: dict[str, Writer] = {
    "jsonl": write_jsonl,
    "pubtator": write_pubtator,
    "brat": write_brat,
    "nif": write_nif,
    "elevant": write_elevant,
    "elevant_links": write_elevant_links,
    "bioc": write_bioc,
    "docbin": write_docbin,
}
"""Format -> its writer."""

FITS: dict[str, Callable[[Path, str], bool]] = {
    "brat": fits_brat,
    "docbin": fits_docbin,
    "bioc": fits_bioc,
    "nif": fits_nif,
    "pubtator": fits_pubtator,
    "elevant": fits_elevant,
    "jsonl": fits_jsonl,
    "gsc": fits_gsc,
}
"""Format -> does it fit, by path and by the first 64 KiB as text? The first that does is taken."""

_log = logging.getLogger(__name__)


def read(
    path: Path,
    format: str = "",
    problems: list[BadInput] | None = None,
    left_out: Counter[str] | None = None,
) -> Iterator[Annotated]:
    """Yield the documents of a file or folder with what their mentions mean.

    Args:
        format: A key of `READERS`; empty: whatever `recognise` says.
        problems: Where bad lines go; None stops at the first.
        left_out: Where it is counted what is left out on purpose; None: the log tells it at the end.

    Raises:
        BadInput: The format is unknown, or a line is bad and no list of problems is given.
    """
    path = Path(path)
    format = format or recognise(path)
    if format not in READERS:
        raise BadInput(path, 0, f"there is no format {format!r}", did_you_mean(format, READERS))
    counted: Counter[str] = Counter() if left_out is None else left_out
    yield from READERS[format](path, problems, counted)
    if left_out is None and (told := +counted):
        words = ", ".join(f"{count:,} {what}" for what, count in sorted(told.items()))
        _log.warning("%s: left out: %s", path, words)


def write(annotated: Iterable[Annotated], path: Path, format: str, force: bool = False) -> Told:
    """Write documents in a format, whole or not at all, and tell what went in and what did not.

    Raises:
        BadInput: There is no such format.
        CannotWrite: Something is there and `force` is not given, or the machine refuses.
        MissingExtra: The format needs a package that is not installed.
    """
    path = Path(path)
    if format not in WRITERS:
        raise BadInput(path, 0, f"there is no format {format!r} to write", did_you_mean(format, WRITERS))
    if path.exists() and not force:
        raise CannotWrite(path, "it exists already", "Choose another name, or overwrite it with --force.")
    return WRITERS[format](annotated, path)


def recognise(path: Path) -> str:
    """Name the format of a file or folder by its first lines.

    Raises:
        BadInput: It is none of the known formats, or it cannot be read.
    """
    path = Path(path)
    format, head = fitting(path, FITS)
    if format is not None:
        return format
    found = "no known format of annotated texts" + (
        "" if head or path.is_dir() else ": there is nothing in it"
    )
    raise BadInput(path, 0, found, f"Name the format: {', '.join(READERS)}.")
