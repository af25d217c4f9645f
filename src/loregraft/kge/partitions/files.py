"""Partitions: the rows of entities with the optimizer's state, in files, and a few of them in memory.

A file is never changed. A partition that leaves the buffer is written as a new file, and a checkpoint names
the files it needs, so that a run that was killed at any moment goes on from there. Files that no
checkpoint needs are removed.
"""

import re
import zlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from io import BufferedReader
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from loregraft.disk import beside, cannot_write, sync
from loregraft.errors import WrongArtifact
from loregraft.kge.partitions.buckets import Layout
from loregraft.kge.questions import Ints
from loregraft.kge.tables import Table, Tables

TILE_ROWS = 16_384
"""Rows that are read at once where no partition is held."""
FLOAT_BYTES = 4


@dataclass(frozen=True)
class Stored:
    """A file of a partition: its name, and the CRC-32 of what is in it."""

    file: str
    crc: int


class PartitionFiles:
    """A file for each partition: its values, then its state, as float32.

    Attributes:
        stored: The newest file of each partition.
    """

    def __init__(self, folder: Path, layout: Layout, rows: Table) -> None:
        """Take the widths of a table's rows; nothing is read or written yet.

        Raises:
            CannotWrite: The folder cannot be made.
        """
        self.layout, self.stored = layout, [Stored("", 0)] * len(layout.sizes)
        self.widths = [tuple(tensor.shape[1:]) for tensor in (rows.values, rows.state)]
        self._folder, self._needed = folder, set[str]()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(folder, error) from error
        versions = [int(match[1]) for path in folder.iterdir() if (match := _version(path.name))]
        self._version = max(versions, default=0)

    def write(self, partition: int, rows: Table) -> None:
        """Write a partition as a new file.

        Raises:
            CannotWrite: No permission, or the disk is full.
        """
        self._version += 1
        path, crc = self._folder / f"{partition}-{self._version}.rows", 0
        building = beside(path, "writing")
        try:
            with building.open("wb") as file:
                for tensor in (rows.values, rows.state):
                    content = _bytes(tensor[: self.layout.sizes[partition]])
                    file.write(content)
                    crc = zlib.crc32(content, crc)
            building.rename(path)
            older = self.stored[partition].file
            if older and older not in self._needed:
                (self._folder / older).unlink()
        except OSError as error:
            raise cannot_write(path, error) from error
        self.stored[partition] = Stored(path.name, crc)

    def read(self, partition: int, rows: Table) -> None:
        """Read a partition into the first rows of a table."""
        with self._path(partition).open("rb") as file:
            for tensor in (rows.values, rows.state):
                _fill(tensor[: self.layout.sizes[partition]], file)

    def read_some(self, partition: int, kind: int, rows: slice) -> Tensor:
        """Read some rows in a row: of the values (0), or of the state (1)."""
        size = [FLOAT_BYTES * int(np.prod(width)) for width in self.widths]
        found = torch.empty(rows.stop - rows.start, *self.widths[kind])
        with self._path(partition).open("rb") as file:
            file.seek(kind * size[0] * self.layout.sizes[partition] + rows.start * size[kind])
            _fill(found, file)
        return found

    def read_values(self, partition: int, rows: Ints) -> Float[Tensor, "rows width"]:
        """Read the values of a few rows, one by one."""
        found = torch.empty(len(rows), *self.widths[0])
        with self._path(partition).open("rb") as file:
            for place, row in enumerate(rows.tolist()):
                file.seek(row * found.shape[1] * FLOAT_BYTES)
                _fill(found[place], file)
        return found

    def in_order(self, kind: int) -> Iterator[Tensor]:
        """Read all rows in the order of entities, a tile at a time: values (0), or state (1)."""
        layout = self.layout
        for start in range(0, len(layout.row), TILE_ROWS):
            parts, rows = (column[start : start + TILE_ROWS] for column in (layout.partition, layout.row))
            tile = torch.empty(len(rows), *self.widths[kind])
            for partition in range(len(layout.sizes)):
                own = np.flatnonzero(parts == partition)
                if len(own):  # they are in a row there, too
                    found = slice(int(rows[own[0]]), int(rows[own[-1]]) + 1)
                    tile[torch.from_numpy(own)] = self.read_some(partition, kind, found)
            yield tile

    def intact(self, stored: Sequence[Stored]) -> bool:
        """Tell whether these files are there as they were written; about 1 s per GB."""
        return len(stored) == len(self.stored) and all(
            _crc(self._folder / one.file) == one.crc for one in stored
        )

    def sync(self) -> None:
        """Have the newest files written to the disk itself."""
        for one in self.stored:
            sync(self._folder / one.file)
        sync(self._folder)

    def remove_all_but(self, needed: Collection[Stored]) -> None:
        """Remove the files that are neither needed nor the newest; the needed ones stay from now on."""
        self._needed = {one.file for one in needed}
        for path in self._folder.iterdir():
            if path.name not in self._needed | {one.file for one in self.stored}:
                path.unlink()

    def _path(self, partition: int) -> Path:
        return self._folder / self.stored[partition].file


