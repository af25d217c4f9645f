"""The loss of text vectors: a question picks its answer among those of a batch, an answer its question."""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor


def info_nce(
    cosines: Float[Tensor, "questions candidates"],
    left_out: Bool[Tensor, "questions candidates"],
    sharpness: Float[Tensor, ""],
    margin: float,
    weights: Float[Tensor, " questions"],
) -> Float[Tensor, ""]:
    """Give the weighted mean, in nats, of what the right choices cost both ways; at least 0.

    Candidate i is the right answer of question i; candidates past the number of questions are wrong for the
    question of their row alone and play no part where answers pick questions. All weights 0 give 0.

    Args:
        left_out: True where a candidate does not compete; never for a right answer.
        sharpness: 1 / temperature.
        margin: Taken off the cosine of the right answer, so that it must win by as much.

    Reference:
        Wang et al. 2022, SimKGC: Simple Contrastive Knowledge Graph Completion with Pre-trained Language
        Models, eq. 5; the way back, from answers to questions, is in its authors' code.
    """
    count = len(cosines)
    right = torch.eye(count, cosines.shape[1], dtype=cosines.dtype)
    logits = ((cosines - margin * right) * sharpness).masked_fill(left_out, float("-inf"))
    places = torch.arange(count)
    there = F.cross_entropy(logits, places, reduction="none")
    back = F.cross_entropy(logits[:, :count].T, places, reduction="none")
    return ((there + back) * weights).sum() / weights.sum().clamp_min(torch.finfo(weights.dtype).tiny)
