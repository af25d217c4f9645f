"""Names by meaning: cosines of an encoder's vectors, for strings whose letters are unlike any name's.

Every name has a vector of its own; an entity is as near as its nearest name. All names are compared, or,
where they are many, those that an index proposes (`near.py`) and those that were added later.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float16, Float32, Int32, Int64

from loregraft.encoder.encode import encode
from loregraft.encoder.load import Encoder
from loregraft.errors import WrongArtifact
from loregraft.kg.runs import runs
from loregraft.linking.arrays import read_arrays, write_arrays
from loregraft.linking.candidates.near import FILE, make_index, open_index, propose
from loregraft.training.device import has_bf16

MAX_TOKENS = 32
AT_ONCE = 256

Vectors = Float32[np.ndarray, "strings dim"]


class Dense:
    """Vectors of names, and the encoder that made them.

    Attributes:
        index: Of the first rows; None: all are compared.
    """

    def __init__(
        self, encoder: Encoder, vectors: Float16[np.ndarray, "names dim"], index: Any | None = None
    ) -> None:
        if vectors.shape[1] != encoder.dim:
            found = (
                f"its names have vectors of {vectors.shape[1]} numbers, and the encoder gives {encoder.dim}"
            )
            raise WrongArtifact(Path("linker"), found, "Give the encoder that the linker was built with.")
        self.encoder, self.vectors, self.index = encoder, vectors, index

    @classmethod
    def of(
        cls, encoder: Encoder, names: Sequence[str], progress: Callable[[int], object] = lambda done: None
    ) -> "Dense":
        """Encode names."""
        vectors = encode(encoder, names, max_tokens=MAX_TOKENS, bf16=has_bf16(), progress=progress)
        half = vectors.astype(np.float16)
        return cls(encoder, half, make_index(half))

    def encode(self, strings: Sequence[str]) -> Vectors:
        """Give the unit vectors of some strings."""
        return encode(self.encoder, strings, max_tokens=MAX_TOKENS, bf16=has_bf16())

    def nearest(
        self, queries: Vectors, most: int
    ) -> tuple[Int64[np.ndarray, "strings found"], Float32[np.ndarray, "strings found"]]:
        """Give the rows of the names nearest each vector, and their cosines, best first."""
        most = min(most, len(self.vectors))
        rows, cosines = [np.zeros((0, most), np.int64)], [np.zeros((0, most), np.float32)]
        for first in range(0, len(queries), AT_ONCE):
            some = queries[first : first + AT_ONCE]
            for candidates, scores in self._compared(some, most):
                best = np.argpartition(-scores, most - 1, axis=1)[:, :most] if most else rows[0]
                found = np.take_along_axis(scores, best, 1)
                order = np.argsort(-found, axis=1, kind="stable")
                chosen = np.take_along_axis(best, order, 1)
                rows.append(chosen if candidates is None else candidates[chosen])
                cosines.append(np.take_along_axis(found, order, 1))
        return np.concatenate(rows), np.concatenate(cosines)

    def _compared(
        self, queries: Vectors, most: int
    ) -> Iterator[tuple[Int64[np.ndarray, " compared"] | None, Float32[np.ndarray, "strings compared"]]]:
        """Yield which names some strings are compared with (None: all), and the cosines."""
        if self.index is None:
            yield None, self._scores(queries)
            return
        later = np.arange(len(self.index), len(self.vectors))
        for query, proposed in zip(queries, propose(self.index, queries, most), strict=True):
            candidates = np.concatenate([proposed[proposed >= 0], later])
            if len(candidates) < most:
                yield None, self._scores(query[None])
            else:
                yield candidates, query[None] @ self.vectors[candidates].astype(np.float32).T

    def _scores(self, queries: Vectors) -> Float32[np.ndarray, "strings names"]:
        scores = np.empty((len(queries), len(self.vectors)), np.float32)
        for first in range(0, len(self.vectors), 16_384):  # half precision is widened a tile at a time
            tile = slice(first, first + 16_384)
            scores[:, tile] = queries @ self.vectors[tile].astype(np.float32).T
        return scores

    def cosines_of_entities(
        self,
        queries: Vectors,
        strings: Int64[np.ndarray, " pairs"],
        entities: Int64[np.ndarray, " pairs"],
        owners: Int32[np.ndarray, " names"],
    ) -> Float32[np.ndarray, " pairs"]:
        """Give the cosine of each string with the nearest name of an entity.

        Args:
            owners: The entity of each name, ascending.
        """
        starts, ends = (np.searchsorted(owners, entities, side) for side in ("left", "right"))
        pairs, names = runs(starts, ends)
        best = np.full(len(strings), -1, np.float32)
        for first in range(0, len(pairs), 100_000):
            some = slice(first, first + 100_000)
            rows = self.vectors[names[some]].astype(np.float32)
            np.maximum.at(best, pairs[some], np.einsum("pd,pd->p", queries[strings[pairs[some]]], rows))
        return best

    def save(self, folder: Path) -> None:
        """Write the vectors into a folder; the encoder stays where it is."""
        write_arrays({"vectors": self.vectors}, folder, "dense")
        if self.index is not None and len(self.index) == len(self.vectors):
            self.index.save(str(folder / FILE))

    @classmethod
    def load(cls, folder: Path, encoder: Encoder) -> "Dense":
        """Map the vectors into memory, and their index if there is one.

        Raises:
            WrongArtifact: The encoder has vectors of another width.
        """
        return cls(encoder, read_arrays(folder, "dense")["vectors"], open_index(folder))
