"""Heads that objectives share: from hidden states to words."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from loregraft.encoder.words import StockWordHead


class NewWordHead(nn.Module):
    """Scores every word of the vocabulary at the rows it is given, through the encoder's own word embeddings.

    Only rows that are asked for are scored: over all tokens the scores would cost as much as the encoder.

    Reference:
        Devlin et al. 2019, BERT (transform, then a decoder tied to the word embeddings, with a bias).
    """

    def __init__(self, hidden: int, width: int, vocabulary: int) -> None:
        super().__init__()
        self.transform = nn.Linear(hidden, width)
        self.norm = nn.LayerNorm(width)
        self.bias = nn.Parameter(torch.zeros(vocabulary))

    def forward(
        self, rows: Float[Tensor, "rows hidden"], table: Float[Tensor, "vocab width"]
    ) -> Float[Tensor, "rows vocab"]:
        """Give the logits of each row."""
        return F.linear(self.norm(F.gelu(self.transform(rows))), table, self.bias)


WordHead = NewWordHead | StockWordHead
"""A head of words: the checkpoint's own, or a new one where it has none."""
