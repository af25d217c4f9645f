"""Do the entities of a text belong together? Candidates that the graph joins support each other.

Personalised PageRank among the candidates of a text, in which rivals for one mention never vote for each
other: not directly, and not by what comes back to them from their supporters. Whatever starts at a
mention is not counted for that mention's candidates.

Reference:
    Pershina et al. 2015, Personalized Page Rank for Named Entity Disambiguation, sec. 3 (self-votes);
    Ruas et al. 2020, Linking chemical and disease entities to ontologies by integrating PageRank with
    extracted relations from literature (REEL).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from loregraft.linking.neighbours import HUB, Neighbours, join_weights
from loregraft.linking.scoring.windows import TextCandidates, Window, windows

STEPS = 15
WALK_ON = 0.8
"""The share that walks on at each step; of what goes on after the last step 3 % are left (0.8 ** 15)."""

Rows = NDArray[np.int64]
Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Support:
    """What speaks for a candidate: triples that join it to a candidate of another mention.

    Attributes:
        mention: Of the candidate that is supported.
        by: The mention that supports it.
        candidate: The candidate of that mention, as a row of the text's candidates.
        triples: Rows of the graph: one, or two by way of `middle`.
        middle: The entity between; None where one triple joins both.
        share: Of all the support of the candidate; 0..1.
    """

    mention: int
    by: int
    candidate: int
    triples: tuple[int, ...]
    middle: int | None
    share: float


def coherence(text: TextCandidates, neighbours: Neighbours) -> Float[np.ndarray, " candidates"]:
    """Give each candidate's support from the candidates of other mentions.

    Mentions with the same candidates have one voice, however often they come: what is said ten times is no
    more certain. The same entity in two mentions is no support either. Long texts are seen through windows
    that overlap by half; a mention is judged in the one whose middle it is nearest to.

    Returns:
        0..1: 1 - exp(-weight), weight being what comes to the candidate when each voice starts with its
        local scores. 0 where nothing comes, and beyond the MOST_CANDIDATES likeliest of a mention.

    Raises:
        ValueError: An entity is not one of the graph.
    """
    _check(text, neighbours)
    found = np.zeros(len(text.entities))
    for window in windows(text):
        walks = _Walks(window, neighbours)
        weight = np.append(walks.arrived, 0.0)  # the last: for nodes that take no part
        found[window.own] = -np.expm1(-weight[window.nodes[window.is_own]])
    return found


def vector_coherence(
    vectors: Float[np.ndarray, "entities width"], text: TextCandidates, most: int = 3
) -> Float[np.ndarray, " candidates"]:
    """Give the mean of each candidate's largest cosines with the likeliest candidates of other mentions.

    Windows and voices are those of `coherence`; an entity that is likeliest for several counts once.

    Args:
        vectors: By entity; only the rows that are needed are read, so that a mapped file may be given.
            Zeros stand for an entity without a vector.
        most: How many cosines, where there are so many others; else all there are.

    Returns:
        0..1; cosines below 0 count as 0, and what has no other mention has 0.
    """
    found = np.zeros(len(text.entities))
    for window in windows(text):
        if len(window.voices):
            nearest = np.append(_nearest(vectors, window, most), 0.0)
            found[window.own] = nearest[window.nodes[window.is_own]]
    return found


def evidence(
    text: TextCandidates,
    neighbours: Neighbours,
    wanted: Int[np.ndarray, " wanted"],
    chosen: Bool[np.ndarray, " candidates"] | None = None,
    most: int = 3,
) -> list[list[Support]]:
    """List what supports some candidates the most, the strongest first.

    Every triple named is one of the graph, and joins just these two entities or each to the middle one.

    Args:
        wanted: Rows of the candidates that are asked about.
        chosen: Only these may be named as supporters; None: all. Give what mentions were linked to, so
            that nothing is explained by what a mention does not mean.
        most: For each candidate.
    """
    _check(text, neighbours)
    found: list[list[Support]] = [[] for _ in wanted]
    for window in windows(text):
        places = np.flatnonzero(np.isin(wanted, window.own))
        if not len(places):
            continue
        walks = _Walks(window, neighbours)
        for place in places.tolist():
            found[place] = _supports(walks, text, int(wanted[place]), chosen, most)
    return found


def _check(text: TextCandidates, neighbours: Neighbours) -> None:
    if len(text.entities) and not 0 <= text.entities.min() <= text.entities.max() < len(neighbours):
        raise ValueError(f"entity {text.entities.max()} is none of the graph's {len(neighbours)}")


class _Walks:
    """The walks from all voices of a window over its nodes; those without a link take no part."""

    def __init__(self, window: Window, neighbours: Neighbours) -> None:
        self.window, self.neighbours = window, neighbours
        entities, place = np.unique(window.entities, return_inverse=True)
        weights = join_weights(neighbours, entities, window.known)
        self.linked = np.flatnonzero(np.asarray(weights.any(axis=1))[place])
        place, voices = place[self.linked], window.voices[self.linked]
        steps = weights[np.ix_(place, place)]
        steps *= window.allowed[np.ix_(voices, voices)]
        # Not divided where the sum is small: what weak links leave over is lost, so that they stay weak.
        steps *= (WALK_ON / np.maximum(steps.sum(axis=1), 1))[:, None]
        self.steps: Matrix = steps

    @cached_property
    def before(self) -> Matrix:
        """What of each voice's weight has come to each linked node before the last step."""
        voices = self.window.voices[self.linked]
        numbers, own = np.unique(voices, return_inverse=True)
        start = np.zeros((len(numbers), len(voices)), np.float32)
        start[own, np.arange(len(voices))] = self.window.local[self.linked]
        weight = start
        for _ in range(STEPS - 1):
            weight = start + weight @ self.steps
        return weight

    @cached_property
    def counts(self) -> NDArray[np.bool_]:
        """Whether what starts at a voice counts for a linked node."""
        voices = self.window.voices[self.linked]
        return self.window.allowed[np.ix_(np.unique(voices), voices)]

    @cached_property
    def arrived(self) -> Float[np.ndarray, " nodes"]:
        """What comes to each node with the last step, as far as it counts."""
        found = np.zeros(len(self.window.voices))
        found[self.linked] = (self.before @ self.steps * self.counts).sum(axis=0)
        return found

    def parts(self, node: int) -> NDArray[np.float64]:
        """Give for each node what comes from it to one node with the last step, as far as it counts."""
        found = np.zeros(len(self.window.voices))
        place = np.flatnonzero(self.linked == node)
        if len(place):
            weight = self.counts[:, place[0]] @ self.before
            found[self.linked] = weight * self.steps[:, place[0]]
        return found


