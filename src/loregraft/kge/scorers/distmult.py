"""DistMult: a product of three (Yang et al. 2015, Embedding entities and relations ..., eq. 2)."""

from torch import Tensor

from loregraft.kge.scorers.scorer import Scorer, Start, summed_to


def score(h: Tensor, r: Tensor, t: Tensor) -> Tensor:
    """Give sum_i h_i r_i t_i: the same for both directions of a relation."""
    return (h * r * t).sum(-1)


def query(x: Tensor, r: Tensor) -> Tensor:
    """Give x r."""
    return x * r


def query_backward(gradient: Tensor, x: Tensor, r: Tensor) -> tuple[Tensor, Tensor]:
    """See Scorer."""
    return gradient * r, summed_to(gradient * x, r)


DISTMULT = Scorer(
    name="distmult",
    paper="Yang et al. 2015, Embedding Entities and Relations for Learning and Inference in Knowledge Bases",
    measure="dot",
    score=score,
    query=query,
    query_backward=query_backward,
    inverse=lambda r: r,
    relation_start=Start(0.5).draw,
)
