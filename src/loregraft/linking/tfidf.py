"""Counts of words or letter groups as sparse rows, weighed by how rare each is (TF-IDF)."""

from collections.abc import Callable, Sequence

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float32

Split = Callable[[str], list[str]]


def counts(texts: Sequence[str], split: Split, bits: int) -> sp.csr_matrix:
    """Count the parts of each text; they are hashed to 2 ** bits columns."""
    from sklearn.feature_extraction.text import HashingVectorizer  # slow to import

    if not len(texts):  # the vectorizer refuses none
        return sp.csr_matrix((0, 1 << bits), dtype=np.float32)
    vectorizer = HashingVectorizer(
        n_features=1 << bits, alternate_sign=False, norm=None, analyzer=split, dtype=np.float32
    )
    return vectorizer.transform(texts).tocsr()


def rarities(counted: sp.csr_matrix) -> Float32[np.ndarray, " columns"]:
    """Give the log of texts a text that has a column, plus 1."""
    having = np.bincount(counted.indices, minlength=counted.shape[1])
    return (np.log((counted.shape[0] + 1) / (having + 1)) + 1).astype(np.float32)


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
