"""The loop: steps of a loss over batches, on accelerate, that a kill cannot spoil.

A batch is a pure function of its step's number, and so is every random number drawn in the step.
Hence a run that was cut off and resumed ends with the same bits as one that was not.
"""

import math
import shutil
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from loregraft.artifact import Json, fingerprint
from loregraft.errors import LoregraftError
from loregraft.training.checkpoint import load_checkpoint, save_checkpoint
from loregraft.training.device import has_bf16, set_seed
from loregraft.training.ranks import agreed, rank, sum_gradients
from loregraft.training.settings import LoopSettings

Losses = dict[str, Tensor]
StepLoss = Callable[[int], tuple[Losses, int]]
"""step number -> (loss parts by name, whose sum is minimised; tokens seen)"""
WARM_UP_STEPS = 3
NEW = "new."
"""What the names of parameters begin with that are no part of the encoder."""


class Diverged(LoregraftError, ValueError):
    """The loss or its gradient is not finite any more: the learning rate is too high for this encoder."""


@dataclass
class Progress:
    """What a step tells: its number from 1, each loss in nats, gradient norm, speed, time left."""

    step: int
    steps: int
    losses: dict[str, float]
    gradient_norm: float
    tokens_per_s: float
    left_s: float


@dataclass
class Trained:
    """What a run cost and how its loss went: [step, loss] about 200 times."""

    steps: int = 0
    tokens: int = 0
    seconds: float = 0.0
    loss: list[list[float]] = field(default_factory=list)


def fit(
    model: nn.Module,
    step_loss: StepLoss,
    steps: int,
    settings: LoopSettings,
    *,
    seed: int,
    key: str,
    checkpoints: Path,
    report: Callable[[Progress], object] = lambda progress: None,
) -> Trained:
    """Train a model in place for a number of steps, resuming from an intact checkpoint of the same key.

    Args:
        step_loss: Must depend on nothing but the step's number, the model and seeded random numbers.
        key: Fingerprint of everything else that the result depends on.
        checkpoints: A folder of this run alone, which all its processes see and the first one writes; it is
            removed by the caller once the result is safe.

    Raises:
        CannotWrite: A checkpoint could not be written.
        Diverged: A loss or a gradient is not finite.
        RuntimeError: The processes see different checkpoints.
    """
    accelerator, optimizer = _prepare(model, settings)
    key = fingerprint(key, seed, steps, settings.model_dump(), _uses_bf16(settings))
    done, facts = load_checkpoint(checkpoints, key, model, optimizer)
    if agreed(done) != done:
        raise RuntimeError(f"another process goes on from another step; all must see one {checkpoints}")
    trained = Trained(done, *_costs(facts))
    started, saved = time.monotonic() - trained.seconds, time.monotonic()
    model.train(settings.dropout)
    for step in range(done, steps):
        set_seed(seed, step)
        _set_rate(optimizer, settings, step, steps)
        losses, tokens, norm = _one_step(accelerator, model, optimizer, step_loss, settings, step)
        trained.steps, trained.tokens = step + 1, trained.tokens + tokens
        trained.seconds = time.monotonic() - started
        if step % max(1, steps // 200) == 0 or step + 1 == steps:
            trained.loss.append([step + 1, round(sum(losses.values()), 5)])
        speed = trained.tokens / max(trained.seconds, 1e-9)
        left_s = trained.seconds / (step + 1) * (steps - step - 1)
        report(Progress(step + 1, steps, losses, norm, speed, left_s))
        late = time.monotonic() - saved > settings.checkpoint_every_s
        if late and step + 1 < steps and rank() == 0:  # weights and state are the same in all processes
            save_checkpoint(checkpoints, step + 1, key, model, optimizer, _facts(trained))
            saved = time.monotonic()
    model.eval()
    return trained


def seconds_per_step(model: nn.Module, step_loss: StepLoss, settings: LoopSettings, count: int = 12) -> float:
    """Time some steps and give the median in seconds. The model is changed: pass a copy."""
    accelerator, optimizer = _prepare(model, settings)
    model.train(settings.dropout)
    times = []
    for step in range(WARM_UP_STEPS + count):
        set_seed(0, step)
        _set_rate(optimizer, settings, 0, 10**6)
        started = time.monotonic()
        _one_step(accelerator, model, optimizer, step_loss, settings, step)
        times.append(time.monotonic() - started)
    return statistics.median(times[WARM_UP_STEPS:])


def _uses_bf16(settings: LoopSettings) -> bool:
    return has_bf16() if settings.bf16 is None else settings.bf16


def _prepare(model: nn.Module, settings: LoopSettings) -> tuple[Accelerator, torch.optim.Optimizer]:
    accelerator = Accelerator(cpu=True)
    rates = {False: settings.learning_rate, True: settings.new_learning_rate or settings.learning_rate}
    groups = []
    for new, rate in rates.items():
        own = [p for name, p in model.named_parameters() if p.requires_grad and name.startswith(NEW) == new]
        for decayed in (True, False):
            chosen = [p for p in own if (p.ndim > 1) == decayed]
            decay = settings.weight_decay if decayed else 0.0
            groups.append({"params": chosen, "weight_decay": decay, "lr": rate, "peak": rate})
    kept = [group for group in groups if group["params"]]
    return accelerator, torch.optim.AdamW(kept, lr=settings.learning_rate, fused=True)


def _one_step(
    accelerator: Accelerator,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    step_loss: StepLoss,
    settings: LoopSettings,
    step: int,
) -> tuple[dict[str, float], int, float]:
    # Not accelerate's autocast: it allows a process one number format only.
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=_uses_bf16(settings)):
        losses, tokens = step_loss(step)
    total = torch.stack(list(losses.values())).sum()
    if not torch.isfinite(total):
        bad = [name for name, value in losses.items() if not torch.isfinite(value)]
        found = f"the loss is {total.item()} at step {step + 1} (objective: {', '.join(bad) or 'all'})"
        raise Diverged(f"{found}. Lower loop.learning_rate or loop.new_learning_rate.")
    accelerator.backward(total)
    sum_gradients(model)
    norm = float(nn.utils.clip_grad_norm_(model.parameters(), settings.clip))
    if not math.isfinite(norm):  # this step would spoil the weights, and no later loss may tell
        raise Diverged(
            f"the gradient's norm is {norm} at step {step + 1} (objective: {', '.join(losses)}). "
            "Lower loop.learning_rate or loop.new_learning_rate."
        )
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return {name: float(value.detach()) for name, value in losses.items()}, tokens, norm


def _set_rate(optimizer: torch.optim.Optimizer, settings: LoopSettings, step: int, steps: int) -> None:
    """Rise linearly over the warm-up, then fall linearly to zero."""
    rising = settings.warmup * steps
    share = (step + 1) / rising if step < rising else (steps - step) / max(1.0, steps - rising)
    for group in optimizer.param_groups:
        group["lr"] = group["peak"] * min(1.0, share)


def _facts(trained: Trained) -> dict[str, Json]:
    loss: list[Json] = [list(pair) for pair in trained.loss]
    return {"tokens": trained.tokens, "seconds": round(trained.seconds, 3), "loss": loss}


def _costs(facts: dict[str, Json]) -> tuple[int, float, list[list[float]]]:
    if not facts:
        return 0, 0.0, []
    return facts["tokens"], facts["seconds"], facts["loss"]  # type: ignore[return-value]


def remove_checkpoints(folder: Path) -> None:
    """Remove a run's checkpoints once its result is safe."""
    shutil.rmtree(folder, ignore_errors=True)
