"""The card of an entity: all that a graph knows of it, as data and as lines for a terminal.

What a graph says is not trusted: it is printed through `kg/show/printable.py`.
`kg/show/drawing.py` draws the same groups of facts.
"""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.identity import triple_id
from loregraft.kg.show.printable import printable
from loregraft.kg.tables.columns import Rows
from loregraft.records import Attribute, Name, Triple


@dataclass(frozen=True)
class Fact:
    """A fact as one of its ends sees it.

    Attributes:
        id: The triple id, by which `kg/edit/change.py` removes the fact.
        other: The id of the entity at the other end.
        name: Its preferred name, or its id.
        statements: Who says so, and under which conditions; several sources may.
    """

    id: str
    other: str
    name: str
    statements: tuple[Triple, ...]


@dataclass(frozen=True)
class FactGroup:
    """The facts of an entity with one relation and one direction.

    Attributes:
        name: Of the relation, or its id.
        outgoing: The entity is the head.
        total: How many facts there are.
        facts: The first of them, in the order of the graph.
    """

    relation: str
    name: str
    outgoing: bool
    negated: bool
    total: int
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class EntityCard:
    """All that a graph knows of an entity; long lists of facts are cut, with a count."""

    id: str
    name: str
    types: tuple[str, ...]
    names: tuple[Name, ...]
    descriptions: tuple[tuple[str, str], ...]
    """(text, language)."""
    attributes: tuple[Attribute, ...]
    media: tuple[tuple[str, str], ...]
    """(reference, kind)."""
    groups: tuple[FactGroup, ...]


def entity_card(graph: KnowledgeGraph, id: str, most: int = 8) -> EntityCard:
    """Give the card of an entity.

    Args:
        most: How many facts of each relation and direction to take.

    Raises:
        ValueError: No entity has this id.
    """
    index = graph.index(id)
    return EntityCard(
        id,
        name_of(graph, index),
        tuple(row["type"] for row in graph.rows_of("types", index)),
        graph.entity(id).names,
        tuple((row["text"], row["language"]) for row in graph.rows_of("descriptions", index)),
        tuple(graph.attributes_of(id)),
        tuple((row["reference"], row["kind"]) for row in graph.rows_of("media", index)),
        tuple(fact_groups(graph, index, most)),
    )


def name_of(graph: KnowledgeGraph, index: int) -> str:
    """Give the preferred name of an entity, or its first one, or its id."""
    row = int(np.searchsorted(graph.name_entities, index))
    if row < len(graph.name_entities) and graph.name_entities[row] == index:
        return str(graph.names["name"][row].as_py())
    return graph.id_at(index)


def relation_name(graph: KnowledgeGraph, index: int) -> str:
    """Give the first name of a relation, or its id."""
    names = graph.tables["relation_names"]
    row = int(np.searchsorted(names["relation"].to_numpy(), index))
    if row < len(names) and names["relation"][row].as_py() == index:
        return str(names["name"][row].as_py())
    return graph.relation_ids[index]


def fact_groups(graph: KnowledgeGraph, index: int, most: int) -> Iterator[FactGroup]:
    """Yield the facts of an entity by relation: as head, as tail, then those known to be false.

    A fact of the entity with itself is told once, as one it is the head of.
    """
    incoming = graph.incoming(index).astype(np.int64)
    incoming = incoming[graph.heads[incoming] != index]
    ahead = np.arange(*graph.outgoing(index).indices(len(graph.tails)), dtype=np.int64)
    yield from _groups(graph, ahead, (True, False), most)
    yield from _groups(graph, incoming, (False, False), most)
    heads, tails = (np.asarray(graph.negated[end]) for end in ("head", "tail"))
    yield from _groups(graph, np.flatnonzero(heads == index), (True, True), most)
    yield from _groups(graph, np.flatnonzero((tails == index) & (heads != index)), (False, True), most)


def _groups(graph: KnowledgeGraph, rows: Rows, kind: tuple[bool, bool], most: int) -> Iterator[FactGroup]:
    outgoing, negated = kind
    table = graph.negated if negated else graph.triples
    taken = table.select(["relation", "tail" if outgoing else "head"]).take(pa.array(rows))
    relations, others = (np.asarray(column) for column in taken.columns)
    for relation in np.unique(relations).tolist():
        here = relations == relation
        ends = np.unique(others[here])
        facts = tuple(
            _fact(graph, other, rows[here & (others == other)], kind) for other in ends[:most].tolist()
        )
        name = relation_name(graph, relation)
        yield FactGroup(graph.relation_ids[relation], name, outgoing, negated, len(ends), facts)


