"""Objectives: one function each, from vectors to a loss in nats; 0 where there is nothing to learn."""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor


def alignment(
    first: Float[Tensor, "pairs dim"],
    second: Float[Tensor, "pairs dim"],
    same: Bool[Tensor, "texts texts"],
    temperature: float = 0.05,
) -> Float[Tensor, ""]:
    """Pull the two views of each concept together and push all other texts of the batch apart.

    Each of the 2 x pairs texts picks its partner among all other texts of the batch by a softmax
    over cosines. Texts that may mean the same (`same`) are left out, partners aside, so that two
    concepts with one name are not pushed apart.

    Args:
        first: Unit vectors; row i is a view of pair i.
        second: Unit vectors; row i is another view of pair i.
        same: True where two texts must not count as different; texts are first, then second.
        temperature: Above 0. Smaller values look only at the nearest wrong texts.

    Raises:
        ValueError: temperature is not above 0.

    Reference:
        Chen et al. 2020, A Simple Framework for Contrastive Learning, eq. 1 (NT-Xent), with the
        synonym pairs of Liu et al. 2021, Self-Alignment Pretraining for Biomedical Entity
        Representations (SapBERT).
    """
    if temperature <= 0:
        raise ValueError(f"temperature must be above 0, got {temperature}")
    pairs = len(first)
    if pairs == 0:
        return first.sum() + second.sum()
    texts = torch.cat([first, second])
    partner = torch.arange(2 * pairs, device=texts.device).roll(pairs)
    left_out = same.clone()
    left_out.fill_diagonal_(True)
    left_out[torch.arange(2 * pairs), partner] = False
    scores = (texts @ texts.T / temperature).masked_fill(left_out, float("-inf"))
    return F.cross_entropy(scores, partner)


def anchor(vectors: Float[Tensor, "texts dim"], untouched: Float[Tensor, "texts dim"]) -> Float[Tensor, ""]:
    """Keep plain sentences where the untouched encoder had them: mean of 1 - cosine, 0..2.

    Args:
        vectors: Unit vectors of the encoder in training.
        untouched: Unit vectors of the same sentences before training; no gradient flows there.
    """
    if not len(vectors):
        return vectors.sum()
    return 1.0 - (vectors * untouched.detach()).sum(-1).mean()
