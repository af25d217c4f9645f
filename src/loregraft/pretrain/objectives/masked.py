"""Masked words: hide tokens of a text and let the encoder say which stood there.

Of the units "words" this is plain continuation, the baseline of all others; of "entities" whole mentions are
hidden first; "spans" hides as much in pieces as large, anywhere: the control that tells whether knowing the
entities mattered.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import nn

from loregraft.corpus.corpus import Corpus
from loregraft.corpus.mask import Masked, Unit, Vocabulary, choose, hide, mentions_of, random_spans, words_of
from loregraft.corpus.tokens import Tokens
from loregraft.pretrain.heads import WordHead
from loregraft.pretrain.objectives.objective import Loss, ObjectiveSettings, at_most_one, draw, generator_of
from loregraft.pretrain.trunk import Trunk, starts_of

Hidden = Literal["words", "entities", "spans"]
"""What is hidden first; the name of the objective says it."""


class MaskedSettings(ObjectiveSettings):
    """How much is hidden."""

    share: float = Field(0.15, gt=0, le=1, description="share of the tokens that are hidden")
    kept: float = Field(0.1, ge=0, le=1, description="share of hidden units that stay as they are")
    replaced: float = Field(0.1, ge=0, le=1, description="share of hidden units that random tokens replace")

    @model_validator(mode="after")
    def _shares_fit(self) -> "MaskedSettings":
        at_most_one(kept=self.kept, replaced=self.replaced)
        return self


@dataclass(frozen=True)
class MaskedItem:
    """A text with hidden tokens."""

    masked: Masked

    @property
    def tokens(self) -> int:
        """How many tokens the encoder reads."""
        return len(self.masked.ids)


class MaskedWords(nn.Module):
    """Predicts hidden tokens; the mean is over tokens.

    Raises:
        BadInput: Entities are to be hidden, and no text has any.

    Reference:
        Devlin et al. 2019, BERT; for entities Sun et al. 2019, ERNIE: Enhanced Representation through
        Knowledge Integration, sec. 3.2; random spans as in Joshi et al. 2020, SpanBERT, of their lengths.
    """

    def __init__(
        self,
        trunk: Trunk,
        corpus: Corpus,
        settings: MaskedSettings,
        units: Hidden = "words",
        *,
        head: WordHead,
    ) -> None:
        super().__init__()
        self.settings, self.units, self.head = settings, units, head
        self.vocabulary = Vocabulary.of(trunk.encoder.tokenizer)
        usable = np.arange(len(corpus)) if units == "words" else corpus.linked()
        self.texts = [corpus.texts[place] for place in usable.tolist()]
        self.size = len(self.texts)

    def items(self, seed: int, step: int) -> list[MaskedItem]:
        """Draw texts and hide parts of them."""
        drawn = draw(self.size, self.settings.batch, seed, step).tolist()
        return [MaskedItem(self._masked(self.texts[text], seed, step, text)) for text in drawn]

    def loss(self, trunk: Trunk, items: Sequence[MaskedItem]) -> Loss:
        """Cross-entropy at the hidden tokens."""
        return masked_loss(trunk, self.head, [item.masked for item in items])

    def _masked(self, text: Tokens, seed: int, step: int, place: int) -> Masked:
        generator, settings = generator_of(seed, step, place), self.settings
        words = words_of(text)
        first: list[Unit] = []
        if self.units == "entities":
            first = mentions_of(text)
        elif self.units == "spans":
            first = random_spans(text, generator)
        budget = max(1, round(settings.share * sum(last - first_ for first_, last in words)))
        chosen = choose(first, words, budget, generator)
        return hide(text.ids, chosen, self.vocabulary, generator, settings.kept, settings.replaced)


def masked_loss(trunk: Trunk, head: WordHead, masked: Sequence[Masked]) -> Loss:
    """Cross-entropy of the hidden tokens of some texts, in nats; the head sees nothing else."""
    ids = [one.ids for one in masked]
    starts = starts_of(ids).tolist()
    places = [start + place for start, one in zip(starts, masked, strict=True) for place in one.places]
    targets = torch.tensor([target for one in masked for target in one.targets], dtype=torch.long)
    hidden = trunk.read(ids)
    logits = head(hidden[torch.tensor(places, dtype=torch.long)], trunk.table)
    return Loss(F.cross_entropy(logits.float(), targets, reduction="sum"), len(targets))
