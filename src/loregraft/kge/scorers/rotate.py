"""RotatE: a relation turns each complex number of the head (Sun et al. 2019, RotatE ..., eq. 2).

The paper's distance sums the moduli of the complex differences. `rotate_l2` is a variant of ours: the
length of the whole difference, which one matrix product gives for all candidates.
"""

import math
from dataclasses import replace

import torch
from torch import Tensor

from loregraft.kge.scorers.complex import conjugate, times
from loregraft.kge.scorers.scorer import Scorer, Start, halves, summed_to


def turn(r: Tensor) -> Tensor:
    """Give the complex numbers of modulus 1 with these phases."""
    return torch.cat([r.cos(), r.sin()], -1)


def score(h: Tensor, r: Tensor, t: Tensor) -> Tensor:
    """Give -sum_i |h_i e^(i r_i) - t_i|."""
    real, imaginary = halves(times(h, turn(r)) - t)
    return -torch.hypot(real, imaginary).sum(-1)


def score_l2(h: Tensor, r: Tensor, t: Tensor) -> Tensor:
    """Give -|h e^(i r) - t|, the length of the whole vector."""
    return -(times(h, turn(r)) - t).norm(dim=-1)


def query(x: Tensor, r: Tensor) -> Tensor:
    """Give x e^(i r)."""
    return times(x, turn(r))


def query_backward(gradient: Tensor, x: Tensor, r: Tensor) -> tuple[Tensor, Tensor]:
    """See Scorer."""
    turned = turn(r)
    by_real, by_imaginary = halves(times(gradient, conjugate(x)))
    cosine, sine = halves(turned)
    by_phase = by_imaginary * cosine - by_real * sine
    return times(gradient, conjugate(turned)), summed_to(by_phase, r)


ROTATE = Scorer(
    name="rotate",
    paper="Sun et al. 2019, RotatE: Knowledge Graph Embedding by Relational Rotation in Complex Space",
    measure="modulus",
    score=score,
    query=query,
    query_backward=query_backward,
    inverse=lambda r: -r,
    relation_width=lambda dim: dim // 2,
    entity_start=Start(0.05),
    relation_start=Start(math.pi, uniform=True).draw,
    complex_numbers=True,
    phases=True,
    multiple=2,
)
ROTATE_L2 = replace(ROTATE, name="rotate_l2", measure="l2", score=score_l2)
