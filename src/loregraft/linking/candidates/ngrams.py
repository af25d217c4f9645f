"""Forms that share rare letter groups with a string: cosines of character trigrams (TF-IDF), pruned.

A trigram that many forms have costs most and says least. Of each string only its rarest trigrams are
looked up, as many as keep the forms that are met below a bound; the cosine is then taken in full.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float32, Int64

from loregraft.linking.folds import spaced
from loregraft.linking.tfidf import Weighed

MET = 200_000
"""Postings that are read for a string, at most, beyond its rarest FEWEST trigrams."""

FEWEST = 4
AT_ONCE = 256


@dataclass(frozen=True)
class Near:
    """Forms near some strings: by string, best first.

    Attributes:
        strings: The place of the string.
        forms: Row of the form.
        cosines: 0..1.
    """

    strings: Int64[np.ndarray, " near"]
    forms: Int64[np.ndarray, " near"]
    cosines: Float32[np.ndarray, " near"]


class Ngrams:
    """An index of forms by their trigrams; each Chinese, Japanese or Korean character is one too."""

    def __init__(self, forms: Weighed) -> None:
        self.forms = forms
        self._by_gram = forms.rows.T.tocsr()
        self._having = np.diff(self._by_gram.indptr)

    @classmethod
    def of(cls, forms: Sequence[str], bits: int = 20) -> "Ngrams":
        """Index forms; trigrams are hashed to 2 ** bits columns."""
        return cls(Weighed.of([forms], trigrams, bits))

    def vectors(self, strings: Sequence[str]) -> sp.csr_matrix:
        """Give the unit vectors of some strings."""
        return self.forms.vectors(strings)

    def nearest(self, vectors: sp.csr_matrix, most: int) -> Near:
        """Give the forms with the highest cosines with each of some unit vectors, `most` of them."""
        parts = [
            self._nearest(vectors[first : first + AT_ONCE], most, first)
            for first in range(0, vectors.shape[0], AT_ONCE)
        ]
        empty = Near(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32))
        columns = zip(*(vars(part).values() for part in [*parts, empty]), strict=True)
        return Near(*(np.concatenate(column) for column in columns))

    def _nearest(self, vectors: sp.csr_matrix, most: int, first: int) -> Near:
        met = (self._pruned(vectors) @ self._by_gram).tocsr()
        strings, forms = [], []
        for row in range(met.shape[0]):
            found = slice(met.indptr[row], met.indptr[row + 1])
            found_forms, scores = met.indices[found], met.data[found]
            if len(scores) > most:
                found_forms = found_forms[_highest(scores, most)]
            strings.append(np.full(len(found_forms), row, np.int64))
            forms.append(found_forms.astype(np.int64))
        at, to = np.concatenate(strings), np.concatenate(forms)
        cosines = self.forms.cosines(vectors, at, to)
        order = np.lexsort((to, -cosines, at))
        return Near(at[order] + first, to[order], cosines[order])

    def _pruned(self, vectors: sp.csr_matrix) -> sp.csr_matrix:
        """Leave out the commonest trigrams of strings that would meet too many forms."""
        rows = np.repeat(np.arange(vectors.shape[0]), np.diff(vectors.indptr))
        postings = self._having[vectors.indices]
        order = np.lexsort((postings, rows))
        read = np.cumsum(postings[order])
        starts = vectors.indptr[:-1]
        before = np.r_[0, read][starts]
        place = np.arange(len(order)) - np.repeat(starts, np.diff(vectors.indptr))
        kept = order[(read - before[rows[order]] <= MET) | (place < FEWEST)]
        return sp.csr_matrix(
            (vectors.data[kept], (rows[kept], vectors.indices[kept])), shape=vectors.shape, dtype=np.float32
        )

    def save(self, folder: Path) -> None:
        """Write the index into a folder."""
        self.forms.save(folder, "ngrams")

    @classmethod
    def load(cls, folder: Path) -> "Ngrams":
        """Read an index; the forms' vectors stay on disk, the way back is made anew."""
        return cls(Weighed.load(folder, "ngrams", trigrams))


def _highest(scores: Float32[np.ndarray, " met"], most: int) -> Int64[np.ndarray, " highest"]:
    """Give the places of the highest of many scores; most are far below, which a look at half tells."""
    near = np.flatnonzero(scores >= 0.5 * scores.max())
    if len(near) < most:
        near = np.arange(len(scores))
    if len(near) == most:
        return near
    return near[np.argpartition(-scores[near], most)[:most]]


def trigrams(form: str) -> list[str]:
    """List the letter groups of a form's words, a space before and after each; CJK ones by character."""
    padded = (f" {word} " for word in spaced(form).split())
    return [word[place : place + 3] for word in padded for place in range(len(word) - 2)]
