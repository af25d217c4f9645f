"""Buckets: entities cut into partitions, triples on disk by the partitions of head and tail, and visits.

Lerer et al. 2019, PyTorch-BigGraph: a triple whose head is in partition i and whose tail is in partition j
can be learnt while no other partition is in memory. A visit is the buckets that are learnt while the same
partitions are held; `files.py` holds them, `train.py` goes from visit to visit.
"""

import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int32, Int64

from loregraft.disk import cannot_write
from loregraft.kge.questions import Triples

COLUMNS: dict[str, type[Any]] = {
    "heads": np.int32,
    "relations": np.int32,
    "tails": np.int32,
    "weights": np.float32,
}


TRIPLES_AT_ONCE = 1 << 17
HUBS = 0.25
"""Rows of the partition of hubs, as a share of those of another one."""


@dataclass(frozen=True)
class Layout:
    """Where each entity is: its partition, and its row there; rows of a partition keep the order of indexes.

    The entities of most triples are a smaller partition of their own, the last one, which is always held.
    Many are answers to the same questions, and must be told apart: a thing not to be learnt
    where one is in memory and the other is not.

    Attributes:
        sizes: Rows of each partition.
        hubs: The number of that last partition; None where there is but one.
    """

    partition: Int32[np.ndarray, " entities"]
    row: Int64[np.ndarray, " entities"]
    sizes: list[int]
    hubs: int | None

    @classmethod
    def draw(cls, triples: Triples, entities: int, partitions: int, seed: int) -> "Layout":
        """Draw partitions of like size, apart from the hubs; by index, entities of a kind would lie together.

        Args:
            partitions: No more than entities.
        """
        often = np.bincount(np.concatenate([triples.heads, triples.tails]), minlength=entities)
        count = int(HUBS * entities / partitions) if partitions > 1 else 0
        others = np.sort(np.argsort(-often, kind="stable")[count:])
        partition = np.full(entities, partitions, np.int32)
        drawn = np.random.default_rng((seed, partitions)).permutation(others)
        partition[drawn] = np.arange(len(drawn)) * partitions // len(drawn)
        sizes = np.bincount(partition)
        row, order = np.empty(entities, np.int64), np.argsort(partition, kind="stable")
        row[order] = np.arange(entities) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return cls(partition, row, [int(size) for size in sizes], partitions if count else None)


@dataclass(frozen=True)
class Visit:
    """Partitions that are held at the same time, and the buckets that are learnt then.

    Attributes:
        buckets: Of each, which part of its triples this visit has, from 0, and of how many.
    """

    held: tuple[int, ...]
    buckets: dict[tuple[int, int], tuple[int, int]]


def visits(partitions: int, buffered: int, hubs: int | None, generator: np.random.Generator) -> list[Visit]:
    """Give the visits of an epoch, each of which needs one partition that the one before did not hold.

    All but one of the held partitions stay until they have met all others, one after another through
    the last place; then others come into their places, one a visit. Partitions are named anew by the
    generator, so that no entity is always first. The hubs' partition is held in all. A bucket is learnt
    in all visits that hold both its partitions, a part of its triples in each.

    Reference:
        Mohoney et al. 2021, Marius: Learning Massive Graph Embeddings on a Single Machine, algorithm 3
        (BETA). With a buffer of two it loads P (P - 1) / 2 + 1 partitions, which is the least there can be.
    """
    names, found = generator.permutation(partitions), []
    for places in _buffers(partitions, buffered):
        found.append((*(int(names[place]) for place in places), *([] if hubs is None else [hubs])))
    times = Counter(bucket for held in found for bucket in product(held, held))
    met: Counter[tuple[int, int]] = Counter()
    every = []
    for held in found:
        every.append(Visit(held, {bucket: (met[bucket], times[bucket]) for bucket in product(held, held)}))
        met.update(product(held, held))
    return every


def _buffers(partitions: int, buffered: int) -> Iterator[list[int]]:
    held = list(range(min(buffered, partitions)))
    waiting = list(range(len(held), partitions))
    yield list(held)
    while waiting:
        for place in range(len(waiting)):
            held[-1], waiting[place] = waiting[place], held[-1]
            yield list(held)
        for place in range(min(len(held) - 1, len(waiting))):
            held[place] = waiting.pop(0)  # what was there has met all others
            yield list(held)


class Buckets:
    """Triples on disk, bucket by bucket, entities by their rows."""

    def __init__(self, folder: Path, triples: Triples, layout: Layout) -> None:
        """Write them; with several partitions the triples of a bucket are shuffled, so that parts are alike.

        Raises:
            CannotWrite: No permission, or the disk is full.
        """
        self._folder, self._partitions = folder, len(layout.sizes)
        keys = layout.partition[triples.heads] * self._partitions + layout.partition[triples.tails]
        counts = np.bincount(keys, minlength=self._partitions**2)
        self._starts = np.r_[0, np.cumsum(counts)]
        order = np.arange(len(keys))
        if self._partitions > 1:
            order = np.random.default_rng(self._partitions).permutation(order)
        order = order[np.argsort(keys[order], kind="stable")]
        try:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            for name, kind in COLUMNS.items():
                column = getattr(triples, name)[order]
                column = layout.row[column] if name in ("heads", "tails") else column
                column.astype(kind).tofile(folder / name)
        except OSError as error:
            raise cannot_write(folder, error) from error

    def count(self, bucket: tuple[int, int]) -> int:
        """Give the number of triples of a bucket."""
        place = self._place(bucket)
        return int(self._starts[place + 1] - self._starts[place])

    def read(self, bucket: tuple[int, int], part: int = 0, parts: int = 1) -> Triples:
        """Read the triples of a bucket, or one of so many parts of them, counted from 0."""
        every = self.count(bucket)
        start, stop = every * part // parts, every * (part + 1) // parts
        first = int(self._starts[self._place(bucket)]) + start
        heads, relations, tails, weights = (
            np.fromfile(self._folder / name, kind, stop - start, offset=first * np.dtype(kind).itemsize)
            for name, kind in COLUMNS.items()
        )
        return Triples.of(heads, relations, tails, weights)

    def pieces(self, bucket: tuple[int, int]) -> Iterator[Triples]:
        """Read the triples of a bucket in pieces of at most TRIPLES_AT_ONCE."""
        parts = -(-self.count(bucket) // TRIPLES_AT_ONCE)
        for part in range(parts):
            yield self.read(bucket, part, parts)

    def _place(self, bucket: tuple[int, int]) -> int:
        return bucket[0] * self._partitions + bucket[1]