class Buffer:
    """A few partitions in memory, each in a place of one table; what changed is written when it leaves.

    Attributes:
        tables: Their entities are the places, one after another; relations and core are always here.
        loads: Partitions read so far.
    """

    def __init__(self, files: PartitionFiles, tables: Tables, places: int) -> None:
        """Begin empty; of the tables, relations and core are taken."""
        sizes, hubs = files.layout.sizes, files.layout.hubs
        self.files, self._room = files, max(sizes)
        self._count = min(places, len(sizes if hubs is None else sizes[:hubs]))
        rows = self._count * self._room + (0 if hubs is None else sizes[hubs])  # they stand behind all places
        shapes = [(rows, *width) for width in files.widths]
        entities = Table(
            *(torch.from_numpy(np.zeros(shape, np.float32)) for shape in shapes)
        )  # not touched yet
        self.tables = replace(tables, entities=entities)
        self._places: dict[int, int] = {}
        self._changed: set[int] = set()
        self.loads = 0

    def hold(self, wanted: Sequence[int]) -> None:
        """Have these partitions in memory, to be changed; others leave where their place is needed.

        Raises:
            CannotWrite: No permission, or the disk is full.
        """
        for partition in wanted:
            if partition not in self._places:
                place = self._count if partition == self.files.layout.hubs else self._free(wanted)
                self.files.read(partition, self._rows(place))
                self._places[partition] = place
                self.loads += 1
        self._changed.update(wanted)

    def first(self, partition: int) -> int:
        """Give the row of the table where a partition that is held begins."""
        return self._places[partition] * self._room

    def write(self) -> None:
        """Write what changed, and hold it still."""
        for partition in sorted(self._changed):
            self.files.write(partition, self._rows(self._places[partition]))
        self._changed.clear()

    def values(self, entities: Ints) -> Float[Tensor, "entities width"]:
        """Give the values of some entities, wherever they are."""
        layout = self.files.layout
        found = torch.empty(len(entities), *self.files.widths[0])
        for partition in range(len(layout.sizes)):
            own = np.flatnonzero(layout.partition[entities] == partition)
            rows = layout.row[entities[own]]
            if partition in self._places:
                place = torch.from_numpy(rows + self.first(partition))
                found[torch.from_numpy(own)] = self.tables.entities.values[place]
            elif len(own):
                found[torch.from_numpy(own)] = self.files.read_values(partition, rows)
        return found

    def tiles(self, partition: int) -> Iterator[tuple[int, Float[Tensor, "rows width"]]]:
        """Give the values of a partition, wherever they are: the first row of a tile, and the tile."""
        size = self.files.layout.sizes[partition]
        for start in range(0, size, TILE_ROWS):
            rows = slice(start, min(start + TILE_ROWS, size))
            if partition in self._places:
                first = self.first(partition)
                yield start, self.tables.entities.values[first + rows.start : first + rows.stop]
            else:
                yield start, self.files.read_some(partition, 0, rows)

    def _free(self, wanted: Sequence[int]) -> int:
        """Give a place that is free, or make one so."""
        free = [place for place in range(self._count) if place not in self._places.values()]
        if free:
            return free[0]
        leaving = next(partition for partition in self._places if partition not in wanted)
        place = self._places[leaving]
        if leaving in self._changed:
            self.files.write(leaving, self._rows(place))
            self._changed.remove(leaving)
        del self._places[leaving]
        return place

    def _rows(self, place: int) -> Table:
        rows, entities = slice(place * self._room, (place + 1) * self._room), self.tables.entities
        return Table(entities.values[rows], entities.state[rows])


def _version(name: str) -> re.Match[str] | None:
    return re.fullmatch(r"\d+-(\d+)\.rows", name)


def _bytes(tensor: Tensor) -> memoryview:
    return tensor.numpy().reshape(-1).view(np.uint8).data


def _fill(tensor: Tensor, file: BufferedReader) -> None:
    content = _bytes(tensor)
    if file.readinto(content) != len(content):
        raise WrongArtifact(Path(file.name), "the file is cut off", "Train the vectors once more.")


def _crc(path: Path) -> int | None:
    try:
        with path.open("rb") as file:
            crc = 0
            while block := file.read(1 << 22):
                crc = zlib.crc32(block, crc)
            return crc
    except OSError:
        return None
