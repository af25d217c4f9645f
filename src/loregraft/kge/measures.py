"""How queries meet candidates: all scores at once, and the gradients back to both.

Products and lengths go through one matrix product. Sums of absolute values or of moduli cannot; they
take a fused kernel (`kernels.py`). `pairs` meets row by row, for the triples that are true.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from loregraft.kge import kernels
from loregraft.kge.kernels import SMALLEST
from loregraft.kge.scorers.scorer import Measure, halves

Scores = Float[Tensor, "queries candidates"]


def product(a: Tensor, b: Tensor, bf16: bool) -> Tensor:
    """Multiply two matrices, in bfloat16 if asked, and give float32."""
    return (a.bfloat16() @ b.bfloat16()).float() if bf16 else a @ b


def meet(measure: Measure, queries: Tensor, candidates: Tensor, bf16: bool = False) -> Scores:
    """Give the score of each query with each candidate."""
    if measure == "dot":
        return product(queries, candidates.T, bf16)
    if measure == "l2":
        squares = (queries * queries).sum(1, keepdim=True) + (candidates * candidates).sum(1)
        inner = product(queries, candidates.T, bf16)
        return -squares.sub_(inner, alpha=2).clamp_min_(SMALLEST**2).sqrt_()
    if measure == "l1":
        return kernels.l1(queries, candidates)
    return kernels.modulus(queries, candidates)


def meet_backward(
    measure: Measure,
    gradient: Scores,
    scores: Scores,
    queries: Tensor,
    candidates: Tensor,
    bf16: bool = False,
) -> tuple[Tensor, Tensor]:
    """Give the gradients of `meet` by queries and candidates. `gradient` may be overwritten."""
    if measure == "dot":
        return _products(gradient, queries, candidates, bf16)
    if measure == "l2":
        weight = gradient.div_(scores)  # d score / d query = (query - candidate) / score
        by_queries, by_candidates = _products(weight, queries, candidates, bf16)
        by_queries = queries * weight.sum(1, keepdim=True) - by_queries
        return by_queries, candidates * weight.sum(0).unsqueeze(1) - by_candidates
    if measure == "l1":
        return kernels.l1_backward(gradient, queries, candidates)
    return kernels.modulus_backward(gradient, queries, candidates)


def _products(weight: Scores, queries: Tensor, candidates: Tensor, bf16: bool) -> tuple[Tensor, Tensor]:
    shared = weight.bfloat16() if bf16 else weight  # made once for both
    return product(shared, candidates, bf16), product(shared.T, queries, bf16)


def pairs(measure: Measure, queries: Tensor, candidates: Tensor) -> Float[Tensor, " queries"]:
    """Give the score of each query with the candidate of its row."""
    if measure == "dot":
        return (queries * candidates).sum(1)
    difference = queries - candidates
    if measure == "l2":
        return -difference.norm(dim=1).clamp_min(SMALLEST)
    if measure == "l1":
        return -difference.abs().sum(1)
    return -torch.hypot(*halves(difference)).sum(1)


def pairs_backward(
    measure: Measure, gradient: Tensor, scores: Tensor, queries: Tensor, candidates: Tensor
) -> tuple[Tensor, Tensor]:
    """Give the gradients of `pairs` by queries and candidates."""
    weight = gradient.unsqueeze(1)
    if measure == "dot":
        return candidates * weight, queries * weight
    difference = queries - candidates
    if measure == "l2":
        by_queries = difference * (weight / scores.unsqueeze(1))
    elif measure == "l1":
        by_queries = -difference.sign() * weight
    else:
        size = torch.hypot(*halves(difference)).clamp_min_(SMALLEST)
        by_queries = -difference / torch.cat([size, size], 1) * weight
    return by_queries, -by_queries
