"""Partitions from start to folder: checkpoints after visits, the best epoch, vectors written tile by tile."""

import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from torch import Tensor

from loregraft.errors import WrongArtifact
from loregraft.kge.partitions.files import Buffer
from loregraft.kge.partitions.train import partitioned, train_buckets, write_start
from loregraft.kge.parts import Parts
from loregraft.kge.settings import KgeSettings
from loregraft.kge.training.checkpoint import checkpoints, save_checkpoint, take_best
from loregraft.kge.training.train import Progress

FLOAT_BYTES = 4


def learn_buckets(
    parts: Parts,
    settings: KgeSettings,
    folder: Path,
    key: str,
    report: Callable[[Progress], object],
    save_every_s: float,
) -> tuple[Progress, Buffer]:
    """Train partitions in a folder, or go on; gives the buffer whose files are the best epoch's.

    A checkpoint is written after the first visit that ends `save_every_s` seconds of training after the last
    one, and after each epoch that is the best so far.

    Raises:
        BadInput: There are more partitions than entities, or the scorer cannot have so many dimensions.
        CannotWrite: No permission, or the disk is full.
        Diverged: A number became none; the best numbers so far stay in the checkpoints.
    """
    buffer = partitioned(parts, settings, folder)
    progress = _resume(buffer, folder, key)
    if progress is None:
        for older in ("best", "last"):
            shutil.rmtree(folder / older, ignore_errors=True)
        write_start(buffer, parts.relations, settings)
        buffer.files.remove_all_but([])
    saved = progress.seconds if progress else 0.0

    def keep(now: Progress) -> None:
        nonlocal saved
        if now.seconds - saved > save_every_s or (now.best_epoch == now.epoch and not now.visits):
            save_visit(buffer, folder, now, key)
            saved = now.seconds

    done = train_buckets(buffer, parts, settings, folder, progress, report, keep)
    buffer.write()
    if done.best_epoch and done.best_epoch != done.epoch:
        best = take_best(folder, buffer.tables, key)
        if not buffer.files.intact(best.stored):
            raise WrongArtifact(best.path, "the best epoch's numbers are damaged", "Train once more.")
        buffer.files.stored = list(best.stored)
    return done, buffer


def save_visit(buffer: Buffer, folder: Path, now: Progress, key: str) -> None:
    """Write a checkpoint between two visits.

    Raises:
        CannotWrite: No permission, or the disk is full; the older checkpoint stays.
    """
    buffer.write()
    buffer.files.sync()
    save_checkpoint(folder, buffer.tables, now, key, buffer.files.stored)
    _tidy(buffer, folder, key)


def _resume(buffer: Buffer, folder: Path, key: str) -> Progress | None:
    """Go back to the newest checkpoint whose files are whole."""
    for one in checkpoints(folder, key):
        if buffer.files.intact(one.stored):
            buffer.files.stored = list(one.stored)
            one.take(buffer.tables)
            _tidy(buffer, folder, key)
            return one.progress
    return None


def _tidy(buffer: Buffer, folder: Path, key: str) -> None:
    buffer.files.remove_all_but([stored for one in checkpoints(folder, key) for stored in one.stored])


def write_numbers(buffer: Buffer, path: Path) -> None:
    """Write a safetensors file: the length of the header, the header, the numbers one after another."""
    files, entities = buffer.files, len(buffer.files.layout.row)
    shapes = {name: [entities, *width] for name, width in zip(_OF_ENTITIES, files.widths, strict=True)}
    tiles: dict[str, Iterable[Tensor]] = {
        name: files.in_order(kind) for kind, name in enumerate(_OF_ENTITIES)
    }
    for name, tensor in buffer.tables.named().items():
        if name not in _OF_ENTITIES:
            shapes[name], tiles[name] = list(tensor.shape), [tensor]
    header, end = {}, 0
    for name, shape in shapes.items():
        size = FLOAT_BYTES
        for count in shape:
            size *= count
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for blocks in tiles.values():
            for block in blocks:
                file.write(block.contiguous().numpy().data)


_OF_ENTITIES = ("entities", "entities_state")
