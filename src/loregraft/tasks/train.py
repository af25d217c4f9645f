"""Training of a task: a head, and the encoder under it, on labelled texts.

A batch follows from the seed and the step alone, as `training/loop.py` needs it: a run that was cut off ends
with the same bits as one that was not.
"""

import math
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Int64
from torch import nn

from loregraft.artifact import fingerprint
from loregraft.encoder.load import sha256_weights
from loregraft.fusion.wrap import FusedModel
from loregraft.tasks.reading import Window, read
from loregraft.tasks.settings import TaskSettings
from loregraft.training.loop import Losses, Progress, StepLoss, Trained, fit

POOL = 16
"""Batches whose texts are put in order of length together."""


def draw(
    lengths: Int64[np.ndarray, " examples"], batch: int, seed: int, step: int
) -> Int64[np.ndarray, " batch"]:
    """Give the rows of a step's batch: texts of like length, each row once in a pass, another order in each.

    Batches of a pass differ in size by one at most.
    """
    count = len(lengths)
    each = math.ceil(count / batch)
    epoch, place = divmod(step, each)
    random = np.random.default_rng([seed, epoch])
    order = random.permutation(count)
    pools = np.arange(count) // (batch * POOL)
    order = order[np.lexsort((lengths[order], pools))]
    turn = int(random.permutation(each)[place])
    return order[turn * count // each : (turn + 1) * count // each]


def teach(
    fused: FusedModel,
    head: nn.Module,
    windows: Sequence[Window],
    gold: Int64[np.ndarray, " examples"],
    settings: TaskSettings,
    *,
    key: str = "",
    checkpoints: Path | None = None,
    report: Callable[[Progress], object] = lambda progress: None,
) -> Trained:
    """Train a head in place, with the model under it; weights that do not ask for a gradient rest.

    Links are left out by the method's `knowledge_dropout`, whether the encoder's own dropout is on or not.

    Args:
        gold: The index of each window's label.
        key: Fingerprint of what else the result depends on: the graph, and the vectors of its entities.
        checkpoints: A folder of this run alone, from which it resumes if it starts with the same weights and
            examples; remove it with `remove_checkpoints` once the result is safe. None: it cannot resume.

    Raises:
        CannotWrite: A checkpoint could not be written.
        Diverged: A loss or a gradient is not finite.
    """
    assert isinstance(fused.method, nn.Module)
    new = nn.ModuleDict({"method": fused.method, "head": head})  # `loop.NEW`: a rate of their own
    parts = nn.ModuleDict({"encoder": fused.model, "new": new})
    batches = math.ceil(len(windows) / settings.batch)
    told = [fused.name, fused.settings.model_dump(mode="json"), *map(str, windows), gold.tolist()]
    with _folder(checkpoints) as folder, _learning(fused, settings.freeze):
        return fit(
            parts,
            _step_loss(fused, head, windows, gold, settings),
            settings.steps or settings.epochs * batches,
            settings.loop,
            seed=settings.seed,
            key=fingerprint("task", key, settings.model_dump(), told, sha256_weights(parts.state_dict())),
            checkpoints=folder,
            report=report,
        )


def _step_loss(
    fused: FusedModel,
    head: nn.Module,
    windows: Sequence[Window],
    gold: Int64[np.ndarray, " examples"],
    settings: TaskSettings,
) -> StepLoss:
    lengths = np.array([window.tokens for window in windows])

    def step_loss(step: int) -> tuple[Losses, int]:
        rows = draw(lengths, settings.batch, settings.seed, step)
        logits, inputs = read(fused, head, [windows[row] for row in rows.tolist()])
        return {"label": F.cross_entropy(logits, torch.from_numpy(gold[rows]))}, int(inputs.mask.sum())

    return step_loss


@contextmanager
def _learning(fused: FusedModel, freeze: bool) -> Iterator[None]:
    """Let links be left out, and the encoder rest if it shall; afterwards all is as it was, and evaluates."""
    trained = [weight for weight in fused.model.parameters() if weight.requires_grad]
    fused.training = True  # of the wrapping alone: the loop decides for the modules inside
    try:
        for weight in trained:
            weight.requires_grad_(not freeze)
        yield
    finally:
        for weight in trained:
            weight.requires_grad_(True)
        fused.eval()


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    with nullcontext(str(given)) if given is not None else tempfile.TemporaryDirectory() as folder:
        yield Path(folder)
