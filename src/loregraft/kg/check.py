"""What is wrong with a graph: names that do not tell apart, ids that nothing is known of, facts that clash.

Each check looks at the whole graph at once and gives one `Finding`. What is lost on the way in (bad
lines, merged rows) is counted by the readers and by `KnowledgeGraph.counts`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from loregraft.kg.graph import Bools, Ints, KnowledgeGraph
from loregraft.kg.names import fold_name
from loregraft.records import SAME_MEANING

Level = Literal["pass", "warn", "fail"]

HIERARCHY = ("is_a", "subclass_of")
"""The relations that must not run in circles."""

EXAMPLES = 3
_INVISIBLE = r"[\p{Cc}\p{Cf}]"  # control characters; zero-width and direction marks, soft hyphens


@dataclass(frozen=True)
class Finding:
    """The outcome of one check.

    Attributes:
        name: What was looked for.
        level: pass: none found; warn: the graph can be used; fail: correct it first.
        count: How many were found.
        examples: Up to three of them.
        fix: What to do; empty when the check passed.
    """

    name: str
    level: Level
    count: int
    examples: tuple[str, ...] = ()
    fix: str = ""


def check_graph(graph: KnowledgeGraph) -> list[Finding]:
    """Run all checks, in a fixed order. Takes about 2 s for 150 thousand names, most of it to fold them."""
    return [check(graph) for check in CHECKS]


def _duplicate_names(graph: KnowledgeGraph) -> Finding:
    rows = graph.names.filter(graph.kind_mask(SAME_MEANING))
    folded = pa.array([fold_name(name) for name in rows["name"].to_pylist()], pa.large_string())
    encoded = folded.dictionary_encode()
    pairs = np.unique(np.stack([np.asarray(encoded.indices), np.asarray(rows["entity"])], axis=1), axis=0)
    names, starts, owners = np.unique(pairs[:, 0], return_index=True, return_counts=True)
    shared = np.flatnonzero(owners > 1)
    examples = [
        f"{encoded.dictionary[int(names[i])].as_py()!r}: "
        + ", ".join(graph.ids[entity] for entity in pairs[starts[i] : starts[i] + min(owners[i], 3), 1])
        + (", ..." if owners[i] > 3 else "")
        for i in shared[:EXAMPLES]
    ]
    fix = "Join the entities if they are one thing; else these names can only be told apart by their context."
    return _finding("names shared by several entities", "warn", len(shared), examples, fix)


def _nameless(graph: KnowledgeGraph) -> Finding:
    found = ~_mentioned(graph, graph.name_entities)
    fix = "Add an entities file with the columns id and name."
    return _of_entities("entities without a name", "warn", graph, found, fix)


def _dangling(graph: KnowledgeGraph) -> Finding:
    known = _mentioned(graph, graph.name_entities)
    for table in (graph.descriptions, graph.attributes):
        known |= _mentioned(graph, np.asarray(table["entity"]))
    known |= np.asarray(pc.not_equal(graph.entities["type"], ""), dtype=np.bool_)
    fix = "Add the file that describes these ids, or correct their spelling in the triples."
    return _of_entities("ids of which only triples speak", "warn", graph, ~known & ~_islands(graph), fix)


def _self_loops(graph: KnowledgeGraph) -> Finding:
    rows = np.flatnonzero(graph.heads == graph.tails)
    return _of_triples("triples from an entity to itself", "warn", graph, rows, "Remove these triples.")


def _cycles(graph: KnowledgeGraph) -> Finding:
    hierarchy = [index for index, id in enumerate(graph.relation_ids) if id in HIERARCHY]
    rows = np.isin(graph.relation_indexes, hierarchy) & (graph.heads != graph.tails)
    heads, tails = graph.heads[rows], graph.tails[rows]
    found = np.zeros(len(graph), bool)
    below = _peeled(heads, tails, len(graph))
    inside = below[heads] & below[tails]
    found[_peeled(tails[inside], heads[inside], len(graph))] = True
    fix = "Remove one triple of each circle: a thing cannot be a kind of itself."
    return _of_entities("entities in a circle of is_a", "fail", graph, found, fix)


def _contradictions(graph: KnowledgeGraph) -> Finding:
    false = graph.negated.select(["head", "relation", "tail"])
    denied = graph.hash_rows(false, negated=False)
    both, places = np.unique(denied[np.isin(denied, graph.triple_hashes)], return_index=True)
    rows = np.flatnonzero(np.isin(denied, graph.triple_hashes))[places][:EXAMPLES]
    examples = [f"{fact.head} {fact.relation} {fact.tail}" for fact in graph.statements(rows, negated=True)]
    fix = "Look at their references, and keep the one that holds (sources may differ by patient)."
    return _finding("facts both asserted and negated", "warn", len(both), examples, fix)


def _undescribed(graph: KnowledgeGraph) -> Finding:
    found = ~_mentioned(graph, np.asarray(graph.descriptions["entity"]))
    fix = "Fine if names say enough; else add descriptions, which objectives on text can use."
    return _of_entities("entities without description", "warn", graph, found, fix)


def _without_alias(graph: KnowledgeGraph) -> Finding:
    same = graph.name_entities[graph.kind_mask(SAME_MEANING)]
    found = np.bincount(same, minlength=len(graph)) == 1
    fix = "Fine for some; the other names of an entity are what teaches a model to recognise it."
    return _of_entities("entities with one name only", "warn", graph, found, fix)


def _without_triple(graph: KnowledgeGraph) -> Finding:
    fix = "Fine if names matter only; else add their triples."
    return _of_entities("entities in no triple", "warn", graph, _islands(graph), fix)


def _empty_names(graph: KnowledgeGraph) -> Finding:
    found = pc.equal(pc.utf8_trim_whitespace(graph.names["name"]), "")
    return _of_names("empty names", "fail", graph, found, "Remove these names, or write them.")


def _invisible(graph: KnowledgeGraph) -> Finding:
    found = pc.match_substring_regex(graph.names["name"], _INVISIBLE)
    fix = "Remove the invisible characters (control, zero-width, direction): they make equal names differ."
    return _of_names("names with invisible characters", "warn", graph, found, fix)


CHECKS = (
    _empty_names,
    _cycles,
    _nameless,
    _dangling,
    _self_loops,
    _contradictions,
    _duplicate_names,
    _invisible,
    _without_alias,
    _undescribed,
    _without_triple,
)
"""All checks, the gravest first."""


def _finding(name: str, level: Level, count: int, examples: Iterable[str], fix: str) -> Finding:
    return Finding(name, level, count, tuple(examples), fix) if count else Finding(name, "pass", 0)


def _of_entities(name: str, level: Level, graph: KnowledgeGraph, found: Bools, fix: str) -> Finding:
    indexes = np.flatnonzero(found)
    return _finding(name, level, len(indexes), (graph.ids[index] for index in indexes[:EXAMPLES]), fix)


def _of_triples(name: str, level: Level, graph: KnowledgeGraph, rows: NDArray[np.int64], fix: str) -> Finding:
    triples = (graph.triple(int(row)) for row in rows[:EXAMPLES])
    examples = (f"{triple.head} {triple.relation} {triple.tail}" for triple in triples)
    return _finding(name, level, len(rows), examples, fix)


def _of_names(name: str, level: Level, graph: KnowledgeGraph, found: pa.ChunkedArray, fix: str) -> Finding:
    rows = graph.names.filter(found)
    shown = rows.slice(0, EXAMPLES).to_pylist()
    examples = (f"{graph.ids[row['entity']]}: {row['name']!a}" for row in shown)
    return _finding(name, level, len(rows), examples, fix)


def _mentioned(graph: KnowledgeGraph, indexes: Ints) -> Bools:
    mask = np.zeros(len(graph), np.bool_)
    mask[indexes] = True
    return mask


def _islands(graph: KnowledgeGraph) -> Bools:
    return ~(_mentioned(graph, graph.heads) | _mentioned(graph, graph.tails))


def _peeled(heads: Ints, tails: Ints, size: int) -> Bools:
    """Tell which entities are left when those that are head of no triple are taken away, again and again.

    Those left are in a circle or lead to one. Every triple is looked at once.
    """
    open_triples = np.bincount(heads, minlength=size)
    pointers = np.zeros(size + 1, np.int64)
    np.cumsum(np.bincount(tails, minlength=size), out=pointers[1:])
    by_tail = np.argsort(tails, kind="stable")
    front = np.flatnonzero(open_triples == 0)
    while len(front):
        starts, lengths = pointers[front], pointers[front + 1] - pointers[front]
        offsets = np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
        freed = heads[by_tail[offsets + np.arange(lengths.sum())]]
        np.subtract.at(open_triples, freed, 1)
        touched = np.unique(freed)
        front = touched[open_triples[touched] == 0]
    return np.asarray(open_triples > 0, dtype=np.bool_)
