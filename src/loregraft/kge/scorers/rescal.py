"""RESCAL: a matrix for each relation (Nickel et al. 2011, A three-way model for collective learning ...)."""

import math

import torch
from torch import Tensor

from loregraft.kge.scorers.scorer import Scorer, summed_to


def matrix(r: Tensor) -> Tensor:
    """Give the relation as a matrix, heads in rows and tails in columns."""
    side = math.isqrt(r.shape[-1])
    return r.reshape(*r.shape[:-1], side, side)


def score(h: Tensor, r: Tensor, t: Tensor) -> Tensor:
    """Give h' R t."""
    return (query(h, r) * t).sum(-1)


def query(x: Tensor, r: Tensor) -> Tensor:
    """Give x' R."""
    return x @ matrix(r)[0] if len(r) == 1 else torch.einsum("...i,...ij->...j", x, matrix(r))


def query_backward(gradient: Tensor, x: Tensor, r: Tensor) -> tuple[Tensor, Tensor]:
    """See Scorer."""
    if len(r) == 1:
        return gradient @ matrix(r)[0].T, (x.T @ gradient).reshape(1, -1)
    by_x = torch.einsum("bj,bij->bi", gradient, matrix(r))
    return by_x, summed_to(torch.einsum("bi,bj->bij", x, gradient).flatten(1), r)


def transpose(r: Tensor) -> Tensor:
    """Give the matrix that asks for heads."""
    return matrix(r).transpose(-1, -2).reshape(r.shape)


def start(rows: int, width: int, generator: torch.Generator) -> Tensor:
    """Draw matrices that keep the length of a vector, about."""
    return torch.randn(rows, width, generator=generator) / math.sqrt(math.isqrt(width))


RESCAL = Scorer(
    name="rescal",
    paper="Nickel et al. 2011, A Three-Way Model for Collective Learning on Multi-Relational Data",
    measure="dot",
    score=score,
    query=query,
    query_backward=query_backward,
    inverse=transpose,
    relation_width=lambda dim: dim * dim,
    relation_start=start,
    by_relation=True,
)
