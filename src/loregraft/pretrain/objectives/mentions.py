"""Mentions: the entities of a text by name, by place, and by what the graph says of two of them.

What several objectives ask: names that mean the same (`Names`), mentions that do not overlap (`apart`), other
tokens in their place (`put`), vectors of them, and which entities a triple joins (`Joined`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from loregraft.corpus.corpus import Corpus
from loregraft.corpus.mask import Unit
from loregraft.corpus.tokens import Span, Tokens
from loregraft.errors import BadInput
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.split.triples import PARTS, TRAIN
from loregraft.pretrain.trunk import Trunk, starts_of
from loregraft.records import SAME_MEANING

NONE = -1
"""The relation of a pair that no triple joins."""


class Statement(NamedTuple):
    """Two entities of a text, by index, and a relation that the graph has between them, or `NONE`."""

    text: int
    head: int
    relation: int
    tail: int

    def touches(self, other: "Statement") -> bool:
        """Tell whether two are of one text and have the same head or the same tail."""
        return self.text == other.text and (self.head == other.head or self.tail == other.tail)


@dataclass(frozen=True)
class Read:
    """A text and some of its entities: head and tail, and for `EntityContrast` those that are wrong.

    Attributes:
        mentions: Where each entity is mentioned, in tokens.
    """

    statement: Statement
    ids: list[int]
    mentions: tuple[tuple[Unit, ...], ...]

    @property
    def tokens(self) -> int:
        """How many tokens the encoder reads."""
        return len(self.ids)


class Names:
    """The names of each entity that mean the same as it, the preferred one first.

    Attributes:
        known: Which entities have one.
    """

    def __init__(self, graph: KnowledgeGraph) -> None:
        self._rows = np.flatnonzero(graph.kind_mask(SAME_MEANING))
        self._starts = np.searchsorted(graph.name_entities[self._rows], np.arange(len(graph) + 1))
        self._names = graph.names["name"]
        self.known: Bool[np.ndarray, " entities"] = np.diff(self._starts) > 0

    def of(self, entity: int) -> list[str]:
        """Give the names of an entity; none where it has none."""
        rows = self._rows[self._starts[entity] : self._starts[entity + 1]]
        return [str(self._names[row].as_py()) for row in rows.tolist()]


class Joined:
    """Which entities the true triples of a graph join, and by which relations."""

    def __init__(self, graph: KnowledgeGraph) -> None:
        keys = np.asarray(graph.heads, np.int64) * len(graph) + np.asarray(graph.tails, np.int64)
        order = np.argsort(keys, kind="stable")
        self._count, self._keys, self._taught = len(graph), keys[order], taught(graph)[order]
        self._relations = np.asarray(graph.relation_indexes, np.int64)[order]

    def relations(self, head: int, tail: int, *, learned: bool = False) -> list[int]:
        """Give the relations of a head to a tail, ascending, each once.

        Args:
            learned: Only by triples that may be learned from (`taught`).
        """
        key = head * self._count + tail
        start, end = np.searchsorted(self._keys, [key, key + 1])
        found = self._relations[start:end]
        return sorted(set((found[self._taught[start:end]] if learned else found).tolist()))

    def either(self, one: int, other: int, *, learned: bool = False) -> bool:
        """Tell whether a triple joins two entities, whichever is its head."""
        return any(self.relations(*pair, learned=learned) for pair in ((one, other), (other, one)))


def taught(graph: KnowledgeGraph) -> Bool[np.ndarray, " triples"]:
    """Tell which triples may be learned from: all but those of valid and test."""
    parts = graph.triples["split"].to_pylist()
    return np.array([part in ("", PARTS[TRAIN]) for part in parts], bool)


def apart(text: Tokens) -> list[Span]:
    """Give the mentions of a text that do not overlap, the first and longest of those that do."""
    spans: list[Span] = []
    for span in sorted(text.spans, key=lambda one: (one.first, -one.last)):
        if not spans or span.first >= spans[-1].last:
            spans.append(span)
    return spans


def put(
    ids: Sequence[int], units: Sequence[Unit], new: Sequence[Sequence[int]]
) -> tuple[list[int], list[Unit]]:
    """Put tokens in place of units that are apart and ascending; gives all tokens and the units' places."""
    made, moved, end = list[int](), list[Unit](), 0
    for (first, last), tokens in zip(units, new, strict=True):
        made += ids[end:first]
        moved.append((len(made), len(made) + len(tokens)))
        made += tokens
        end = last
    return [*made, *ids[end:]], moved


def mentions(text: Tokens) -> dict[int, tuple[Unit, ...]]:
    """Give where each entity of a text is mentioned, entities in the order of their first mention."""
    found: dict[int, tuple[Unit, ...]] = {}
    for span in apart(text):
        found[span.entities[0]] = (*found.get(span.entities[0], ()), (span.first, span.last))
    return found


def pairs_of(text: Tokens) -> list[tuple[int, int]]:
    """Give the pairs of two entities of a text, in both orders, by index."""
    entities = sorted(mentions(text))
    return [(head, tail) for head in entities for tail in entities if head != tail]


def unjoined(text: Tokens, joined: Joined) -> list[tuple[int, int]]:
    """Give the pairs of two entities of a text that no triple joins, in both orders, by index."""
    return [pair for pair in pairs_of(text) if not joined.either(*pair)]


def statements(corpus: Corpus, joined: Joined) -> list[Statement]:
    """Give what the graph says of two entities of one text, by text, head, tail and relation.

    Raises:
        BadInput: No text has two mentions, or no triple joins the entities of any.
    """
    places = corpus.linked(2).tolist()
    found: list[Statement] = []
    for place in places:
        pairs = pairs_of(corpus.texts[place])
        found += [Statement(place, h, r, t) for h, t in pairs for r in joined.relations(h, t, learned=True)]
    if not found:
        said = f"of {len(corpus):,} texts {len(places):,} have two linked mentions, no two joined by a triple"
        fix = "Give texts that the graph has facts of, or add triples to it."
        raise BadInput(Path("corpus"), 0, said, fix)
    return found


def mention_vectors(trunk: Trunk, reads: Sequence[Read]) -> Float[Tensor, "entities hidden"]:
    """Read texts and give each entity's vector: the mean over its mentions of the mean over their tokens."""
    texts = [one.ids for one in reads]
    rows, places, shares = list[int](), list[int](), list[float]()
    starts = starts_of(texts).tolist()
    owned = [(start, units) for start, one in zip(starts, reads, strict=True) for units in one.mentions]
    for row, (start, units) in enumerate(owned):
        for first, last in units:
            places += range(start + first, start + last)
            rows += [row] * (last - first)
            shares += [1 / len(units) / (last - first)] * (last - first)
    parts = trunk.read(texts)[torch.tensor(places, dtype=torch.long)] * torch.tensor(shares)[:, None]
    return parts.new_zeros(len(owned), trunk.hidden).index_add(0, torch.tensor(rows, dtype=torch.long), parts)
