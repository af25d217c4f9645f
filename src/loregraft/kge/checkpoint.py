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


def save_checkpoint(folder: Path, tables: Tables, progress: Progress, key: str) -> None:
    """Write folder/last, and folder/best where the tables are the best so far.

    Raises:
        CannotWrite: No permission, or the disk is full; the older checkpoint stays.
    """
    names = ["last"] + (["best"] if progress.best_epoch == progress.epoch else [])
    for name in reversed(names):  # a kill between the two leaves a best one that the last will make again
        with writing(folder / name, KIND, key) as (target, facts):
            facts.update({"progress": _words(progress)})
            save_file(tables.named(), target / "tables.safetensors")


def load_checkpoint(folder: Path, name: str, tables: Tables, key: str) -> Progress | None:
    """Put a checkpoint's numbers into the tables; None, and nothing changed, where this run has none."""
    path = folder / name
    try:
        card = read_card(path, KIND)
        if card.key != key or verify(path):
            return None
    except WrongArtifact:
        return None
    saved = load_file(path / "tables.safetensors")
    for tensor_name, tensor in tables.named().items():
        tensor.copy_(saved[tensor_name])
    told = card.facts["progress"]
    assert isinstance(told, dict)
    history = [(int(epoch), float(seconds), float(mrr)) for epoch, seconds, mrr in told["history"]]
    return Progress(**{**told, "history": history})


def remove_checkpoints(folder: Path) -> None:
    """Remove all checkpoints of a run, once its result is safe."""
    shutil.rmtree(folder, ignore_errors=True)


def _words(progress: Progress) -> Json:
    found: dict[str, Json] = asdict(progress)
    return found
