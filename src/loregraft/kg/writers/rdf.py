"""Write a graph as RDF: N-Triples, N-Quads, Turtle, TriG, RDF/XML or JSON-LD, as `kg/rdf/quads.py` puts it.

`kg/readers/rdf/` reads the same graph back from N-Quads, TriG and JSON-LD. The others have no named
graphs: they say the source of triples, and not that of names, descriptions, types and attributes.
RDF/XML and JSON-LD are of RDF 1.1, so that what is said of a triple is said of an `rdf:Statement`.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from loregraft.disk import whole_file
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.rdf.quads import Sources, pyoxigraph, quads
from loregraft.kg.rdf.vocabulary import PREFIXES, RDF, TYPE
from loregraft.kg.writers.telling import Told, told

if TYPE_CHECKING:
    from pyoxigraph import Quad, RdfFormat

_XML_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9._-]*$")
"""The end of an address that can be the name of an element."""
_NOT_XML = re.compile(r"[\x00-\x08\x0b-\x1f\ufffe\uffff]")
"""Characters that XML has no place for, and the carriage return, which it reads as a line feed."""


def write_ntriples(graph: KnowledgeGraph, path: Path) -> Told:
    """Write N-Triples: one triple a line, with addresses in full. Sources of triples only."""
    return _write(graph, path, pyoxigraph().RdfFormat.N_TRIPLES, "reified")


def write_nquads(graph: KnowledgeGraph, path: Path) -> Told:
    """Write N-Quads: as N-Triples, and each row in the named graph of its source."""
    return _write(graph, path, pyoxigraph().RdfFormat.N_QUADS, "graphs")


def write_turtle(graph: KnowledgeGraph, path: Path) -> Told:
    """Write Turtle, which people can read, with prefixes. Sources of triples only."""
    return _write(graph, path, pyoxigraph().RdfFormat.TURTLE, "reified")


def write_trig(graph: KnowledgeGraph, path: Path) -> Told:
    """Write TriG: as Turtle, and each row in the named graph of its source."""
    return _write(graph, path, pyoxigraph().RdfFormat.TRIG, "graphs")


def write_rdfxml(graph: KnowledgeGraph, path: Path) -> Told:
    """Write RDF/XML. Sources of triples only; relations must end in a name of XML."""
    return _write(graph, path, pyoxigraph().RdfFormat.RDF_XML, "reified", _as_xml)


def write_jsonld(graph: KnowledgeGraph, path: Path) -> Told:
    """Write JSON-LD, expanded, with each row in the named graph of its source."""
    return _write(graph, path, pyoxigraph().RdfFormat.JSON_LD, "graphs", _with_statements)


def _unchanged(stream: "Iterator[Quad]", lost: Counter[str]) -> "Iterator[Quad]":
    return stream


def _write(
    graph: KnowledgeGraph,
    path: Path,
    format: "RdfFormat",
    sources: Sources,
    fitted: "Callable[[Iterator[Quad], Counter[str]], Iterator[Quad]]" = _unchanged,
) -> Told:
    """Write quads as they come, whole or not at all, and tell how many and what was left out."""
    lost: Counter[str] = Counter()
    written: Counter[str] = Counter()
    prefixes = PREFIXES if format.name in ("Turtle", "TriG") else None
    stream = _counted(fitted(quads(graph, sources, lost), lost), written)
    with whole_file(path) as building, building.open("wb") as file:
        pyoxigraph().serialize(stream, file, format, prefixes=prefixes)
    kind = "quads" if sources == "graphs" else "triples"
    return told({f"{kind} of {format.name}": written["quads"]}, dict(sorted(lost.items())))


def _counted(stream: "Iterator[Quad]", written: Counter[str]) -> "Iterator[Quad]":
    for quad in stream:
        written["quads"] += 1
        yield quad


def _with_statements(stream: "Iterator[Quad]", lost: Counter[str]) -> "Iterator[Quad]":
    """Yield quads of RDF 1.1: a node that reifies a triple becomes an `rdf:Statement`."""
    ox = pyoxigraph()
    kind, statement = ox.NamedNode(TYPE), ox.NamedNode(RDF + "Statement")
    ends = [ox.NamedNode(RDF + end) for end in ("subject", "predicate", "object")]
    for quad in stream:
        if not isinstance(quad.object, ox.Triple):
            yield quad
            continue
        yield ox.Quad(quad.subject, kind, statement, quad.graph_name)
        for end, term in zip(ends, quad.object, strict=True):
            yield ox.Quad(quad.subject, end, term, quad.graph_name)


def _as_xml(stream: "Iterator[Quad]", lost: Counter[str]) -> "Iterator[Quad]":
    """Yield what XML can hold of quads of RDF 1.1: a predicate is an element, a text has all but controls."""
    for quad in _with_statements(stream, lost):
        if not _XML_NAME.search(quad.predicate.value):
            lost["triples whose relation or property ends in no name of XML"] += 1
        elif isinstance(quad.object, pyoxigraph().Literal) and _NOT_XML.search(quad.object.value):
            lost["texts with characters that XML cannot hold"] += 1
        else:
            yield quad
