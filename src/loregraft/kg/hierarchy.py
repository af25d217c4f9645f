"""The hierarchy of a graph: which relations make it, how deep it is, and who is in a circle of it."""

import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.runs import runs
from loregraft.kg.tables.columns import Bools, Ints

HIERARCHY = ("isa", "subclassof", "subpropertyof", "broader", "broadertransitive", "hypernym", "p279")
"""Relations that lead from the narrower thing to the wider one and must not run in circles: the last
part of their id, without case, underscores and spaces."""

_LAST_PART = re.compile(r"[^/#:]*$")


def hierarchy_relations(graph: KnowledgeGraph) -> list[int]:
    """Give the indexes of the relations that make a hierarchy, by their ids (see `HIERARCHY`)."""
    return [index for index, id in enumerate(graph.relation_ids) if _plain(id) in HIERARCHY]


def hierarchy_rows(graph: KnowledgeGraph) -> Bools:
    """For each triple: is it of a hierarchy, and between two entities?"""
    inside = np.isin(graph.relation_indexes, hierarchy_relations(graph))
    return np.asarray(inside & (graph.heads != graph.tails), dtype=np.bool_)


def heights(heads: Ints, tails: Ints, size: int) -> NDArray[np.int64]:
    """Give for each entity how many triples the longest chain has that goes up from it.

    Those without a triple that they are the head of are taken away, again and again; an entity's
    height is the round in which it went. Every triple is looked at once.

    Returns:
        0 for entities at the top; -1 for those that are in a circle or lead to one.
    """
    found = np.full(size, -1, np.int64)
    open_triples = np.bincount(heads, minlength=size)
    pointers = np.zeros(size + 1, np.int64)
    np.cumsum(np.bincount(tails, minlength=size), out=pointers[1:])
    by_tail = np.argsort(tails, kind="stable")
    front, height = np.flatnonzero(open_triples == 0), 0
    while len(front):
        found[front] = height
        freed = heads[by_tail[runs(pointers[front], pointers[front + 1])[1]]]
        np.subtract.at(open_triples, freed, 1)
        touched = np.unique(freed)
        front, height = touched[open_triples[touched] == 0], height + 1
    return found


def in_circles(heads: Ints, tails: Ints, size: int) -> Bools:
    """Mark the entities that lie in a circle, or between two circles."""
    leads_to = heights(heads, tails, size) < 0
    inside = leads_to[heads] & leads_to[tails]
    found = np.zeros(size, np.bool_)
    found[heights(tails[inside], heads[inside], size) < 0] = True
    return found


def below(graph: KnowledgeGraph, tops: Iterable[int]) -> Bools:
    """Mark some entities and all that the hierarchy leads from to them."""
    rows = hierarchy_rows(graph)
    heads, tails = graph.heads[rows], graph.tails[rows]
    found = np.zeros(len(graph), np.bool_)
    found[list(tops)] = True
    while True:
        more = heads[found[tails] & ~found[heads]]
        if not len(more):
            return found
        found[more] = True


def _plain(relation: str) -> str:
    last = _LAST_PART.search(relation.rstrip("/#"))
    return re.sub(r"[\s_-]", "", last[0] if last else relation).casefold()
