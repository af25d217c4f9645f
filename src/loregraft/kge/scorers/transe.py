"""TransE: a relation is a step from head to tail (Bordes et al. 2013, Translating embeddings ..., eq. 1)."""

from dataclasses import replace

from torch import Tensor

from loregraft.kge.scorers.scorer import Scorer, Start, summed_to


def score_l1(h: Tensor, r: Tensor, t: Tensor) -> Tensor:
    """Give -|h + r - t|, summed over absolute values."""
    return -(h + r - t).abs().sum(-1)


def score_l2(h: Tensor, r: Tensor, t: Tensor) -> Tensor:
    """Give -|h + r - t|, the length."""
    return -(h + r - t).norm(dim=-1)


def query(x: Tensor, r: Tensor) -> Tensor:
    """Give x + r."""
    return x + r


def query_backward(gradient: Tensor, x: Tensor, r: Tensor) -> tuple[Tensor, Tensor]:
    """See Scorer."""
    return gradient, summed_to(gradient, r)


TRANSE = Scorer(
    name="transe",
    paper="Bordes et al. 2013, Translating Embeddings for Modeling Multi-relational Data",
    measure="l2",
    score=score_l2,
    query=query,
    query_backward=query_backward,
    inverse=lambda r: -r,
    entity_start=Start(0.05),
    relation_start=Start(0.05).draw,
)
TRANSE_L1 = replace(TRANSE, name="transe_l1", measure="l1", score=score_l1)
