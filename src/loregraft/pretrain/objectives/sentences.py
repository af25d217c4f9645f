"""Sentences: plain continuation for sentence encoders, without any knowledge.

Predicting masked words spoils the geometry of a sentence encoder, so that it would be an easy baseline to
beat; these two keep or better it. `pooled` gives the vector of a text to all objectives that need one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from pydantic import Field
from torch import Tensor, nn

from loregraft.corpus.corpus import Corpus
from loregraft.corpus.mask import words_of
from loregraft.corpus.tokens import Tokens
from loregraft.pretrain.heads import WordHead
from loregraft.pretrain.objectives.alignment import nt_xent
from loregraft.pretrain.objectives.objective import Loss, ObjectiveSettings, draw, generator_of
from loregraft.pretrain.trunk import Trunk, starts_of


def pooled(trunk: Trunk, texts: Sequence[Sequence[int]]) -> Float[Tensor, "texts hidden"]:
    """Give the vector of each text as its encoder pools, not yet scaled to length 1."""
    hidden, starts = trunk.read(texts), starts_of(texts)
    if trunk.encoder.pooling == "cls":
        return hidden[starts]
    lengths = torch.tensor([len(ids) for ids in texts], dtype=torch.long)
    owners = torch.repeat_interleave(torch.arange(len(texts)), lengths)
    sums = hidden.new_zeros(len(texts), hidden.shape[1]).index_add(0, owners, hidden)
    return sums / lengths.unsqueeze(1)


def nothing(trunk: Trunk) -> Float[Tensor, ""]:
    """Give a zero that has a gradient, also where the encoder rests or no item is at hand."""
    return trunk.table.new_zeros((), requires_grad=True)


def without_words(text: Tokens, share: float, generator: np.random.Generator) -> list[int]:
    """Give a text's token ids without some of its words, each gone by chance; one word stays at least."""
    words = words_of(text)
    stays = generator.random(len(words)) >= share
    if words and not stays.any():
        stays[generator.integers(len(words))] = True
    gone = {place for word, kept in zip(words, stays, strict=True) if not kept for place in range(*word)}
    return [token for place, token in enumerate(text.ids) if place not in gone]


class SimcseSettings(ObjectiveSettings):
    """How two views of a sentence are told from others."""

    batch: int = Field(32, ge=2, description="texts in a step; they are each other's negatives")
    temperature: float = Field(0.05, gt=0, description="of the softmax over cosines")
    dropped: float = Field(
        0.2, ge=0, lt=1, description="share of words gone from each view where the encoder has no dropout"
    )


@dataclass(frozen=True)
class SimcseItem:
    """A text, and two views of it for encoders without dropout."""

    text: list[int]
    first: list[int]
    second: list[int]

    @property
    def tokens(self) -> int:
        """How many tokens the encoder reads, at most."""
        return 2 * len(self.text)


class Simcse(nn.Module):
    """Each text finds its other view among those of all texts of the batch; the mean is over texts.

    The two views are the text read twice, with different dropout. Training on a processor is often without
    dropout: then each view lacks words of its own, which differs from the paper. So does that a text which
    is twice in the batch is not its own negative. Of several processes each has negatives of its own only.

    Reference:
        Gao et al. 2021, SimCSE: Simple Contrastive Learning of Sentence Embeddings, eq. 4 (unsupervised).
    """

    def __init__(self, trunk: Trunk, corpus: Corpus, settings: SimcseSettings) -> None:
        super().__init__()
        self.settings, self.texts, self.size = settings, corpus.texts, len(corpus)

    def items(self, seed: int, step: int) -> list[SimcseItem]:
        """Draw texts and make two views of each."""
        made = []
        for place in draw(self.size, self.settings.batch, seed, step).tolist():
            generator, text = generator_of(seed, step, place), self.texts[place]
            views = [without_words(text, self.settings.dropped, generator) for _ in range(2)]
            made.append(SimcseItem(text.ids, *views))
        return made

    def loss(self, trunk: Trunk, items: Sequence[SimcseItem]) -> Loss:
        """Cross-entropy of the right view among all."""
        if not items:
            return Loss(nothing(trunk), 0)
        texts = [item.text for item in items]
        dropout = has_dropout(trunk.model)
        views = [texts, texts] if dropout else [[i.first for i in items], [i.second for i in items]]
        vectors = F.normalize(pooled(trunk, [*views[0], *views[1]]), dim=-1)
        equal = torch.tensor([[a == b for b in texts] for a in texts])
        first, second = vectors[: len(items)], vectors[len(items) :]
        own = torch.arange(len(items))
        total = nt_xent((first @ second.T).float(), own, equal, self.settings.temperature)
        return Loss(total + nothing(trunk), len(items))


