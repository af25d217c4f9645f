"""A first look at RDF, for what changes the meaning of other lines: properties, reifiers, restrictions.

`kg/readers/rdf/rows.py` then makes rows of it. Only what is gathered here takes memory; the facts
themselves are streamed.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from loregraft.kg.rdf import vocabulary
from loregraft.kg.rdf.vocabulary import OWL, PROPERTY_TYPES, RDF, REIFIES
from loregraft.kg.readers.rdf.terms import Key, Terms

WORDS = (
    *(b"Property", b"Ontology", b"Restriction", b"reifies", b"<<", b"{|", b"annotated", b"inverseOf"),
    *(b"subject", b"Statement", b"ID=", b"domain", b"range", b"AllDi", b"intersectionOf", b"unionOf"),
    *(b"complementOf", b"oneOf", b"onDatatype", b"owl:Class", b"#Class"),
)
"""A file that has none of these needs no survey."""
WORDS_OF_LINES = (b"ns#Property", b"ns#reifies", b"ns#subject", b"owl#", b"schema#domain", b"schema#range")
"""The same for N-Triples and N-Quads, which write IRIs in full."""

FactKey = tuple[str, str, Key, str]
"""Head and predicate, the tail or value, and the named graph ("": none) of a fact."""

_SUBJECTS = (RDF + "subject", OWL + "annotatedSource", OWL + "sourceIndividual")
_PREDICATES = (RDF + "predicate", OWL + "annotatedProperty", OWL + "assertionProperty")
_OBJECTS = (RDF + "object", OWL + "annotatedTarget", OWL + "targetIndividual", OWL + "targetValue")
_ON, _SOME, _VALUE = OWL + "onProperty", OWL + "someValuesFrom", OWL + "hasValue"
PARTS = frozenset({*_SUBJECTS, *_PREDICATES, *_OBJECTS, _ON, _SOME, _VALUE, REIFIES})
"""Predicates that say what a reifier or a restriction is of."""

NEGATIVE = OWL + "NegativePropertyAssertion"
_OF_PROPERTIES = frozenset({vocabulary.INVERSE, vocabulary.DOMAIN, vocabulary.RANGE})
_LOGICAL_TYPES = frozenset(
    OWL + name for name in ("Restriction", "AllDisjointClasses", "AllDifferent", "AllDisjointProperties")
)
_STATEMENT_TYPES = frozenset({RDF + "Statement", OWL + "Axiom", OWL + "Annotation", NEGATIVE})
_LOOKED_AT = _OF_PROPERTIES | PARTS | {vocabulary.TYPE}


@dataclass
class Survey:
    """What a first look found.

    Attributes:
        properties: Ids of what is declared a property.
        ontologies: Ids of what is an ontology.
        statements: Reifier -> the facts it speaks of.
        negative: Reifiers that say that the fact is false.
        restrictions: Class -> the relation that all its members have, and to what.
        logical: Blank nodes that are part of a logical definition.
        incomplete: Reifiers of which no fact is known.
    """

    properties: set[str] = field(default_factory=set)
    ontologies: set[str] = field(default_factory=set)
    statements: dict[str, list[FactKey]] = field(default_factory=dict)
    negative: set[str] = field(default_factory=set)
    restrictions: dict[str, tuple[str, Key]] = field(default_factory=dict)
    logical: set[str] = field(default_factory=set)
    incomplete: set[str] = field(default_factory=set)

    def nodes(self) -> set[str]:
        """Give all nodes and heads of facts that need more than a look at one quad, as ids and IRIs."""
        found: set[str] = set()
        for nodes in vars(self).values():
            found.update(nodes)
        found.update(fact[0] for facts in self.statements.values() for fact in facts)
        return found | {vocabulary.iri_of(id) for id in found}


def survey(quads: Iterable[Any], terms: Terms) -> Survey:
    """Look through quads once. Memory grows with what is found, not with the facts."""
    from pyoxigraph import BlankNode, NamedNode, Triple

    found, parts = Survey(), dict[str, dict[str, tuple[Any, str]]]()
    for subject, predicate, tail, graph in quads:
        iri = predicate.value
        terms.number(subject, tail, graph)
        if iri not in _LOOKED_AT:
            continue
        head = terms.node(subject)
        if iri == vocabulary.TYPE and isinstance(tail, NamedNode):
            _typed(head, tail.value, isinstance(subject, BlankNode), found)
        elif iri in _OF_PROPERTIES:
            found.properties.add(head)
        elif iri == REIFIES:
            _reified(head, tail, graph, found, terms)
        elif iri in PARTS:
            if iri in _PREDICATES and isinstance(tail, NamedNode):
                value: Key = tail.value  # as the predicates of facts stand
            else:
                value = "" if isinstance(tail, Triple) else terms.key(tail)
            parts.setdefault(head, {})[iri] = value, _place(graph, terms)
    for node, said in parts.items():
        _whole(node, {iri: value for iri, (value, _) in said.items()}, next(iter(said.values()))[1], found)
    return found


def _typed(head: str, kind: str, blank: bool, found: Survey) -> None:
    if kind in PROPERTY_TYPES:
        found.properties.add(head)
    elif kind == OWL + "Ontology":
        found.ontologies.add(head)
    elif kind in _STATEMENT_TYPES:
        found.incomplete.add(head)
        if kind == NEGATIVE:
            found.negative.add(head)
    elif kind in _LOGICAL_TYPES or (blank and kind in (OWL + "Class", vocabulary.RDFS + "Datatype")):
        found.logical.add(head)


def _reified(head: str, tail: Any, graph: Any, found: Survey, terms: Terms) -> None:
    from pyoxigraph import Triple

    if isinstance(tail, Triple) and not isinstance(tail.object, Triple):
        assert not isinstance(tail.subject, Triple)  # RDF 1.2 has them as objects only
        fact = terms.node(tail.subject), tail.predicate.value, terms.key(tail.object), _place(graph, terms)
        found.statements.setdefault(head, []).append(fact)
    else:
        found.incomplete.add(head)


def _whole(node: str, said: dict[str, Key], place: str, found: Survey) -> None:
    """Put the parts of a reifier or a restriction together."""

    def first(iris: tuple[str, ...]) -> Key | None:
        return next((said[iri] for iri in iris if iri in said), None)

    head, relation, tail = first(_SUBJECTS), first(_PREDICATES), first(_OBJECTS)
    if isinstance(head, str) and isinstance(relation, str) and tail is not None:
        found.statements.setdefault(node, []).append((head, relation, tail, place))
        found.incomplete.discard(node)
    elif head is not None or relation is not None or tail is not None:
        found.incomplete.add(node)
    relation, tail = said.get(_ON), said[_SOME] if _SOME in said else said.get(_VALUE)
    if relation is not None or tail is not None:
        found.logical.add(node)
    if isinstance(relation, str) and tail is not None and not _is_blank(tail) and not _is_blank(relation):
        found.restrictions[node] = relation, tail


def _place(graph: Any, terms: Terms) -> str:
    from pyoxigraph import DefaultGraph

    return "" if isinstance(graph, DefaultGraph) else terms.node(graph)


def _is_blank(key: Key) -> bool:
    return isinstance(key, str) and key.startswith("_:")
