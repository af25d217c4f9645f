"""Losses over a batch: from the scores of true triples and of negatives to the gradients by both.

All are sums over the batch, in nats, each triple times its weight; a negative of score minus infinity
is left out. Gradients are in closed form; they may take the place of the scores of negatives.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from loregraft.kge.settings import KgeSettings

True_ = Float[Tensor, " batch"]
False_ = Float[Tensor, "batch negatives"]
Gradients = tuple[Tensor, True_, False_]
Loss = Callable[[True_, False_, True_, Float[Tensor, "*negatives"], KgeSettings], Gradients]


def softmax(
    true: True_, false: False_, weights: True_, log_drawn: Float[Tensor, "*negatives"], settings: KgeSettings
) -> Gradients:
    """Cross-entropy of the true triple among the negatives, which stand for all entities.

    Args:
        log_drawn: log of how often each negative is expected in the sample (its share times their
            number), which is taken from its score. Bengio and Senecal 2008, Adaptive importance
            sampling, section 4.
    """
    logits = false.sub_(log_drawn)
    top = torch.maximum(logits.amax(1), true)
    logits.sub_(top.unsqueeze(1)).exp_()
    own = (true - top).exp_()
    total = logits.sum(1) + own
    loss = (weights * (total.log() + top - true)).sum()
    logits.mul_((weights / total).unsqueeze(1))
    return loss, weights * (own / total - 1), logits


def self_adversarial(
    true: True_, false: False_, weights: True_, log_drawn: Float[Tensor, "*negatives"], settings: KgeSettings
) -> Gradients:
    """Sun et al. 2019, eq. 5: hard negatives count more; their weights have no gradient."""
    drawn = torch.softmax(false * settings.adversarial, 1).nan_to_num_()  # none where all are left out
    drawn *= weights.unsqueeze(1)
    positive, negative = true + settings.margin, false + settings.margin
    terms = torch.where(false.isinf(), 0.0, drawn * torch.nn.functional.softplus(negative))
    loss = (weights * torch.nn.functional.softplus(-positive)).sum() + terms.sum()
    return loss, -weights * torch.sigmoid(-positive), drawn.mul_(torch.sigmoid(negative))


def margin(
    true: True_, false: False_, weights: True_, log_drawn: Float[Tensor, "*negatives"], settings: KgeSettings
) -> Gradients:
    """Mean over negatives of max(0, margin - true + false); Bordes et al. 2013, eq. 1."""
    over = (settings.margin + false - true.unsqueeze(1)).clamp_min_(0)
    share = (weights / false.shape[1]).unsqueeze(1)
    by_false = (over > 0) * share
    return (over * share).sum(), -by_false.sum(1), by_false


def logistic(
    true: True_, false: False_, weights: True_, log_drawn: Float[Tensor, "*negatives"], settings: KgeSettings
) -> Gradients:
    """Log loss of the true triple, and the mean of that of the negatives; Trouillon et al. 2016, eq. 13."""
    share = (weights / false.shape[1]).unsqueeze(1)
    loss = (weights * torch.nn.functional.softplus(-true)).sum()
    loss = loss + (share * torch.nn.functional.softplus(false)).sum()
    return loss, -weights * torch.sigmoid(-true), share * torch.sigmoid(false)


LOSSES: dict[str, Loss] = {
    "softmax": softmax,
    "self_adversarial": self_adversarial,
    "margin": margin,
    "logistic": logistic,
}
"""Name -> loss."""
