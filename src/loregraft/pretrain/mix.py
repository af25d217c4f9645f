"""Mix: which objective a step trains, and how much its loss counts, when several train one encoder."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from loregraft.errors import BadInput

EARLY_STEPS = 8
"""Steps of an objective over which its early loss is averaged."""
LEAST = 1e-3
"""An early loss below it counts as this much: an objective that begins solved must not outweigh the rest."""


def shares(sizes: Mapping[str, int], weights: Mapping[str, float], temperature: float) -> dict[str, float]:
    """Give how often each objective is trained: in proportion to weight * size ** (1 / temperature).

    Args:
        sizes: Items of each.
        weights: By name; those that are missing count 1, those of 0 are never trained.
        temperature: From 1 (by size) on; the higher, the more alike.

    Raises:
        BadInput: No objective has both items and a weight.
    """
    raw = {name: weights.get(name, 1.0) * size ** (1 / temperature) for name, size in sizes.items()}
    total = sum(raw.values())
    if not total > 0:
        found = f"no objective can be trained: items {dict(sizes)}, weights {dict(weights)}"
        raise BadInput(Path("settings"), 0, found, "Give a weight above 0 to one that has items.")
    return {name: value / total for name, value in raw.items()}


def choose(chances: Mapping[str, float], seed: int, step: int) -> str:
    """Choose the objective of a step, by the seed and the step alone."""
    names = sorted(chances)
    drawn = np.random.default_rng([seed, step, 2]).random()
    edges = np.cumsum([chances[name] for name in names])
    return names[min(int(np.searchsorted(edges, drawn, side="right")), len(names) - 1)]


class EarlyLoss(nn.Module):
    """What the losses of each objective were at first: a buffer, so that a resumed run knows it too."""

    total: Tensor
    count: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("total", torch.zeros((), dtype=torch.float64))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    def scale(self, loss: Tensor) -> Tensor:
        """Divide a loss by the mean of the first ones of its kind, this one among them."""
        if int(self.count) < EARLY_STEPS:
            self.total += loss.detach().double()
            self.count += 1
        early = float(self.total) / int(self.count)
        return loss / max(early, LEAST)
