"""The head of words that a checkpoint was pre-trained with, of any family, over the rows that are asked for.

A stock model for masked words is kept whole but for its encoder, in whose place stands what hands it rows of
hidden states; so no family's head is copied, and none is run over tokens that nobody asks for.
"""

import json
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from loregraft.encoder.load import Encoder


class StockWordHead(nn.Module):
    """Scores every word of the vocabulary at some rows, as the checkpoint does.

    Its decoder is tied to the encoder's word embeddings where the checkpoint's is.
    """

    def __init__(self, model: nn.Module, encoder: nn.Module) -> None:
        super().__init__()
        self._given = _Given()
        # The stock encoder goes; what its head was tied to is tied to the encoder in training.
        setattr(model, str(model.base_model_prefix), self._given)
        decoder: nn.Module | None = model.get_output_embeddings()  # type: ignore[operator]
        if decoder is not None and getattr(model.config, "tie_word_embeddings", True):
            table: nn.Module = encoder.get_input_embeddings()  # type: ignore[operator]
            decoder.weight = table.weight
        self.model = model

    def forward(
        self, rows: Float[Tensor, "rows hidden"], table: Float[Tensor, "vocab width"]
    ) -> Float[Tensor, "rows vocab"]:
        """Give the logits of each row; the table is the encoder's, to which the decoder is tied."""
        if not len(rows):
            return rows.new_zeros(0, len(table))
        self._given.rows = rows[None]
        try:
            logits: Tensor = self.model(input_ids=torch.zeros(1, len(rows), dtype=torch.long)).logits[0]
        finally:
            self._given.rows = None
        return logits


class _Given(nn.Module):
    """Stands in an encoder's place and gives the rows that it was handed."""

    rows: Tensor | None = None

    def forward(self, *arguments: object, **named: object) -> Any:
        from transformers.modeling_outputs import BaseModelOutput

        return BaseModelOutput(last_hidden_state=self.rows)


def read_word_head(encoder: Encoder) -> StockWordHead | None:
    """Open the head of words in an encoder's folder; None where the checkpoint has none.

    A folder of a bare encoder has none, nor has one whose head lacks weights.
    """
    from transformers import AutoModelForMaskedLM

    if not has_word_head(encoder.folder):
        return None
    model, told = AutoModelForMaskedLM.from_pretrained(
        encoder.folder,
        local_files_only=True,
        use_safetensors=True,
        dtype=torch.float32,
        output_loading_info=True,
    )
    if told["missing_keys"]:
        return None
    return StockWordHead(model.eval(), encoder.model)


def has_word_head(folder: Path) -> bool:
    """Tell by its configuration whether a checkpoint was saved with a head of words."""
    names = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("architectures") or []
    return any(str(name).endswith(("ForMaskedLM", "ForPreTraining")) for name in names)
