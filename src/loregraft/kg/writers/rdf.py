"""Write a graph as RDF 1.2: N-Triples, N-Quads, Turtle or TriG, as `kg/rdf/quads.py` puts it.

`kg/readers/rdf/` reads the same graph back from N-Quads and TriG. N-Triples and Turtle have no named
graphs: they say the source of triples, and not that of names, descriptions, types and attributes.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.rdf.quads import Sources, pyoxigraph, quads
from loregraft.kg.rdf.vocabulary import PREFIXES
from loregraft.kg.writers.whole import whole_file

if TYPE_CHECKING:
    from pyoxigraph import Quad, RdfFormat


def write_ntriples(graph: KnowledgeGraph, path: Path) -> str:
    """Write N-Triples: one triple a line, with addresses in full. Sources of triples only."""
    return _write(graph, path, pyoxigraph().RdfFormat.N_TRIPLES, "reified")


def write_nquads(graph: KnowledgeGraph, path: Path) -> str:
    """Write N-Quads: as N-Triples, and each row in the named graph of its source."""
    return _write(graph, path, pyoxigraph().RdfFormat.N_QUADS, "graphs")


def write_turtle(graph: KnowledgeGraph, path: Path) -> str:
    """Write Turtle, which people can read, with prefixes. Sources of triples only."""
    return _write(graph, path, pyoxigraph().RdfFormat.TURTLE, "reified")


def write_trig(graph: KnowledgeGraph, path: Path) -> str:
    """Write TriG: as Turtle, and each row in the named graph of its source."""
    return _write(graph, path, pyoxigraph().RdfFormat.TRIG, "graphs")


def _write(graph: KnowledgeGraph, path: Path, format: "RdfFormat", sources: Sources) -> str:
    """Write quads as they come, whole or not at all, and tell how many and what was left out."""
    lost: Counter[str] = Counter()
    told: Counter[str] = Counter()
    prefixes = None if format.name in ("N-Triples", "N-Quads") else PREFIXES
    stream = _counted(quads(graph, sources, lost), told)
    with whole_file(path) as building, building.open("wb") as file:
        pyoxigraph().serialize(stream, file, format, prefixes=prefixes)
    left_out = ", ".join(f"{count:,} {what}" for what, count in sorted(lost.items()) if count)
    kind = "quads" if sources == "graphs" else "triples"
    return f"{told['quads']:,} {kind} of {format.name}" + (f"; left out: {left_out}" if left_out else "")


def _counted(stream: "Iterator[Quad]", told: Counter[str]) -> "Iterator[Quad]":
    for quad in stream:
        told["quads"] += 1
        yield quad
