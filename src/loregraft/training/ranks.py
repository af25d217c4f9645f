"""Ranks: several processes that train one model with the result that one would have.

Started by `torchrun` on a machine without a GPU (gloo). Each takes a share of a step's items; losses are
sums over items, divided by the number of all of them; gradients are summed. Alone, all of it is nothing.
"""

import os
from collections.abc import Sequence
from typing import TypeVar

import torch
import torch.distributed as dist
import torch.distributed.nn.functional as exchange
from jaxtyping import Float
from torch import Tensor, nn

T = TypeVar("T")


def join() -> tuple[int, int]:
    """Join the other processes, if `torchrun` started this one; gives (rank, number of processes).

    Raises:
        RuntimeError: Fewer processes joined than were started.
    """
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world > 1 and not dist.is_initialized():
        dist.init_process_group("gloo")
    if world_size() != world:
        raise RuntimeError(f"{world} processes were started, and {world_size()} joined")
    return rank(), world_size()


def world_size() -> int:
    """Tell how many processes train together."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Tell which of the processes this is, from 0."""
    return dist.get_rank() if world_size() > 1 else 0


def agreed(number: int) -> int:
    """Give the first process's number, to all of them."""
    if world_size() == 1:
        return number
    told = torch.tensor([number])
    dist.broadcast(told, 0)
    return int(told)


def share_of(items: Sequence[T]) -> Sequence[T]:
    """Give this process's share of a step's items: each has every so-many-th."""
    return items[rank() :: world_size()] if world_size() > 1 else items


def over_all(total: Float[Tensor, ""], count: int) -> Float[Tensor, ""]:
    """Give the mean over all processes' parts, whose gradient is this process's part of it.

    The value is the same in all processes; summed over them, the gradients are those of the whole.
    """
    if world_size() == 1:
        return total / max(1, count)
    sums = torch.tensor([float(total.detach()), float(count)], dtype=torch.float64)
    dist.all_reduce(sums)
    whole = max(1.0, float(sums[1]))
    mine = total / whole
    return mine + (float(sums[0]) / whole - mine.detach())


def gather(rows: Float[Tensor, "rows width"]) -> Float[Tensor, "all width"]:
    """Give the rows of all processes, with gradients to where they came from; all must have as many."""
    return rows if world_size() == 1 else torch.cat(exchange.all_gather(rows))  # type: ignore[no-untyped-call]


def sum_gradients(model: nn.Module) -> None:
    """Add up the gradients of all processes; one that some process does not have counts as zero there.

    What no process has a gradient for gets none, so that the optimizer leaves it alone as in one process.
    """
    if world_size() == 1:
        return
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    reached = torch.tensor([parameter.grad is not None for parameter in trained], dtype=torch.int32)
    dist.all_reduce(reached)
    for parameter, by in zip(trained, reached.tolist(), strict=True):
        if by:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            dist.all_reduce(parameter.grad)
