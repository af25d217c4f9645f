"""Rows of a graph's tables from RDF: what each quad says, by the words of `kg/rdf/vocabulary.py`.

Plain facts go straight into columns. What is said of a fact, and the fact itself then, waits until
the end.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from loregraft.kg.rdf import vocabulary
from loregraft.kg.rdf.vocabulary import OWL, RDF, RDFS
from loregraft.kg.readers.rdf.survey import PARTS, FactKey, Survey
from loregraft.kg.readers.rdf.terms import Key, Terms, scalar
from loregraft.kg.readers.rows.triples import pack_qualifiers, pack_references
from loregraft.kg.readers.text.lines import Row
from loregraft.kg.tables.columns import BATCH_ROWS, TABLES, Cell, Columns, Table

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
_UNTYPED = frozenset(map(vocabulary.id_of, vocabulary.UNTYPED))


def columns_of(quads: Iterable[Any], survey: Survey, terms: Terms) -> Iterator[Columns]:
    """Yield the rows of quads; those of a named graph have that as their source.

    Args:
        survey: What the same quads gave in `survey`; an empty one where it would find nothing.
        terms: The one that served the survey.
    """
    from pyoxigraph import DefaultGraph, NamedNode

    relations: dict[str, str] = {}
    reader, batches, odd = _Reader(survey, terms), _Batches(), survey.nodes()
    head_column, relation_column, tail_column = batches.plain
    for subject, predicate, tail, graph in quads:
        relation = relations.get(predicate.value)
        if relation is None:
            relation = relations[predicate.value] = _plain_relation(predicate.value)
        if relation and type(tail) is NamedNode and type(subject) is NamedNode:
            head, to = subject.value, tail.value
            if type(graph) is DefaultGraph and head not in odd and to not in odd:
                head_column.append(vocabulary.id_of(head) if head[:4] == "urn:" else head)
                relation_column.append(relation)
                tail_column.append(vocabulary.id_of(to) if to[:4] == "urn:" else to)
                if len(head_column) >= BATCH_ROWS:
                    yield from batches.take_plain()
                continue
        for placed in reader.quad(subject, predicate.value, tail, graph):
            yield from batches.add(placed)
    for placed in reader.end():
        yield from batches.add(placed)
    yield from batches.end()


def _plain_relation(iri: str) -> str:
    """Give the relation of a predicate that says no more than that; empty: it says more."""
    return "" if iri in _ODD else vocabulary.relation_of(iri)


class _Batches:
    """Puts rows into columns; those with a source and those without stand in different batches."""

    def __init__(self) -> None:
        self.plain: tuple[list[str], list[str], list[str]] = ([], [], [])
        self._waiting: dict[tuple[Table, int, bool], list[Row]] = {}

    def add(self, placed: Placed) -> Iterator[Columns]:
        """Take a row, and yield those of its kind when they are a batch."""
        table, row, place = placed
        kind = (table, len(row), bool(place))
        alike = self._waiting.setdefault(kind, [])
        alike.append((*row, place) if place else row)
        if len(alike) >= BATCH_ROWS:
            yield _batch(kind, self._waiting.pop(kind))

    def take_plain(self) -> Iterator[Columns]:
        """Yield the plain triples, and empty their columns."""
        if self.plain[0]:
            names = ("head", "relation", "tail")
            yield Columns("triples", dict(zip(names, map(list, self.plain), strict=True)))
        for column in self.plain:
            column.clear()

    def end(self) -> Iterator[Columns]:
        """Yield what is left."""
        yield from self.take_plain()
        for kind, alike in self._waiting.items():
            yield _batch(kind, alike)


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

        self._terms.number(subject, tail, graph)
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
        elif iri == vocabulary.TYPE and head in self._survey.restrictions:
            return
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
            yield "entities", (head, "" if tail in _UNTYPED else tail), place
        elif iri in vocabulary.SAME_AS or iri in vocabulary.ATTRIBUTES:
            yield _attribute(head, vocabulary.ATTRIBUTES.get(iri, "xref"), (tail, "", ""), place)
        elif iri in vocabulary.MEDIA:
            yield "media", (head, tail, vocabulary.MEDIA[iri]), place
        elif iri in vocabulary.INVERTED:
            yield "triples", (tail, vocabulary.INVERTED[iri], head), place
        else:
            yield "triples", (head, vocabulary.relation_of(iri), tail), place


def _left_out(reason: str, value: str) -> Placed:
    return "attributes", ("", reason, value, "", "", ""), ""


def _attribute(head: str, property: str, key: tuple[str, str, str], place: str) -> Placed:
    value, datatype, language = key
    return "attributes", (head, property, value, datatype, "", language), place


def _of_literal(head: str, iri: str, key: tuple[str, str, str], place: str) -> Iterator[Placed]:
    value, _, language = key
    is_text = iri in vocabulary.NAME_KINDS or iri in vocabulary.DESCRIPTIONS
    if not value.strip() and (is_text or iri in vocabulary.MEDIA):
        yield _left_out("empty_text", head)
    elif iri in vocabulary.NAME_KINDS:
        yield "names", (head, value, vocabulary.NAME_KINDS[iri], language), place
    elif iri in vocabulary.DESCRIPTIONS:
        yield "descriptions", (head, value, language), place
    elif iri in vocabulary.MEDIA:
        yield "media", (head, value, vocabulary.MEDIA[iri], ""), place
    elif iri == vocabulary.NAMESPACE:
        yield "entities", (head, value), place
    else:
        yield _attribute(head, vocabulary.property_of(iri), key, place)


def _of_property(head: str, iri: str, key: Key, place: str) -> Iterator[Placed]:
    row: dict[str, Cell] = {"id": vocabulary.relation_of(head)}
    if head.startswith("_:") or (isinstance(key, str) and key.startswith("_:")):
        yield _left_out("logical", iri)
        return
    if iri in vocabulary.NAME_KINDS and isinstance(key, tuple):
        row |= {"name": key[0], "language": key[2]}
    elif iri == vocabulary.INVERSE and isinstance(key, str):
        row["inverse"] = vocabulary.relation_of(key)
    elif iri in (vocabulary.DOMAIN, vocabulary.RANGE) and isinstance(key, str):
        row["domain" if iri == vocabulary.DOMAIN else "range"] = key
    elif iri == vocabulary.TYPE:
        row["symmetric"] = key == vocabulary.SYMMETRIC
    else:
        yield _left_out("logical" if iri in _LOGICAL else "text_of_relation", head)
        return
    full = {**TABLES["relations"], **row}
    yield "relations", tuple(cell or "" if cell is None else cell for cell in full.values())[:-1], place


def _columns(said: list[tuple[str, Key]]) -> tuple[dict[str, str], dict[str, Cell]]:
    """Sort what a reifier says into columns and qualifiers."""
    columns: dict[str, str] = {}
    qualifiers: dict[str, Cell] = {}
    references: list[str] = []
    for iri, key in said:
        text = key if isinstance(key, str) else key[0]
        column = vocabulary.STATEMENT_COLUMNS.get(iri, "")
        if iri == vocabulary.SYNONYM_TYPE:
            columns["kind"] = text
        elif column == "references":
            references.append(text)
        elif column and column not in columns and (column != "confidence" or _is_share(text)):
            columns[column] = text
        else:
            property = vocabulary.qualifier_of(iri)
            value = scalar(key)
            qualifiers[property] = f"{qualifiers[property]}|{value}" if property in qualifiers else value
    if references:
        columns["references"] = pack_references(references)
    return columns, qualifiers


def _is_share(text: str) -> bool:
    try:
        return 0 <= float(text) <= 1
    except ValueError:
        return False


def _extended(
    placed: Placed, negated: bool, columns: dict[str, str], qualifiers: dict[str, Cell]
) -> Iterator[Placed]:
    """Add to a row what its reifier says; what the table has no column for is told as left out."""
    table, row, place = placed
    rest = dict(columns)
    place = rest.pop("source", place)
    if table == "triples":
        packed = pack_qualifiers(qualifiers)
        confidence = float(rest.pop("confidence", "1"))
        cells = [rest.pop(name, "") for name in ("valid_from", "valid_to", "licence", "split")]
        row = (*row, negated, rest.pop("references", ""), packed, confidence, *cells)
        negated, qualifiers = False, {}
    elif table == "names":
        kind = vocabulary.synonym_kind(rest.pop("kind", "")) if row[2] == "exact" else None
        row = (*row[:2], kind or row[2], *row[3:])
    elif table == "attributes":
        row = (*row[:4], rest.pop("unit", ""), *row[5:])
    elif table == "media":
        row = (*row[:3], rest.pop("licence", ""))
    if not negated:
        yield table, row, place
    for name in (*rest, *qualifiers, *(["negated"] if negated else [])):
        yield _left_out("said_of_a_fact", name)


def _batch(kind: tuple[Table, int, bool], rows: list[Row]) -> Columns:
    table, width, placed = kind
    names = [*list(TABLES[table])[:width], *(["source"] if placed else [])]
    return Columns(table, dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
