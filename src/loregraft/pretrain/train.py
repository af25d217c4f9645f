"""Pre-training by a mix of objectives: one in each step, for a budget that is the same for all arms.

The budget (steps, tokens or minutes) is turned into a number of steps once; then every arm, seed and resume
does that number. What is drawn depends on the seed and the step alone, so that a run that was cut off ends
with the same bits as one that was not.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from torch import nn

from loregraft.artifact import fingerprint
from loregraft.pretrain.mix import EarlyLoss, choose, shares
from loregraft.pretrain.objectives.objective import Objective
from loregraft.pretrain.settings import DEFAULT_MINUTES, MixSettings
from loregraft.pretrain.trunk import Trunk
from loregraft.training.loop import Losses, Progress, Trained, fit, seconds_per_step
from loregraft.training.ranks import over_all, rank, share_of
from loregraft.training.steps_log import STEPS_LOG, logging_steps
from loregraft.training.trackers import tracking

SAMPLED = 50
"""Steps whose tokens are counted to tell how many a step reads."""


class _Mixed(nn.Module):
    """The encoder, the objectives with their heads, and what their losses were at first."""

    def __init__(self, trunk: Trunk, objectives: Mapping[str, Objective], settings: MixSettings) -> None:
        super().__init__()
        self.trunk, self.settings = trunk, settings
        self.objectives = dict(objectives)
        own = {name: one for name, one in objectives.items() if isinstance(one, nn.Module)}
        self.new = nn.ModuleDict({"objectives": nn.ModuleDict(own)})  # `loop.NEW`: rates of their own
        self.early = nn.ModuleDict({name: EarlyLoss() for name in objectives})
        sizes = {name: one.size for name, one in objectives.items()}
        self.chances = shares(sizes, settings.weights, settings.temperature)
        self.told: dict[str, float] = {}

    def step(self, step: int) -> tuple[Losses, int]:
        """Give the loss of a step, divided by what it was at first, and the tokens that were read."""
        name = choose(self.chances, self.settings.seed, step)
        self.trunk.frozen = step < (self.settings.warm_up_heads or 0)
        items = self.objectives[name].items(self.settings.seed, step)
        loss = self.objectives[name].loss(self.trunk, share_of(items))
        mean = over_all(loss.total, loss.count)
        self.told = {name: float(mean.detach())}
        early = self.early[name]
        assert isinstance(early, EarlyLoss)
        return {name: early.scale(mean)}, sum(item.tokens for item in items)


def plan_steps(trunk: Trunk, objectives: Mapping[str, Objective], settings: MixSettings) -> int:
    """Turn a budget into steps; the smallest of those that are given counts."""
    budgets = [] if settings.steps is None else [settings.steps]
    minutes = settings.minutes
    if settings.tokens is not None:
        mixed = _Mixed(trunk, objectives, settings)
        drawn = [_tokens_of(mixed, step) for step in range(SAMPLED)]
        budgets.append(max(1, round(settings.tokens * SAMPLED / max(1, sum(drawn)))))
    elif minutes is None and not budgets:
        minutes = DEFAULT_MINUTES
    if minutes is not None:
        copied = copy.deepcopy(_Mixed(trunk, objectives, settings))
        seconds = seconds_per_step(copied, copied.step, settings.loop)
        budgets.append(max(1, int(minutes * 60 / seconds)))
    return min(budgets)


def _tokens_of(mixed: _Mixed, step: int) -> int:
    name = choose(mixed.chances, mixed.settings.seed, step)
    return sum(item.tokens for item in mixed.objectives[name].items(mixed.settings.seed, step))


def pretrain(
    trunk: Trunk,
    objectives: Mapping[str, Objective],
    settings: MixSettings,
    *,
    steps: int,
    key: str,
    folder: Path,
    report: Callable[[Progress], object] = lambda progress: None,
) -> Trained:
    """Train an encoder in place by objectives, one in each step.

    Args:
        objectives: By name; those that share a head share the module.
        steps: As `plan` gave, so that all arms do the same.
        key: Fingerprint of encoder, texts and graph; only the same run resumes.
        folder: Of this run alone, which all its processes see: its checkpoints, and `steps.jsonl` with a line
            for each step. Remove it with `remove_checkpoints` once the result is safe.

    Raises:
        CannotWrite: A checkpoint could not be written.
        Diverged: A loss or gradient is not finite; the last good checkpoint is kept.
    """
    mixed = _Mixed(trunk, objectives, settings)
    config = settings.model_dump(mode="json", exclude={"trackers"})
    folder.mkdir(parents=True, exist_ok=True)
    first = rank() == 0  # of several processes, this one tells
    trackers = settings.trackers if first else ()
    with logging_steps(folder / STEPS_LOG) as line, tracking(trackers, folder, config) as tell:

        def told(progress: Progress) -> None:
            if first:
                line(progress, mixed.told)
            speed = {"tokens_per_s": progress.tokens_per_s, "gradient_norm": progress.gradient_norm}
            tell({**mixed.told, **speed}, progress.step)
            report(replace(progress, losses=mixed.told))

        trained = fit(
            mixed,
            mixed.step,
            steps,
            settings.loop,
            seed=settings.seed,
            key=fingerprint("mix", key, config, sorted(objectives)),
            checkpoints=folder,
            report=told,
        )
    trunk.frozen = False
    return trained
