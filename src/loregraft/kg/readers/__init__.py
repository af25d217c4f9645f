"""Readers: one file per format, one function each; `read` picks the one that fits what is given.

Every reader streams column batches (`kg/columns.py`); `kg/graph.py` gathers them into a graph.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from loregraft.errors import BadInput, did_you_mean
from loregraft.kg.columns import Columns, Reader
from loregraft.kg.gather import repeated
from loregraft.kg.readers.cellxgene import fits_cellxgene, read_cellxgene
from loregraft.kg.readers.hpoa import fits_hpo_genes, fits_hpoa, read_hpo_genes, read_hpoa
from loregraft.kg.readers.keep import ALL, Keep, keep_only
from loregraft.kg.readers.obo import fits_obo, read_obo
from loregraft.kg.readers.opening import first_bytes
from loregraft.kg.readers.tsv import fits_entities_tsv, fits_tsv, read_entities_tsv, read_tsv

READERS: dict[str, Reader] = {
    "tsv": read_tsv,
    "entities_tsv": read_entities_tsv,
    "obo": read_obo,
    "hpoa": read_hpoa,
    "hpo_genes": read_hpo_genes,
    "cellxgene": read_cellxgene,
}
"""Format -> its reader."""

FITS: dict[str, Callable[[Path, str], bool]] = {
    "hpoa": fits_hpoa,
    "hpo_genes": fits_hpo_genes,
    "entities_tsv": fits_entities_tsv,
    "obo": fits_obo,
    "cellxgene": fits_cellxgene,
    "tsv": fits_tsv,
}
"""Format -> does it fit, by path and by the first 64 KiB as text (a folder has none)? The first that
does is taken, so the more special ones come first."""

SERVERS: dict[str, Callable[[str, list[BadInput] | None], Iterator[Columns]]] = {}
"""How an address begins -> the reader of what answers there."""

_HEAD_BYTES = 65_536


def read(
    path: Path | str,
    format: str = "",
    source: str = "",
    problems: list[BadInput] | None = None,
    keep: Keep = ALL,
) -> Iterator[Columns]:
    """Yield the rows of a file, a folder or a server, each marked with its source.

    Args:
        path: A path, or an address such as `https://...` of a SPARQL endpoint.
        format: A key of `READERS`; empty: whatever `recognise` says.
        source: What the rows are marked with that do not say it themselves; empty: the file's name.
        keep: Which languages and relations to take.

    Raises:
        BadInput: The format is unknown, or a line is bad and no list of problems is given.
    """
    for batch in keep_only(_batches(path, format, problems), keep):
        if "source" in batch.rows:
            yield batch
        else:
            name = source or (path if is_address(path) else Path(path).name)
            yield Columns(batch.table, {**batch.rows, "source": repeated(str(name), len(batch))})


def is_address(path: Path | str) -> bool:
    """Tell whether this is the address of a server and not a path."""
    return isinstance(path, str) and any(path.startswith(scheme) for scheme in SERVERS)


def recognise(path: Path) -> str:
    """Name the format of a file or folder, by its first lines (and its name, where they leave a doubt).

    Raises:
        BadInput: It is none of the known formats, or it cannot be read.
    """
    path = Path(path)
    head = "" if path.is_dir() else first_bytes(path, _HEAD_BYTES).decode("utf-8-sig", "replace")
    for format, fits in FITS.items():
        if fits(path, head):
            return format
    first = next((line for line in head.splitlines() if line.strip() and not line.startswith("#")), "")
    found = f"no known format: it starts with {first!r:.60}" if first else "there is nothing in it"
    if path.is_dir():
        names = ", ".join(sorted(file.name for file in path.iterdir())[:5])
        found = f"no known format: a folder with {names or 'nothing in it'}"
    fix = f"Name its format, one of: {', '.join(READERS)}; or write head, relation, tail with tabs."
    raise BadInput(path, 0, found, fix)


def _batches(path: Path | str, format: str, problems: list[BadInput] | None) -> Iterator[Columns]:
    if isinstance(path, str) and is_address(path):
        scheme = next(scheme for scheme in SERVERS if path.startswith(scheme))
        return SERVERS[scheme](path, problems)
    path = Path(path)
    format = format or recognise(path)
    if format not in READERS:
        raise BadInput(path, 0, f"there is no format {format!r}", did_you_mean(format, READERS))
    return READERS[format](path, problems)
