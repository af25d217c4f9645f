"""Checkpoints of a training: whole or absent, and the same bits when a run goes on from one."""

import shutil
from collections.abc import Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path

from safetensors.torch import load_file, save_file

from loregraft.artifact import Json, read_card, verify, writing
from loregraft.errors import WrongArtifact
from loregraft.kge.partitions.files import Stored
from loregraft.kge.tables import Tables
from loregraft.kge.training.train import Progress

KIND = "kge-checkpoint"
TENSORS = "tables.safetensors"


@dataclass(frozen=True)
class Checkpoint:
    """An intact checkpoint.

    Attributes:
        stored: The files of partitions, where the entities are in such.
    """

    path: Path
    progress: Progress
    stored: list[Stored]

    def take(self, tables: Tables) -> None:
        """Put the numbers into the tables; those of partitions stay in their files."""
        named = tables.named()
        for name, tensor in load_file(self.path / TENSORS).items():
            named[name].copy_(tensor)


def save_checkpoint(
    folder: Path, tables: Tables, progress: Progress, key: str, stored: Sequence[Stored] | None = None
) -> None:
    """Write folder/best where the tables are the best so far, else folder/last.

    Args:
        stored: The files of partitions; then the entities of the tables are not written.

    Raises:
        CannotWrite: No permission, or the disk is full; the older checkpoint stays.
    """
    name = "best" if progress.best_epoch == progress.epoch and not progress.visits else "last"
    left_out = () if stored is None else ("entities", "entities_state")
    with writing(folder / name, KIND, key) as (target, facts):
        facts.update({"progress": _words(progress), "stored": [list(astuple(one)) for one in stored or ()]})
        named = {name: tensor for name, tensor in tables.named().items() if name not in left_out}
        save_file(named, target / TENSORS)


def resume(folder: Path, tables: Tables, key: str) -> Progress | None:
    """Put the numbers of the newest checkpoint into the tables; None, and nothing changed, without one."""
    for newest in checkpoints(folder, key):
        newest.take(tables)
        return newest.progress
    return None


def take_best(folder: Path, tables: Tables, key: str) -> Checkpoint:
    """Put the numbers of the best epoch into the tables."""
    best = _read(folder / "best", key)
    if best is None:
        raise WrongArtifact(folder / "best", "the best epoch's numbers are damaged", "Train once more.")
    best.take(tables)
    return best


def checkpoints(folder: Path, key: str) -> list[Checkpoint]:
    """Give the checkpoints of a run, the newest first."""
    found = [one for name in ("best", "last") if (one := _read(folder / name, key))]
    return sorted(found, key=lambda one: (one.progress.epoch, one.progress.visits), reverse=True)


def _read(path: Path, key: str) -> Checkpoint | None:
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
    stored = card.facts.get("stored")
    files = [Stored(str(file), int(crc)) for file, crc in stored] if isinstance(stored, list) else []
    return Checkpoint(path, Progress(**{**told, "history": history}), files)


def remove_checkpoints(folder: Path) -> None:
    """Remove all checkpoints of a run, once its result is safe."""
    shutil.rmtree(folder, ignore_errors=True)


def _words(progress: Progress) -> Json:
    found: dict[str, Json] = asdict(progress)
    return found
