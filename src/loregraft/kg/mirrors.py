"""Mirrors: relations that say the same thing seen from the other end, as declared or as the triples show.

`kg/check/triples.py` looks for facts whose mirror is missing.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.runs import runs
from loregraft.kg.tables.columns import Bools

Ends = NDArray[np.integer[Any]]

LIKE = 0.8
"""The share of the facts of both relations that must have a mirror, for a pair that looks like inverses
(the bound of Akrami et al. 2020, Realistic Re-evaluation of Knowledge Graph Completion Methods)."""
LEAST = 4
"""Mirrored facts that a pair must have before it looks like inverses: fewer are chance."""


@dataclass(frozen=True)
class Facts:
    """Each fact once, between two entities that differ: the row of its first statement, and its ends.

    `pairs` numbers head and tail together; `reverse` is the number of tail and head.
    """

    rows: NDArray[np.int64]
    relations: NDArray[np.int64]
    pairs: NDArray[np.int64]
    reverse: NDArray[np.int64]


def distinct_facts(graph: KnowledgeGraph) -> Facts:
    """List the facts, loops left out. Statements of one fact lie together in a graph, so this is one pass."""
    heads, relations, tails = (
        np.asarray(ends, dtype=np.int64) for ends in (graph.heads, graph.relation_indexes, graph.tails)
    )
    first = first_statements(graph) & (heads != tails)
    rows = np.flatnonzero(first)
    heads, tails = heads[rows], tails[rows]
    size = len(graph)
    return Facts(rows, relations[rows], heads * size + tails, tails * size + heads)


def first_statements(graph: KnowledgeGraph) -> Bools:
    """For each triple: is it the first statement of its fact?"""
    return ~further_statements(graph.heads, graph.relation_indexes, graph.tails)


def several_statements(heads: Ends, relations: Ends, tails: Ends) -> Bools:
    """For each row of columns that are sorted by fact: has its fact another statement?"""
    several = further_statements(heads, relations, tails)
    several[:-1] |= several[1:]
    return several


def further_statements(heads: Ends, relations: Ends, tails: Ends) -> Bools:
    """For each row of columns that are sorted by fact: is its fact that of the row before?"""
    further = np.zeros(len(heads), np.bool_)
    if len(further):
        further[1:] = True
        for ends in (heads, relations, tails):
            further[1:] &= ends[1:] == ends[:-1]
    return further


def declared_mirrors(graph: KnowledgeGraph) -> dict[int, int]:
    """Give relation -> its inverse as the graph declares it, in both directions; itself where symmetric."""
    known = {id: index for index, id in enumerate(graph.relation_ids)}
    found: dict[int, int] = {}
    inverses, symmetric = graph.relations["inverse"].to_pylist(), graph.relations["symmetric"].to_pylist()
    for index, (inverse, is_symmetric) in enumerate(zip(inverses, symmetric, strict=True)):
        if is_symmetric:
            found[index] = index
        elif inverse in known:
            found[index] = known[inverse]
            found.setdefault(known[inverse], index)
    return found


def likely_mirrors(graph: KnowledgeGraph, facts: Facts) -> dict[int, int]:
    """Give relation -> the one that looks like its inverse: `LIKE` of the facts of both are mirrored."""
    order = np.argsort(facts.pairs, kind="stable")
    pairs = facts.pairs[order]
    starts, lengths = _places(pairs, facts.reverse)
    mirrored = facts.relations[order[runs(starts, starts + lengths)[1]]]
    size = len(graph.relations)
    codes, counts = np.unique(np.repeat(facts.relations, lengths) * size + mirrored, return_counts=True)
    totals = np.bincount(facts.relations, minlength=size)
    best: dict[int, tuple[int, int]] = {}
    for code, count in zip(codes.tolist(), counts.tolist(), strict=True):
        one, other = divmod(code, size)
        if count >= LEAST and count >= LIKE * max(totals[one], totals[other]):
            best[one] = max(best.get(one, (0, 0)), (count, -other))
    return {one: -negative for one, (_, negative) in sorted(best.items())}


def without_mirror(facts: Facts, mirrors: dict[int, int], relations: int) -> NDArray[np.int64]:
    """Give the places in `facts` of those of a mirrored relation whose mirror no triple states."""
    mirror = np.full(max(relations, 1), -1, np.int64)
    for one, other in mirrors.items():
        mirror[one] = other
    wanted = mirror[facts.relations]
    places = np.flatnonzero(wanted >= 0)
    if not len(places):
        return places
    # Pair and relation do not fit in one integer together, so the pair is numbered first.
    pairs = np.unique(facts.pairs)
    number = np.searchsorted(pairs, facts.reverse[places])
    there = np.minimum(number, len(pairs) - 1)
    known = pairs[there] == facts.reverse[places]
    stated = np.searchsorted(pairs, facts.pairs) * len(mirror) + facts.relations
    return places[~(known & np.isin(there * len(mirror) + wanted[places], stated))]


def _places(
    pairs: NDArray[np.int64], wanted: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give where each wanted pair begins among sorted pairs, and how often it is there."""
    order = np.argsort(wanted)  # looked up in order, which is several times faster
    starts, ends = np.empty(len(wanted), np.int64), np.empty(len(wanted), np.int64)
    starts[order] = np.searchsorted(pairs, wanted[order], "left")
    ends[order] = np.searchsorted(pairs, wanted[order], "right")
    return starts, ends - starts
