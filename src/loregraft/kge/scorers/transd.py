"""TransD: entity and relation together make the projection (Ji et al. 2015, eq. 11 to 14).

Entities and relations of equal width, so that the projection is I + r_p e_p'. The vector stands first,
the one that makes projections after it. The paper squares the distance, which ranks the same.
"""

import torch
from torch import Tensor

from loregraft.kge.scorers.scorer import Scorer, Start, halves, summed_to


def score(h: Tensor, r: Tensor, t: Tensor) -> Tensor:
    """Give -|projected h + r - projected t|, the length."""
    return -(query(h, r) - candidate(t, r)).norm(dim=-1)


def query(x: Tensor, r: Tensor) -> Tensor:
    """Give projected x + r."""
    return candidate(x, r) + halves(r)[0]


def query_backward(gradient: Tensor, x: Tensor, r: Tensor) -> tuple[Tensor, Tensor]:
    """See Scorer."""
    by_x, by_r = candidate_backward(gradient, x, r)
    return by_x, by_r + torch.cat(
        [summed_to(gradient, r), torch.zeros_like(r[..., : gradient.shape[-1]])], -1
    )


def candidate(x: Tensor, r: Tensor) -> Tensor:
    """Give e + (e . e_p) r_p."""
    own, maker = halves(x)
    return own + (own * maker).sum(-1, keepdim=True) * halves(r)[1]


def candidate_backward(gradient: Tensor, x: Tensor, r: Tensor) -> tuple[Tensor, Tensor]:
    """See Scorer."""
    own, maker = halves(x)
    along = (gradient * halves(r)[1]).sum(-1, keepdim=True)
    by_maker = summed_to((own * maker).sum(-1, keepdim=True) * gradient, r)
    by_x = torch.cat([gradient + along * maker, along * own], -1)
    return by_x, torch.cat([torch.zeros_like(by_maker), by_maker], -1)


def back(r: Tensor) -> Tensor:
    """Turn the step."""
    step, maker = halves(r)
    return torch.cat([-step, maker], -1)


TRANSD = Scorer(
    name="transd",
    paper="Ji et al. 2015, Knowledge Graph Embedding via Dynamic Mapping Matrix",
    measure="l2",
    score=score,
    query=query,
    query_backward=query_backward,
    inverse=back,
    candidate=candidate,
    candidate_backward=candidate_backward,
    entity_width=lambda dim: 2 * dim,
    relation_width=lambda dim: 2 * dim,
    entity_start=Start(0.05),
    relation_start=Start(0.05).draw,
    by_relation=True,
)
