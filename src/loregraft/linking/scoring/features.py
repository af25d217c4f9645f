"""What speaks for a candidate: the columns that a linear model weighs, for all mentions of many texts."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float32, Int64

from loregraft.linking.candidates.likeness import FEATURES as LIKENESS
from loregraft.linking.scoring.weights import Weights, best_of, owners_of, shares

OWN = ("preferred", "loose", "names", "prior", "popular", "meaning")
"""Of the candidate itself: is it its preferred name, is it one that means a little more or less, the log of
how many names it has, how often the form means it, the log of its neighbours, the cosine of the vectors."""

AROUND = ("described", "context", "repeated", "coherence", "vectors", "read")
"""Of the text: the mention's words, and those around it, beside what describes the candidate; another mention
by another name; links in the graph, and vectors of the graph, to the candidates of other mentions; what a
cross-encoder that was learned says of close calls (`cross.py`)."""

FEATURES = (*LIKENESS, *OWN, *AROUND)

DEFAULT = {
    **{"exact": 1.5, "letters_rewritten": 6.0, "words_like": 2.0, "name_like": 7.0, "ratio": 1.0},
    **{"marks_missing": -2.0, "marks_extra": -1.5, "length": 1.0},
    **{"preferred": 0.5, "loose": -2.0, "names": 0.25, "prior": 2.0, "popular": 0.1, "meaning": 8.0},
    **{"described": 1.0, "context": 10.0, "repeated": 1.5, "coherence": 1.0, "vectors": 1.0},
    "read": 1.0,
}
"""Weights before any learning. The first come of logistic regression on the training and development parts of
NCBI-disease, rounded (docs/log.md); the others are judged."""

DEFAULT_NIL = 11.0

SURE = 0.5
"""Probability from which on a mention vouches for others of its text."""


@dataclass(frozen=True)
class Pool:
    """The candidates of all mentions of some texts, by mention.

    Attributes:
        texts: Of each mention, the number of its text.
        keys: Of each mention, the number of the string that it was looked up by.
        starts: Where the candidates of a mention begin; one more at the end.
        entities: Of each candidate.
        meanings: Row of the meaning in the lexicon.
        matrix: FEATURES by column.
    """

    texts: Int64[np.ndarray, " mentions"]
    keys: Int64[np.ndarray, " mentions"]
    starts: Int64[np.ndarray, " ends"]
    entities: Int64[np.ndarray, " candidates"]
    meanings: Int64[np.ndarray, " candidates"]
    matrix: Float32[np.ndarray, "candidates features"]

    @cached_property
    def owners(self) -> Int64[np.ndarray, " candidates"]:
        """Of each candidate, its mention."""
        return owners_of(self.starts)

    def column(self, feature: str) -> Float32[np.ndarray, " candidates"]:
        """Give a column, to be filled in place."""
        return self.matrix[:, FEATURES.index(feature)]

    def shares(self, weights: Weights) -> np.ndarray:
        """Give each candidate's probability among those of its mention and none of them."""
        return shares(weights.scores(self.matrix), self.starts, weights.nil)

    def best(self, scores: np.ndarray) -> Int64[np.ndarray, " mentions"]:
        """Give the row of each mention's best candidate; -1 where it has none."""
        answered, rows = best_of(scores, self.starts)
        found = np.full(len(self.texts), -1, np.int64)
        found[answered] = rows
        return found


def fill_repeated(pool: Pool, weights: Weights) -> None:
    """Mark candidates that another mention of the same text, by another string, most likely means."""
    p = pool.shares(weights)
    _, best = best_of(p, pool.starts)
    sure = best[p[best] >= SURE]
    if not len(sure):
        return
    # One number for each entity of each text, and one for each string by which that is said.
    entities, strings = int(pool.entities.max()) + 1, int(pool.keys.max()) + 1
    meant = pool.texts[pool.owners] * entities + pool.entities
    said = meant * strings + pool.keys[pool.owners]
    by_string = np.unique(said[sure])
    different, ways = np.unique(by_string // strings, return_counts=True)
    place = np.minimum(np.searchsorted(different, meant), len(different) - 1)
    times = np.where(different[place] == meant, ways[place], 0)
    pool.column("repeated")[:] = times > np.isin(said, by_string)
