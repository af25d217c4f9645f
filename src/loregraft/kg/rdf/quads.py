"""A graph as RDF: a stream of quads for files (`kg/writers/rdf.py`) and for SPARQL (`kg/sparql/query.py`).

The terms are those of `kg/rdf/vocabulary.py`: `kg/readers/rdf/` reads back what is written here.
What is said of a triple (who says so, under which conditions, how surely) stands at a node that
reifies it, as RDF 1.2 has it. What is known to be false is reified only, and never asserted.
"""

import json
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from loregraft.errors import MissingExtra
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.mirrors import several_statements
from loregraft.kg.rdf import vocabulary as v
from loregraft.kg.tables.assemble import GraphTable
from loregraft.kg.tables.columns import REFERENCE_MARK

if TYPE_CHECKING:
    from pyoxigraph import BlankNode, DefaultGraph, NamedNode, Quad, Triple
    from pyoxigraph import Literal as Text

Sources = Literal["graphs", "reified", "both"]
"""Where the source of a row goes. graphs: the row stands in the named graph of its source; reified: all
stands in the default graph, and a source is said of triples only; both: triples stand in the default
graph and once more in the named graph of their source."""

_ROWS = 8_192
_PLAIN = ("licence", "valid_from", "valid_to", "split")


def pyoxigraph() -> ModuleType:
    """Give the package that knows RDF.

    Raises:
        MissingExtra: It is not installed.
    """
    try:
        import pyoxigraph
    except ImportError as error:
        raise MissingExtra("pyoxigraph", "rdf") from error
    return pyoxigraph


@lru_cache(maxsize=1 << 16)
def _node(iri: str) -> "NamedNode":
    from pyoxigraph import NamedNode

    return NamedNode(iri)


@lru_cache(maxsize=1 << 16)
def _node_of(id: str) -> "NamedNode":
    return _node(v.iri_of(id))


@lru_cache(maxsize=1 << 12)
def _relation(id: str) -> "NamedNode":
    return _node(v.relation_iri(id))


@lru_cache(maxsize=1 << 12)
def _property(property: str) -> "NamedNode":
    return _node(v.property_iri(property))


def quads(
    graph: KnowledgeGraph, sources: Sources = "both", lost: Counter[str] | None = None
) -> "Iterator[Quad]":
    """Yield a graph as quads, table by table; what RDF cannot hold is counted in `lost`.

    Memory is bounded. About 200 thousand quads a second on one core; a triple is one to ten of them.
    """
    pyoxigraph()
    terms = _Terms(graph, sources, Counter() if lost is None else lost)
    yield from _relations(terms)
    yield from _entities(terms)
    yield from _texts(terms)
    yield from _attributes(terms)
    yield from _media(terms)
    yield from _statements(terms, "triples")
    yield from _statements(terms, "negated")


class _Terms:
    """Makes the terms of one graph."""

    def __init__(self, graph: KnowledgeGraph, sources: Sources, lost: Counter[str]) -> None:
        import pyoxigraph

        self.ox, self.graph, self.sources, self.lost = pyoxigraph, graph, sources, lost
        self.ids, self.relation_ids = graph.ids, graph.relation_ids
        self.default = pyoxigraph.DefaultGraph()

    def rows(self, table: GraphTable) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield the rows of a table by number, a few thousand in memory at a time."""
        number = 0
        for batch in self.graph.tables[table].to_batches(max_chunksize=_ROWS):
            for cells in zip(*map(_cells, batch.columns), strict=True):
                yield number, dict(zip(batch.schema.names, cells, strict=True))
                number += 1

    def place(self, source: str) -> "NamedNode | DefaultGraph":
        """Give the graph in which a row of this source stands."""
        if self.sources == "graphs":
            return _node_of(source) if source else self.default
        self.lost["sources of names, types and attributes"] += bool(source)
        return self.default

    def text(self, value: str, language: str = "") -> "Text":
        """Give a text in a language, or without, where the language is no tag of BCP 47."""
        if language:
            try:
                return self.ox.Literal(value, language=language)
            except ValueError:
                self.lost["languages that are no BCP 47 tag"] += 1
        return self.ox.Literal(value)

    def typed(self, value: str, datatype: str) -> "Text":
        """Give a value with its datatype, or without, where that is neither a name nor an address."""
        try:
            return self.ox.Literal(value, datatype=_node(v.datatype_iri(datatype)))
        except ValueError:
            self.lost["datatypes that are no address"] += 1
            return self.ox.Literal(value)


def _cells(column: pa.Array) -> list[Any]:
    """Give the cells of a column; three times as fast as pyarrow's `to_pylist`."""
    plain = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
    return list(plain.to_numpy(zero_copy_only=False).tolist())


