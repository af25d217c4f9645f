"""The two readers: one reads questions, the other entities. They start alike and learn apart."""

import copy
import math
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor, nn

from loregraft.encoder.load import Encoder


class Readers(nn.Module):
    """Two encoders that start from the same weights, and the temperature that is learnt with them."""

    def __init__(self, encoder: Encoder, temperature: float) -> None:
        super().__init__()
        self._start = encoder
        self.question_model = encoder.model
        self.entity_model = copy.deepcopy(encoder.model)
        self.log_sharpness = nn.Parameter(torch.tensor(-math.log(temperature)))

    @property
    def questions(self) -> Encoder:
        """The encoder that reads an entity's text together with a relation."""
        return replace(self._start, model=self.question_model)

    @property
    def entities(self) -> Encoder:
        """The encoder that reads an entity's text alone."""
        return replace(self._start, model=self.entity_model)

    def sharpness(self) -> Float[Tensor, ""]:
        """Give 1 / temperature."""
        return self.log_sharpness.exp()

    def temperature(self) -> float:
        """Give the temperature as a number."""
        return math.exp(-self.log_sharpness.item())
