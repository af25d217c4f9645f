"""The loops that no matrix product does: with numba where it is installed, with torch alone otherwise.

Both give the same within rounding; tests hold them together. numba's forms take CPU tensors only.
"""

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

try:
    from loregraft.kge import loops as loops
except ModuleNotFoundError:  # numba is an extra
    loops = None  # type: ignore[assignment]

TILE_FLOATS = 1 << 24
"""Numbers that the torch forms hold at once."""

ADAM = (0.9, 0.999)
"""How much of the moments a step keeps."""

SMALLEST = 1e-6
"""Distances below this have no gradient: at 0 there is no direction."""


def fast(*tensors: Tensor) -> bool:
    """Tell whether numba's form takes these."""
    return loops is not None and all(t.device.type == "cpu" and t.dtype == torch.float32 for t in tensors)


def l1(queries: Tensor, candidates: Tensor) -> Float[Tensor, "queries candidates"]:
    """Give minus the sum of absolute differences of each query and candidate."""
    if not fast(queries, candidates):
        return -torch.cdist(queries, candidates, p=1.0)
    out = torch.empty(len(queries), len(candidates))
    loops.l1(queries.contiguous().numpy(), candidates.contiguous().numpy(), out.numpy())
    return out


def l1_backward(gradient: Tensor, queries: Tensor, candidates: Tensor) -> tuple[Tensor, Tensor]:
    """Give the gradients of `l1`."""
    return _backward(loops.l1_backward if loops else None, torch.sign, gradient, queries, candidates)


def modulus(queries: Tensor, candidates: Tensor) -> Float[Tensor, "queries candidates"]:
    """Give minus the sum of the moduli of complex differences; real parts stand first."""
    out = queries.new_empty(len(queries), len(candidates))
    if fast(queries, candidates):
        loops.modulus(queries.contiguous().numpy(), candidates.contiguous().numpy(), out.numpy())
        return out
    half = queries.shape[1] // 2
    for rows in _tiles(queries, candidates):
        difference = queries[rows, None] - candidates[None]
        out[rows] = -torch.hypot(difference[..., :half], difference[..., half:]).sum(-1)
    return out


def modulus_backward(gradient: Tensor, queries: Tensor, candidates: Tensor) -> tuple[Tensor, Tensor]:
    """Give the gradients of `modulus`."""

    def direction(difference: Tensor) -> Tensor:
        half = difference.shape[-1] // 2
        size = torch.hypot(difference[..., :half], difference[..., half:]).clamp_min_(SMALLEST)
        return difference / torch.cat([size, size], -1)

    return _backward(loops.modulus_backward if loops else None, direction, gradient, queries, candidates)


def _backward(
    loop: Callable[..., None] | None,
    direction: Callable[[Tensor], Tensor],
    gradient: Tensor,
    queries: Tensor,
    candidates: Tensor,
) -> tuple[Tensor, Tensor]:
    """Give the gradients of minus a sum of distances, whose gradients by differences `direction` gives."""
    by_queries, by_candidates = torch.zeros_like(queries), torch.zeros_like(candidates)
    if loop is not None and fast(gradient, queries, candidates):
        weight, asked, met = (t.contiguous().numpy() for t in (gradient, queries, candidates))
        loop(weight, asked, met, by_queries.numpy(), by_candidates.numpy())
        return by_queries, by_candidates
    for rows in _tiles(queries, candidates):
        weighted = direction(queries[rows, None] - candidates[None]) * -gradient[rows, :, None]
        by_queries[rows] = weighted.sum(1)
        by_candidates -= weighted.sum(0)
    return by_queries, by_candidates


def add_adagrad(table: Tensor, state: Tensor, rows: Tensor, gradients: Tensor, rate: float) -> None:
    """Step some rows of a table in place, as Adagrad does (Duchi et al. 2011); rows may stand many times.

    First the squares of all gradients are added to the state, then each gradient is applied: the order of
    rows does not matter.

    Args:
        state: As large as the table, or one number a row (the mean of its squares).
    """
    if fast(table, state, gradients):
        step = loops.adagrad if state.dim() == 2 else loops.adagrad_by_row
        step(table.numpy(), state.numpy(), rows.numpy(), gradients.contiguous().numpy(), rate)
        return
    squares = gradients * gradients
    state.index_add_(0, rows, squares if state.dim() == 2 else squares.mean(1))
    size = state.index_select(0, rows).sqrt_().add_(1e-10)
    table.index_add_(0, rows, gradients / (size if state.dim() == 2 else size.unsqueeze(1)), alpha=-rate)


def add_adam(table: Tensor, state: Tensor, rows: Tensor, gradients: Tensor, rate: float) -> None:
    """Step some rows of a table in place, as Adam does (Kingma and Ba 2015), on these rows alone.

    A row that is in no step keeps its moments; the correction of their start counts its own steps.

    Args:
        state: For each row the first moments, the second moments, and the count of its steps.
    """
    different, place = torch.unique(rows, return_inverse=True)
    gradient = gradients.new_zeros(len(different), gradients.shape[1]).index_add_(0, place, gradients)
    first, second, steps = state.index_select(0, different).tensor_split((table.shape[1], -1), 1)
    steps = steps + 1
    first = ADAM[0] * first + (1 - ADAM[0]) * gradient
    second = ADAM[1] * second + (1 - ADAM[1]) * gradient * gradient
    state.index_copy_(0, different, torch.cat([first, second, steps], 1))
    size = (second / (1 - ADAM[1] ** steps)).sqrt_().add_(1e-8)
    table.index_add_(0, different, first / (1 - ADAM[0] ** steps) / size, alpha=-rate)


def leave_out(scores: Tensor, first: int, entities: NDArray[np.int64], questions: NDArray[np.int64]) -> None:
    """Put minus infinity where an entity is left out of a question's ranking; rows begin at `first`."""
    if fast(scores):
        loops.leave_out(scores.numpy(), first, entities, questions)
        return
    inside = (entities >= first) & (entities < first + len(scores))
    rows, columns = torch.from_numpy(entities[inside] - first), torch.from_numpy(questions[inside])
    scores[rows.to(scores.device), columns.to(scores.device)] = -torch.inf


def count(scores: Tensor, low: Tensor, high: Tensor) -> tuple[NDArray[np.int64], Tensor, Tensor]:
    """Count each column's scores above `high`, and give row and column of those from `low` to `high`."""
    if not fast(scores, low, high):
        near = (scores >= low) & (scores <= high)
        rows, columns = near.nonzero(as_tuple=True)
        return (scores > high).sum(0).cpu().numpy(), rows, columns
    room = 4 * scores.shape[1]
    while True:
        above = np.zeros(scores.shape[1], np.int64)
        places = np.zeros((2, room), np.int64)
        found = loops.count(scores.numpy(), low.numpy(), high.numpy(), above, places[0], places[1])
        if found <= room:
            return above, torch.from_numpy(places[0, :found]), torch.from_numpy(places[1, :found])
        room = found


def _tiles(queries: Tensor, candidates: Tensor) -> list[slice]:
    step = max(1, TILE_FLOATS // max(1, candidates.numel()))
    return [slice(start, start + step) for start in range(0, len(queries), step)]
