"""Pseudo-tokens: a rare entity's mention is read as one of its facts, and the fact must be told from there.

What is known of frequent entities the encoder has read often enough; of rare ones it learns from the graph.
Nothing is left of it when the encoder is read afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from loregraft.corpus.corpus import Corpus
from loregraft.corpus.mask import Vocabulary
from loregraft.corpus.tokens import Span
from loregraft.errors import BadInput
from loregraft.fusion.knowledge import Fact, Knowledge, choose_facts
from loregraft.pretrain.heads import WordHead
from loregraft.pretrain.objectives.mentions import apart, put, taught
from loregraft.pretrain.objectives.objective import Loss, ObjectiveSettings, draw, generator_of
from loregraft.pretrain.objectives.sentences import Decoder, decoded, nothing
from loregraft.pretrain.trunk import Put, Trunk, starts_of


class PseudoSettings(ObjectiveSettings):
    """Which entities are rare, and how much of a fact is told."""

    rare: float = Field(
        0.5, ge=0, le=1, description="entities with so few mentions that this share of all has no more"
    )
    facts: int = Field(4, ge=1, description="facts of an entity to draw from, those that tell most")
    max_tokens: int = Field(16, ge=4, description="longer words of a fact lose their end")


@dataclass(frozen=True)
class Told:
    """A fact in tokens, without special ones but in `words`.

    Attributes:
        relation: Of the relation's words.
        other: Of the other end's name.
        outgoing: The entity is the head.
        words: What is decoded: the whole fact.
    """

    relation: list[int]
    other: list[int]
    outgoing: bool
    words: list[int]


@dataclass(frozen=True)
class PseudoItem:
    """A text in which rare mentions are one token each, and the fact that stands for each of them."""

    ids: list[int]
    places: list[int]
    facts: list[Told]

    @property
    def tokens(self) -> int:
        """How many tokens the encoder reads."""
        return len(self.ids)


class PseudoTokens(nn.Module):
    """Decodes facts from the mentions of rare entities; the mean is over the tokens of facts.

    A mention of a rare entity becomes one token, whose embedding is that of the tail less the relation where
    the entity is the head of the fact, and of the head plus the relation where it is the tail.

    Differences from the paper: rare are entities that the corpus seldom mentions; how much a mention tells
    and how connected it is do not count. The vectors of relation and other end are means of word embeddings,
    not read by the encoder; the pseudo-token has the median length of a word embedding, in place of a layer
    norm. One small causal layer with all words of the vocabulary decodes, in place of the paper's recurrence
    with sampled ones. Facts of valid and test are not used. Masked words are an objective of their own.

    Raises:
        BadInput: No text has a link, or no rare entity of the texts has a fact.
        ValueError: The tokenizer has no mask token.

    Reference:
        Zhang et al. 2022, DKPLM: Decomposable Knowledge-enhanced Pre-trained Language Model for Natural
        Language Understanding, sec. "Pseudo Token Embedding Injection" and "Relational Knowledge Decoding".
    """

    def __init__(
        self,
        trunk: Trunk,
        corpus: Corpus,
        knowledge: Knowledge,
        settings: PseudoSettings,
        *,
        head: WordHead,
    ) -> None:
        super().__init__()
        self.settings, self.head, self.tokenizer = settings, head, trunk.encoder.tokenizer
        self.mask = Vocabulary.of(self.tokenizer).mask
        linked = [corpus.texts[place] for place in corpus.linked().tolist()]
        self.facts = _facts_of_rare(corpus, knowledge, settings)
        found = [(text, [span for span in apart(text) if span.entities[0] in self.facts]) for text in linked]
        self.texts = [(text, spans) for text, spans in found if spans]
        self.size = len(self.texts)
        if not self.texts:
            rare = f"none of the entities that the texts mention seldom (rare={settings.rare}) has a fact"
            fix = "Import triples of them, raise rare, or leave this objective out."
            raise BadInput(Path("corpus"), 0, rare, fix)
        self.decoder = Decoder(trunk.hidden, trunk.table.shape[1], settings.max_tokens)

    def items(self, seed: int, step: int) -> list[PseudoItem]:
        """Draw texts, and a fact for each mention of a rare entity."""
        made = []
        for place in draw(self.size, self.settings.batch, seed, step).tolist():
            generator, (text, spans) = generator_of(seed, step, place), self.texts[place]
            ids, units = put(text.ids, [(s.first, s.last) for s in spans], [[self.mask]] * len(spans))
            facts = [self._told(span, generator) for span in spans]
            made.append(PseudoItem(ids, [first for first, _ in units], facts))
        return made

    def loss(self, trunk: Trunk, items: Sequence[PseudoItem]) -> Loss:
        """Cross-entropy, in nats, of the facts' tokens but the first, given the mention and those before."""
        if not items:
            return Loss(nothing(trunk), 0)
        texts = [item.ids for item in items]
        starts = starts_of(texts).tolist()
        places = torch.tensor([s + p for s, item in zip(starts, items, strict=True) for p in item.places])
        facts = [fact for item in items for fact in item.facts]
        hidden = trunk.read(texts, Put(places, pseudo_tokens(trunk.table, facts)))[places]
        logits, targets = decoded(trunk, self.decoder, self.head, hidden, [fact.words for fact in facts])
        return Loss(F.cross_entropy(logits.float(), targets, reduction="sum"), len(targets))

    def _told(self, span: Span, generator: np.random.Generator) -> Told:
        facts = self.facts[span.entities[0]]
        fact = facts[int(generator.integers(len(facts)))]
        plain = {"add_special_tokens": False, "truncation": True, "max_length": self.settings.max_tokens}
        relation, other = (
            list(self.tokenizer(words, **plain)["input_ids"])  # type: ignore[operator]
            for words in (fact.relation, fact.other)
        )
        whole = {"truncation": True, "max_length": self.settings.max_tokens}
        words = list(self.tokenizer(fact.words, **whole)["input_ids"])  # type: ignore[operator]
        return Told(relation, other, fact.outgoing, words)


def pseudo_tokens(table: Float[Tensor, "vocab width"], facts: Sequence[Told]) -> Float[Tensor, "facts width"]:
    """Give the embedding that stands for an entity by each fact, as long as the median word embedding.

    A relation or an end without tokens (of characters that the tokenizer drops) adds nothing.
    """
    rows = []
    for fact in facts:
        other, relation = (_mean_of(table, ids) for ids in (fact.other, fact.relation))
        rows.append(other - relation if fact.outgoing else other + relation)
    length = table.detach().norm(dim=1).median()
    return F.normalize(torch.stack(rows), dim=1) * length


def _mean_of(table: Float[Tensor, "vocab width"], ids: Sequence[int]) -> Float[Tensor, " width"]:
    # Not mean(0): of no rows it is NaN.
    return table[torch.tensor(ids, dtype=torch.long)].sum(0) / max(1, len(ids))


def _facts_of_rare(corpus: Corpus, knowledge: Knowledge, settings: PseudoSettings) -> dict[int, list[Fact]]:
    """Give the facts to tell of the entities that are mentioned seldom; who has none is left out."""
    counts = corpus.counts()
    most = np.quantile(list(counts.values()), settings.rare)
    may_be_told, found = taught(knowledge.graph), dict[int, list[Fact]]()
    for entity in sorted(counts):
        if counts[entity] <= most:
            facts = [fact for fact in knowledge.facts(entity) if may_be_told[fact.row]]
            if chosen := choose_facts(facts, settings.facts):
                found[entity] = chosen
    return found
