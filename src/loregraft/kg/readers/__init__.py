"""Readers: one file per format, one function each; `read` picks the one that fits a file.

Every reader streams column batches (`kg/columns.py`); `kg/graph.py` gathers them into a graph.
"""

from collections.abc import Iterator
from pathlib import Path

from loregraft.errors import BadInput, did_you_mean
from loregraft.kg.columns import Columns, Reader
from loregraft.kg.readers.cellxgene import first_text, read_cellxgene
from loregraft.kg.readers.hpoa import GENE_COLUMNS, HPOA_COLUMNS, read_hpo_genes, read_hpoa
from loregraft.kg.readers.obo import read_obo
from loregraft.kg.readers.tsv import read_entities_tsv, read_tsv

READERS: dict[str, Reader] = {
    "tsv": read_tsv,
    "entities_tsv": read_entities_tsv,
    "obo": read_obo,
    "hpoa": read_hpoa,
    "hpo_genes": read_hpo_genes,
    "cellxgene": read_cellxgene,
}
"""Format -> its reader."""

HEADERS = {"hpoa": HPOA_COLUMNS, "hpo_genes": GENE_COLUMNS, "entities_tsv": ("id", "name")}
"""Format -> the columns that its header row must have."""

_HEAD_BYTES = 65_536


def read(
    path: Path, format: str = "", source: str = "", problems: list[BadInput] | None = None
) -> Iterator[Columns]:
    """Yield a file's rows, each marked with its source.

    Args:
        format: A key of `READERS`; empty: whatever `recognise` says.
        source: What the rows are marked with; empty: the file's name.

    Raises:
        BadInput: The format is unknown, or a line is bad and no list of problems is given.
    """
    path = Path(path)
    format = format or recognise(path)
    if format not in READERS:
        raise BadInput(path, 0, f"there is no format {format!r}", did_you_mean(format, READERS))
    for batch in READERS[format](path, problems):
        yield Columns(batch.table, {**batch.rows, "source": [source or path.name] * len(batch)})


def recognise(path: Path) -> str:
    """Name the format of a file, by its first lines (and its name, where they leave a doubt).

    Raises:
        BadInput: It is none of the known formats, or it cannot be read.
    """
    raw = first_text(path, _HEAD_BYTES)
    lines = [line for line in raw.decode("utf-8-sig", "replace").splitlines() if line.strip()]
    first = next((line for line in lines if not line.startswith("#")), "")
    columns = {column.strip() for column in first.split("\t")}
    if first.lstrip().startswith("{") and b'"label"' in raw:
        return "cellxgene"
    for format, needed in HEADERS.items():
        if columns >= set(needed):
            return format
    if first.startswith(("format-version:", "[Term]")) or Path(path).suffix == ".obo":
        return "obo"
    if first.count("\t") == 2:
        return "tsv"
    found = f"no known format: it starts with {first!r:.60}" if first else "there is nothing in it"
    fix = f"Name its format, one of: {', '.join(READERS)}; or write head, relation, tail with tabs."
    raise BadInput(path, 0, found, fix)
