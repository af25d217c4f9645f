"""Checkpoints: whole or absent, checked before they are trusted, and free of pickles.

A checkpoint holds the weights, the optimizer's state and the number of steps done. Random numbers
need no state: each step is seeded by its own number (`device.set_seed`).
"""

import logging
import shutil
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from loregraft.artifact import Json, read_card, verify, writing
from loregraft.errors import WrongArtifact

KEEP = 2
_log = logging.getLogger(__name__)


def save_checkpoint(
    folder: Path,
    step: int,
    key: str,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    facts: dict[str, Json],
) -> None:
    """Write folder/step-N and remove all but the newest `KEEP` up to it.

    Args:
        step: Steps done.
        key: Fingerprint of the run; only the same run may resume from it.
        facts: What the run wants back, such as its losses so far.

    Raises:
        CannotWrite: No permission, or the disk is full; older checkpoints stay.
    """
    path = folder / f"step-{step:06d}"
    with writing(path, "checkpoint", key) as (target, card_facts):
        card_facts.update(facts, step=step)
        save_file(_tensors(model.state_dict()), target / "model.safetensors")
        save_file(_optimizer_tensors(optimizer), target / "optimizer.safetensors")
    found = sorted(folder.glob("step-*"))
    # Those of more steps are damaged or of another run: this run could not go on from them.
    kept = [other for other in found if other.name <= path.name][-KEEP:]
    for other in found:
        if other not in kept:
            shutil.rmtree(other)


def load_checkpoint(
    folder: Path, key: str, model: nn.Module, optimizer: torch.optim.Optimizer
) -> tuple[int, dict[str, Json]]:
    """Load the newest intact checkpoint of this run; (0, {}) where there is none.

    Checkpoints that are damaged or of another run are skipped and logged.
    """
    for path in sorted(folder.glob("step-*"), reverse=True):
        try:
            card = read_card(path, "checkpoint")
            problems = verify(path)
        except WrongArtifact as error:
            _log.warning("skipped a checkpoint: %s", error)
            continue
        if card.key != key or problems:
            _log.warning("skipped checkpoint %s: %s", path, problems or "it belongs to another run")
            continue
        model.load_state_dict(load_file(path / "model.safetensors"))
        _load_optimizer(optimizer, load_file(path / "optimizer.safetensors"))
        facts = dict(card.facts)
        return int(str(facts["step"])), facts
    return 0, {}


def _tensors(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().clone().contiguous() for name, tensor in state.items()}


def _optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    state = optimizer.state_dict()["state"]
    return {
        f"{index}.{name}": value.detach().clone().contiguous()
        for index, values in state.items()
        for name, value in values.items()
    }


def _load_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, field = name.split(".", 1)
        state.setdefault(int(index), {})[field] = tensor
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
