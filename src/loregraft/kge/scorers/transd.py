"""TransD: entity and relation together make the projection (Ji et al. 2015, eq. 11 to 14).

Entities and relations are equally wide, so that the projection is I + r_p e_p'. The vector stands
first, the one that makes projections after it.
"""

from dataclasses import replace

import torch
from torch import Tensor

from loregraft.kge.scorers.projected import half, projected
from loregraft.kge.scorers.scorer import halves, summed_to


def project(x: Tensor, r: Tensor) -> Tensor:
    """Give e + (e . e_p) r_p."""
    own, maker = halves(x)
    return own + (own * maker).sum(-1, keepdim=True) * halves(r)[1]


def project_backward(gradient: Tensor, x: Tensor, r: Tensor) -> tuple[Tensor, Tensor]:
    """See Scorer."""
    own, maker = halves(x)
    along = (gradient * halves(r)[1]).sum(-1, keepdim=True)
    by_maker = summed_to((own * maker).sum(-1, keepdim=True) * gradient, r)
    by_x = torch.cat([gradient + along * maker, along * own], -1)
    return by_x, torch.cat([torch.zeros_like(by_maker), by_maker], -1)


TRANSD = replace(
    projected(
        "transd",
        "Ji et al. 2015, Knowledge Graph Embedding via Dynamic Mapping Matrix",
        project,
        project_backward,
        half,
    ),
    entity_width=lambda dim: 2 * dim,
    relation_width=lambda dim: 2 * dim,
)
