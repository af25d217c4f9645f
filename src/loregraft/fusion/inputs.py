"""Inputs: a batch of linked texts, padded, with what a method adds and the record of which facts went in."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from loregraft.corpus.tokens import Tokens

KNOWLEDGE = "k_"
"""What the names of a method's own tensors begin with."""


@dataclass(frozen=True)
class Inputs:
    """A batch, ready for the model.

    Attributes:
        tensors: What the model is called with. Names of a method's own begin with `k_`; without any, the
            pass is the bare encoder's.
        offsets: The characters of its text that each token stands for; -1, -1: not of the text.
        triples: For each text, the rows of the graph's triples that went in, in order.
        entities: For each text, the indexes of the entities that went in, in order.
        cut: How many texts lost their end.
        lost: How many links went unused, as they lay beyond it or the graph has no such entity.
        added: How many tokens were added to the texts.
        texts: Which text each row is of, where long texts take several rows; (): one row each.
    """

    tensors: dict[str, Tensor]
    offsets: Int64[Tensor, "batch seq 2"]
    triples: tuple[tuple[int, ...], ...]
    entities: tuple[tuple[int, ...], ...]
    cut: int = 0
    lost: int = 0
    added: int = 0
    texts: tuple[int, ...] = ()

    @property
    def mask(self) -> Bool[Tensor, "batch seq"]:
        """Where there is a token of any kind."""
        return self.offsets[..., 0] > PADDED

    def with_knowledge(
        self,
        tensors: dict[str, Tensor],
        *,
        entities: Sequence[Sequence[int]],
        triples: Sequence[Sequence[int]] | None = None,
    ) -> "Inputs":
        """Add what a method reads; where no text has an entity, nothing is added."""
        if not any(entities):
            return self
        named = {KNOWLEDGE + name: tensor for name, tensor in tensors.items()}
        told = triples if triples is not None else [()] * len(entities)
        return replace(
            self,
            tensors=self.tensors | named,
            entities=tuple(map(tuple, entities)),
            triples=tuple(map(tuple, told)),
        )


PADDED = -2
"""What stands for the characters of padding."""


def padded(
    tokens: Sequence[Tokens],
    padding_id: int,
    *,
    positions: Sequence[Sequence[int]] | None = None,
    added: int = 0,
) -> Inputs:
    """Make a batch of tokenized texts.

    Args:
        positions: Of each token of each text, where they are not 0, 1, 2 and so on.
        added: How many of the tokens are not of the texts.
    """
    width = max((len(one.ids) for one in tokens), default=0)
    input_ids = np.full((len(tokens), width), padding_id, np.int64)
    offsets = np.full((len(tokens), width, 2), PADDED, np.int64)
    for row, one in enumerate(tokens):
        input_ids[row, : len(one.ids)] = one.ids
        offsets[row, : len(one.ids)] = np.reshape(one.offsets, (-1, 2))  # an empty text has none
    mask = offsets[..., 0] > PADDED
    tensors = {"input_ids": torch.from_numpy(input_ids), "attention_mask": torch.from_numpy(mask).long()}
    if positions is not None:
        placed = np.zeros((len(tokens), width), np.int64)
        for row, one_text in enumerate(positions):
            placed[row, : len(one_text)] = one_text
        tensors["position_ids"] = torch.from_numpy(placed)
    nothing: tuple[tuple[int, ...], ...] = ((),) * len(tokens)
    cut, lost = sum(one.cut for one in tokens), sum(one.lost for one in tokens)
    return Inputs(tensors, torch.from_numpy(offsets), nothing, nothing, cut, lost, added)
