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

from loregraft.linking.arrays import read_arrays, write_arrays
from loregraft.linking.folds import spaced
from loregraft.linking.tfidf import counts, rarities, weighed

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

    def __init__(self, by_form: sp.csr_matrix, by_gram: sp.csr_matrix, rarity: np.ndarray, bits: int) -> None:
        self._by_form, self._by_gram, self._rarity, self._bits = by_form, by_gram, rarity, bits
        self._having = np.diff(by_gram.indptr)

    @classmethod
    def of(cls, forms: Sequence[str], bits: int = 20) -> "Ngrams":
        """Index forms; trigrams are hashed to 2 ** bits columns."""
        counted = counts(forms, trigrams, bits)
        rarity = rarities(counted)
        by_form = weighed(counted, rarity)
        return cls(by_form, by_form.T.tocsr(), rarity, bits)

    def vectors(self, strings: Sequence[str]) -> sp.csr_matrix:
        """Give the unit vectors of some strings."""
        return weighed(counts(strings, trigrams, self._bits), self._rarity)

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
                found_forms = found_forms[np.argpartition(-scores, most)[:most]]
            strings.append(np.full(len(found_forms), row, np.int64))
            forms.append(found_forms.astype(np.int64))
        at, to = np.concatenate(strings), np.concatenate(forms)
        cosines = self.cosines(vectors, at, to)
        order = np.lexsort((to, -cosines, at))
        return Near(at[order] + first, to[order], cosines[order])

    def cosines(
        self, vectors: sp.csr_matrix, strings: Int64[np.ndarray, " pairs"], forms: Int64[np.ndarray, " pairs"]
    ) -> Float32[np.ndarray, " pairs"]:
        """Give the cosine of each string with a form."""
        product = vectors[strings].multiply(self._by_form[forms]).sum(axis=1)
        return np.asarray(product, np.float32).ravel()

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
        m = self._by_form
        arrays = {"data": m.data, "indices": m.indices, "indptr": m.indptr, "rarity": self._rarity}
        write_arrays(arrays, folder, "ngrams")

    @classmethod
    def load(cls, folder: Path) -> "Ngrams":
        """Read an index; the forms' vectors stay on disk, the way back is made anew."""
        a = read_arrays(folder, "ngrams")
        bits = len(a["rarity"]).bit_length() - 1
        shape = (len(a["indptr"]) - 1, 1 << bits)
        by_form = sp.csr_matrix((a["data"], a["indices"], a["indptr"]), shape=shape)
        return cls(by_form, by_form.T.tocsr(), np.asarray(a["rarity"]), bits)


def trigrams(form: str) -> list[str]:
    """List the letter groups of a form's words, a space before and after each; CJK ones by character."""
    padded = (f" {word} " for word in spaced(form).split())
    return [word[place : place + 3] for word in padded for place in range(len(word) - 2)]
