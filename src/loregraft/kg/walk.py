"""Go from entity to entity: neighbours, samples of them in batches, paths, and what lies around.

All of it works on the arrays of `kg/indexes.py` by index, also while they lie on disk.
"""

from collections.abc import Iterable, Iterator

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

    Every triple of an entity is equally likely, whichever end of it the entity is; one from the entity
    to itself counts twice, once for each end.

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

    A triple may be walked against its direction. From `end` one goes back half the way at most; only
    those triples from `start` are followed that can still meet what was reached so. Time grows with the
    number of triples that are half the way from each end.

    Args:
        max_length: Of a path, in triples.
        limit: Of paths; the search ends when so many are found.

    Returns:
        Rows of triples, in the order walked. Two statements of one fact are not two paths. There is
        none from an entity to itself.
    """
    found: list[tuple[int, ...]] = []
    if start == end or limit < 1:
        return found
    distances = _Distances(graph, end)
    for length in range(1, max_length + 1):
        distances.grow(length // 2)
        for path in _extend(graph, (start,), (), length, distances):
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
    chosen = np.zeros(0, np.int64)
    for _ in range(hops):
        around = [_rows_of(graph, int(entity)) for entity in front]
        new = np.setdiff1d(np.concatenate([chosen[:0], *around]), chosen)[: max(limit - len(chosen), 0)]
        chosen = np.concatenate([chosen, new])
        reached = np.union1d(graph.heads[new], graph.tails[new]).astype(np.int64)
        front = reached[~seen[reached]]
        seen[front] = True
        if len(chosen) >= limit or not len(front):
            break
    return chosen


def _rows_of(graph: KnowledgeGraph, index: int) -> Rows:
    ahead = np.arange(*graph.outgoing(index).indices(len(graph.tails)), dtype=np.int64)
    return np.concatenate([ahead, graph.incoming(index)])


class _Distances:
    """How far entities are from one of them, as far as was looked; grows when it is asked to."""

    def __init__(self, graph: KnowledgeGraph, end: int) -> None:
        self.end, self.radius = end, 0
        self._graph = graph
        self._steps = np.full(len(graph), _FAR, np.int32)
        self._steps[end] = 0
        self._front: Ints = np.array([end], np.int32)

    def grow(self, radius: int) -> None:
        """Look up to `radius` triples far."""
        while self.radius < radius:
            self.radius += 1
            around = [neighbours(self._graph, entity) for entity in self._front.tolist()]
            reached = np.unique(np.concatenate([self._front[:0], *around]))
            self._front = reached[self._steps[reached] == _FAR]
            self._steps[self._front] = self.radius

    def may_be_within(self, entities: Ints, steps: int) -> Bools:
        """For each entity: is it at most so far, or can that not be told yet?"""
        if steps > self.radius:
            return np.ones(len(entities), np.bool_)
        return self._steps[entities] <= steps


_FAR = np.iinfo(np.int32).max


def _extend(
    graph: KnowledgeGraph, visited: tuple[int, ...], rows: tuple[int, ...], left: int, distances: _Distances
) -> Iterator[tuple[int, ...]]:
    """Yield the paths that go on with `left` more triples and then are at the end."""
    if left == 0:
        yield rows
        return
    here, end = visited[-1], distances.end
    candidates = _rows_of(graph, here)
    heads, tails = graph.heads[candidates], graph.tails[candidates]
    others = np.where(heads == here, tails, heads)
    # The end itself comes last: a path that passes it earlier would visit it twice.
    keep = others == end if left == 1 else distances.may_be_within(others, left - 1) & (others != end)
    candidates, others = candidates[keep], others[keep]
    keep = _first_of_fact(graph, candidates)
    for row, other in zip(candidates[keep].tolist(), others[keep].tolist(), strict=True):
        if other not in visited:
            yield from _extend(graph, (*visited, other), (*rows, row), left - 1, distances)


def _first_of_fact(graph: KnowledgeGraph, rows: Rows) -> Bools:
    """Mark the first statement of each fact."""
    facts = np.stack(
        [ends[rows].astype(np.int64) for ends in (graph.heads, graph.relation_indexes, graph.tails)]
    )
    _, first = np.unique(facts, axis=1, return_index=True)
    mask = np.zeros(len(rows), np.bool_)
    mask[first] = True
    return mask
