"""Which words stand for which, learned from the names that entities have: "renal" and "kidney".

Two names of one entity that differ in one word say that these words can stand for each other there; two
of which one has a word more say that this word may be left out. No label and no text is needed.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int32, Int64
from numpy.typing import NDArray

from loregraft.kg.runs import runs
from loregraft.linking.candidates.wording import Wording, hashes

FEWEST = 2
"""Entities' names that must show a rewrite before it counts."""

LEAST_SHARE = 0.02
_PRIOR = 2.0
_MOST_ALIKE = 40


@dataclass(frozen=True)
class Rewrites:
    """Words and what may stand for them.

    Attributes:
        pointers: Where the others of a word begin; one more at the end.
        others: Numbers of words that stood in its place; ascending within a word.
        shares: 0..1, of the places where the word could be replaced at all, smoothed.
    """

    pointers: Int64[np.ndarray, " ends"]
    others: Int32[np.ndarray, " pairs"]
    shares: Float32[np.ndarray, " pairs"]

    @classmethod
    def of(
        cls, wording: Wording, forms: Int64[np.ndarray, " names"], entities: Int32[np.ndarray, " names"]
    ) -> "Rewrites":
        """Compare the names of each entity: the form and the entity of each name."""
        words, gap = len(wording.words), len(wording.words)  # the gap stands for no word
        names, places = runs(wording.pointers[forms], wording.pointers[forms + 1])
        numbers = wording.numbers[places].astype(np.int64)
        whole = wording.bags[forms] + hashes(int(entities.max(initial=0)) + 1)[entities] * np.uint64(31)
        # What is left of a name when a word is taken out, whatever the order, beside the names themselves.
        rests = np.r_[whole[names] - hashes(words + 1)[numbers], whole]
        filling = np.r_[numbers, np.full(len(whole), gap)]
        return cls._counted(rests, filling, words)

    @classmethod
    def _counted(cls, rests: np.ndarray, filling: Int64[np.ndarray, " places"], words: int) -> "Rewrites":
        order = np.lexsort((filling, rests))
        rests, filling = rests[order], filling[order]
        first = np.ones(len(rests), bool)
        first[1:] = (rests[1:] != rests[:-1]) | (filling[1:] != filling[:-1])
        rests, filling = rests[first], filling[first]
        starts = np.flatnonzero(np.r_[True, rests[1:] != rests[:-1]]) if len(rests) else np.zeros(0, np.int64)
        sizes = np.diff(np.r_[starts, len(rests)])
        places = np.bincount(filling, minlength=words + 1)
        left, right = [], []
        for size in range(2, _MOST_ALIKE + 1):
            group = starts[sizes == size][:, None] + np.arange(size)
            a, b = np.nonzero(~np.eye(size, dtype=bool))
            left.append(filling[group[:, a]].ravel())
            right.append(filling[group[:, b]].ravel())
        pairs, times = np.unique(
            np.concatenate(left) * (words + 1) + np.concatenate(right), return_counts=True
        )
        one, other = pairs // (words + 1), pairs % (words + 1)
        shares = times / (places[one] + _PRIOR)
        kept = (times >= FEWEST) & (shares >= LEAST_SHARE) & (one < words) & (other < words)
        pointers = np.searchsorted(one[kept], np.arange(words + 2)).astype(np.int64)
        return cls(pointers, other[kept].astype(np.int32), shares[kept].astype(np.float32))

    def of_words(self, words: Int64[np.ndarray, " words"]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """List what may stand for some words: the place in `words`, and the place in `others`."""
        return runs(self.pointers[words], self.pointers[words + 1])
