"""Views: the strings by which a graph speaks of each concept, free of what is held out.

The views of one concept are pulled together by `objectives.alignment`. A view that contains a
held-out name, as whole words, is removed and counted: in names, synonyms and definitions alike.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.names import fold_name
from loregraft.records import SAME_MEANING

DEFINITION = "definition"
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z(])|(?<=[。！？])")


@dataclass(frozen=True)
class Views:
    """Rows of (concept, text, kind), grouped by concept, the preferred name first.

    Attributes:
        concepts: The entity index of each row, ascending.
        kinds: A name kind, or "definition".
        sources: Which of the graph's sources said so.
        removed: How many views fell to the held-out names, by kind of view.
    """

    concepts: NDArray[np.int64]
    texts: tuple[str, ...]
    kinds: tuple[str, ...]
    sources: tuple[str, ...]
    removed: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.texts)


def collect_views(
    graph: KnowledgeGraph,
    concepts: NDArray[np.int64],
    held_out: Collection[str],
    tainted: Collection[int] = (),
) -> Views:
    """Gather names that mean the same, and the first sentence of the definition, of some concepts.

    Names that fold to the same string are one view.

    Args:
        concepts: Entity indexes that may be learned from.
        held_out: Folded names that no view may contain.
        tainted: Entities whose definition mentions a held-out entity by whatever spelling.
    """
    allowed = np.zeros(len(graph), bool)
    allowed[concepts] = True
    leaks, tainted = Leaks(held_out), frozenset(tainted)
    rows: list[tuple[int, int, str, str, str]] = []
    seen: set[tuple[int, str]] = set()
    removed: Counter[str] = Counter()
    for order, (concept, text, kind, source) in enumerate(_strings(graph)):
        folded = fold_name(text)
        if not allowed[concept] or not folded or (concept, folded) in seen:
            continue
        seen.add((concept, folded))
        if leaks.in_folded(folded) or (kind == DEFINITION and concept in tainted):
            removed[kind] += 1
        else:
            rows.append((concept, order, text, kind, source))
    rows.sort()
    concept_column = np.array([row[0] for row in rows], np.int64)
    texts, kinds, sources = (tuple(str(row[column]) for row in rows) for column in (2, 3, 4))
    return Views(concept_column, texts, kinds, sources, dict(sorted(removed.items())))


def first_sentence(text: str) -> str:
    """Give a text up to the end of its first sentence, English or Chinese."""
    return _SENTENCE_END.split(text.strip(), maxsplit=1)[0]


class Leaks:
    """Finds held-out names in folded text: as whole words, or anywhere where a name has CJK characters."""

    def __init__(self, held_out: Collection[str]) -> None:
        self._names = frozenset(held_out)
        self._longest = max((len(name.split()) for name in self._names), default=0)
        self._unspaced = tuple(sorted(name for name in self._names if _CJK.search(name)))

    def in_folded(self, text: str) -> bool:
        """Tell whether a folded text contains a held-out name."""
        words = text.split()
        spans = (
            " ".join(words[first:last])
            for first in range(len(words))
            for last in range(first + 1, min(len(words), first + self._longest) + 1)
        )
        if any(span in self._names for span in spans):
            return True
        return bool(self._unspaced and _CJK.search(text)) and any(name in text for name in self._unspaced)


_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]")


def _strings(graph: KnowledgeGraph) -> Iterator[tuple[int, str, str, str]]:
    """Yield (entity, text, kind, source): preferred names, then the other names, then definitions."""
    columns = (graph.names[column].to_pylist() for column in ("entity", "name", "kind", "source"))
    names = list(zip(*columns, strict=True))
    same = set(SAME_MEANING) - {"preferred"}
    yield from (row for row in names if row[2] == "preferred")
    yield from (row for row in names if row[2] in same)
    columns = (graph.descriptions[column].to_pylist() for column in ("entity", "text", "source"))
    for entity, text, source in zip(*columns, strict=True):
        yield entity, first_sentence(text), DEFINITION, source
