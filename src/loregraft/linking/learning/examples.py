"""Mentions whose meaning is known, as a linear model learns from them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int64

from loregraft.linking.candidates.generate import LeftOut
from loregraft.linking.index import Index
from loregraft.linking.lookups import Known
from loregraft.linking.scoring.features import FEATURES, Pool

NAMES = 6_000
"""Names that are asked for, at most."""

_KNOWN, _NAME_GONE, _ENTITY_GONE = 0, 1, 2


@dataclass(frozen=True)
class Examples:
    """Mentions, their candidates and which of these are right; of a mention none may be.

    Attributes:
        starts: Where the candidates of a mention begin; one more at the end.
        groups: Of each mention, what it belongs to; mentions of one group are held out together.
    """

    matrix: Float32[np.ndarray, "candidates features"]
    right: Bool[np.ndarray, " candidates"]
    starts: Int64[np.ndarray, " ends"]
    groups: Int64[np.ndarray, " mentions"]

    @classmethod
    def of(
        cls, pool: Pool, right: Bool[np.ndarray, " candidates"], groups: Int64[np.ndarray, " mentions"]
    ) -> "Examples":
        """Take judged mentions."""
        return cls(pool.matrix, right, pool.starts, groups)

    def take(self, mentions: Int64[np.ndarray, " some"]) -> "Examples":
        """Give some mentions."""
        counts = np.diff(self.starts)[mentions]
        starts = np.r_[0, np.cumsum(counts)]
        rows = np.repeat(self.starts[mentions] - starts[:-1], counts) + np.arange(starts[-1])
        return Examples(self.matrix[rows], self.right[rows], starts, self.groups[mentions])

    @classmethod
    def joined(cls, parts: Sequence["Examples"]) -> "Examples":
        """Put some behind one another."""
        shifts = np.cumsum([0, *(len(part.right) for part in parts)])
        starts = [part.starts[:-1] + shift for part, shift in zip(parts, shifts[:-1], strict=True)]
        columns = ([getattr(part, name) for part in parts] for name in ("matrix", "right", "groups"))
        matrix, right, groups = (np.concatenate(column) for column in columns)
        return cls(matrix, right, np.r_[np.concatenate(starts), shifts[-1]], groups)


def examples_of_names(index: Index, known: Known, candidates: int, seed: int, most: int = NAMES) -> Examples:
    """Ask for names of the graph as if they were mentions: no text and no label is needed.

    A third as they are; a third as if the entity had not this name and were known by its others; a third as
    if the graph had not the entity, so that none is right. Names that several entities have are left aside.
    """
    lexicon = index.lexicon
    alone = np.flatnonzero(np.diff(lexicon.pointers) == 1)
    generator = np.random.default_rng(seed)
    forms = np.sort(generator.permutation(alone)[:most])
    entities = lexicon.entities[lexicon.pointers[forms]].astype(np.int64)
    kinds = generator.integers(0, 3, len(forms))
    kinds[(kinds == _NAME_GONE) & (known.names[entities] < 2)] = _ENTITY_GONE
    gone = LeftOut(
        np.where(kinds == _KNOWN, -1, entities), np.where(kinds == _ENTITY_GONE, -1, forms).astype(np.int64)
    )
    keys = [lexicon.forms[int(form)].as_py() for form in forms]
    found = index.candidates(keys, candidates, gone)
    texts = np.zeros(len(forms), np.int64)
    pool = found.deal(np.arange(len(forms)), texts, lexicon, index.names, known)
    right = (pool.entities == entities[pool.owners]) & (kinds != _ENTITY_GONE)[pool.owners]
    reached = np.bincount(pool.owners, right, len(forms)) > 0
    # What no way of looking leads to teaches nothing about choosing.
    useful = np.flatnonzero(reached | (kinds == _ENTITY_GONE))
    assert pool.matrix.shape[1] == len(FEATURES)
    return Examples.of(pool, right, entities).take(useful)
