"""Names by meaning: cosines of an encoder's vectors, for strings whose letters are unlike any name's.

Every name has a vector of its own; an entity is as near as its nearest name. All names are compared.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float16, Float32, Int32, Int64

from loregraft.encoder.encode import encode
from loregraft.encoder.load import Encoder
from loregraft.errors import WrongArtifact
from loregraft.kg.runs import runs
from loregraft.linking.arrays import read_arrays, write_arrays
from loregraft.training.device import has_bf16

MAX_TOKENS = 32
AT_ONCE = 256

Vectors = Float32[np.ndarray, "strings dim"]


class Dense:
    """Vectors of names, and the encoder that made them."""

    def __init__(self, encoder: Encoder, vectors: Float16[np.ndarray, "names dim"]) -> None:
        if vectors.shape[1] != encoder.dim:
            found = (
                f"its names have vectors of {vectors.shape[1]} numbers, and the encoder gives {encoder.dim}"
            )
            raise WrongArtifact(Path("linker"), found, "Give the encoder that the linker was built with.")
        self.encoder, self.vectors = encoder, vectors

    @classmethod
    def of(
        cls, encoder: Encoder, names: Sequence[str], progress: Callable[[int], object] = lambda done: None
    ) -> "Dense":
        """Encode names."""
        vectors = encode(encoder, names, max_tokens=MAX_TOKENS, bf16=has_bf16(), progress=progress)
        return cls(encoder, vectors.astype(np.float16))

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
            scores = self._scores(queries[first : first + AT_ONCE])
            best = np.argpartition(-scores, most - 1, axis=1)[:, :most] if most else rows[0]
            found = np.take_along_axis(scores, best, 1)
            order = np.argsort(-found, axis=1, kind="stable")
            rows.append(np.take_along_axis(best, order, 1))
            cosines.append(np.take_along_axis(found, order, 1))
        return np.concatenate(rows), np.concatenate(cosines)

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

    @classmethod
    def load(cls, folder: Path, encoder: Encoder) -> "Dense":
        """Map the vectors into memory.

        Raises:
            WrongArtifact: The encoder has vectors of another width.
        """
        return cls(encoder, read_arrays(folder, "dense")["vectors"])
