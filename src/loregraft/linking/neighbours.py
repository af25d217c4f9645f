"""Which entities a triple joins, whichever way it points: columns that can lie in memory or in mapped files.

`coherence.py` walks along them.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float, Int, Int32, Int64
from numpy.typing import NDArray

from loregraft.kg.runs import runs

HUB = 200
"""An entity with so many neighbours joins no two others: nearly everything is two steps apart through it."""

TWO_STEPS = 10.0
MOST_TWO_STEPS = 0.4
"""What two steps count at most: less than most triples do."""

_MARKS = 1 << 16

Rows = NDArray[np.int64]
Matrix = NDArray[np.float32]


@dataclass(frozen=True)
class Neighbours:
    """The neighbours of each entity of a graph.

    Attributes:
        pointers: Where the neighbours of an entity begin; one more at the end.
        neighbours: Entities, ascending and different within an entity; none is its own neighbour.
        rows: For each, the row in the graph of a triple that joins the two.
    """

    pointers: Int64[np.ndarray, " ends"]
    neighbours: Int32[np.ndarray, " joined"]
    rows: Int32[np.ndarray, " joined"]

    @classmethod
    def of(
        cls,
        heads: Int[np.ndarray, " triples"],
        relations: Int[np.ndarray, " triples"],
        tails: Int[np.ndarray, " triples"],
        entities: int,
    ) -> "Neighbours":
        """Make them of triples, as indexes.

        Of several triples between two entities the one with the rarest relation stands for all, since it
        says most; then the first. Takes about 60 bytes for each triple while it works.

        Args:
            entities: How many entities the graph has.
        """
        uses = np.bincount(relations, minlength=1)
        apart = np.flatnonzero(heads != tails)
        apart = apart[np.argsort(uses[relations[apart]], kind="stable")]
        one, other = heads[apart].astype(np.int64), tails[apart].astype(np.int64)
        size = max(1, entities)
        codes = np.stack([one * size + other, other * size + one], axis=1).ravel()
        # The index is that of the first of equal codes, so that of the rarest relation.
        found, first = np.unique(codes, return_index=True)
        pointers = np.searchsorted(found, np.arange(entities + 1) * size).astype(np.int64)
        return cls(pointers, (found % size).astype(np.int32), apart[first // 2].astype(np.int32))

    def __len__(self) -> int:
        return len(self.pointers) - 1

    def degrees(self, entities: Int[np.ndarray, "*shape"]) -> Int64[np.ndarray, "*shape"]:
        """Give how many neighbours some entities have."""
        return np.asarray(self.pointers[entities + 1] - self.pointers[entities])

    def rarity(self, entities: Int[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """Give 1 / log(2 + degree): of few neighbours each says more. 1.44 for an entity without any."""
        return np.asarray(1 / np.log(2.0 + self.degrees(entities)))

    def listed(self, entities: Int[np.ndarray, " entities"]) -> tuple[Rows, Rows]:
        """List the neighbours of some entities: the place in `entities`, and the place in the columns."""
        return runs(self.pointers[entities], self.pointers[entities + 1])

    def of_entity(self, entity: int) -> Int32[np.ndarray, " neighbours"]:
        """Give the neighbours of one entity, ascending."""
        first, last = self.pointers[entity : entity + 2].tolist()
        return np.asarray(self.neighbours[first:last])

    def triple(self, one: int, other: int) -> int | None:
        """Give the row of a triple that joins two entities; None where none does."""
        near = self.of_entity(one)
        place = int(np.searchsorted(near, np.int32(other)))
        if place == len(near) or near[place] != other:
            return None
        return int(self.rows[int(self.pointers[one]) + place])

    def between(self, one: int, other: int, hub: int, but: Int[np.ndarray, " entities"]) -> int | None:
        """Give the entity with the fewest neighbours that is joined to both; None where there is none.

        Args:
            hub: One with so many neighbours does not count.
            but: Neither do these.
        """
        shared = np.intersect1d(self.of_entity(one), self.of_entity(other), assume_unique=True)
        shared = np.setdiff1d(shared, but, assume_unique=True)
        degrees = self.degrees(shared)
        if not (degrees < hub).any():
            return None
        return int(shared[degrees.argmin()])


def join_weights(
    neighbours: Neighbours, entities: Int64[np.ndarray, " entities"], but: Int64[np.ndarray, " others"]
) -> Float[np.ndarray, "entities entities"]:
    """Give how strongly entities are joined: 0..1, the same both ways, 0 with themselves.

    A triple counts the geometric mean of 1 / log(2 + degree) of its two ends. Two steps count TWO_STEPS
    times the sum of that of the entities between, divided by the geometric mean of the degrees of both ends
    (Salton and McGill 1983, the cosine of two sets), and MOST_TWO_STEPS at most: an entity that has
    everything for a neighbour is near nothing. Hubs are never between, and from a hub two steps lead
    everywhere, so that they do not count.

    Args:
        entities: Ascending and different.
        but: Entities that are not between others, ascending: with the candidates of a text the walk takes
            each step by itself, and what is between rivals must not join them to others. Holds `entities`.
    """
    size = len(entities)
    few = neighbours.degrees(entities) < HUB
    owners, places = neighbours.listed(entities[few])
    owners, near = np.flatnonzero(few)[owners], np.asarray(neighbours.neighbours[places], np.int64)
    known = _members(near, but)
    at = np.minimum(np.searchsorted(entities, near[known]), size - 1)
    hit = entities[at] == near[known]
    direct = np.zeros((size, size), np.float32)
    direct[owners[known][hit], at[hit]] = 1
    for one in np.flatnonzero(~few).tolist():
        direct[one, np.flatnonzero(_members(entities, neighbours.of_entity(int(entities[one]))))] = 1
    rare = np.sqrt(neighbours.rarity(entities)).astype(np.float32)
    weights = np.maximum(direct, direct.T) * rare * rare[:, None]
    return weights + _two_steps(neighbours, entities, owners[~known], near[~known])


def _members(values: Rows, sorted_ones: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Mark the values that are among others, which are ascending."""
    if not len(sorted_ones):
        return np.zeros(len(values), bool)
    found = np.ones(len(values), bool)
    if len(values) > len(sorted_ones):
        # Most are none of them: a table of their last bits tells so for nearly all at once.
        marks = np.zeros(_MARKS, bool)
        marks[sorted_ones & (_MARKS - 1)] = True
        found = marks[values & (_MARKS - 1)]
    asked = np.flatnonzero(found)
    wanted = values[asked].astype(sorted_ones.dtype)
    at = np.minimum(np.searchsorted(sorted_ones, wanted), len(sorted_ones) - 1)
    found[asked] = sorted_ones[at] == wanted
    return found


