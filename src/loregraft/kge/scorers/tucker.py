"""TuckER: one core of numbers shared by all relations (Balazevic et al. 2019, TuckER ..., eq. 1 to 3).

The core makes a matrix of each relation, which then asks as RESCAL's does. Batch normalisation and
dropout, which the paper adds, are not part of the formula and not here.
"""

import math
from dataclasses import replace

from torch import Tensor

from loregraft.kge.scorers.rescal import RESCAL
from loregraft.kge.scorers.scorer import Start


def compose(r: Tensor, core: Tensor) -> Tensor:
    """Give the relation's matrix as a row: sum_k r_k core_k."""
    return r @ core


def compose_backward(gradient: Tensor, r: Tensor, core: Tensor) -> tuple[Tensor, Tensor]:
    """Give the gradients by r and by the core."""
    return gradient @ core.T, r.T @ gradient


TUCKER = replace(
    RESCAL,
    name="tucker",
    paper="Balazevic et al. 2019, TuckER: Tensor Factorization for Knowledge Graph Completion",
    relation_width=lambda dim: dim,
    relation_start=Start(1.0).draw,
    core_width=lambda dim: dim * dim,
    core_start=lambda rows, width, generator: Start(1 / math.sqrt(rows * math.sqrt(width))).draw(
        rows, width, generator
    ),
    compose=compose,
    compose_backward=compose_backward,
)
