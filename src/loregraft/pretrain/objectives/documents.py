"""Linked documents: two texts in one context, and the question how the second came to stand there.

It is the next of the first's document, one of another document that is linked to it, or any other. Words of
both are hidden too, so that what a linked text says helps to guess what the first one hides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from pydantic import Field, model_validator
from torch import Tensor, nn

from loregraft.corpus.corpus import Corpus
from loregraft.corpus.mask import Masked, Vocabulary, choose, hide, words_of
from loregraft.corpus.tokens import NOWHERE, Tokens
from loregraft.encoder.load import longest_text
from loregraft.errors import BadInput
from loregraft.fusion.knowledge import Knowledge
from loregraft.pretrain.heads import WordHead
from loregraft.pretrain.objectives.mentions import Joined, taught
from loregraft.pretrain.objectives.objective import Loss, ObjectiveSettings, at_most_one, draw, generator_of
from loregraft.pretrain.trunk import Trunk, starts_of

CONTIGUOUS, RANDOM, LINKED = range(3)
_TRIES = 50


class DocumentSettings(ObjectiveSettings):
    """What is hidden of two texts, and how long they may be."""

    share: float = Field(0.15, gt=0, le=1, description="share of the tokens that are hidden")
    kept: float = Field(0.1, ge=0, le=1, description="share of hidden words that stay as they are")
    replaced: float = Field(0.1, ge=0, le=1, description="share of hidden words that random tokens replace")
    max_tokens: int = Field(256, ge=16, description="of both texts together, special tokens included")

    @model_validator(mode="after")
    def _shares_fit(self) -> "DocumentSettings":
        at_most_one(kept=self.kept, replaced=self.replaced)
        return self


@dataclass(frozen=True)
class DocumentItem:
    """Two texts in one, with hidden tokens, and how the second belongs to the first.

    Attributes:
        kind: `CONTIGUOUS`, `RANDOM` or `LINKED`.
    """

    masked: Masked
    kind: int

    @property
    def tokens(self) -> int:
        """How many tokens the encoder reads."""
        return len(self.masked.ids)


class LinkedDocuments(nn.Module):
    """Predicts hidden words of two texts and how they belong together; the mean is over pairs of texts.

    The loss of a pair is the mean over its hidden tokens plus that of the kind, told by the first token. Each
    kind is drawn a third of the time where the first text has such a second; without documents of two texts
    there are two kinds. If both are too long for one context, the first loses its beginning and the second
    its end, so that contiguous texts still touch.

    Differences from the paper: there are no hyperlinks; linked is a text of another document that names an
    entity of the first one, or one that a triple joins to it, drawn by entity first, so that texts with what
    many others name are not drawn too often; a random text is never linked; whole words are hidden; the mean
    over hidden tokens is taken in each pair, not over the batch; there are no segment embeddings.

    Raises:
        BadInput: No text has a link, or all are of one document.
        ValueError: The tokenizer has no mask token.

    Reference:
        Yasunaga et al. 2022, LinkBERT: Pretraining Language Models with Document Links, sec. 4.
    """

    def __init__(
        self,
        trunk: Trunk,
        corpus: Corpus,
        knowledge: Knowledge,
        settings: DocumentSettings,
        *,
        head: WordHead,
    ) -> None:
        super().__init__()
        self.settings, self.head, self.corpus = settings, head, corpus
        self.graph, self.joined = knowledge.graph, Joined(knowledge.graph)
        self.taught = taught(knowledge.graph)
        corpus.linked()
        if corpus.documents[0] == corpus.documents[-1]:
            found = f"all {len(corpus):,} texts are of one document"
            raise BadInput(Path("corpus"), 0, found, "Give several documents.")
        tokenizer = trunk.encoder.tokenizer
        separator: int | None = tokenizer.sep_token_id  # type: ignore[attr-defined]
        self.separator = [] if separator is None else [separator]
        self.vocabulary = Vocabulary.of(tokenizer)
        longest = longest_text(trunk.encoder.model.config, trunk.encoder.position_offset)
        self.longest = min(settings.max_tokens, longest)
        self.size = len(corpus)
        self.entities = [sorted({span.entities[0] for span in text.spans}) for text in corpus.texts]
        self.texts_of: dict[int, list[int]] = {}
        for place, entities in enumerate(self.entities):
            for entity in entities:
                self.texts_of.setdefault(entity, []).append(place)
        self.pooled = nn.Linear(trunk.hidden, trunk.hidden)
        self.kind = nn.Linear(trunk.hidden, 3)

    def items(self, seed: int, step: int) -> list[DocumentItem]:
        """Draw texts, for each a second one, and hide words of both."""
        drawn = draw(self.size, self.settings.batch, seed, step).tolist()
        return [self._item(place, generator_of(seed, step, place)) for place in drawn]

    def loss(self, trunk: Trunk, items: Sequence[DocumentItem]) -> Loss:
        """Cross-entropy, in nats, of hidden tokens, averaged in each pair of texts, plus that of its kind."""
        ids = [item.masked.ids for item in items]
        starts, hidden = starts_of(ids), trunk.read(ids)
        words = _words(self.head, trunk.table, hidden, starts, [item.masked for item in items])
        kinds = torch.tensor([item.kind for item in items], dtype=torch.long)
        logits = self.kind(torch.tanh(self.pooled(hidden[starts])))
        return Loss(words + F.cross_entropy(logits.float(), kinds, reduction="sum"), len(items))

    def second(self, first: int, generator: np.random.Generator) -> tuple[int, int]:
        """Draw a kind that a text has a second text of, and that text."""
        finders = {CONTIGUOUS: self._next, RANDOM: self._random, LINKED: self._linked}
        for kind in generator.permutation(len(finders)).tolist():
            found = finders[kind](first, generator)
            if found is not None:
                return kind, found
        raise AssertionError("a text of another document is linked or not")

    def _item(self, first: int, generator: np.random.Generator) -> DocumentItem:
        kind, second = self.second(first, generator)
        both = joint(self.corpus.texts[first], self.corpus.texts[second], self.separator, self.longest)
        settings, words = self.settings, words_of(both)
        budget = max(1, round(settings.share * sum(end - start for start, end in words)))
        chosen = choose([], words, budget, generator)
        masked = hide(both.ids, chosen, self.vocabulary, generator, settings.kept, settings.replaced)
        return DocumentItem(masked, kind)

    def _own(self, first: int) -> tuple[int, int]:
        """Give the texts of a text's document: from, to."""
        documents = self.corpus.documents
        start, end = (np.searchsorted(documents, documents[first], side) for side in ("left", "right"))
        return int(start), int(end)

    def _next(self, first: int, generator: np.random.Generator) -> int | None:
        return first + 1 if first + 1 < self._own(first)[1] else None

    def _random(self, first: int, generator: np.random.Generator) -> int | None:
        start, end = self._own(first)
        for _ in range(_TRIES):
            found = int(generator.integers(self.size - (end - start)))
            found += (end - start) * (found >= start)
            if not self._are_linked(first, found):
                return found
        return None

    def _linked(self, first: int, generator: np.random.Generator) -> int | None:
        start, end = self._own(first)
        near = [np.array(self.entities[first], np.int64)]
        for entity in self.entities[first]:
            outgoing, incoming = np.r_[self.graph.outgoing(entity)], self.graph.incoming(entity)
            near.append(self.graph.tails[outgoing[self.taught[outgoing]]])
            near.append(self.graph.heads[incoming[self.taught[incoming]]])
        for entity in generator.permutation(np.unique(np.concatenate(near))).tolist():
            texts = [place for place in self.texts_of.get(entity, []) if not start <= place < end]
            if texts:
                return texts[int(generator.integers(len(texts)))]
        return None

    def _are_linked(self, first: int, second: int) -> bool:
        pairs = ((one, other) for one in self.entities[first] for other in self.entities[second])
        return any(one == other or self.joined.either(one, other, learned=True) for one, other in pairs)


