"""TransH: a step on the hyperplane of a relation (Wang et al. 2014, eq. 1 and the text before it).

A relation is a step and the normal of a hyperplane, in this order; the normal is brought to length 1
here, which the paper asks for by a constraint. The paper squares the distance, which ranks the same.
"""

import torch
from torch import Tensor

from loregraft.kge.scorers.scorer import Scorer, Start, halves, summed_to


def onto(x: Tensor, normal: Tensor) -> Tensor:
    """Project on the hyperplane of a normal."""
    unit = torch.nn.functional.normalize(normal, dim=-1)
    return x - (x * unit).sum(-1, keepdim=True) * unit


def onto_backward(gradient: Tensor, x: Tensor, normal: Tensor) -> tuple[Tensor, Tensor]:
    """Give the gradients of `onto` by x and by the normal."""
    length = normal.norm(dim=-1, keepdim=True).clamp_min(1e-12)
    unit = normal / length
    along = (gradient * unit).sum(-1, keepdim=True)
    by_unit = summed_to(-(x * unit).sum(-1, keepdim=True) * gradient - along * x, normal)
    by_normal = (by_unit - (by_unit * unit).sum(-1, keepdim=True) * unit) / length
    return gradient - along * unit, by_normal


def score(h: Tensor, r: Tensor, t: Tensor) -> Tensor:
    """Give -|h on the plane + step - t on the plane|, the length."""
    return -(query(h, r) - candidate(t, r)).norm(dim=-1)


def query(x: Tensor, r: Tensor) -> Tensor:
    """Give x on the plane, and a step from there."""
    step, normal = halves(r)
    return onto(x, normal) + step


def query_backward(gradient: Tensor, x: Tensor, r: Tensor) -> tuple[Tensor, Tensor]:
    """See Scorer."""
    by_x, by_normal = onto_backward(gradient, x, halves(r)[1])
    return by_x, torch.cat([summed_to(gradient, r), by_normal], -1)


def candidate(x: Tensor, r: Tensor) -> Tensor:
    """Give x on the plane."""
    return onto(x, halves(r)[1])


def candidate_backward(gradient: Tensor, x: Tensor, r: Tensor) -> tuple[Tensor, Tensor]:
    """See Scorer."""
    by_x, by_normal = onto_backward(gradient, x, halves(r)[1])
    return by_x, torch.cat([torch.zeros_like(by_normal), by_normal], -1)


def back(r: Tensor) -> Tensor:
    """Turn the step."""
    step, normal = halves(r)
    return torch.cat([-step, normal], -1)


TRANSH = Scorer(
    name="transh",
    paper="Wang et al. 2014, Knowledge Graph Embedding by Translating on Hyperplanes",
    measure="l2",
    score=score,
    query=query,
    query_backward=query_backward,
    inverse=back,
    candidate=candidate,
    candidate_backward=candidate_backward,
    relation_width=lambda dim: 2 * dim,
    entity_start=Start(0.05),
    relation_start=Start(0.05).draw,
    by_relation=True,
)