def _nearest(
    vectors: Float[np.ndarray, "entities width"], window: Window, most: int
) -> Float[np.ndarray, " nodes"]:
    """Give the mean of the largest cosines of each node with the likeliest entities of other voices."""
    entities, place = np.unique(window.entities, return_inverse=True)
    needed = np.asarray(vectors[entities], np.float64)
    unit = needed / np.maximum(np.linalg.norm(needed, axis=1, keepdims=True), 1e-12)
    order = np.lexsort((place, -window.local, window.voices))
    best = order[np.searchsorted(window.voices, np.arange(len(window.allowed)))]
    others, group = np.unique(place[best], return_inverse=True)
    from_group = np.zeros((len(others), len(window.allowed)), bool)
    np.logical_or.at(from_group, group, window.allowed)
    counts = from_group[:, window.voices].T & (place[:, None] != others)
    cosines = np.where(counts, np.maximum(unit[place] @ unit[others].T, 0), 0)
    largest = -np.sort(-cosines, axis=1)[:, :most]
    return np.asarray(largest.sum(axis=1) / np.clip(counts.sum(axis=1), 1, most))


def _supports(
    walks: _Walks, text: TextCandidates, row: int, chosen: NDArray[np.bool_] | None, most: int
) -> list[Support]:
    """List the strongest supporters of one candidate that may be named."""
    window, mention = walks.window, int(text.mentions[row])
    node = int(window.nodes[np.flatnonzero(window.rows == row)[0]])
    if node < 0:
        return []
    parts, found = walks.parts(node), list[Support]()
    for other in np.lexsort((window.entities, -parts)).tolist():
        if len(found) == most or parts[other] <= 0:
            break
        rows = window.rows[window.nodes == other]
        rows = rows if chosen is None else rows[chosen[rows]]
        if not len(rows):
            continue
        by = _closest(text, mention, rows)
        triples, middle = _path(walks, int(window.entities[node]), int(window.entities[other]))
        share = float(parts[other] / parts.sum())
        found.append(Support(mention, int(text.mentions[by]), by, triples, middle, share))
    return found


def _closest(text: TextCandidates, mention: int, rows: Rows) -> int:
    """Give the row whose mention is closest to another, one that does not overlap it if there is one."""
    mentions = text.mentions[rows]
    away = np.abs(text.starts[mentions] - text.starts[mention])
    overlaps = np.zeros(len(rows), bool)
    if text.ends is not None:
        overlaps = text.starts[mentions] < text.ends[mention]
        overlaps &= text.starts[mention] < text.ends[mentions]
    return int(rows[np.lexsort((mentions, away, overlaps))[0]])


def _path(walks: _Walks, one: int, other: int) -> tuple[tuple[int, ...], int | None]:
    """Give the triples that join two entities: one, or two by way of an entity between."""
    neighbours = walks.neighbours
    row = neighbours.triple(one, other)
    if row is not None:
        return (row,), None
    middle = neighbours.between(one, other, HUB, walks.window.known)
    if middle is None:
        raise AssertionError(f"no path joins {one} and {other}")
    both = neighbours.triple(one, middle), neighbours.triple(middle, other)
    return tuple(row for row in both if row is not None), middle