def has_dropout(model: nn.Module) -> bool:
    """Tell whether reading a text twice gives different vectors now."""
    return any(one.training and one.p > 0 for one in model.modules() if isinstance(one, nn.Dropout))


class TsdaeSettings(ObjectiveSettings):
    """How much of a text is left to make it anew from."""

    deleted: float = Field(0.6, gt=0, lt=1, description="share of words that the encoder does not see")


@dataclass(frozen=True)
class TsdaeItem:
    """A text, and what is left of it."""

    left: list[int]
    text: list[int]

    @property
    def tokens(self) -> int:
        """How many tokens the encoder reads."""
        return len(self.left)


class Decoder(nn.Module):
    """Says the words of a text one by one, from one vector and the words before; a layer, small.

    Attention over one vector is the same for all words: it is a linear map of the vector, and written so.
    """

    def __init__(self, hidden: int, width: int, longest: int) -> None:
        super().__init__()
        self.heads = max(count for count in range(1, max(1, hidden // 64) + 1) if hidden % count == 0)
        self.enter = nn.Linear(width, hidden)
        self.positions = nn.Parameter(0.02 * torch.randn(longest, hidden))
        self.attention, self.attended = nn.Linear(hidden, 3 * hidden), nn.Linear(hidden, hidden)
        self.memory = nn.Linear(hidden, hidden)
        self.wide, self.narrow = nn.Linear(hidden, 2 * hidden), nn.Linear(2 * hidden, hidden)
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) for _ in range(3))

    def forward(
        self, words: Float[Tensor, "texts seq width"], vectors: Float[Tensor, "texts hidden"]
    ) -> Float[Tensor, "texts seq hidden"]:
        """Give a state for each word, made of the vector, the word and those before it."""
        texts, length, _ = words.shape
        rows = self.enter(words) + self.positions[:length]
        parts = self.attention(rows).view(texts, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        asked, keys, values = parts.unbind(0)
        seen = F.scaled_dot_product_attention(asked, keys, values, is_causal=True)
        rows = self.norms[0](rows + self.attended(seen.transpose(1, 2).flatten(2)))
        rows = self.norms[1](rows + self.memory(vectors).unsqueeze(1))
        told: Tensor = self.norms[2](rows + self.narrow(F.gelu(self.wide(rows))))
        return told


class Tsdae(nn.Module):
    """A decoder makes the whole text anew from the vector of what is left of it; the mean is over tokens.

    It differs from the paper in the decoder, which is one small layer of its own with word embeddings tied to
    the encoder's; the paper ties all of its layers to those of the encoder.

    Reference:
        Wang et al. 2021, TSDAE: Using Transformer-based Sequential Denoising Auto-Encoder for Unsupervised
        Sentence Embedding Learning, eq. 1 and 2.
    """

    def __init__(self, trunk: Trunk, corpus: Corpus, settings: TsdaeSettings, *, head: WordHead) -> None:
        super().__init__()
        self.settings, self.texts, self.size, self.head = settings, corpus.texts, len(corpus), head
        longest = max(len(text.ids) for text in corpus.texts)
        self.decoder = Decoder(trunk.hidden, trunk.table.shape[1], longest)

    def items(self, seed: int, step: int) -> list[TsdaeItem]:
        """Draw texts and delete words."""
        made = []
        for place in draw(self.size, self.settings.batch, seed, step).tolist():
            generator, text = generator_of(seed, step, place), self.texts[place]
            made.append(TsdaeItem(without_words(text, self.settings.deleted, generator), text.ids))
        return made

    def loss(self, trunk: Trunk, items: Sequence[TsdaeItem]) -> Loss:
        """Cross-entropy of each token after the first, given those before it."""
        if not items:
            return Loss(nothing(trunk), 0)
        vectors = pooled(trunk, [item.left for item in items])
        logits, targets = decoded(trunk, self.decoder, self.head, vectors, [item.text for item in items])
        return Loss(F.cross_entropy(logits.float(), targets, reduction="sum"), len(targets))


def decoded(
    trunk: Trunk,
    decoder: Decoder,
    head: WordHead,
    vectors: Float[Tensor, "texts hidden"],
    texts: Sequence[Sequence[int]],
) -> tuple[Float[Tensor, "rows vocab"], Int64[Tensor, " rows"]]:
    """Give the logits of each token of the texts but the first, and which it is, text after text.

    Texts are padded at their ends, which no word looks at.
    """
    width = max(len(ids) for ids in texts)
    padded = torch.tensor([[*ids, *[trunk.padding_id] * (width - len(ids))] for ids in texts])
    real = torch.arange(1, width) < torch.tensor([len(ids) for ids in texts]).unsqueeze(1)
    states = decoder(F.embedding(padded[:, :-1], trunk.table), vectors)
    return head(states[real], trunk.table), padded[:, 1:][real]
