"""How well does a string fit each name of a dictionary? Exact, by letters, by meaning.

Each index is built over the names once and gives a matrix of scores for some strings, higher is
better: an arm of the name task (`names.py`), which ranks all names.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from loregraft.encoder.encode import encode
from loregraft.encoder.load import Encoder
from loregraft.kg.names import fold_name

TILE = 256


@runtime_checkable
class NameIndex(Protocol):
    """Scores strings against all names of a dictionary."""

    def scores(self, strings: Sequence[str]) -> Float[np.ndarray, "strings names"]:
        """Give the score of each string with each name; higher is better."""
        ...


@dataclass(frozen=True)
class Dictionary:
    """Names and the entity that each may mean.

    Attributes:
        names: One string a row; an entity may have many, and two entities may share one.
        entities: Entity index of each row, ascending.
    """

    names: tuple[str, ...]
    entities: NDArray[np.int64]

    @classmethod
    def of(cls, names: Sequence[str], entities: NDArray[np.int64]) -> "Dictionary":
        """Sort rows by entity, as the other methods need them."""
        order = np.argsort(entities, kind="stable")
        return cls(tuple(names[row] for row in order.tolist()), entities[order])

    @property
    def distinct(self) -> NDArray[np.int64]:
        """The entities that have a name here, ascending; columns of `by_entity`."""
        return np.unique(self.entities)

    def by_entity(self, index: NameIndex, strings: Sequence[str]) -> Iterator["EntityScores"]:
        """Yield the scores of some strings at a time.

        Takes TILE x names floats of memory, whatever the number of strings.
        """
        starts = np.flatnonzero(np.r_[True, np.diff(self.entities) > 0])
        for first in range(0, len(strings), TILE):
            scores = index.scores(strings[first : first + TILE])
            yield EntityScores(scores, starts, np.maximum.reduceat(scores, starts, axis=1))


@dataclass(frozen=True)
class EntityScores:
    """How well some strings fit the entities of a dictionary.

    Attributes:
        by_name: The scores by row of the dictionary.
        starts: The first row of each entity.
        best: Each entity's best score over its names.
    """

    by_name: Float[np.ndarray, "strings names"]
    starts: NDArray[np.int64]
    best: Float[np.ndarray, "strings entities"]

    def top(self, count: int) -> tuple[NDArray[np.int64], Float[np.ndarray, "strings top"]]:
        """Give the best names of the best entities, as rows of the dictionary, and their scores.

        The earlier of equal scores comes first.
        """
        left, strings = self.best.copy(), np.arange(len(self.best))
        ends = np.r_[self.starts[1:], self.by_name.shape[1]]
        rows, scores = [], []
        for _ in range(min(count, left.shape[1])):
            entities = left.argmax(axis=1)
            scores.append(left[strings, entities])
            left[strings, entities] = -np.inf
            spans = zip(self.by_name, self.starts[entities], ends[entities], strict=True)
            rows.append([first + int(names[first:last].argmax()) for names, first, last in spans])
        return np.array(rows, np.int64).T, np.stack(scores, axis=1)


class ExactIndex:
    """1 where a string and a name fold to the same, else 0."""

    def __init__(self, names: Sequence[str]) -> None:
        self._rows: dict[str, list[int]] = {}
        for row, name in enumerate(names):
            self._rows.setdefault(fold_name(name), []).append(row)
        self._size = len(names)

    def scores(self, strings: Sequence[str]) -> Float[np.ndarray, "strings names"]:
        """See NameIndex."""
        scores = np.zeros((len(strings), self._size), np.float32)
        for place, string in enumerate(strings):
            scores[place, self._rows.get(fold_name(string), [])] = 1.0
        return scores


class NgramIndex:
    """Cosine of character n-gram counts inside words, weighted by rarity (TF-IDF); 0..1."""

    def __init__(self, names: Sequence[str], shortest: int = 3, longest: int = 3) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer  # slow to import

        self._vectorizer = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(shortest, longest), preprocessor=fold_name, dtype=np.float32
        )
        self._names = self._vectorizer.fit_transform(names).T.tocsr()

    def scores(self, strings: Sequence[str]) -> Float[np.ndarray, "strings names"]:
        """See NameIndex."""
        if not strings:  # the vectorizer refuses none
            return np.zeros((0, self._names.shape[1]), np.float32)
        return np.asarray((self._vectorizer.transform(strings) @ self._names).toarray(), np.float32)


class DenseIndex:
    """Cosine of an encoder's vectors, exact over all names; -1..1."""

    def __init__(
        self, encoder: Encoder, names: Sequence[str], *, max_tokens: int = 32, bf16: bool = False
    ) -> None:
        self._encoder, self._max_tokens, self._bf16 = encoder, max_tokens, bf16
        self.vectors = encode(encoder, names, max_tokens=max_tokens, bf16=bf16)

    def scores(self, strings: Sequence[str]) -> Float[np.ndarray, "strings names"]:
        """See NameIndex."""
        vectors = encode(self._encoder, strings, max_tokens=self._max_tokens, bf16=self._bf16)
        return vectors @ self.vectors.T