def _two_steps(neighbours: Neighbours, entities: Rows, owners: Rows, near: Rows) -> Matrix:
    """Give what two steps count, where `near` is a neighbour of `owners` that may be between."""
    size = len(entities)
    middles, columns, times = np.unique(near, return_inverse=True, return_counts=True)
    shared = np.flatnonzero(times > 1)
    shared = shared[neighbours.degrees(middles[shared]) < HUB]
    if not len(shared):
        return np.zeros((size, size), np.float32)
    column = np.full(len(middles), -1, np.int64)
    column[shared] = np.arange(len(shared))
    kept = np.flatnonzero(column[columns] >= 0)
    places, shape = (owners[kept], column[columns[kept]]), (size, len(shared))
    reach = sp.csr_matrix((np.ones(len(kept), np.float32), places), shape=shape)
    scaled = reach.copy()
    scaled.data = neighbours.rarity(middles[shared])[reach.indices].astype(np.float32)
    joined = np.asarray((scaled @ reach.T).toarray())
    np.fill_diagonal(joined, 0)
    lengths = np.sqrt(np.maximum(neighbours.degrees(entities), 1))
    return np.asarray(
        np.minimum(TWO_STEPS * joined / (lengths * lengths[:, None]), MOST_TWO_STEPS), np.float32
    )
