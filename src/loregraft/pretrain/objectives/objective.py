"""Objective: what every objective is, seen from `pretrain/train.py`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int64
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor

from loregraft.pretrain.trunk import Trunk


class ObjectiveSettings(BaseModel):
    """What the settings of all objectives have."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch: int = Field(32, ge=1, description="items in a step, over all processes together")


@runtime_checkable
class Item(Protocol):
    """One training item, whole: nothing is drawn at random any more."""

    @property
    def tokens(self) -> int:
        """How many tokens the encoder reads for it."""
        ...


@dataclass(frozen=True)
class Loss:
    """A loss before it is averaged, so that the mean over several processes is the mean over all items.

    Attributes:
        total: The sum over what counts, in nats; a scalar with a gradient, 0 where nothing counts.
        count: How many parts the sum has.
    """

    total: Float[Tensor, ""]
    count: int

    @property
    def mean(self) -> Float[Tensor, ""]:
        """The loss of one process alone."""
        return self.total / max(1, self.count)


@runtime_checkable
class Objective(Protocol):
    """A goal of pre-training: a module, with a head of its own or without.

    Attributes:
        size: How many items there are to draw from: what temperature sampling goes by.
    """

    size: int

    def items(self, seed: int, step: int) -> Sequence[Item]:
        """Draw the items of a step: a function of its arguments alone."""
        ...

    def loss(self, trunk: Trunk, items: Sequence[Any]) -> Loss:
        """Give the loss of some of its own items. It is zero where the paper says zero."""
        ...


def draw(count: int, batch: int, seed: int, step: int) -> Int64[np.ndarray, " drawn"]:
    """Draw the places of a step's items: each once an epoch, in an order that the seed decides.

    Args:
        count: How many there are; fewer than the batch: all of them.
    """
    batch = min(batch, count)
    places = np.arange(step * batch, (step + 1) * batch)
    drawn = np.empty(batch, np.int64)
    for epoch in np.unique(places // count).tolist():
        inside = places // count == epoch
        drawn[inside] = np.random.default_rng([seed, epoch]).permutation(count)[places[inside] % count]
    return drawn


def generator_of(seed: int, step: int, place: int) -> np.random.Generator:
    """Give the random numbers of one item of one step."""
    return np.random.default_rng([seed, step, place, 1])
