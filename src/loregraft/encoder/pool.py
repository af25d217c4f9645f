"""From token vectors to one vector a text."""

import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor


def mean_pool(
    hidden: Float[Tensor, "batch seq hidden"], mask: Bool[Tensor, "batch seq"]
) -> Float[Tensor, "batch hidden"]:
    """Average each text's token vectors where mask is True, to unit length (zero where none is)."""
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    mean = (hidden * weights).sum(1) / weights.sum(1).clamp(min=1)
    return F.normalize(mean, dim=-1)


def first_pool(
    hidden: Float[Tensor, "batch seq hidden"], mask: Bool[Tensor, "batch seq"]
) -> Float[Tensor, "batch hidden"]:
    """Take each text's first token vector, to unit length."""
    return F.normalize(hidden[:, 0], dim=-1)


POOLINGS = {"mean": mean_pool, "cls": first_pool}
