"""Writers: one file per format, one function each, so that a graph can go where it is wanted.

What a format cannot hold is left out and counted in what the writer tells.
"""

from collections.abc import Callable
from pathlib import Path

from loregraft.errors import BadInput, CannotWrite, did_you_mean
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.writers.entities import write_entities_csv, write_entities_jsonl, write_entities_tsv
from loregraft.kg.writers.lexicon import write_lexicon
from loregraft.kg.writers.neo4j_csv import write_neo4j_csv
from loregraft.kg.writers.openke import write_openke
from loregraft.kg.writers.parquet import write_entities_parquet, write_parquet
from loregraft.kg.writers.rdf import (
    write_jsonld,
    write_nquads,
    write_ntriples,
    write_rdfxml,
    write_trig,
    write_turtle,
)
from loregraft.kg.writers.spo import write_spo
from loregraft.kg.writers.telling import Told
from loregraft.kg.writers.triples import write_csv, write_jsonl, write_tsv

Writer = Callable[[KnowledgeGraph, Path], Told]
"""`write_x(graph, path)`: writes a file or folder, and tells what went in and what did not."""

WRITERS: dict[str, Writer] = {
    "tsv": write_tsv,
    "csv": write_csv,
    "jsonl": write_jsonl,
    "parquet": write_parquet,
    "entities_tsv": write_entities_tsv,
    "entities_csv": write_entities_csv,
    "entities_jsonl": write_entities_jsonl,
    "entities_parquet": write_entities_parquet,
    "spo": write_spo,
    "openke": write_openke,
    "lexicon": write_lexicon,
    "neo4j_csv": write_neo4j_csv,
    "ntriples": write_ntriples,
    "nquads": write_nquads,
    "turtle": write_turtle,
    "trig": write_trig,
    "rdfxml": write_rdfxml,
    "jsonld": write_jsonld,
}
"""Format -> its writer."""


def write(graph: KnowledgeGraph, path: Path, format: str, force: bool = False) -> Told:
    """Write a graph in a format, whole or not at all, and tell what went in and what did not.

    Raises:
        BadInput: There is no such format.
        CannotWrite: Something is there and `force` is not given, or the machine refuses.
    """
    if format not in WRITERS:
        raise BadInput(path, 0, f"there is no format {format!r} to write", did_you_mean(format, WRITERS))
    if path.exists() and not force:
        raise CannotWrite(path, "it exists already", "Choose another name, or overwrite it with --force.")
    return WRITERS[format](graph, path)
