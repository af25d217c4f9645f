"""Losses over unit vectors: which texts or pairs belong together, and which stay where they were.

`nt_xent` is the softmax over cosines of every objective that tells vectors apart; `alignment` is its form for
two views of each concept, and `anchor` keeps sentences near their old vectors.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor


def nt_xent(
    cosines: Float[Tensor, "anchors others"],
    partners: Int64[Tensor, " anchors"],
    left_out: Bool[Tensor, "anchors others"],
    temperature: float,
) -> Float[Tensor, ""]:
    """Sum over anchors of -log softmax of the partner's cosine among all that are not left out, in nats.

    Args:
        cosines: Of each anchor with every candidate, -1..1.
        partners: Column of each anchor's right candidate; it counts even where `left_out` is True.
        left_out: True where a candidate does not compete, as it may be right too or is the anchor itself.
        temperature: Above 0. Smaller values look only at the nearest wrong candidates.

    Returns:
        A scalar >= 0; 0 where no candidate competes with a partner, and for no anchors.

    Raises:
        ValueError: temperature is not above 0.

    Reference:
        Chen et al. 2020, A Simple Framework for Contrastive Learning of Visual Representations, eq. 1
        (NT-Xent); they average over anchors.
    """
    if temperature <= 0:
        raise ValueError(f"temperature must be above 0, got {temperature}")
    competes = ~left_out
    competes[torch.arange(len(partners), device=partners.device), partners] = True
    scores = (cosines / temperature).masked_fill(~competes, float("-inf"))
    return F.cross_entropy(scores, partners, reduction="sum")


def alignment(
    first: Float[Tensor, "pairs dim"],
    second: Float[Tensor, "pairs dim"],
    same: Bool[Tensor, "texts texts"],
    temperature: float = 0.05,
) -> Float[Tensor, ""]:
    """Pull the two views of each concept together and push all other texts of the batch apart.

    Each of the 2 x pairs texts picks its partner among all other texts of the batch by a softmax
    over cosines; the mean is over texts, in nats. Texts that may mean the same (`same`) are left out,
    partners aside, so that two concepts with one name are not pushed apart.

    Args:
        first: Unit vectors; row i is a view of pair i.
        second: Unit vectors; row i is another view of pair i.
        same: True where two texts must not count as different; texts are first, then second.
        temperature: Above 0. Smaller values look only at the nearest wrong texts.

    Returns:
        A scalar >= 0; 0 for no pairs, and for one alone.

    Raises:
        ValueError: temperature is not above 0.

    Reference:
        Chen et al. 2020, A Simple Framework for Contrastive Learning of Visual Representations, eq. 1
        (NT-Xent), with the synonym pairs of Liu et al. 2021, Self-Alignment Pretraining for Biomedical
        Entity Representations (SapBERT).
    """
    texts = torch.cat([first, second])
    partners = torch.arange(len(texts), device=texts.device).roll(len(first))
    itself = torch.eye(len(texts), dtype=torch.bool, device=texts.device)
    return nt_xent(texts @ texts.T, partners, same | itself, temperature) / max(1, len(texts))


def anchor(vectors: Float[Tensor, "texts dim"], untouched: Float[Tensor, "texts dim"]) -> Float[Tensor, ""]:
    """Keep plain sentences where the untouched encoder had them: mean of 1 - cosine, 0..2; 0 for no texts.

    Args:
        vectors: Unit vectors of the encoder in training.
        untouched: Unit vectors of the same sentences before training; no gradient flows there.
    """
    if not len(vectors):
        return vectors.sum()
    return 1.0 - (vectors * untouched.detach()).sum(-1).mean()