Fact = tuple["NamedNode", "Text"]


def _said(column: str) -> "NamedNode":
    return _node(v.STATEMENT_IRIS[column])


def _reified(
    terms: _Terms, label: str, triple: "Triple", facts: list[Fact], place: "NamedNode | DefaultGraph"
) -> "Iterator[Quad]":
    reifier: BlankNode = terms.ox.BlankNode(label)
    yield terms.ox.Quad(reifier, _node(v.REIFIES), triple, place)
    for property, value in facts:
        yield terms.ox.Quad(reifier, property, value, place)


def _relations(terms: _Terms) -> "Iterator[Quad]":
    quad = terms.ox.Quad
    kind = _node(v.TYPE)
    for _, row in terms.rows("relations"):
        relation = _relation(row["id"])
        yield quad(relation, kind, _node(v.PROPERTY))
        if row["symmetric"]:
            yield quad(relation, kind, _node(v.SYMMETRIC))
        if row["inverse"]:
            yield quad(relation, _node(v.INVERSE), _relation(row["inverse"]))
        for column, property in (("domain", v.DOMAIN), ("range", v.RANGE)):
            if row[column]:
                yield quad(relation, _node(property), _node_of(row[column]))
    for _, row in terms.rows("relation_names"):
        relation = _relation(terms.relation_ids[row["relation"]])
        yield quad(relation, _node(v.NAME_IRIS["preferred"]), terms.text(row["name"], row["language"]))


def _entities(terms: _Terms) -> "Iterator[Quad]":
    """Yield types, but first that something is an entity, where no other row tells that or its source."""
    quad, kind, graph = terms.ox.Quad, _node(v.TYPE), terms.graph
    types = graph.tables["types"]
    typed, first = np.unique(np.asarray(types["entity"]), return_index=True)
    sources = dict(zip(typed.tolist(), types["source"].take(pa.array(first)).to_pylist(), strict=True))
    told = _told_of(graph)
    for number, row in terms.rows("entities"):
        if sources.get(number, "") != row["source"] or not told[number]:
            yield quad(_node_of(row["id"]), kind, _node(v.ENTITY), terms.place(row["source"]))
    for _, row in terms.rows("types"):
        place = terms.place(row["source"])
        yield quad(_node_of(terms.ids[row["entity"]]), kind, _node_of(row["type"]), place)


def _told_of(graph: KnowledgeGraph) -> NDArray[np.bool_]:
    """For each entity: does a row of another table name it?"""
    told = np.zeros(len(graph), np.bool_)
    columns: dict[GraphTable, tuple[str, ...]] = {
        **dict.fromkeys(("types", "names", "descriptions", "attributes", "media"), ("entity",)),
        **dict.fromkeys(("triples", "negated"), ("head", "tail")),
    }
    for table, names in columns.items():
        for name in names:
            told[np.asarray(graph.tables[table][name])] = True
    return told


def _texts(terms: _Terms) -> "Iterator[Quad]":
    quad = terms.ox.Quad
    kinds = {kind: _node(iri) for kind, iri in v.NAME_IRIS.items()}
    for _, row in terms.rows("names"):
        text = terms.text(row["name"], row["language"])
        yield quad(_node_of(terms.ids[row["entity"]]), kinds[row["kind"]], text, terms.place(row["source"]))
    for _, row in terms.rows("descriptions"):
        text = terms.text(row["text"], row["language"])
        entity, property = _node_of(terms.ids[row["entity"]]), _node(v.DESCRIPTION)
        yield quad(entity, property, text, terms.place(row["source"]))


