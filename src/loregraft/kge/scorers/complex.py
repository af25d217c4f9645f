"""ComplEx: a product of three complex numbers, the tail conjugated (Trouillon et al. 2016, eq. 9 to 11).

Real parts stand first, imaginary ones after them.
"""

import torch
from torch import Tensor

from loregraft.kge.scorers.scorer import Scorer, Start, halves, summed_to


def times(x: Tensor, y: Tensor) -> Tensor:
    """Multiply complex vectors."""
    (a, b), (c, d) = halves(x), halves(y)
    return torch.cat([a * c - b * d, a * d + b * c], -1)


def conjugate(x: Tensor) -> Tensor:
    """Turn the sign of imaginary parts."""
    real, imaginary = halves(x)
    return torch.cat([real, -imaginary], -1)


def score(h: Tensor, r: Tensor, t: Tensor) -> Tensor:
    """Give Re(sum_i h_i r_i conj(t_i))."""
    return (times(h, r) * t).sum(-1)


def query(x: Tensor, r: Tensor) -> Tensor:
    """Give x r."""
    return times(x, r)


def query_backward(gradient: Tensor, x: Tensor, r: Tensor) -> tuple[Tensor, Tensor]:
    """See Scorer: the gradient of a complex product is the gradient times the other's conjugate."""
    return times(gradient, conjugate(r)), summed_to(times(gradient, conjugate(x)), r)


COMPLEX = Scorer(
    name="complex",
    paper="Trouillon et al. 2016, Complex Embeddings for Simple Link Prediction",
    measure="dot",
    score=score,
    query=query,
    query_backward=query_backward,
    inverse=conjugate,
    relation_start=Start(0.3).draw,
    complex_numbers=True,
    multiple=2,
)
