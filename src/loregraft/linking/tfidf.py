"""Texts as sparse rows: counts of words or letter groups, weighed by how rare each is (TF-IDF)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float32, Int64

from loregraft.linking.arrays import read_arrays, write_arrays

Split = Callable[[str], list[str]]


@dataclass(frozen=True)
class Weighed:
    """Texts in rows, and what puts others beside them.

    Attributes:
        rows: Of each text, a unit vector.
        rarity: Of each column, the log of texts a text that has it, plus 1.
        split: Gives the parts of a text; they are hashed to columns.
    """

    rows: sp.csr_matrix
    rarity: Float32[np.ndarray, " columns"]
    split: Split

    @classmethod
    def of(cls, batches: Iterable[Sequence[str]], split: Split, bits: int) -> "Weighed":
        """Weigh texts, which come some at a time, in 2 ** bits columns."""
        counted = sp.vstack([counts(texts, split, bits) for texts in batches]).tocsr()
        having = np.bincount(counted.indices, minlength=counted.shape[1])
        rarity = (np.log((counted.shape[0] + 1) / (having + 1)) + 1).astype(np.float32)
        return cls(weighed(counted, rarity), rarity, split)

    def vectors(self, texts: Sequence[str]) -> sp.csr_matrix:
        """Give the unit vectors of other texts."""
        bits = len(self.rarity).bit_length() - 1
        return weighed(counts(texts, self.split, bits), self.rarity)

    def with_more(self, batches: Iterable[Sequence[str]]) -> "Weighed":
        """Give the same with more texts after the others; how rare a part is stays as it was."""
        return replace(self, rows=sp.vstack([self.rows, *map(self.vectors, batches)]).tocsr())

    def cosines(
        self,
        vectors: sp.csr_matrix,
        others: Int64[np.ndarray, " pairs"],
        rows: Int64[np.ndarray, " pairs"],
    ) -> Float32[np.ndarray, " pairs"]:
        """Give the cosine of each of some vectors with a row; 0..1."""
        product = vectors[others].multiply(self.rows[rows]).sum(axis=1)
        return np.asarray(product, np.float32).ravel()

    def save(self, folder: Path, prefix: str) -> None:
        """Write into a folder."""
        m = self.rows
        arrays = {"data": m.data, "indices": m.indices, "indptr": m.indptr, "rarity": self.rarity}
        write_arrays(arrays, folder, prefix)

    @classmethod
    def load(cls, folder: Path, prefix: str, split: Split) -> "Weighed":
        """Map into memory."""
        a = read_arrays(folder, prefix)
        shape = len(a["indptr"]) - 1, len(a["rarity"])
        return cls(sp.csr_matrix((a["data"], a["indices"], a["indptr"]), shape=shape), a["rarity"], split)


def counts(texts: Sequence[str], split: Split, bits: int) -> sp.csr_matrix:
    """Count the parts of each text; they are hashed to 2 ** bits columns."""
    from sklearn.feature_extraction.text import HashingVectorizer  # slow to import

    if not len(texts):  # the vectorizer refuses none
        return sp.csr_matrix((0, 1 << bits), dtype=np.float32)
    vectorizer = HashingVectorizer(
        n_features=1 << bits, alternate_sign=False, norm=None, analyzer=split, dtype=np.float32
    )
    return vectorizer.transform(texts).tocsr()


def weighed(counted: sp.csr_matrix, rarity: Float32[np.ndarray, " columns"]) -> sp.csr_matrix:
    """Weigh counts, dampened by a logarithm, by rarity, and make the rows unit vectors."""
    m = counted.copy()
    m.data = (1 + np.log(m.data)) * rarity[m.indices]
    return unit(m)


def unit(m: sp.csr_matrix) -> sp.csr_matrix:
    """Divide each row by its length; rows of nothing stay."""
    norms = np.sqrt(np.asarray(m.multiply(m).sum(axis=1)).ravel())
    m.data /= np.repeat(np.maximum(norms, 1e-12), np.diff(m.indptr))
    return m.astype(np.float32)
