"""Train vectors that are larger than memory: visit after visit, with a few partitions of entities held.

A visit's triples are learnt by the same steps as in `train.py`, on the rows of the buffer, with negatives
of what is held. With one partition the numbers are the same bits as those of `train.py`.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float64

from loregraft.errors import BadInput
from loregraft.kge.partitions.buckets import Buckets, Layout, Visit, visits
from loregraft.kge.partitions.files import Buffer, PartitionFiles
from loregraft.kge.partitions.negatives import DrawHeld
from loregraft.kge.partitions.ranking import rank_in_partitions
from loregraft.kge.parts import Parts
from loregraft.kge.questions import Triples
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Table, Tables
from loregraft.kge.training.negatives import drawn_shares
from loregraft.kge.training.train import (
    Lot,
    Pass,
    Progress,
    Watch,
    answers_in,
    bernoulli,
    epochs,
    is_late,
    questions_of,
)


def check_partitions(parts: Parts, settings: KgeSettings) -> None:
    """Refuse settings that do not fit, before anything is written.

    Raises:
        BadInput: There are more partitions than entities, or the scorer cannot have so many dimensions.
    """
    if settings.partitions > parts.entities:
        found = f"partitions is {settings.partitions:,}, and the graph has {parts.entities:,} entities"
        raise BadInput(Path("settings"), 0, found, f"Set partitions to {parts.entities:,} or less.")
    Tables.start(1, parts.relations, settings)


def partitioned(parts: Parts, settings: KgeSettings, folder: Path) -> Buffer:
    """Give a buffer on files in folder/partitions; none is written yet.

    Raises:
        BadInput: The scorer cannot have so many dimensions.
        CannotWrite: The folder cannot be made.
    """
    layout = Layout.draw(parts.train, parts.entities, settings.partitions, settings.seed)
    tables = Tables.start(layout.sizes[0], parts.relations, settings)
    files = PartitionFiles(folder / "partitions", layout, tables.entities)
    return Buffer(files, tables, settings.buffered)


def write_start(buffer: Buffer, relations: int, settings: KgeSettings) -> None:
    """Draw the first numbers from the seed, and write them.

    Raises:
        CannotWrite: No permission, or the disk is full.
    """
    sizes, scorer = buffer.files.layout.sizes, buffer.tables.scorer
    buffer.files.write(0, Tables.start(sizes[0], relations, settings).entities)
    for partition in range(1, len(sizes)):
        seed = int(np.random.SeedSequence((settings.seed, partition)).generate_state(1, np.uint64)[0] >> 1)
        generator = torch.Generator().manual_seed(seed)
        width = scorer.entity_width(settings.dim)
        values = scorer.entity_start.draw(sizes[partition], width, generator)
        buffer.files.write(partition, Table.of(values, settings))


def train_buckets(
    buffer: Buffer,
    parts: Parts,
    settings: KgeSettings,
    folder: Path,
    progress: Progress | None = None,
    report: Callable[[Progress], object] = lambda progress: None,
    keep: Callable[[Progress], object] = lambda progress: None,
) -> Progress:
    """Train partitions in place; see `train.train`.

    Args:
        folder: For the triples by bucket.
        keep: Called after each visit too; `visits` is 0 after an epoch.

    Raises:
        Diverged: The loss is no number, or a vector holds one that is none.
        CannotWrite: No permission, or the disk is full.
    """
    now = progress or Progress()
    work = _Work(buffer, parts, settings, folder, now)
    watch = Watch(parts, settings)

    def validate() -> float:
        return watch.mrr(lambda questions, known: rank_in_partitions(buffer, questions, known))

    def run() -> None:
        work.epoch(report, keep)

    for _ in epochs(now, settings, run, validate if len(parts.valid) else None):
        keep(now)
        report(now)
    return now


class _Work:
    """The triples by bucket, and the visits of an epoch."""

    def __init__(
        self, buffer: Buffer, parts: Parts, settings: KgeSettings, folder: Path, now: Progress
    ) -> None:
        self._buffer, self._settings, self._now = buffer, settings, now
        self._relations = parts.relations
        self._sizes = buffer.files.layout.sizes
        self._buckets = Buckets(folder / "buckets", parts.train, buffer.files.layout)
        self._drawn = drawn_shares(parts.train, parts.entities, settings)
        both = settings.sides == "both"
        self._shares = None if both else bernoulli(parts.train, parts.relations)

    def epoch(self, report: Callable[[Progress], object], keep: Callable[[Progress], object]) -> None:
        """Do the visits of an epoch that are not done yet, or as many as there is time for."""
        now, settings = self._now, self._settings
        generator = np.random.default_rng((settings.seed, now.epoch, 2))
        hubs = self._buffer.files.layout.hubs
        every = visits(settings.partitions, settings.buffered, hubs, generator)
        for place in range(now.visits, len(every)):
            if is_late(now, settings):
                return
            started = time.monotonic()
            self._buffer.hold(every[place].held)
            lots = self._lots(every[place])
            now.seconds += time.monotonic() - started
            Pass(self._buffer.tables, settings, lots, now, (place + 1) / len(every)).run(report)
            now.visits += 1
            if now.visits < len(every):  # the epoch's end is kept with its validation
                keep(now)

    def _lots(self, visit: Visit) -> list[Lot]:
        """Give the questions of a visit by the partition of what is given; rows are those of the buffer."""
        settings, now, held = self._settings, self._now, visit.held
        own = [self._in_buffer(self._part(*one), one[0]) for one in visit.buckets.items()]
        asked = questions_of(_joined(own), self._relations, settings, now.epoch, self._shares, now.visits)
        known = answers_in(self._pieces(visit), asked, self._relations) if settings.drop_known else None
        shares = self._held_shares(held)
        lots, hubs = [], self._buffer.files.layout.hubs
        for partition in held:
            rows = self._rows(partition)
            inside = (asked.given >= rows.start) & (asked.given < rows.stop)
            if inside.any():
                near = [own for own in held if own in (partition, hubs)]
                far = [other for other in held if other not in near]
                order = [self._rows(one) for one in near], [self._rows(one) for one in far]
                draw = DrawHeld(*order, shares, known, len(self._drawn), settings)
                lots.append(Lot(asked.take(np.flatnonzero(inside)), draw))
        return lots

    def _rows(self, partition: int) -> slice:
        first = self._buffer.first(partition)
        return slice(first, first + self._sizes[partition])

    def _held_shares(self, held: Sequence[int]) -> Float64[np.ndarray, " rows"]:
        """Give how often each row of the buffer is drawn, as a share of all draws."""
        found = np.zeros(len(self._buffer.tables.entities.values))
        for partition in held:
            found[self._rows(partition)] = self._drawn[self._buffer.files.layout.partition == partition]
        return found

    def _part(self, bucket: tuple[int, int], part: tuple[int, int]) -> Triples:
        """Read a part of a bucket, another one in each epoch."""
        number, parts = part
        return self._buckets.read(bucket, (number + self._now.epoch) % parts, parts)

    def _pieces(self, visit: Visit) -> Iterator[Triples]:
        for bucket in visit.buckets:
            for triples in self._buckets.pieces(bucket):
                yield self._in_buffer(triples, bucket)

    def _in_buffer(self, read: Triples, bucket: tuple[int, int]) -> Triples:
        heads, tails = map(self._buffer.first, bucket)
        return Triples(read.heads + heads, read.relations, read.tails + tails, read.weights)


def _joined(read: Sequence[Triples]) -> Triples:
    columns = zip(*(vars(triples).values() for triples in read), strict=True)
    return Triples(*(np.concatenate(column) for column in columns))