def _fact(graph: KnowledgeGraph, other: int, rows: Rows, kind: tuple[bool, bool]) -> Fact:
    outgoing, negated = kind
    statements = tuple(graph.statements(rows, negated))
    fact = statements[0]
    id = triple_id(fact.head, fact.relation, fact.tail, negated)
    return Fact(id, fact.tail if outgoing else fact.head, name_of(graph, other), statements)


def card_lines(card: EntityCard, width: int = 88, shown: int = 12) -> list[str]:
    """Write a card as lines for a terminal, in which nothing but text is left.

    Args:
        shown: How many attributes, and names of one kind and language, to write.
    """
    types = f"  ({', '.join(card.types)})" if card.types else ""
    lines = [f"{card.name}  {card.id}{types}"]
    for text, language in card.descriptions:
        lines += textwrap.wrap(text if language == "en" else f"[{language}] {text}", width - 2) or []
    lines[1:] = [f"  {line}" for line in lines[1:]]
    lines += _section("names", _names(card.names, shown))
    lines += _section("attributes", _attributes(card.attributes, shown))
    lines += _section("media", _cut([f"{kind}: {reference}" for reference, kind in card.media], shown))
    for group in card.groups:
        arrow = f"{group.name} →" if group.outgoing else f"← {group.name}"
        more = [f"and {group.total - len(group.facts):,} more"] if group.total > len(group.facts) else []
        title = f"known to be false: {arrow}" if group.negated else arrow
        lines += _section(f"{title}  ({group.total:,})", [*_facts(group.facts), *more])
    return [part for line in lines for part in _fitted(printable(line), width)]


def _fitted(line: str, width: int) -> list[str]:
    """Break a line that is too long; what follows is set in further than it begins."""
    if len(line) <= width:
        return [line]
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    first = line[: len(line) - len(line.lstrip())]
    return textwrap.wrap(
        line.strip(), width, initial_indent=first, subsequent_indent=indent, break_on_hyphens=False
    )


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return ["", title, *(f"  {line}" for line in lines)] if lines else []


def _cut(lines: Sequence[str], shown: int) -> list[str]:
    more = len(lines) - shown
    return [*lines[:shown], f"and {more:,} more"] if more > 0 else list(lines)


def _names(names: Sequence[Name], shown: int) -> list[str]:
    grouped: dict[tuple[str, str], list[str]] = {}
    for name in names:
        grouped.setdefault((name.kind, name.language), []).append(name.text)
    return [
        f"{kind}{'' if language == 'en' else f' [{language}]'}: {'; '.join(_cut(texts, shown))}"
        for (kind, language), texts in grouped.items()
    ]


def _attributes(attributes: Sequence[Attribute], shown: int) -> list[str]:
    grouped: dict[str, list[str]] = {}
    for attribute in attributes:
        unit = f" {attribute.unit}" if attribute.unit else ""
        language = f" [{attribute.language}]" if attribute.language not in ("", "en") else ""
        grouped.setdefault(attribute.property, []).append(f"{attribute.value}{unit}{language}")
    lines = [f"{property}: {'; '.join(_cut(values, shown))}" for property, values in grouped.items()]
    return _cut(lines, shown)


def _facts(facts: Sequence[Fact]) -> Iterator[str]:
    for fact in facts:
        said = [words for words in map(_said, fact.statements) if words]
        yield f"{fact.name}  {fact.other}" + (f"  [{said[0]}]" if said else "")
        yield from (f"    [{words}]" for words in said[1:])


def _said(triple: Triple) -> str:
    words = [f"{property} {value}" for property, value in triple.qualifiers]
    words += [f"confidence {triple.confidence:g}"] if triple.confidence != 1 else []
    words += [f"from {triple.valid_from}"] if triple.valid_from else []
    words += [f"to {triple.valid_to}"] if triple.valid_to else []
    words += [", ".join(triple.references)] if triple.references else []
    words += [f"by {triple.source}"] if triple.source else []
    return "; ".join(words)
