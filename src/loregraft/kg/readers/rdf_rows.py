"""Rows of a graph's tables from RDF: what each quad says, by the words of `kg/vocabulary.py`.

Plain facts go straight into columns. What is said of a fact, and the fact itself then, waits until
the end.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from loregraft.kg import vocabulary
from loregraft.kg.columns import REFERENCE_MARK, TABLES, Cell, Columns, Table
from loregraft.kg.readers import lines
from loregraft.kg.readers.lines import Row
from loregraft.kg.readers.rdf_survey import PARTS, FactKey, Survey
from loregraft.kg.readers.rdf_terms import Key, Terms, scalar
from loregraft.kg.vocabulary import OWL, RDF, RDFS

Placed = tuple[Table, Row, str]
"""A table, the first cells of a row, and the source of the row ("": the file)."""

_LOGICAL = frozenset(
    {RDFS + "subPropertyOf", OWL + "propertyChainAxiom", OWL + "propertyDisjointWith"}
    | {
        OWL + name
        for name in (
            *("allValuesFrom", "intersectionOf", "unionOf", "complementOf", "oneOf", "hasSelf", "onClass"),
            *("onDataRange", "onDatatype", "withRestrictions", "onProperties", "disjointUnionOf", "hasKey"),
            *("cardinality", "minCardinality", "maxCardinality", "qualifiedCardinality"),
            *("minQualifiedCardinality", "maxQualifiedCardinality", "members", "distinctMembers"),
            *("equivalentProperty", "inverseOf"),
        )
    }
)
_LISTS = frozenset({RDF + "first", RDF + "rest"})
_ODD = (
    frozenset({vocabulary.TYPE, vocabulary.NAMESPACE, RDFS + "subClassOf"})
    | frozenset(vocabulary.NAME_KINDS)
    | frozenset(vocabulary.INVERTED)
    | frozenset(vocabulary.MEDIA)
    | frozenset(vocabulary.ATTRIBUTES)
    | (vocabulary.DESCRIPTIONS | vocabulary.SAME_AS | _LOGICAL | _LISTS | PARTS)
    | frozenset({vocabulary.DOMAIN, vocabulary.RANGE})
)
"""Predicates that are more than a relation between two entities."""


def columns_of(quads: Iterable[Any], survey: Survey, terms: Terms) -> Iterator[Columns]:
    """Yield the rows of quads; those of a named graph have that as their source.

    Args:
        survey: What the same quads gave in `survey`; an empty one where it would find nothing.
        terms: The one that served the survey.
    """
    return _in_batches(_rows(quads, survey, terms))


def _rows(quads: Iterable[Any], survey: Survey, terms: Terms) -> Iterator[Placed]:
    from pyoxigraph import DefaultGraph, NamedNode

    plain: dict[str, str] = {}
    only_plain = survey.found_nothing()
    reader = _Reader(survey, terms)
    for quad in quads:
        subject, predicate, tail, graph = quad
        relation = plain.get(predicate.value)
        if relation is None:
            relation = "" if predicate.value in _ODD else vocabulary.relation_of(predicate.value)
            plain[predicate.value] = relation
        if relation and only_plain and type(tail) is NamedNode and type(subject) is NamedNode:
            head, to = subject.value, tail.value
            if head.startswith("urn:"):
                head = vocabulary.id_of(head)
            if to.startswith("urn:"):
                to = vocabulary.id_of(to)
            source = "" if type(graph) is DefaultGraph else terms.node(graph)
            yield "triples", (head, relation, to), source
        else:
            yield from reader.quad(subject, predicate.value, tail, graph)
    yield from reader.end()


class _Reader:
    """Makes rows of quads that may mean more than a triple, and keeps what is said of facts."""

    def __init__(self, survey: Survey, terms: Terms) -> None:
        self._survey, self._terms = survey, terms
        self._spoken_of = {fact: False for facts in survey.statements.values() for fact in facts}
        """Is it asserted, too?"""
        self._said: dict[str, list[tuple[str, Key]]] = {}

    def quad(self, subject: Any, iri: str, tail: Any, graph: Any) -> Iterator[Placed]:
        """Yield what a quad says, or keep it."""
        from pyoxigraph import DefaultGraph, Triple

        head = self._terms.node(subject)
        place = "" if isinstance(graph, DefaultGraph) else self._terms.node(graph)
        found = self._survey
        if iri in PARTS and not (isinstance(tail, Triple) and head in found.incomplete):
            if head not in found.statements and head not in found.restrictions:
                yield _left_out("incomplete_statement" if head not in found.logical else "logical", iri)
        elif isinstance(tail, Triple):
            yield _left_out("triple_term", iri)
        elif head in found.statements or head in found.incomplete:
            key = self._terms.key(tail)
            if iri != vocabulary.TYPE:
                self._said.setdefault(head, []).append((iri, key))
        else:
            fact = (head, iri, self._terms.key(tail), place)
            if fact in self._spoken_of:
                self._spoken_of[fact] = True
            else:
                yield from self._fact(fact)

    def end(self) -> Iterator[Placed]:
        """Yield the facts that something is said of."""
        for node, facts in self._survey.statements.items():
            columns, qualifiers = _columns(self._said.pop(node, []))
            negated = columns.pop("negated", "") in ("true", "1") or node in self._survey.negative
            for fact in facts:
                if not (negated or self._spoken_of[fact]):
                    yield _left_out("not_asserted", fact[0])
                    continue
                for placed in self._fact(fact):
                    yield from _extended(placed, negated, columns, qualifiers)
        for _, said in sorted(self._said.items()):
            for iri, _ in said:
                yield _left_out("incomplete_statement", iri)

    def _fact(self, fact: FactKey) -> Iterator[Placed]:
        head, iri, key, place = fact
        if head in self._survey.ontologies:
            yield _left_out("ontology_header", iri)
        elif head in self._survey.properties and self._is_of_property(iri, key):
            yield from _of_property(head, iri, key, place)
        elif head in self._survey.logical or iri in _LOGICAL:
            yield _left_out("logical", iri)
        elif iri in _LISTS:
            yield _left_out("list", iri)
        elif isinstance(key, tuple):
            yield from _of_literal(head, iri, key, place)
        else:
            yield from self._of_node(head, iri, key, place)

    def _is_of_property(self, iri: str, key: Key) -> bool:
        of_property = (vocabulary.TYPE, vocabulary.INVERSE, vocabulary.DOMAIN, vocabulary.RANGE)
        return iri in of_property or iri in _LOGICAL or isinstance(key, tuple)

    def _of_node(self, head: str, iri: str, tail: str, place: str) -> Iterator[Placed]:
        if tail in self._survey.logical:
            restriction = self._survey.restrictions.get(tail)
            if restriction is None or iri != RDFS + "subClassOf":
                yield _left_out("logical", iri)
            elif isinstance(restriction[1], tuple):
                yield from _of_literal(head, restriction[0], restriction[1], place)
            else:
                yield "triples", (head, vocabulary.relation_of(restriction[0]), restriction[1]), place
        elif iri == vocabulary.TYPE:
            if tail != OWL + "Axiom":
                yield "entities", (head, "" if tail in vocabulary.UNTYPED else tail), place
        elif iri in vocabulary.SAME_AS or iri in vocabulary.ATTRIBUTES:
            yield _attribute(head, vocabulary.ATTRIBUTES.get(iri, "xref"), (tail, "", "")), place
        elif iri in vocabulary.MEDIA:
            yield "media", (head, tail, vocabulary.MEDIA[iri]), place
        elif iri in vocabulary.INVERTED:
            yield "triples", (tail, vocabulary.INVERTED[iri], head), place
        else:
            yield "triples", (head, vocabulary.relation_of(iri), tail), place
