"""Sentiment: words of a lexicon are hidden first; the encoder says which stood there and whether they praise.

What the lexicon says is predicted and never fed, so that the encoder is read as any other afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from loregraft.corpus.corpus import Corpus
from loregraft.corpus.mask import Masked, Unit, Vocabulary, choose, hide, words_of
from loregraft.corpus.tokens import Tokens
from loregraft.errors import BadInput
from loregraft.fusion.knowledge import Knowledge
from loregraft.pretrain.heads import NewWordHead, WordHead
from loregraft.pretrain.objectives.mentions import apart
from loregraft.pretrain.objectives.objective import Loss, ObjectiveSettings, draw, generator_of
from loregraft.pretrain.objectives.sentences import nothing
from loregraft.pretrain.trunk import Trunk, starts_of

UNTOLD = -100
"""The polarity of a token of which none is asked."""


class SentimentSettings(ObjectiveSettings):
    """What is hidden, and what of it is asked."""

    style: Literal["skep", "sentilare"] = Field(
        "skep", description="skep: pairs and sentiment words first; sentilare: twice as often as other words"
    )
    share: float = Field(0.15, gt=0, le=1, description="share of tokens (skep) or of plain words (sentilare)")
    pairs: int = Field(
        2, ge=0, description="skep: hidden pairs of aspect and sentiment word in a text, at most"
    )
    within: int = Field(3, ge=1, description="skep: words between aspect and sentiment word, at most")
    polarity: float = Field(1.0, ge=0, description="weight of telling the polarity")
    pair: float = Field(1.0, ge=0, description="weight of telling the pairs")


@dataclass(frozen=True)
class Said:
    """A text's mentions with a polarity (0 bad, 1 neither, 2 good), and pairs: an aspect, such a word."""

    words: dict[Unit, int]
    pairs: list[tuple[Unit, Unit]]


@dataclass(frozen=True)
class SentimentItem:
    """A text with hidden words.

    Attributes:
        polarity: The class of each hidden token; `UNTOLD` where it is not asked.
        pairs: The tokens of each hidden pair.
    """

    masked: Masked
    polarity: list[int]
    pairs: list[list[int]]

    @property
    def tokens(self) -> int:
        """How many tokens the encoder reads."""
        return len(self.masked.ids)


class Sentiment(nn.Module):
    """Predicts hidden words, their polarity, and pairs from the first token; summed, mean over texts.

    Differences from SKEP: a pair is a sentiment word and the nearest linked mention without a polarity; the
    budget that sentiment words leave goes to other words, which are predicted too; hidden words are kept or
    replaced at times as in BERT; words with polarity 0 are a class, and those whose polarity is no finite
    number have none; for a pair all other words of the vocabulary count as one wrong word, since the paper's
    formula is also solved by saying yes to all. From SentiLARE: no parts of speech and no star labels; the
    polarity is not read but predicted, neutral where a word has none.

    Raises:
        BadInput: No text has a link, or none of an entity with a polarity.
        ValueError: The tokenizer has no mask token.

    Reference:
        Tian et al. 2020, SKEP: Sentiment Knowledge Enhanced Pre-training for Sentiment Analysis, eq. 3 to 7;
        Ke et al. 2020, SentiLARE: Sentiment-Aware Language Representation Learning with Linguistic Knowledge.
    """

    def __init__(
        self,
        trunk: Trunk,
        corpus: Corpus,
        knowledge: Knowledge,
        settings: SentimentSettings,
        *,
        head: WordHead,
    ) -> None:
        super().__init__()
        self.settings, self.head = settings, head
        self.vocabulary = Vocabulary.of(trunk.encoder.tokenizer)
        linked = [corpus.texts[place] for place in corpus.linked().tolist()]
        self.texts = _with_sentiment(linked, corpus, knowledge, settings.within)
        self.size = len(self.texts)
        if settings.polarity:
            self.polarity_head = nn.Linear(trunk.hidden, 3)
        asked = settings.style == "skep" and settings.pairs > 0 and settings.pair > 0
        self.paired = asked and any(said.pairs for _, said in self.texts)
        if self.paired:
            vocabulary, width = trunk.table.shape
            self.pair_head = NewWordHead(trunk.hidden, width, vocabulary)

    def items(self, seed: int, step: int) -> list[SentimentItem]:
        """Draw texts and hide words."""
        make = self._skep if self.settings.style == "skep" else self._sentilare
        made = []
        for place in draw(self.size, self.settings.batch, seed, step).tolist():
            text, said = self.texts[place]
            made.append(make(text, said, generator_of(seed, step, place)))
        return made

    def loss(self, trunk: Trunk, items: Sequence[SentimentItem]) -> Loss:
        """Sum over texts of three means, in nats: over hidden tokens, their polarities, and hidden pairs."""
        if not items:
            return Loss(nothing(trunk), 0)
        texts = [item.masked.ids for item in items]
        hidden, starts = trunk.read(texts), starts_of(texts)
        counts = torch.tensor([len(item.masked.places) for item in items])
        owners = torch.repeat_interleave(torch.arange(len(items)), counts)
        places = torch.tensor([place for item in items for place in item.masked.places]) + starts[owners]
        words = torch.tensor([target for item in items for target in item.masked.targets])
        rows = hidden[places]
        total = mean_of_each(self.head(rows, trunk.table), words, owners)
        if self.settings.polarity:
            classes = torch.tensor([one for item in items for one in item.polarity])
            total = total + self.settings.polarity * mean_of_each(self.polarity_head(rows), classes, owners)
        if self.paired:
            told = [
                (start, item.pairs) for start, item in zip(starts.tolist(), items, strict=True) if item.pairs
            ]
            firsts = hidden[torch.tensor([start for start, _ in told], dtype=torch.long)]
            logits = self.pair_head(firsts, trunk.table)
            for row, (_, pairs) in zip(logits, told, strict=True):
                total = total + self.settings.pair * pair_loss(row, pairs)
        return Loss(total, len(items))

    def _skep(self, text: Tokens, said: Said, generator: np.random.Generator) -> SentimentItem:
        """Hide pairs, then sentiment words, then other words, up to the share of tokens."""
        order = generator.permutation(len(said.pairs))[: self.settings.pairs].tolist()
        pairs = [said.pairs[place] for place in order]
        chosen = sorted({unit for pair in pairs for unit in pair})
        taken = {place for unit in chosen for place in range(*unit)}
        free = [unit for unit in words_of(text) if taken.isdisjoint(range(*unit))]
        rest = [unit for unit in said.words if unit not in chosen]
        budget = round(self.settings.share * sum(last - first for first, last in words_of(text))) - len(taken)
        if budget > 0 or not chosen:
            chosen += choose(rest, free, max(1, budget), generator)
        ids = [[token for unit in pair for token in text.ids[slice(*unit)]] for pair in pairs]
        return self._hidden(text, said, sorted(chosen), ids, UNTOLD, generator)

    def _sentilare(self, text: Tokens, said: Said, generator: np.random.Generator) -> SentimentItem:
        """Hide each sentiment word twice as often as each other word; all are asked for a polarity."""
        inside = {place for unit in said.words for place in range(*unit)}
        others = [unit for unit in words_of(text) if inside.isdisjoint(range(*unit))]
        share = self.settings.share
        chosen = [unit for unit in said.words if generator.random() < min(1.0, 2 * share)]
        chosen += [unit for unit in others if generator.random() < share]
        if not chosen:
            chosen = [list(said.words)[int(generator.integers(len(said.words)))]]
        return self._hidden(text, said, sorted(chosen), [], 1, generator)

    def _hidden(
        self,
        text: Tokens,
        said: Said,
        chosen: Sequence[Unit],
        pairs: list[list[int]],
        plain: int,
        generator: np.random.Generator,
    ) -> SentimentItem:
        masked = hide(text.ids, chosen, self.vocabulary, generator)
        polarity = [said.words.get(unit, plain) for unit in chosen for _ in range(*unit)]
        return SentimentItem(masked, polarity, pairs)


