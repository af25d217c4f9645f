"""Mentions whose meaning is known, as a linear model learns from them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float32, Int64

from loregraft.kg.runs import runs
from loregraft.linking.candidates.generate import LeftOut
from loregraft.linking.index import Index
from loregraft.linking.learning.held_out import hold_out
from loregraft.linking.lookups import Known
from loregraft.linking.scoring.features import FEATURES, Pool

NAMES = 6_000
"""Names that are asked for, at most."""

GONE = 0.2
"""Share of the entities that are as if not in the graph."""


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

    @classmethod
    def joined(cls, parts: Sequence["Examples"]) -> "Examples":
        """Put several behind one another."""
        none = np.zeros(0, np.int64)
        empty = cls(np.zeros((0, len(FEATURES)), np.float32), none.astype(bool), np.zeros(1, np.int64), none)
        parts = [empty, *parts]
        starts = np.r_[0, np.cumsum(np.concatenate([np.diff(part.starts) for part in parts]))]
        matrix, right, groups = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("matrix", "right", "groups")
        )
        return cls(matrix, right, starts.astype(np.int64), groups)

    def in_groups(self, names: Int64[np.ndarray, " groups"]) -> "Examples":
        """Give the same with other numbers for its groups."""
        return replace(self, groups=names[self.groups])

    def take(self, mentions: Int64[np.ndarray, " some"]) -> "Examples":
        """Give some mentions."""
        owners, rows = runs(self.starts[mentions], self.starts[mentions + 1])
        starts = np.searchsorted(owners, np.arange(len(mentions) + 1))
        return Examples(self.matrix[rows], self.right[rows], starts, self.groups[mentions])


def examples_of_names(index: Index, known: Known, candidates: int, seed: int, most: int = NAMES) -> Examples:
    """Ask for names of the graph as if they were mentions: no text and no label is needed.

    As if a fifth of the entities were not in the graph, and what shares a name with them: to their names
    none is right. Of the other names half are asked for as they are, half as if the entity had not this name
    and were known by its others. Names that several entities have are left aside.
    """
    lexicon = index.lexicon
    alone = np.flatnonzero(np.diff(lexicon.pointers) == 1)
    generator = np.random.default_rng(seed)
    forms = np.sort(generator.permutation(alone)[:most])
    meanings = lexicon.pointers[forms]
    entities = lexicon.entities[meanings].astype(np.int64)
    gone = np.zeros(len(index.entities), bool)
    gone[hold_out(entities, (lexicon.pointers, lexicon.entities), share=GONE, seed=seed)] = True
    unknown = (generator.random(len(forms)) < 0.5) & (known.names[entities] > 1)
    keys = lexicon.forms.take(pa.array(forms)).to_pylist()
    found = index.candidates(keys, candidates, LeftOut(np.where(unknown, meanings, -1), gone))
    texts = np.zeros(len(forms), np.int64)
    pool = found.deal(np.arange(len(forms)), texts, lexicon, index.names, known)
    right = pool.entities == entities[pool.owners]
    reached = np.bincount(pool.owners, right, len(forms)) > 0
    # What no way of looking leads to teaches nothing about choosing.
    return Examples.of(pool, right, entities).take(np.flatnonzero(reached | gone[entities]))
