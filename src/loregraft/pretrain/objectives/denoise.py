"""Denoised entities: mentions carry the vector of their entity, or a wrong one, or none; which is right?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from pydantic import Field, model_validator
from torch import Tensor, nn

from loregraft.corpus.corpus import Corpus
from loregraft.fusion.knowledge import Knowledge
from loregraft.pretrain.objectives.mentions import apart
from loregraft.pretrain.objectives.objective import Loss, ObjectiveSettings, at_most_one, draw, generator_of
from loregraft.pretrain.objectives.sentences import nothing
from loregraft.pretrain.trunk import Put, Trunk, starts_of

NO_ENTITY = -1
"""What a mention carries whose entity was dropped."""


class DenoiseSettings(ObjectiveSettings):
    """How often a mention carries the wrong entity, and among which it is told."""

    batch: int = Field(16, ge=1, description="texts in a step; their entities are each other's negatives")
    replaced: float = Field(0.05, ge=0, le=1, description="share of mentions that carry another entity")
    dropped: float = Field(0.15, ge=0, le=1, description="share of mentions that carry none")
    negatives: int = Field(8, ge=0, description="wrong entities of the same type, for each mention")

    @model_validator(mode="after")
    def _shares_fit(self) -> "DenoiseSettings":
        at_most_one(dropped=self.dropped, replaced=self.replaced)
        return self


@dataclass(frozen=True)
class DenoiseItem:
    """A text and its mentions.

    Attributes:
        ids: Token ids.
        places: The first token of each mention.
        carried: The entity that each mention carries; `NO_ENTITY`: none.
        targets: The entity that is right.
        negatives: Entities that it is told from, besides those of the batch.
    """

    ids: list[int]
    places: list[int]
    carried: list[int]
    targets: list[int]
    negatives: list[int]

    @property
    def tokens(self) -> int:
        """How many tokens the encoder reads."""
        return len(self.ids)


class EntityHead(nn.Module):
    """Scores entities at hidden states: LN(GELU(W h)) times the vectors of the entities."""

    def __init__(self, hidden: int, width: int) -> None:
        super().__init__()
        self.transform, self.norm = nn.Linear(hidden, width), nn.LayerNorm(width)

    def forward(
        self, rows: Float[Tensor, "rows hidden"], entities: Float[Tensor, "entities width"]
    ) -> Float[Tensor, "rows entities"]:
        """Give the logits of each row."""
        return F.linear(self.norm(F.gelu(self.transform(rows))), entities)


class DenoisedEntities(nn.Module):
    """Predicts the entity of each mention among those of the batch and some like it; mean over mentions.

    Differences from the paper: there is no K-Encoder. The entity enters at the bottom: its vector, projected,
    is added to the word embedding of the mention's first token, and what is trained is a plain encoder that
    can be read without entities afterwards. A batch being small, entities of the same type are drawn from the
    graph as negatives besides. Of several processes each tells the entities of its own part of the batch.

    Raises:
        BadInput: No text has a link.
        ValueError: There are no entity vectors.

    Reference:
        Zhang et al. 2019, ERNIE: Enhanced Language Representation with Informative Entities, eq. 6 (dEA).
    """

    vectors: Tensor

    def __init__(self, trunk: Trunk, corpus: Corpus, knowledge: Knowledge, settings: DenoiseSettings) -> None:
        super().__init__()
        self.settings = settings
        self.texts = [corpus.texts[place] for place in corpus.linked().tolist()]
        self.size = len(self.texts)
        self.register_buffer("vectors", torch.from_numpy(knowledge.entity_vectors), persistent=False)
        width = self.vectors.shape[1]
        self.enter = nn.Linear(width, trunk.table.shape[1], bias=False)
        self.head = EntityHead(trunk.hidden, width)
        self.kinds = np.unique(knowledge.types, return_inverse=True)[1]
        self.alike = [np.flatnonzero(self.kinds == kind) for kind in range(int(self.kinds.max()) + 1)]

    def items(self, seed: int, step: int) -> list[DenoiseItem]:
        """Draw texts, and what their mentions carry; a wrong entity is another one of the step's texts."""
        drawn = draw(self.size, self.settings.batch, seed, step).tolist()
        there = {span.entities[0] for text in drawn for span in apart(self.texts[text])}
        return [self._item(text, sorted(there), generator_of(seed, step, text)) for text in drawn]

    def loss(self, trunk: Trunk, items: Sequence[DenoiseItem]) -> Loss:
        """Cross-entropy, in nats, over the distinct entities of the items and their negatives."""
        if not items:
            return Loss(nothing(trunk), 0)
        texts = [item.ids for item in items]
        starts = starts_of(texts).tolist()
        places = torch.tensor([s + p for s, item in zip(starts, items, strict=True) for p in item.places])
        words = torch.tensor([item.ids[place] for item in items for place in item.places])
        carried = torch.tensor([entity for item in items for entity in item.carried])
        has = carried != NO_ENTITY
        vectors = F.embedding(words[has], trunk.table) + self.enter(self.vectors[carried[has]])
        hidden = trunk.read(texts, Put(places[has], vectors))
        targets = [entity for item in items for entity in item.targets]
        known = sorted({*targets, *(entity for item in items for entity in item.negatives)})
        logits = self.head(hidden[places], self.vectors[torch.tensor(known)])
        right = torch.from_numpy(np.searchsorted(known, targets))
        return Loss(F.cross_entropy(logits.float(), right, reduction="sum"), len(targets))

    def _item(self, place: int, there: Sequence[int], generator: np.random.Generator) -> DenoiseItem:
        text, settings = self.texts[place], self.settings
        spans = apart(text)
        targets = [span.entities[0] for span in spans]
        carried, negatives = list[int](), list[int]()
        for target in targets:
            fate, others = generator.random(), [entity for entity in there if entity != target]
            if fate < settings.dropped:
                carried.append(NO_ENTITY)
            elif fate < settings.dropped + settings.replaced and others:
                carried.append(others[int(generator.integers(len(others)))])
            else:
                carried.append(target)
            alike, most = self.alike[int(self.kinds[target])], settings.negatives
            drawn = generator.choice(alike, min(most + 1, len(alike)), replace=False).tolist()
            negatives += [entity for entity in drawn if entity != target][:most]
        return DenoiseItem(text.ids, [span.first for span in spans], carried, targets, sorted({*negatives}))
