"""ANALOGY: relations are normal matrices that commute, half real, half complex (Liu et al. 2017, eq. 10).

The first half of a vector is DistMult's, the second ComplEx's.
"""

import torch
from torch import Tensor

from loregraft.kge.scorers.complex import conjugate, times
from loregraft.kge.scorers.scorer import Scorer, Start, halves, summed_to


def score(h: Tensor, r: Tensor, t: Tensor) -> Tensor:
    """Give the product of the real halves and that of the complex ones."""
    return (query(h, r) * t).sum(-1)


def query(x: Tensor, r: Tensor) -> Tensor:
    """Give x r, half by half."""
    (a, z), (b, w) = halves(x), halves(r)
    return torch.cat([a * b, times(z, w)], -1)


def query_backward(gradient: Tensor, x: Tensor, r: Tensor) -> tuple[Tensor, Tensor]:
    """See Scorer."""
    return query(gradient, inverse(r)), summed_to(query(gradient, inverse(x)), r)


def inverse(r: Tensor) -> Tensor:
    """Conjugate the complex half."""
    real, complex_half = halves(r)
    return torch.cat([real, conjugate(complex_half)], -1)


ANALOGY = Scorer(
    name="analogy",
    paper="Liu et al. 2017, Analogical Inference for Multi-relational Embeddings",
    measure="dot",
    score=score,
    query=query,
    query_backward=query_backward,
    inverse=inverse,
    relation_start=Start(0.4).draw,
    multiple=4,
)
