"""Go from entity to entity: neighbours, samples of them in batches, paths, and what lies around.

All of it works on the arrays of `kg/indexes.py` by index, also while they lie on disk.
"""

import logging
from collections.abc import Iterable, Iterator

import numpy as np

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.runs import runs
from loregraft.kg.tables.columns import Bools, Ints, Rows

MOST_TRIED = 100_000
"""How many entities `paths` goes on from before it gives up; takes some seconds."""

_log = logging.getLogger(__name__)


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

    A triple may be walked against its direction. Distances are measured from `end` first, a step more for
    each length; only entities that are near enough to it are gone on from. Where very many of these lead
    nowhere the search ends with what was found so far, and that is logged.

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
    search = _Search(graph, start, end)
    for length in range(1, max_length + 1):
        if not search.reaches(length):
            continue
        for path in search.extend((start,), (), length):
            found.append(path)
            if len(found) == limit:
                return found
    if search.tried > MOST_TRIED:
        _log.warning("gave up after %s entities; there may be more paths", f"{MOST_TRIED:,}")
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
        new = np.setdiff1d(_rows_of(graph, front), chosen)[: max(limit - len(chosen), 0)]
        chosen = np.concatenate([chosen, new])
        reached = np.union1d(graph.heads[new], graph.tails[new]).astype(np.int64)
        front = reached[~seen[reached]]
        seen[front] = True
        if len(chosen) >= limit or not len(front):
            break
    return chosen


def _rows_of(graph: KnowledgeGraph, entities: Rows) -> Rows:
    """Give the rows of the triples that entities are in, as heads, then as tails."""
    out, into = graph.array("out_pointers"), graph.array("in_pointers")
    ahead = runs(out[entities], out[entities + 1])[1]
    behind = graph.array("in_rows")[runs(into[entities], into[entities + 1])[1]]
    return np.concatenate([ahead, behind.astype(np.int64)])


_FAR = np.iinfo(np.int32).max


class _Search:
    """How far entities are from the end of the paths, as far as was looked; and who was tried."""

    def __init__(self, graph: KnowledgeGraph, start: int, end: int) -> None:
        self._graph, self._start, self._end = graph, start, end
        self._steps = np.full(len(graph), _FAR, np.int32)
        self._steps[end] = 0
        self._front: Rows = np.array([end], np.int64)
        self._radius = self.tried = 0

    def reaches(self, steps: int) -> bool:
        """Look up to `steps` triples far: is the start so near?"""
        while self._radius < steps and len(self._front):
            self._radius += 1
            rows = _rows_of(self._graph, self._front)
            reached = np.zeros(len(self._graph), np.bool_)
            reached[self._graph.heads[rows]] = reached[self._graph.tails[rows]] = True
            self._front = np.flatnonzero(reached & (self._steps == _FAR))
            self._steps[self._front] = self._radius
            self._front = self._front[self._front != self._start]  # no path goes on behind it
        return bool(self._steps[self._start] <= steps)

    def extend(self, visited: tuple[int, ...], rows: tuple[int, ...], left: int) -> Iterator[tuple[int, ...]]:
        """Yield the paths that go on with `left` more triples and then are at the end."""
        if left == 0:
            yield rows
            return
        self.tried += 1
        if self.tried > MOST_TRIED:
            return
        candidates, others = self._next(visited[-1], left)
        for row, other in zip(candidates.tolist(), others.tolist(), strict=True):
            if other not in visited:
                yield from self.extend((*visited, other), (*rows, row), left - 1)

    def _next(self, here: int, left: int) -> tuple[Rows, Ints]:
        """Give the triples to walk and whom they lead to, each fact once."""
        candidates = _rows_of(self._graph, np.array([here]))
        heads, tails = self._graph.heads[candidates], self._graph.tails[candidates]
        others = np.where(heads == here, tails, heads)
        # The end itself comes last: a path that passes it earlier would visit it twice.
        keep = (self._steps[others] <= left - 1) & ((others == self._end) == (left == 1))
        candidates, others = candidates[keep], others[keep]
        keep = _first_of_fact(self._graph, candidates)
        return candidates[keep], others[keep]


def _first_of_fact(graph: KnowledgeGraph, rows: Rows) -> Bools:
    """Mark the first statement of each fact."""
    facts = np.stack(
        [ends[rows].astype(np.int64) for ends in (graph.heads, graph.relation_indexes, graph.tails)]
    )
    _, first = np.unique(facts, axis=1, return_index=True)
    mask = np.zeros(len(rows), np.bool_)
    mask[first] = True
    return mask
