"""TransR: each relation has a space of its own, and a matrix into it (Lin et al. 2015, eq. 7 and 8).

A relation is a step and a matrix, in this order.
"""

import math
from dataclasses import replace

import torch
from torch import Tensor

from loregraft.kge.scorers.projected import projected
from loregraft.kge.scorers.scorer import Start


def side(r: Tensor) -> int:
    """Give the number of dimensions: a relation has so many numbers and the square of it."""
    return (math.isqrt(1 + 4 * r.shape[-1]) - 1) // 2


def matrix(r: Tensor) -> Tensor:
    """Give the matrix that takes an entity, as a row, to the relation's space."""
    return r[..., side(r) :].reshape(*r.shape[:-1], side(r), side(r))


def into_space(x: Tensor, r: Tensor) -> Tensor:
    """Give x M."""
    return x @ matrix(r)[0] if len(r) == 1 else torch.einsum("...i,...ij->...j", x, matrix(r))


def into_space_backward(gradient: Tensor, x: Tensor, r: Tensor) -> tuple[Tensor, Tensor]:
    """See Scorer."""
    if len(r) == 1:
        by_x, by_matrix = gradient @ matrix(r)[0].T, (x.T @ gradient).reshape(1, -1)
    else:
        by_x = torch.einsum("bj,bij->bi", gradient, matrix(r))
        by_matrix = torch.einsum("bi,bj->bij", x, gradient).flatten(1)
    return by_x, torch.cat([by_matrix.new_zeros(len(by_matrix), side(r)), by_matrix], -1)


def start(rows: int, width: int, generator: torch.Generator) -> Tensor:
    """Draw small steps, and matrices near the identity, as the paper starts from TransE."""
    table = Start(0.05).draw(rows, width, generator)
    dim = side(table)
    table[:, dim:] = torch.eye(dim).flatten() + 0.1 / math.sqrt(dim) * table[:, dim:] / 0.05
    return table


TRANSR = replace(
    projected(
        "transr",
        "Lin et al. 2015, Learning Entity and Relation Embeddings for Knowledge Graph Completion",
        into_space,
        into_space_backward,
        side,
    ),
    relation_width=lambda dim: dim + dim * dim,
    relation_start=start,
)
