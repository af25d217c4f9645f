"""Method: what every way of fusing knowledge is, seen from `wrap.py`, and what it is told of the encoder."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from loregraft.corpus.tokens import Tokens
from loregraft.encoder.hooks import Changes
from loregraft.fusion.inputs import Inputs
from loregraft.fusion.knowledge import Knowledge

Need = Literal["graph", "vectors", "encoder"]
"""What a method cannot do without."""


class MethodSettings(BaseModel):
    """What the settings of all methods have."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    knowledge_dropout: float = Field(
        0.0, ge=0, lt=1, description="share of the links that are left out in training"
    )


@dataclass(frozen=True)
class Host:
    """What a method may know of the encoder it is wrapped around.

    Attributes:
        tokenizer: A fast tokenizer of transformers.
        family: What transformers calls the kind of model.
        hidden: The width of hidden states.
        layers: How many layers there are.
        table: The word embeddings, a row for each token id; read only.
        max_tokens: How many tokens the encoder takes, special tokens included.
        soft_offset: Where positions start, if tokens can be put into a text that it does not see
            (`encoder/soft.py`); None: this encoder cannot.
    """

    tokenizer: object
    family: str
    hidden: int
    layers: int
    table: Tensor
    max_tokens: int
    soft_offset: int | None

    @property
    def padding_id(self) -> int:
        """What fills a batch up."""
        found = self.tokenizer.pad_token_id  # type: ignore[attr-defined]
        return 0 if found is None else int(found)

    def ids(self, text: str) -> list[int]:
        """Tokenize words that are put into a text: no special tokens."""
        found: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]  # type: ignore[operator]
        return found


class Method(Protocol):
    """A way of fusing knowledge: a module, with weights or without, made of (host, knowledge, settings)."""

    needs: tuple[Need, ...]

    def prepare(self, tokens: Sequence[Tokens], knowledge: Knowledge) -> Inputs:
        """Make a batch ready. Without any entity in it, the batch is the bare encoder's."""
        ...

    def changes(self, knowledge: dict[str, Tensor]) -> Changes:
        """Say what a pass changes, from the tensors that `prepare` added (without their `k_`)."""
        ...


class Gate(nn.Module):
    """One number, 0 at the start, that says how much of a new part counts: h + g (new - h)."""

    def __init__(self) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.zeros(()))

    def forward(self, old: Tensor, new: Tensor, where: Tensor | None = None) -> Tensor:
        """Move from old to new; where it is False, not at all."""
        moved = self.value * (new - old)
        return old + (moved if where is None else moved * where)