def joint(first: Tokens, second: Tokens, separator: Sequence[int], longest: int) -> Tokens:
    """Put two texts into one, between the special tokens of the first, cut to a length where they touch.

    Neither is cut below half of the room that there is; a cut may go through a word.

    Args:
        separator: Token ids between the two; (): none.
        longest: Tokens of the result at most, special ones included.
    """
    inner = [place for place, word in enumerate(first.words) if word >= 0]
    start, end = inner[0], inner[-1] + 1
    own = [place for place, word in enumerate(second.words) if word >= 0]
    room = longest - start - (len(first.ids) - end) - len(separator)
    left = min(len(inner), max(room - len(own), room // 2))
    right = min(len(own), room - left)
    kept, taken = slice(end - left, end), slice(own[0], own[0] + right)
    ids = first.ids[:start] + first.ids[kept] + [*separator] + second.ids[taken] + first.ids[end:]
    shift = first.words[end - 1] + 1
    moved = [word + shift for word in second.words[taken]]
    nothing = [-1] * len(separator)
    words = first.words[:start] + first.words[kept] + nothing + moved + first.words[end:]
    return Tokens(ids, [NOWHERE] * len(ids), words=words)


def _words(
    head: WordHead,
    table: Float[Tensor, "vocab width"],
    hidden: Float[Tensor, "tokens hidden"],
    starts: Int64[Tensor, " texts"],
    masked: Sequence[Masked],
) -> Float[Tensor, ""]:
    """Sum over texts of the mean cross-entropy of their hidden tokens, in nats."""
    rows = list(zip(starts.tolist(), masked, strict=True))
    places = torch.tensor([start + place for start, one in rows for place in one.places], dtype=torch.long)
    targets = torch.tensor([target for one in masked for target in one.targets], dtype=torch.long)
    shares = torch.tensor([1 / len(one.places) for one in masked for _ in one.places])
    logits = head(hidden[places], table)
    return (F.cross_entropy(logits.float(), targets, reduction="none") * shares).sum()
