"""Objective: what every goal of pre-training has in common, as `pretrain/train.py` sees it.

The objectives are the other files of this folder; `pretrain/make.py` makes them by name.
"""

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
        """The loss of one process alone: 0 where nothing counts."""
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

    Where two epochs meet in a step, a place may be drawn twice in it. Takes time in proportion to `count`.

    Args:
        count: How many there are; fewer than the batch: all of them, each once; 0: none is drawn.
        batch: How many are drawn.
        step: From 0. A step does not depend on those before it, so that a resumed run draws the same.
    """
    batch = min(batch, count)
    places = np.arange(step * batch, (step + 1) * batch)
    drawn = np.empty(batch, np.int64)
    for epoch in np.unique(places // count).tolist():
        inside = places // count == epoch
        drawn[inside] = np.random.default_rng([seed, epoch]).permutation(count)[places[inside] % count]
    return drawn


def at_most_one(**shares: float) -> None:
    """Refuse shares of one whole that are more than the whole: the last would be less than it says.

    Raises:
        ValueError: They are; pydantic makes a ValidationError of it.
    """
    if sum(shares.values()) > 1 + 1e-9:
        named = " and ".join(f"{name}={share:g}" for name, share in shares.items())
        raise ValueError(f"{named} are shares of the same whole, together at most 1; lower one of them")


def generator_of(seed: int, step: int, place: int) -> np.random.Generator:
    """Give the random numbers of one item of one step."""
    # The 1 keeps them apart from `Pairs.draw`: to numpy [seed, step] and [seed, step, 0] are one seed.
    return np.random.default_rng([seed, step, place, 1])
