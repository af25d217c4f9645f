"""What speaks for a candidate: the columns that a linear model weighs, for all mentions of many texts."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64

from loregraft.linking.candidates.likeness import FEATURES as LIKENESS
from loregraft.linking.scoring.weights import Weights, shares

OWN = ("preferred", "loose", "names", "prior", "popular", "meaning")
"""Of the candidate itself: is it its preferred name, is it one that means a little
more or less, the log of how many names it has, how often the form
means it, the log of its neighbours, the cosine of vectors of string and name."""

AROUND = ("context", "repeated", "coherence", "vectors")
"""Of the text around: its words beside what describes the candidate; another mention by another name; links
in the graph, and vectors of the graph, to the candidates of other mentions."""

FEATURES = (*LIKENESS, *OWN, *AROUND)

DEFAULT = {
    **{"exact": 1.5, "letters_rewritten": 6.0, "words_like": 2.0, "name_like": 7.0, "ratio": 1.0},
    **{"marks_missing": -2.0, "marks_extra": -1.5, "length": 1.0},
    **{"preferred": 0.5, "loose": -2.0, "names": 0.25, "prior": 2.0, "popular": 0.1, "meaning": 8.0},
    **{"context": 4.0, "repeated": 1.5, "coherence": 1.0, "vectors": 1.0},
}
"""Weights before any learning. The first come of logistic regression on the training and development parts of
NCBI-disease, rounded (docs/log.md); the others are judged."""

DEFAULT_NIL = 11.0


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

    @property
    def owners(self) -> Int64[np.ndarray, " candidates"]:
        """Of each candidate, its mention."""
        return np.repeat(np.arange(len(self.texts)), np.diff(self.starts))

    def column(self, feature: str) -> Float32[np.ndarray, " candidates"]:
        """Give a column, to be filled in place."""
        return self.matrix[:, FEATURES.index(feature)]

    def shares(self, weights: Weights) -> np.ndarray:
        """Give each candidate's probability among those of its mention and none of them."""
        return shares(weights.scores(self.matrix), self.starts, weights.nil)

    def best(self, scores: np.ndarray) -> Int64[np.ndarray, " mentions"]:
        """Give the row of each mention's best candidate, the first of equal ones; -1 where it has none."""
        order = np.lexsort((np.arange(len(scores)), -scores, self.owners))
        found = np.full(len(self.texts), -1, np.int64)
        filled = np.diff(self.starts) > 0
        found[filled] = order[self.starts[:-1][filled]]
        return found


def fill_repeated(pool: Pool, weights: Weights) -> None:
    """Mark candidates that another mention of the same text, by another string, most likely means."""
    if not len(pool.entities):
        return
    p = pool.shares(weights)
    best = pool.best(p)
    sure = best[(best >= 0)]
    sure = sure[p[sure] >= 0.5]
    owners, size = pool.owners, int(pool.entities.max()) + 1
    places = pool.texts[owners] * size + pool.entities
    said = np.unique(np.stack([places[sure], pool.keys[owners[sure]]], axis=1), axis=0)
    codes, ways = np.unique(said[:, 0], return_counts=True)
    at = np.minimum(np.searchsorted(codes, places), len(codes) - 1) if len(codes) else None
    if at is None:
        return
    total = np.where(codes[at] == places, ways[at], 0)
    both = said[:, 0] * (int(pool.keys.max()) + 1) + said[:, 1]
    own = np.isin(places * (int(pool.keys.max()) + 1) + pool.keys[owners], both)
    pool.column("repeated")[:] = (total - own) > 0
