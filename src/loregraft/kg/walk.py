"""Go from entity to entity: neighbours, samples of them in batches, paths, and what lies around.

All of it works on the arrays of `kg/indexes.py` by index, also while they lie on disk.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from loregraft.kg.graph import Bools, Ints, KnowledgeGraph

Rows = NDArray[np.int64]


def neighbours(graph: KnowledgeGraph, index: int) -> Ints:
    """Give the entities that share a triple with one, by index, ascending, each once, itself left out."""
    ahead = graph.tails[graph.outgoing(index)]
    behind = graph.heads[graph.incoming(index)]
    found = np.unique(np.concatenate([ahead, behind]))
    return found[found != index]


def sample_neighbours(
    graph: KnowledgeGraph, entities: Ints, count: int, generator: np.random.Generator
) -> tuple[Ints, Rows]:
    """Draw `count` triples of each entity, with replacement, and give who is at their other end.

    Every triple of an entity is equally likely, whichever end of it the entity is.

    Returns:
        The neighbours and the rows of the triples, both (entities, count); -1 for an entity without.
    """
    out_pointers, in_pointers = graph.array("out_pointers"), graph.array("in_pointers")
    starts, ahead = out_pointers[entities], out_pointers[entities + 1]
    ahead = ahead - starts
    behind_starts = in_pointers[entities]
    degrees = ahead + in_pointers[entities + 1] - behind_starts
    draws = (generator.random((len(entities), count)) * degrees[:, None]).astype(np.int64)
    if not len(graph.tails):
        return np.full(draws.shape, -1, np.int32), np.full(draws.shape, -1, np.int64)
    is_ahead = draws < ahead[:, None]
    places = np.where(is_ahead, 0, draws - ahead[:, None] + behind_starts[:, None])
    rows = np.where(is_ahead, draws + starts[:, None], graph.array("in_rows").take(places, mode="clip"))
    safe = np.minimum(rows, len(graph.tails) - 1)
    found = np.where(is_ahead, graph.tails[safe], graph.heads[safe])
    alone = degrees == 0
    if alone.any():
        found[alone], rows[alone] = -1, -1
    return found, rows


def paths(
    graph: KnowledgeGraph, start: int, end: int, max_length: int = 3, limit: int = 20
) -> list[tuple[int, ...]]:
    """Find paths from one entity to another, shortest first, none of which visits an entity twice.

    A triple may be walked against its direction. What is at most half the way from each end is looked
    at, so hubs in the middle cost their degree.

    Args:
        max_length: Of a path, in triples.
        limit: Of paths; the search ends when so many are found.

    Returns:
        Rows of triples, in the order walked. Two statements of one fact are not two paths.
    """
    distances = _distances(graph, end, max_length)
    found: list[tuple[int, ...]] = []
    for length in range(1, max_length + 1):
        for path in _extend(graph, (start,), (), end, length, distances):
            found.append(path)
            if len(found) == limit:
                return found
    return found


def subgraph(graph: KnowledgeGraph, entities: Iterable[int], hops: int = 1, limit: int = 1_000) -> Rows:
    """Give the rows of the triples around some entities, nearest first.

    Args:
        hops: How far to go; 1: only triples that one of the entities is in.
        limit: Of triples; those of the last hop that do not fit are left out, later rows first.
    """
    front = np.unique(np.fromiter(entities, np.int64))
    seen = np.zeros(len(graph), np.bool_)
    seen[front] = True
    chosen: list[int] = []
    known: set[int] = set()
    for _ in range(hops):
        rows = np.unique(np.concatenate([_rows_of(graph, int(entity)) for entity in front] or [front[:0]]))
        new = [row for row in rows.tolist() if row not in known][: limit - len(chosen)]
        chosen += new
        known.update(new)
        reached = np.union1d(graph.heads[new], graph.tails[new]).astype(np.int64) if new else front[:0]
        front = reached[~seen[reached]]
        seen[front] = True
        if len(chosen) >= limit or not len(front):
            break
    return np.array(chosen, np.int64)


def _rows_of(graph: KnowledgeGraph, index: int) -> Rows:
    ahead = np.arange(*graph.outgoing(index).indices(len(graph.tails)), dtype=np.int64)
    return np.concatenate([ahead, graph.incoming(index)])


def _distances(graph: KnowledgeGraph, end: int, most: int) -> dict[int, int]:
    """Give how far entities are from `end`, up to one less than `most`."""
    distances = {end: 0}
    front: Sequence[int] = [end]
    for distance in range(1, most):
        reached: dict[int, None] = {}
        for entity in front:
            reached.update(dict.fromkeys(neighbours(graph, entity).tolist()))
        front = [entity for entity in reached if entity not in distances]
        distances.update(dict.fromkeys(front, distance))
    return distances


def _extend(
    graph: KnowledgeGraph,
    visited: tuple[int, ...],
    rows: tuple[int, ...],
    end: int,
    left: int,
    distances: dict[int, int],
) -> Iterable[tuple[int, ...]]:
    if left == 0:
        if visited[-1] == end:
            yield rows
        return
    here = visited[-1]
    candidates = _rows_of(graph, here)
    heads, tails = graph.heads[candidates], graph.tails[candidates]
    others = np.where(heads == here, tails, heads)
    keep = _first_of_fact(graph, candidates)
    for row, other in zip(candidates[keep].tolist(), others[keep].tolist(), strict=True):
        if other not in visited and distances.get(other, left) <= left - 1 and (other != end or left == 1):
            yield from _extend(graph, (*visited, other), (*rows, row), end, left - 1, distances)


def _first_of_fact(graph: KnowledgeGraph, rows: Rows) -> Bools:
    """Mark the first statement of each fact; those of one fact lie together."""
    facts = np.stack(
        [ends[rows].astype(np.int64) for ends in (graph.heads, graph.relation_indexes, graph.tails)]
    )
    _, first = np.unique(facts, axis=1, return_index=True)
    mask = np.zeros(len(rows), np.bool_)
    mask[first] = True
    return mask
