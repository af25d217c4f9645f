"""Entity prediction: a mention is hidden, and the encoder says which entity stood there."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import nn

from loregraft.corpus.corpus import Corpus
from loregraft.corpus.mask import Vocabulary
from loregraft.pretrain.objectives.denoise import EntityHead
from loregraft.pretrain.objectives.mentions import apart
from loregraft.pretrain.objectives.objective import Loss, ObjectiveSettings, draw, generator_of
from loregraft.pretrain.objectives.sentences import nothing
from loregraft.pretrain.trunk import Trunk, starts_of


class EntitySettings(ObjectiveSettings):
    """How many mentions are hidden, and how wide the table of entities is."""

    width: int = Field(64, ge=1, description="length of an entity's vector")
    share: float = Field(0.15, gt=0, le=1, description="share of mentions that are hidden; one at least")


@dataclass(frozen=True)
class EntityItem:
    """A text with hidden mentions.

    Attributes:
        ids: What the encoder reads.
        mentions: Where each hidden mention begins and ends.
        targets: The row of its entity in the table.
    """

    ids: list[int]
    mentions: list[tuple[int, int]]
    targets: list[int]

    @property
    def tokens(self) -> int:
        """How many tokens the encoder reads."""
        return len(self.ids)


class EntityPrediction(nn.Module):
    """Predicts hidden entities among all that the corpus mentions; the mean is over hidden mentions.

    Differences from the paper: entities are no tokens of their own beside the words. The tokens of a mention
    are masked, and the mean of their hidden states stands for LUKE's masked entity; so the encoder is read as
    any other afterwards, and the projection of entities into the input falls away with the entity tokens.
    Masked words are an objective of their own.

    Attributes:
        entities: Index of each row of the table in the graph, ascending.

    Raises:
        BadInput: No text has a link.
        ValueError: The tokenizer has no mask token.

    Reference:
        Yamada et al. 2020, LUKE: Deep Contextualized Entity Representations with Entity-aware Self-attention,
        eq. 2 and 3.
    """

    def __init__(self, trunk: Trunk, corpus: Corpus, settings: EntitySettings) -> None:
        super().__init__()
        self.settings = settings
        self.mask = Vocabulary.of(trunk.encoder.tokenizer).mask
        self.texts = [corpus.texts[place] for place in corpus.linked().tolist()]
        self.size = len(self.texts)
        self.entities = sorted({span.entities[0] for text in self.texts for span in apart(text)})
        self.table = nn.Parameter(0.02 * torch.randn(len(self.entities), settings.width))
        self.bias = nn.Parameter(torch.zeros(len(self.entities)))
        self.head = EntityHead(trunk.hidden, settings.width)

    def items(self, seed: int, step: int) -> list[EntityItem]:
        """Draw texts and hide mentions."""
        drawn = draw(self.size, self.settings.batch, seed, step).tolist()
        return [self._item(place, generator_of(seed, step, place)) for place in drawn]

    def loss(self, trunk: Trunk, items: Sequence[EntityItem]) -> Loss:
        """Cross-entropy of each hidden entity among all of the corpus, in nats."""
        if not items:
            return Loss(nothing(trunk), 0)
        texts = [item.ids for item in items]
        hidden, starts = trunk.read(texts), starts_of(texts).tolist()
        rows = [
            hidden[start + first : start + last].mean(0)
            for start, item in zip(starts, items, strict=True)
            for first, last in item.mentions
        ]
        logits = self.head(torch.stack(rows), self.table) + self.bias
        targets = torch.tensor([target for item in items for target in item.targets])
        return Loss(F.cross_entropy(logits.float(), targets, reduction="sum"), len(targets))

    def _item(self, place: int, generator: np.random.Generator) -> EntityItem:
        text = self.texts[place]
        spans = apart(text)
        count = max(1, round(self.settings.share * len(spans)))
        chosen = [spans[one] for one in sorted(generator.permutation(len(spans))[:count].tolist())]
        ids = list(text.ids)
        for span in chosen:
            ids[span.first : span.last] = [self.mask] * (span.last - span.first)
        targets = np.searchsorted(self.entities, [span.entities[0] for span in chosen]).tolist()
        return EntityItem(ids, [(span.first, span.last) for span in chosen], targets)
