"""Change the statements of a graph: add, replace and remove them; the graph given stays as it is.

Entities and relations stay when their last statement goes; new ones come after those that were there.
`kg/edit/folder.py` changes the graph of a folder.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa

from loregraft.kg.edit.rows import PARTS, Part, Step, exchange
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.identity import Hashes, hash_ids, hash_triples
from loregraft.kg.readers.rows.triples import pack_qualifiers
from loregraft.kg.tables.assemble import SCHEMAS, Tables
from loregraft.kg.tables.columns import REFERENCE_MARK, Bools
from loregraft.kg.tables.gather import TEXT
from loregraft.records import Triple

_ID_DIGITS = 16


@dataclass(frozen=True)
class Change:
    """What an edit did.

    Attributes:
        added: Statements that are new.
        already_there: Statements to add that the graph had, word for word, or that came twice.
        removed: Statements that went; a fact may have several.
        not_found: The facts to remove that the graph does not have, as they were given.
        new_entities: Ids that the graph did not know.
        new_relations: Likewise.
    """

    added: int = 0
    already_there: int = 0
    removed: int = 0
    not_found: tuple[str, ...] = ()
    new_entities: tuple[str, ...] = ()
    new_relations: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)


def edited(
    graph: KnowledgeGraph, add: Iterable[Triple] = (), remove: Iterable[Triple | str] = ()
) -> tuple[KnowledgeGraph, Change]:
    """Give a graph with some statements removed and others added; the one given stays as it is.

    What is removed goes first, so that a statement can be replaced in one step.

    Args:
        add: Statements; one that the graph has word for word is not added again.
        remove: Facts, as triples or as triple ids. All statements of the fact go, whoever made them;
            of the fact asserted or of the fact negated, as the triple or its id says.

    Raises:
        ValueError: A triple without head, relation or tail, or a reference with a `|`, is to be added;
            or a triple id is not 16 hexadecimal digits.
    """
    after, change, _ = edited_step(graph, add, remove)
    return after, change


def edited_step(
    graph: KnowledgeGraph, add: Iterable[Triple], remove: Iterable[Triple | str]
) -> tuple[KnowledgeGraph, Change, Step]:
    """Do the work of `edited`, and give also what its undo needs."""
    wanted = _hashes_to_remove(remove)
    hashes = {"triples": graph.triple_hashes, "negated": graph.negated_hashes}
    leaving = {part: np.isin(hashes[part], np.array(list(wanted), np.uint64)) for part in PARTS}
    found = {int(hash) for part in PARTS for hash in np.unique(hashes[part][leaving[part]])}
    additions = list(add)
    _check(additions)
    numbers = _numbers(graph, additions)
    tables: Tables = dict(graph.tables)
    moves, added = {}, 0
    for part in PARTS:
        triples = [triple for triple in additions if triple.negated == (part == "negated")]
        coming = _new_rows(graph, part, triples, leaving[part], numbers)
        if len(coming) or leaving[part].any():
            tables[part], moves[part] = exchange(tables[part], leaving[part], coming)
        added += len(coming)
    change = Change(
        added,
        len(additions) - added,
        int(sum(leaving[part].sum() for part in PARTS)),
        tuple(text for hash, text in wanted.items() if hash not in found),
        tuple(id for id, index in numbers.entities.items() if index >= len(graph)),
        tuple(id for id, index in numbers.relations.items() if index >= len(graph.relations)),
    )
    tables["entities"] = _with_ids("entities", graph, change.new_entities)
    tables["relations"] = _with_ids("relations", graph, change.new_relations)
    step = Step(len(graph), len(graph.relations), moves)
    return KnowledgeGraph(tables, graph.tally), change, step


def _hashes_to_remove(remove: Iterable[Triple | str]) -> dict[int, str]:
    """Give the triple id of each fact as a number, with the words that name it."""
    wanted: dict[int, str] = {}
    for fact in remove:
        if isinstance(fact, Triple):
            words = f"{'not ' if fact.negated else ''}{fact.head} {fact.relation} {fact.tail}"
            wanted[int(_hashes([fact])[0])] = words
        elif len(fact) == _ID_DIGITS and all(digit in "0123456789abcdefABCDEF" for digit in fact):
            wanted[int(fact, 16)] = fact
        else:
            raise ValueError(f"a triple id has {_ID_DIGITS} hexadecimal digits, got {fact!r}")
    return wanted


def _hashes(triples: Sequence[Triple]) -> Hashes:
    """Hash triples that are all asserted or all negated."""
    ends = [hash_ids(getattr(triple, end) for triple in triples) for end in ("head", "relation", "tail")]
    return hash_triples(ends[0], ends[1], ends[2], bool(triples and triples[0].negated))


def _check(triples: Iterable[Triple]) -> None:
    for triple in triples:
        if not (triple.head and triple.relation and triple.tail):
            raise ValueError(f"a triple to add has an empty head, relation or tail: {triple}")
        if any(REFERENCE_MARK in reference for reference in triple.references):
            raise ValueError(
                f"a reference has a {REFERENCE_MARK!r}, which stands between references: {triple}"
            )


@dataclass(frozen=True)
class _Numbers:
    """The indexes of the ids that the triples to add name; new ids come after those of the graph."""

    entities: dict[str, int]
    relations: dict[str, int]


def _numbers(graph: KnowledgeGraph, triples: Sequence[Triple]) -> _Numbers:
    ends = (end for triple in triples for end in (triple.head, triple.tail))
    known = {id: index for index, id in enumerate(graph.relation_ids)}
    return _Numbers(
        _numbered(ends, graph.find, len(graph)),
        _numbered((triple.relation for triple in triples), known.get, len(known)),
    )


def _numbered(ids: Iterable[str], find: Callable[[str], int | None], free: int) -> dict[str, int]:
    numbers: dict[str, int] = {}
    for id in dict.fromkeys(ids):
        found = find(id)
        numbers[id] = free if found is None else found
        free += found is None
    return numbers


def _new_rows(
    graph: KnowledgeGraph,
    part: Part,
    triples: Sequence[Triple],
    leaving: Bools,
    numbers: "_Numbers",
) -> pa.Table:
    """Give the statements that are new as rows."""
    if not triples:
        return SCHEMAS[part].empty_table()
    hashes = graph.triple_hashes if part == "triples" else graph.negated_hashes
    same_fact = np.flatnonzero(np.isin(hashes, _hashes(triples)) & ~leaving)
    known = {_words(triple) for triple in graph.statements(same_fact, part == "negated")}
    rows = []
    for triple in triples:
        words = _words(triple)
        if words not in known:
            known.add(words)
            ends = {
                "head": numbers.entities[triple.head],
                "relation": numbers.relations[triple.relation],
                "tail": numbers.entities[triple.tail],
            }
            rows.append(ends | _said(triple))
    return pa.Table.from_pylist(rows, schema=SCHEMAS[part])


def _words(triple: Triple) -> tuple[object, ...]:
    """Give all that a statement says, in one way of writing it, whatever the way of the graph."""
    return (triple.head, triple.relation, triple.tail, *_said(triple).values())


def _said(triple: Triple) -> dict[str, str | float]:
    return {
        "references": REFERENCE_MARK.join(triple.references),
        "qualifiers": pack_qualifiers(dict(triple.qualifiers)),
        "confidence": float(np.float32(triple.confidence)),
        "valid_from": triple.valid_from,
        "valid_to": triple.valid_to,
        "licence": triple.licence,
        "split": triple.split,
        "source": triple.source,
    }


def _with_ids(table: Literal["entities", "relations"], graph: KnowledgeGraph, ids: Sequence[str]) -> pa.Table:
    """Give the table of entities or relations with new ids at its end, of which nothing else is known."""
    rows = graph.entities if table == "entities" else graph.relations
    if not ids:
        return rows
    columns = {
        column.name: pa.array(ids, TEXT)
        if column.name == "id"
        else pa.repeat(pa.scalar(False if pa.types.is_boolean(column.type) else "", column.type), len(ids))
        for column in rows.schema
    }
    return pa.concat_tables([rows, pa.table(columns, schema=rows.schema)]).combine_chunks()