def _attributes(terms: _Terms) -> "Iterator[Quad]":
    """Yield attributes, and the units of those that have one.

    Where an entity has one value with a unit and without, both get a node, so that they stay apart.
    """
    for _, numbered in groupby(terms.rows("attributes"), lambda found: found[1]["entity"]):
        rows = list(numbered)
        with_unit = {_value(row) for _, row in rows if row["unit"]}
        for number, row in rows:
            datatype, language = row["datatype"], row["language"]
            terms.lost["datatypes of texts that have a language"] += bool(datatype and language)
            value = terms.text(row["value"], language) if language else terms.typed(row["value"], datatype)
            entity, property = _node_of(terms.ids[row["entity"]]), _property(row["property"])
            place = terms.place(row["source"])
            yield terms.ox.Quad(entity, property, value, place)
            if _value(row) in with_unit:
                unit = [(_said("unit"), terms.text(row["unit"]))] if row["unit"] else []
                triple = terms.ox.Triple(entity, property, value)
                yield from _reified(terms, f"attribute{number}", triple, unit, place)


def _value(row: dict[str, Any]) -> tuple[str, ...]:
    return row["property"], row["value"], row["datatype"], row["language"]


def _media(terms: _Terms) -> "Iterator[Quad]":
    for number, row in terms.rows("media"):
        entity, property = _node_of(terms.ids[row["entity"]]), _node(v.MEDIA_IRIS[row["kind"]])
        reference, place = row["reference"], terms.place(row["source"])
        is_address = "://" in reference and v.iri_of(reference) == reference
        value = _node(reference) if is_address else terms.text(reference)
        yield terms.ox.Quad(entity, property, value, place)
        if row["licence"]:
            licence = [(_said("licence"), terms.text(row["licence"]))]
            yield from _reified(
                terms, f"media{number}", terms.ox.Triple(entity, property, value), licence, place
            )


def _statements(terms: _Terms, table: GraphTable) -> "Iterator[Quad]":
    """Yield triples, and what is said of them.

    Each statement of a fact that has several gets a node of its own, so that they stay apart.
    """
    negated = table == "negated"
    several = _several(terms.graph, table)
    for number, row in terms.rows(table):
        triple = terms.ox.Triple(
            _node_of(terms.ids[row["head"]]),
            _relation(terms.relation_ids[row["relation"]]),
            _node_of(terms.ids[row["tail"]]),
        )
        source = row["source"]
        in_graph = terms.sources == "graphs" and source
        place = _node_of(source) if in_graph else terms.default
        facts = _facts(terms, row)
        if source and not in_graph and (facts or negated or several[number] or terms.sources == "reified"):
            facts.append((_said("source"), terms.text(source)))
        if negated:
            facts.append((_node(v.NEGATED), terms.ox.Literal(True)))
        else:
            yield terms.ox.Quad(*triple, place)
            if source and terms.sources == "both":
                yield terms.ox.Quad(*triple, _node_of(source))
        if facts or several[number]:
            yield from _reified(terms, f"{table}{number}", triple, facts, place)


def _facts(terms: _Terms, row: dict[str, Any]) -> list[Fact]:
    """Give what a statement says of its triple, its source aside."""
    facts = [(_said(column), terms.text(row[column])) for column in _PLAIN if row[column]]
    for reference in filter(None, row["references"].split(REFERENCE_MARK)):
        facts.append((_said("references"), terms.text(reference)))
    if row["confidence"] != 1.0:
        number = str(np.float32(row["confidence"]))
        facts.append((_said("confidence"), terms.typed(number, "float")))
    qualifiers = json.loads(row["qualifiers"]) if row["qualifiers"] else {}
    for property, value in qualifiers.items():
        facts.append((_node(v.qualifier_iri(property)), terms.ox.Literal(value)))
    return facts


def _several(graph: KnowledgeGraph, table: GraphTable) -> NDArray[np.bool_]:
    """For each row of a table sorted by fact: is there another statement of its fact, or of its negation?"""
    heads, relations, tails = (np.asarray(graph.tables[table][name]) for name in ("head", "relation", "tail"))
    several = several_statements(heads, relations, tails)
    if len(graph.negated) and table == "triples":
        denied = graph.hash_rows(graph.negated, negated=False)
        several |= np.isin(graph.triple_hashes, denied)
    return several
