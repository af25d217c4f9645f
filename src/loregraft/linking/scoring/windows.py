"""The candidates of a text as `coherence.py` looks at them: in windows, repeated mentions as one voice."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

MOST_CANDIDATES = 10
"""Of a mention, the likeliest of which take part."""

MOST_MENTIONS = 40
"""Of a window."""

WINDOW = 1_500
"""Characters within which the mentions of a window begin."""

Rows = NDArray[np.int64]
Shares = NDArray[np.float32]


@dataclass(frozen=True)
class TextCandidates:
    """The candidates of one text, in any order.

    Attributes:
        mentions: Of each candidate, the number of its mention, from 0.
        entities: What it means.
        local: Its share within its mention by all that is known without the other mentions; 0..1.
        starts: Of each mention, the character at which it begins.
        ends: Where it ends. With it, mentions that overlap do not support each other; None: none overlap.
        window: Characters; mentions that begin farther apart never support each other.
    """

    mentions: Int[np.ndarray, " candidates"]
    entities: Int[np.ndarray, " candidates"]
    local: Float[np.ndarray, " candidates"]
    starts: Int[np.ndarray, " mentions"]
    ends: Int[np.ndarray, " mentions"] | None = None
    window: int = WINDOW

    def __post_init__(self) -> None:
        if len(self.local) and not (self.local.min() >= 0 and self.local.max() <= 1 + 1e-5):
            raise ValueError(f"local scores must be 0..1, got {self.local.min()}..{self.local.max()}")
        if len(self.mentions) and not 0 <= self.mentions.min() <= self.mentions.max() < len(self.starts):
            raise ValueError(f"mention {self.mentions.max()} has no start; there are {len(self.starts)}")


@dataclass(frozen=True)
class Window:
    """Mentions near each other. A voice is a group of mentions with the same candidates, a node one of these.

    Attributes:
        rows: The candidates of its mentions, as rows of the text.
        nodes: Of each row, its node; -1 where it takes no part.
        is_own: Of each row, whether its mention is judged in this window.
        voices: Of each node, its voice.
        entities: Of each node.
        local: Of each node, the mean of its local scores.
        allowed: Which voices may support which.
        known: Entities of all rows, ascending, also of those that take no part.
    """

    rows: Rows
    nodes: Rows
    is_own: NDArray[np.bool_]
    voices: Rows
    entities: Rows
    local: Shares
    allowed: NDArray[np.bool_]
    known: Rows

    @property
    def own(self) -> Rows:
        """The rows that are judged in this window."""
        return self.rows[self.is_own]


def windows(text: TextCandidates) -> Iterator[Window]:
    """Yield the windows of a text; each candidate is judged in one of them."""
    if not len(text.entities):
        return
    filled = np.flatnonzero(np.bincount(text.mentions, minlength=len(text.starts)))
    ends = text.starts if text.ends is None else text.ends
    order = filled[np.lexsort((ends[filled], text.starts[filled]))]
    rank = np.zeros(len(text.starts), np.int64)
    rank[order] = np.arange(len(order))
    by_rank = np.argsort(rank[text.mentions], kind="stable")
    pointers = np.searchsorted(rank[text.mentions][by_rank], np.arange(len(order) + 1))
    voices = _voices(text)
    bounds = _bounds(text.starts[order], text.window)
    judged_in = _judged_in(bounds, len(order))
    for number, (first, last) in enumerate(bounds):
        rows = by_rank[pointers[first] : pointers[last]]
        own = judged_in[rank[text.mentions[rows]]] == number
        yield _window(text, rows, own, voices)


def _bounds(starts: Rows, width: int) -> list[tuple[int, int]]:
    """Cut mentions in the order of a text into runs that overlap by half."""
    first, bounds = 0, []
    while True:
        last = min(int(np.searchsorted(starts, starts[first] + width, "right")), first + MOST_MENTIONS)
        bounds.append((first, last))
        if last >= len(starts):
            return bounds
        first += max(1, (last - first) // 2)


def _judged_in(bounds: list[tuple[int, int]], count: int) -> Rows:
    """Give for each mention the window whose middle it is nearest to."""
    best, least = np.zeros(count, np.int64), np.full(count, np.inf)
    for number, (first, last) in enumerate(bounds):
        away = np.abs(np.arange(first, last) - (first + last - 1) / 2)
        # A window at an end of the text lacks nothing on that side.
        away = np.where(_at_edge(first, last, count), 0.0, away)
        nearer = np.flatnonzero(away < least[first:last]) + first
        best[nearer], least[nearer] = number, away[nearer - first]
    return best


def _at_edge(first: int, last: int, count: int) -> NDArray[np.bool_]:
    """Mark the mentions of a window between an end of the text and the window's middle."""
    places, middle = np.arange(first, last), (first + last - 1) / 2
    return ((first == 0) & (places <= middle)) | ((last == count) & (places >= middle))


def _voices(text: TextCandidates) -> Rows:
    """Give each mention of a text a number, the same to those with the same candidates."""
    # Sums of hashes: the order of the candidates does not matter (splitmix64).
    mixed = text.entities.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    sums = np.zeros(len(text.starts), np.uint64)
    np.add.at(sums, text.mentions, mixed ^ (mixed >> np.uint64(31)))
    return np.unique(sums, return_inverse=True)[1]


def _window(text: TextCandidates, rows: Rows, own: NDArray[np.bool_], voices: Rows) -> Window:
    """Gather the nodes of a window: of each voice the likeliest candidates."""
    mentions, place = np.unique(text.mentions[rows], return_inverse=True)
    numbers, voice_of = np.unique(voices[mentions], return_inverse=True)
    known, entity_of = np.unique(text.entities[rows].astype(np.int64), return_inverse=True)
    codes, node_of = np.unique(voice_of[place] * len(known) + entity_of, return_inverse=True)
    voice, entity = codes // len(known), known[codes % len(known)]
    said = np.bincount(voice_of, minlength=len(numbers))
    local = np.bincount(node_of, text.local[rows], minlength=len(codes)) / said[voice]
    order = np.lexsort((entity, -local, voice))
    rank = np.empty(len(codes), np.int64)
    rank[order] = np.arange(len(codes)) - np.searchsorted(voice, voice)
    taken = np.flatnonzero(rank < MOST_CANDIDATES)
    new = np.full(len(codes), -1, np.int64)
    new[taken] = np.arange(len(taken))
    allowed = _allowed(text, mentions, voice_of)
    kept = voice[taken], entity[taken], local[taken].astype(np.float32)
    return Window(rows, new[node_of], own, *kept, allowed, known)


def _allowed(text: TextCandidates, mentions: Rows, voice_of: Rows) -> NDArray[np.bool_]:
    """Tell which voices may support which: different ones with mentions that do not overlap."""
    count = int(voice_of.max()) + 1
    allowed = ~np.eye(count, dtype=bool)
    if text.ends is not None:
        starts, ends = text.starts[mentions], text.ends[mentions]
        apart = (starts[:, None] >= ends) | (starts >= ends[:, None])
        some = np.zeros((count, count), bool)
        np.logical_or.at(some, (voice_of[:, None], voice_of[None]), apart)
        allowed &= some
    return allowed
