"""Does a text speak of what an entity is described with? Words in common, the rare ones counting more."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float32, Int64

from loregraft.linking.arrays import read_arrays, write_arrays
from loregraft.linking.entities import Entities
from loregraft.linking.folds import spaced
from loregraft.linking.normalize import Rules, normalize
from loregraft.linking.tfidf import counts, rarities, weighed

BITS = 18
NEIGHBOURS = 20
"""Neighbours of an entity whose labels describe it, at most."""

_AT_ONCE = 20_000


class Profiles:
    """What describes each entity: its label and description, and the labels of its neighbours."""

    def __init__(self, rows: sp.csr_matrix, rarity: Float32[np.ndarray, " columns"]) -> None:
        self._rows, self._rarity = rows, rarity

    @classmethod
    def of(cls, entities: Entities, rules: Rules) -> "Profiles":
        """Count the words that describe each entity."""
        counted = sp.vstack([counts(texts, _words, BITS) for texts in _described(entities, rules)]).tocsr()
        rarity = rarities(counted)
        return cls(weighed(counted, rarity), rarity)

    def vectors(self, texts: Sequence[str]) -> sp.csr_matrix:
        """Give the unit vectors of folded texts."""
        return weighed(counts(texts, _words, BITS), self._rarity)

    def cosines(
        self,
        vectors: sp.csr_matrix,
        texts: Int64[np.ndarray, " pairs"],
        entities: Int64[np.ndarray, " pairs"],
    ) -> Float32[np.ndarray, " pairs"]:
        """Give the cosine of each text with what describes an entity; 0..1."""
        product = vectors[texts].multiply(self._rows[entities]).sum(axis=1)
        return np.asarray(product, np.float32).ravel()

    def save(self, folder: Path) -> None:
        """Write into a folder."""
        m = self._rows
        arrays = {"data": m.data, "indices": m.indices, "indptr": m.indptr, "rarity": self._rarity}
        write_arrays(arrays, folder, "profiles")

    @classmethod
    def load(cls, folder: Path) -> "Profiles":
        """Map into memory."""
        a = read_arrays(folder, "profiles")
        shape = (len(a["indptr"]) - 1, 1 << BITS)
        return cls(sp.csr_matrix((a["data"], a["indices"], a["indptr"]), shape=shape), a["rarity"])


def _described(entities: Entities, rules: Rules) -> Iterator[list[str]]:
    """Yield the folded descriptions of some entities at a time."""
    labels = [normalize(label, rules).text for label in entities.table["label"].to_pylist()]
    told = entities.table["description"].to_pylist()
    pointers, neighbours = entities.neighbours.pointers, entities.neighbours.neighbours
    for first in range(0, len(entities), _AT_ONCE):
        texts = []
        for entity in range(first, min(first + _AT_ONCE, len(entities))):
            near = neighbours[pointers[entity] : min(pointers[entity + 1], pointers[entity] + NEIGHBOURS)]
            own = normalize(told[entity], rules).text if told[entity] else ""
            texts.append(" ".join([labels[entity], own, *(labels[other] for other in near.tolist())]))
        yield texts


def _words(text: str) -> list[str]:
    return spaced(text).split()
