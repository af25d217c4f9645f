"""TransH: a step on the hyperplane of a relation (Wang et al. 2014, eq. 1 and the text before it).

A relation is a step and the normal of a hyperplane, in this order; the normal is brought to length 1
here, which the paper asks for by a constraint.
"""

from dataclasses import replace

import torch
from torch import Tensor

from loregraft.kge.scorers.projected import half, projected
from loregraft.kge.scorers.scorer import halves, summed_to


def onto_plane(x: Tensor, r: Tensor) -> Tensor:
    """Project an entity on the hyperplane."""
    unit = torch.nn.functional.normalize(halves(r)[1], dim=-1)
    return x - (x * unit).sum(-1, keepdim=True) * unit


def onto_plane_backward(gradient: Tensor, x: Tensor, r: Tensor) -> tuple[Tensor, Tensor]:
    """See Scorer."""
    normal = halves(r)[1]
    length = normal.norm(dim=-1, keepdim=True).clamp_min(1e-12)
    unit = normal / length
    along = (gradient * unit).sum(-1, keepdim=True)
    by_unit = summed_to(-(x * unit).sum(-1, keepdim=True) * gradient - along * x, normal)
    by_normal = (by_unit - (by_unit * unit).sum(-1, keepdim=True) * unit) / length
    return gradient - along * unit, torch.cat([torch.zeros_like(by_normal), by_normal], -1)


TRANSH = replace(
    projected(
        "transh",
        "Wang et al. 2014, Knowledge Graph Embedding by Translating on Hyperplanes",
        onto_plane,
        onto_plane_backward,
        half,
    ),
    relation_width=lambda dim: 2 * dim,
)
