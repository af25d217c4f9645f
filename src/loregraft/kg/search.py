"""Find entities by name: the whole name, how it begins, or something like it.

Names are compared as `kg/names.py` folds them. The sorted names lie in the arrays of `kg/indexes.py`,
so a look-up in a graph on disk reads a few pages of it.
"""

import bisect
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.names import fold_name


@dataclass(frozen=True)
class Found:
    """An entity that was found.

    Attributes:
        entity: Its index.
        name: The name that fits, as written in the graph.
        score: 0..1; 1 for an equal name.
    """

    entity: int
    name: str
    score: float


def entities_named(graph: KnowledgeGraph, name: str) -> list[int]:
    """Give the entities that bear a name, of any kind and language, by index, ascending."""
    wanted = fold_name(name).encode()
    places = _places(graph, wanted, wanted + b"\x00")
    return sorted({found.entity for found in _found(graph, places)})


def search(graph: KnowledgeGraph, text: str, limit: int = 10, least: float = 0.7) -> list[Found]:
    """Find entities by name, best first, each once: equal names, then names that begin so, then like names.

    A like name is looked for only where the others leave room; that takes about 0.1 s for 150
    thousand names.

    Args:
        least: The score that a like name must have: 1 - edits / longer length.
    """
    wanted = fold_name(text).encode()
    if not wanted:
        return []
    best: dict[int, Found] = {}
    for end, score in ((wanted + b"\x00", 1.0), (wanted + b"\xff", 0.0)):
        for found in _found(graph, _places(graph, wanted, end)):
            share = score or len(wanted) / max(len(fold_name(found.name).encode()), 1)
            best.setdefault(found.entity, Found(found.entity, found.name, round(share, 4)))
            if len(best) >= limit:
                return _ranked(best)[:limit]
    for found in _like(graph, wanted.decode(), limit, least):
        best.setdefault(found.entity, found)
    return _ranked(best)[:limit]


def _ranked(best: dict[int, Found]) -> list[Found]:
    return sorted(best.values(), key=lambda found: (-found.score, found.entity))


def _places(graph: KnowledgeGraph, first: bytes, end: bytes) -> range:
    names = _SortedNames(graph)
    return range(bisect.bisect_left(names, first), bisect.bisect_left(names, end))


def _found(graph: KnowledgeGraph, places: range) -> Iterator[Found]:
    order, names = graph.array("name_order"), graph.names
    for place in places:
        row = int(order[place])
        yield Found(names["entity"][row].as_py(), names["name"][row].as_py(), 1.0)


def _like(graph: KnowledgeGraph, wanted: str, limit: int, least: float) -> list[Found]:
    from rapidfuzz import process
    from rapidfuzz.distance import Levenshtein

    names = _SortedNames(graph)
    texts = [names[place].decode() for place in range(len(names))]
    hits = process.extract(
        wanted, texts, scorer=Levenshtein.normalized_similarity, score_cutoff=least, limit=4 * limit
    )
    return [
        Found(found.entity, found.name, round(score, 4))
        for _, score, place in hits
        for found in _found(graph, range(place, place + 1))
    ]


class _SortedNames:
    """The folded names in order, as a sequence of bytes."""

    def __init__(self, graph: KnowledgeGraph) -> None:
        self._bytes = np.asarray(graph.array("name_bytes"))
        self._pointers = graph.array("name_pointers")

    def __len__(self) -> int:
        return len(self._pointers) - 1

    def __getitem__(self, place: int) -> bytes:
        start, end = self._pointers[place : place + 2].tolist()
        return self._bytes[start:end].tobytes()
