"""What TransH, TransR and TransD share: a relation projects both entities and steps from head to tail.

Each of the three says how it projects. The step stands first in a relation. The papers square the
distance, which ranks the same.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from loregraft.kge.scorers.scorer import Ask, AskBackward, Scorer, Start, summed_to


def projected(
    name: str, paper: str, project: Ask, project_backward: AskBackward, steps: Callable[[Tensor], int]
) -> Scorer:
    """Make a scorer of a projection: -|projected h + step - projected t|, the length.

    Args:
        project: Entity and relation to the entity in the relation's space.
        project_backward: The gradients of it, that of the relation freshly made.
        steps: Relation to the number of numbers that are its step.
    """

    def query(x: Tensor, r: Tensor) -> Tensor:
        return project(x, r) + r[..., : steps(r)]

    def query_backward(gradient: Tensor, x: Tensor, r: Tensor) -> tuple[Tensor, Tensor]:
        by_x, by_r = project_backward(gradient, x, r)
        by_r[..., : steps(r)] += summed_to(gradient, r)
        return by_x, by_r

    def score(h: Tensor, r: Tensor, t: Tensor) -> Tensor:
        return -(query(h, r) - project(t, r)).norm(dim=-1)

    def inverse(r: Tensor) -> Tensor:
        return torch.cat([-r[..., : steps(r)], r[..., steps(r) :]], -1)

    return Scorer(
        name=name,
        paper=paper,
        measure="l2",
        score=score,
        query=query,
        query_backward=query_backward,
        inverse=inverse,
        candidate=project,
        candidate_backward=project_backward,
        entity_start=Start(0.05),
        relation_start=Start(0.05).draw,
        by_relation=True,
    )


def half(r: Tensor) -> int:
    """Give the number of steps where they are the first half of a relation."""
    return r.shape[-1] // 2
