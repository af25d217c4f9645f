"""Penalties on the vectors of each true triple: their gradients, question by question."""

import torch
from jaxtyping import Float
from torch import Tensor

from loregraft.kge.scorers.scorer import halves
from loregraft.kge.settings import KgeSettings


def norm_gradient(
    x: Float[Tensor, "rows width"], settings: KgeSettings, complex_numbers: bool
) -> Float[Tensor, "rows width"]:
    """Give the gradient of n3 / 3 sum |x|^3 + l2 / 2 sum x^2, with the modulus of complex numbers.

    Lacroix et al. 2018, Canonical Tensor Decomposition for Knowledge Base Completion, eq. 6.
    """
    gradient = settings.l2 * x
    if settings.n3:
        size = torch.hypot(*halves(x)) if complex_numbers else x.abs()
        gradient = gradient + settings.n3 * x * (torch.cat([size, size], 1) if complex_numbers else size)
    return gradient


def dura_gradient(x: Float[Tensor, "rows width"], settings: KgeSettings) -> Float[Tensor, "rows width"]:
    """Give the gradient of dura sum x^2, for the vector of the question and that of the answer.

    Zhang et al. 2020, Duality-Induced Regularizer for Tensor Factorization Based Knowledge Graph
    Completion, eq. 4: asked from both sides, a triple is penalised as it says there.
    """
    return 2 * settings.dura * x
