"""Find entities by name: the whole name, how it begins, or something like it.

Names are compared as `kg/names.py` folds them. The sorted names lie in the arrays of `kg/indexes.py`,
so a look-up in a graph on disk reads a few pages of it.
"""

import bisect
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.names import fold_name
from loregraft.kg.tables.columns import Rows


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
    wanted = _wanted(name)
    if not wanted:
        return []
    return sorted({found.entity for found in _found(graph, _equal(graph, wanted))})


def resolve(graph: KnowledgeGraph, text: str) -> list[int]:
    """Give the entity that has this id; where there is none, those that bear it as a name."""
    index = graph.find(text)
    return entities_named(graph, text) if index is None else [index]


def search(graph: KnowledgeGraph, text: str, limit: int = 10, least: float = 0.7) -> list[Found]:
    """Find entities by name, best first, each once: equal names, names that begin so, and like names.

    An equal name scores 1, one that begins so the share of its bytes that was given. A like name is
    looked for only where the others leave room; that takes about 0.1 s for 150 thousand names.

    Args:
        least: The score that a like name must have: 1 - edits / longer length.
    """
    wanted = _wanted(text)
    if not wanted or limit < 1:
        return []
    best: dict[int, Found] = {}
    _take(best, _found(graph, _equal(graph, wanted)), limit)
    _take(best, _beginning(graph, wanted), limit)
    if len(best) < limit:
        for found in _like(graph, wanted.decode(), limit, least):
            if found.entity not in best or found.score > best[found.entity].score:
                best[found.entity] = found
    return sorted(best.values(), key=lambda found: (-found.score, found.entity))[:limit]


def _wanted(text: str) -> bytes:
    """Fold a text as the names are; empty where it has half of a character, which no name has."""
    try:
        return fold_name(text).encode()
    except UnicodeEncodeError:
        return b""


def _take(best: dict[int, Found], more: Iterator[Found], limit: int) -> None:
    while len(best) < limit and (found := next(more, None)):
        best.setdefault(found.entity, found)


def _equal(graph: KnowledgeGraph, wanted: bytes) -> range:
    return _places(graph, wanted, wanted + b"\x00")


def _beginning(graph: KnowledgeGraph, wanted: bytes) -> Iterator[Found]:
    """Yield the names that begin so and go on, the shortest first."""
    places = _places(graph, wanted + b"\x00", wanted + b"\xff")  # UTF-8 has no byte 0xff
    lengths = np.diff(graph.array("name_pointers")[places.start : places.stop + 1])
    for place in np.argsort(lengths, kind="stable").tolist():
        score = round(len(wanted) / int(lengths[place]), 4)
        yield from _found(graph, places[place : place + 1], score)


def _places(graph: KnowledgeGraph, first: bytes, end: bytes) -> range:
    names = _SortedNames(graph)
    return range(bisect.bisect_left(names, first), bisect.bisect_left(names, end))


def _found(graph: KnowledgeGraph, places: range, score: float = 1.0) -> Iterator[Found]:
    order, names = graph.array("name_order"), graph.names
    for place in places:
        row = int(order[place])
        yield Found(names["entity"][row].as_py(), names["name"][row].as_py(), score)


def _like(graph: KnowledgeGraph, wanted: str, limit: int, least: float) -> list[Found]:
    from rapidfuzz import process
    from rapidfuzz.distance import Levenshtein

    places, texts = _of_fitting_length(graph, len(wanted), least)
    hits = process.extract(
        wanted, texts, scorer=Levenshtein.normalized_similarity, score_cutoff=least, limit=4 * limit
    )
    found: list[Found] = []
    for _, score, hit in hits:
        place = int(places[hit])
        found += _found(graph, range(place, place + 1), round(score, 4))
    return found


def _of_fitting_length(graph: KnowledgeGraph, length: int, least: float) -> tuple[Rows, list[str]]:
    """Give the names that are not too long or short to be like one, by place; the others stay bytes."""
    pointers, content = np.ascontiguousarray(graph.array("name_pointers")), graph.array("name_bytes")
    buffers = [None, pa.py_buffer(pointers), pa.py_buffer(np.ascontiguousarray(content))]
    names = pa.Array.from_buffers(pa.large_string(), len(pointers) - 1, buffers)
    lengths = np.asarray(pc.utf8_length(names))
    shorter, longer = np.minimum(lengths, length), np.maximum(lengths, length)
    places = np.flatnonzero(shorter >= least * longer - 1e-9)  # the difference in length is edits
    return places, names.take(pa.array(places)).to_pylist()


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
