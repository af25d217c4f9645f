"""Checkpoints of a training: whole or absent, and the same bits when a run goes on from one."""

import shutil
from dataclasses import asdict
from pathlib import Path

from safetensors.torch import load_file, save_file

from loregraft.artifact import Json, read_card, verify, writing
from loregraft.errors import WrongArtifact
from loregraft.kge.tables import Tables
from loregraft.kge.train import Progress

KIND = "kge-checkpoint"
TENSORS = "tables.safetensors"


def save_checkpoint(folder: Path, tables: Tables, progress: Progress, key: str) -> None:
    """Write folder/best where the tables are the best so far, else folder/last.

    Raises:
        CannotWrite: No permission, or the disk is full; the older checkpoint stays.
    """
    name = "best" if progress.best_epoch == progress.epoch else "last"
    with writing(folder / name, KIND, key) as (target, facts):
        facts.update({"progress": _words(progress)})
        save_file(tables.named(), target / TENSORS)


def resume(folder: Path, tables: Tables, key: str) -> Progress | None:
    """Put the numbers of the newest checkpoint into the tables; None, and nothing changed, without one."""
    found = [_read(folder / name, key) for name in ("best", "last")]
    newest = max((one for one in found if one), key=lambda one: one[1].epoch, default=None)
    if newest is None:
        return None
    _take(newest[0], tables)
    return newest[1]


def take_best(folder: Path, tables: Tables, key: str) -> None:
    """Put the numbers of the best epoch into the tables."""
    if _read(folder / "best", key) is None:
        raise WrongArtifact(folder / "best", "the best epoch's numbers are damaged", "Train once more.")
    _take(folder / "best", tables)


def _read(path: Path, key: str) -> tuple[Path, Progress] | None:
    """Give the progress of an intact checkpoint of this run."""
    try:
        card = read_card(path, KIND)
        if card.key != key or verify(path):
            return None
    except WrongArtifact:
        return None
    told = card.facts["progress"]
    assert isinstance(told, dict)
    history = [(int(epoch), float(seconds), float(mrr)) for epoch, seconds, mrr in told["history"]]
    return path, Progress(**{**told, "history": history})


def _take(path: Path, tables: Tables) -> None:
    saved = load_file(path / TENSORS)
    for name, tensor in tables.named().items():
        tensor.copy_(saved[name])


def remove_checkpoints(folder: Path) -> None:
    """Remove all checkpoints of a run, once its result is safe."""
    shutil.rmtree(folder, ignore_errors=True)


def _words(progress: Progress) -> Json:
    found: dict[str, Json] = asdict(progress)
    return found
