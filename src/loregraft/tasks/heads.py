"""Heads: from the hidden states of a text to a logit for each label.

What a head looks at comes as masks over the tokens, so that it does not know where they come from: the whole
text, or the mentions in it (`reading.py`). No-relation is a label like any other (Zhang et al. 2017).
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn


def means(
    hidden: Float[Tensor, "batch seq hidden"], masks: Bool[Tensor, "batch parts seq"]
) -> Float[Tensor, "batch parts hidden"]:
    """Average the hidden states where each mask is True; zero where it is nowhere."""
    weights = masks.to(hidden.dtype)
    return weights @ hidden / weights.sum(-1, keepdim=True).clamp(min=1)


class TextHead(nn.Module):
    """Says what a text is: W e + b, e the mean of its tokens.

    Reference:
        Reimers and Gurevych 2019, Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks, sec. 3:
        the mean of all output vectors.
    """

    def __init__(self, hidden: int, labels: int) -> None:
        super().__init__()
        self.out = nn.Linear(hidden, labels)

    def forward(
        self, hidden: Float[Tensor, "batch seq hidden"], masks: Bool[Tensor, "batch 1 seq"]
    ) -> Float[Tensor, "batch labels"]:
        """Give the logits of texts from their last hidden states."""
        logits: Tensor = self.out(means(hidden, masks)[:, 0])
        return logits


class PairHead(nn.Module):
    """Says how two mentions are related: W [e_h ; e_t ; e_h * e_t] + b, e the mean of a mention's tokens.

    Reference:
        Baldini Soares et al. 2019, Matching the Blanks: Distributional Similarity for Relation Learning,
        sec. 3: two mentions, pooled and side by side; it takes the largest number, where ours is the mean.
        Mou et al. 2016, Natural Language Inference by Tree-Based Convolution and Heuristic Matching: the
        product, number by number.
    """

    def __init__(self, hidden: int, labels: int) -> None:
        super().__init__()
        self.out = nn.Linear(3 * hidden, labels)

    def forward(
        self, hidden: Float[Tensor, "batch seq hidden"], masks: Bool[Tensor, "batch 2 seq"]
    ) -> Float[Tensor, "batch labels"]:
        """Give the logits of pairs from the last hidden states: the head's mask comes first."""
        head, tail = means(hidden, masks).unbind(1)
        logits: Tensor = self.out(torch.cat([head, tail, head * tail], -1))
        return logits
