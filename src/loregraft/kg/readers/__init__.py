"""Readers: one file per format, one function each; `read` picks the one that fits what is given.

Every reader yields column batches (`kg/tables/columns.py`); `kg/graph.py` gathers them into a graph. Most
stream: memory does not grow with the file, but for ids where a reader says so. Files that are one JSON
object (cellxgene) and graph folders are read as a whole.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from loregraft.errors import BadInput, did_you_mean
from loregraft.kg.readers.cellxgene import fits_cellxgene, read_cellxgene
from loregraft.kg.readers.conceptnet import fits_conceptnet, read_conceptnet
from loregraft.kg.readers.delimited import (
    fits_csv,
    fits_entities_csv,
    fits_triples_tsv,
    read_csv,
    read_entities_csv,
    read_triples_tsv,
)
from loregraft.kg.readers.folders.graph import fits_graph, read_graph
from loregraft.kg.readers.folders.openke import fits_openke, read_openke
from loregraft.kg.readers.folders.splits import fits_splits, read_splits
from loregraft.kg.readers.hpoa import fits_hpo_genes, fits_hpoa, read_hpo_genes, read_hpoa
from loregraft.kg.readers.jsonl import fits_entities_jsonl, fits_jsonl, read_entities_jsonl, read_jsonl
from loregraft.kg.readers.keep import ALL, Keep, keep_only
from loregraft.kg.readers.lexicon import fits_lexicon, read_lexicon
from loregraft.kg.readers.neo4j.bolt import SCHEMES, read_bolt
from loregraft.kg.readers.neo4j.csv_files import fits_neo4j_csv, read_neo4j_csv
from loregraft.kg.readers.neo4j.json_lines import fits_neo4j_json, read_neo4j_json
from loregraft.kg.readers.obo import fits_obo, read_obo
from loregraft.kg.readers.parquet import fits_parquet, read_parquet
from loregraft.kg.readers.rdf.endpoint import read_endpoint
from loregraft.kg.readers.rdf.syntaxes import (
    fits_jsonld,
    fits_nquads,
    fits_ntriples,
    fits_rdfxml,
    fits_trig,
    fits_turtle,
    read_jsonld,
    read_nquads,
    read_ntriples,
    read_rdfxml,
    read_trig,
    read_turtle,
)
from loregraft.kg.readers.rows.triples import ENDS
from loregraft.kg.readers.spo import fits_spo, read_spo
from loregraft.kg.readers.text.advice import advice
from loregraft.kg.readers.text.lines import Problems
from loregraft.kg.readers.text.opening import fitting
from loregraft.kg.readers.tsv import fits_entities_tsv, fits_tsv, read_entities_tsv, read_tsv
from loregraft.kg.readers.umls import fits_umls, read_umls
from loregraft.kg.readers.wikidata.dump import fits_wikidata, read_wikidata
from loregraft.kg.tables.columns import Columns, Reader, as_array, repeated

READERS: dict[str, Reader] = {
    "tsv": read_tsv,
    "triples_tsv": read_triples_tsv,
    "entities_tsv": read_entities_tsv,
    "csv": read_csv,
    "entities_csv": read_entities_csv,
    "jsonl": read_jsonl,
    "entities_jsonl": read_entities_jsonl,
    "spo": read_spo,
    "openke": read_openke,
    "splits": read_splits,
    "parquet": read_parquet,
    "graph": read_graph,
    "ntriples": read_ntriples,
    "nquads": read_nquads,
    "turtle": read_turtle,
    "trig": read_trig,
    "rdfxml": read_rdfxml,
    "jsonld": read_jsonld,
    "obo": read_obo,
    "hpoa": read_hpoa,
    "hpo_genes": read_hpo_genes,
    "cellxgene": read_cellxgene,
    "wikidata": read_wikidata,
    "umls": read_umls,
    "conceptnet": read_conceptnet,
    "lexicon": read_lexicon,
    "neo4j_json": read_neo4j_json,
    "neo4j_csv": read_neo4j_csv,
}
"""Format -> its reader."""

FITS: dict[str, Callable[[Path, str], bool]] = {
    "graph": fits_graph,
    "openke": fits_openke,
    "splits": fits_splits,
    "parquet": fits_parquet,
    "umls": fits_umls,
    "wikidata": fits_wikidata,
    "neo4j_json": fits_neo4j_json,
    "neo4j_csv": fits_neo4j_csv,
    "conceptnet": fits_conceptnet,
    "lexicon": fits_lexicon,
    "rdfxml": fits_rdfxml,
    "jsonld": fits_jsonld,
    "trig": fits_trig,
    "turtle": fits_turtle,
    "nquads": fits_nquads,
    "ntriples": fits_ntriples,
    "hpoa": fits_hpoa,
    "hpo_genes": fits_hpo_genes,
    "entities_tsv": fits_entities_tsv,
    "obo": fits_obo,
    "cellxgene": fits_cellxgene,
    "jsonl": fits_jsonl,
    "entities_jsonl": fits_entities_jsonl,
    "triples_tsv": fits_triples_tsv,
    "entities_csv": fits_entities_csv,
    "csv": fits_csv,
    "spo": fits_spo,
    "tsv": fits_tsv,
}
"""Format -> does it fit, by path and by the first 64 KiB as text (a folder has none)? The first that
does is taken, so the more special ones come first."""

SERVERS: dict[str, Callable[[str, list[BadInput] | None], Iterator[Columns]]] = {
    "http://": read_endpoint,
    "https://": read_endpoint,
    **dict.fromkeys(SCHEMES, read_bolt),
}
"""How an address begins -> the reader of what answers there."""


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
    format, head = fitting(path, FITS)
    if format is not None:
        return format
    found, fix = advice(path, head)
    raise BadInput(path, 0, found, fix)


def first_triple(path: Path, format: str) -> tuple[str, str, str] | None:
    """Give the first triple of a table, so that a person sees at once whether the columns are as meant.

    None where it is no table of triples, or none is read. Cheap: no more than the first batch is read.
    """
    if format not in ("tsv", "csv", "triples_tsv"):
        return None
    batch = next(READERS[format](path, Problems()), None)
    if batch is None:
        return None
    head, relation, tail = (as_array(batch.rows[end])[0].as_py() for end in ENDS)
    return head, relation, tail


def _batches(path: Path | str, format: str, problems: list[BadInput] | None) -> Iterator[Columns]:
    if isinstance(path, str) and is_address(path):
        scheme = next(scheme for scheme in SERVERS if path.startswith(scheme))
        return SERVERS[scheme](path, problems)
    path = Path(path)
    format = format or recognise(path)
    if format not in READERS:
        raise BadInput(path, 0, f"there is no format {format!r}", did_you_mean(format, READERS))
    return READERS[format](path, problems)