def said_in(text: Tokens, classes: dict[int, int], within: int) -> Said:
    """Find the sentiment words of a text, and the nearest other mention of each: the first of equally near.

    Args:
        classes: Of entities; those that are not named have no polarity.
        within: Words that may lie between.
    """
    spans = apart(text)
    kinds = {(span.first, span.last): classes.get(span.entities[0], UNTOLD) for span in spans}
    words = {unit: kind for unit, kind in kinds.items() if kind != UNTOLD}
    pairs = []
    for unit in words:
        between = {other: _between(text, unit, other) for other in kinds if other not in words}
        near = min(between, key=lambda other: (between[other], other), default=None)
        if near is not None and between[near] <= within:
            pairs.append((near, unit))
    return Said(words, pairs)


def mean_of_each(logits: Float[Tensor, "rows classes"], targets: Tensor, owners: Tensor) -> Float[Tensor, ""]:
    """Sum over texts the mean cross-entropy of a text's rows, in nats, without those of `UNTOLD`.

    A text all of whose rows are `UNTOLD` adds 0.

    Args:
        targets: The class of each row, or `UNTOLD`.
        owners: Which text each row is of, from 0.
    """
    asked = targets != UNTOLD
    counts = torch.bincount(owners[asked], minlength=1)[owners[asked]]
    losses = F.cross_entropy(logits[asked].float(), targets[asked], reduction="none")
    return (losses / counts).sum()


def pair_loss(logits: Float[Tensor, " vocab"], pairs: Sequence[Sequence[int]]) -> Float[Tensor, ""]:
    """Mean over pairs of -log sigmoid of their tokens, and over all tokens of no pair of -log (1 - sigmoid).

    In nats; 0 where the tokens of the pairs, and no others, are sure.

    Args:
        pairs: The token ids of each; at least one pair, of at least one token.
    """
    logits = logits.float()
    other = torch.ones(len(logits), dtype=torch.bool)
    other[torch.tensor([token for pair in pairs for token in pair])] = False
    right = torch.stack([-F.logsigmoid(logits[torch.tensor(pair)]).mean() for pair in pairs]).mean()
    return right - F.logsigmoid(-logits[other]).mean()


def _between(text: Tokens, one: Unit, other: Unit) -> int:
    """Count the words between two mentions that are apart."""
    before, after = sorted([one, other])
    return text.words[after[0]] - text.words[before[1] - 1] - 1


def _class_of(polarity: float | None) -> int:
    return UNTOLD if polarity is None else 1 + int(np.sign(polarity))


def _with_sentiment(
    texts: Sequence[Tokens], corpus: Corpus, knowledge: Knowledge, within: int
) -> list[tuple[Tokens, Said]]:
    kinds = {entity: _class_of(knowledge.polarity(entity)) for entity in sorted(corpus.counts())}
    said = [(text, said_in(text, kinds, within)) for text in texts]
    if found := [(text, one) for text, one in said if one.words]:
        return found
    what = f"none of the {len(kinds):,} entities that the texts mention has a polarity"
    fix = "Import a lexicon (kg import), link the texts with its words, or leave this objective out."
    raise BadInput(Path("corpus"), 0, what, fix)
