"""Replaced entities: some mentions of a text are given the name of another entity, and found out.

Nothing but plain text is needed at the end: the encoder learns which entity fits where, by its names alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float64, Int64
from pydantic import Field
from torch import nn

from loregraft.corpus.corpus import Corpus
from loregraft.corpus.tokens import Span, Tokens
from loregraft.encoder.load import longest_text
from loregraft.errors import BadInput
from loregraft.fusion.knowledge import Knowledge
from loregraft.kg.names import fold_name
from loregraft.linking.folds import CJK_CHARACTER
from loregraft.pretrain.objectives.mentions import Joined, Names, apart, put
from loregraft.pretrain.objectives.objective import Loss, ObjectiveSettings, draw, generator_of
from loregraft.pretrain.trunk import Trunk, starts_of

_SPACE = ("Ġ", "▁")
"""How tokenizers write the space before a word."""


class ReplacedSettings(ObjectiveSettings):
    """How many mentions are replaced."""

    share: float = Field(0.5, gt=0, le=1, description="chance of a mention whose neighbours are original")
    tries: int = Field(20, ge=1, description="draws of another entity for a mention before it is left out")


@dataclass(frozen=True)
class ReplacedItem:
    """A text some of whose mentions are not what they were.

    Attributes:
        before: The token before each mention that is judged; its first where there is none.
        after: The token after each; its last where there is none.
        replaced: Which of them are replaced.
    """

    ids: list[int]
    before: list[int]
    after: list[int]
    replaced: list[bool]

    @property
    def tokens(self) -> int:
        """How many tokens the encoder reads."""
        return len(self.ids)


class ReplacedEntities(nn.Module):
    """Tells replaced mentions from original ones; the mean is over the mentions that could be replaced.

    Another entity has the same type and is drawn in proportion to its frequency in the corpus, at least once
    each; its name is any that means the same, in the script of the mention, with the case of its first letter
    (a word that is not all small after it, such as IFNG, keeps its own). Of two mentions that follow
    each other at most one is replaced. Zero where no mention has a replacement.

    Differences from the paper: entities are drawn by frequency, not evenly; no triple may join the new one to
    the entity of another mention, before or after that one's own replacement, for it might be true; a mention
    for which none is found is not judged, so that its type does not tell the answer; a text is drawn anew
    each epoch in place of ten copies; masked words are an objective of their own.

    Raises:
        BadInput: No text has a link, or no linked entity has another of its type.

    Reference:
        Xiong et al. 2020, Pretrained Encyclopedia: Weakly Supervised
        Knowledge-Pretrained Language Model (WKLM), sec. 2.
    """

    def __init__(
        self, trunk: Trunk, corpus: Corpus, knowledge: Knowledge, settings: ReplacedSettings
    ) -> None:
        super().__init__()
        self.settings, self.tokenizer = settings, trunk.encoder.tokenizer
        self.longest = longest_text(trunk.encoder.model.config, trunk.encoder.position_offset)
        self.names, self.joined = Names(knowledge.graph), Joined(knowledge.graph)
        linked = [corpus.texts[place] for place in corpus.linked().tolist()]
        self.pool = _Pool(knowledge, corpus, self.names)
        self.texts = [text for text in linked if any(self.pool.others(s.entities[0]) for s in apart(text))]
        self.size = len(self.texts)
        if not self.size:
            found = f"of {len(linked):,} texts with links none has an entity with a named other of its type"
            raise BadInput(Path("graph"), 0, found, "Give types and names for the entities of the graph.")
        self.judge = nn.Linear(2 * trunk.hidden, 1)

    def items(self, seed: int, step: int) -> list[ReplacedItem]:
        """Draw texts and replace some of their mentions."""
        drawn = draw(self.size, self.settings.batch, seed, step).tolist()
        return [self._item(self.texts[place], generator_of(seed, step, place)) for place in drawn]

    def loss(self, trunk: Trunk, items: Sequence[ReplacedItem]) -> Loss:
        """Binary cross-entropy, in nats, of the judged mentions, from the tokens on both sides of them."""
        ids = [item.ids for item in items]
        rows = list(zip(starts_of(ids).tolist(), items, strict=True))
        before = torch.tensor([start + p for start, item in rows for p in item.before], dtype=torch.long)
        after = torch.tensor([start + p for start, item in rows for p in item.after], dtype=torch.long)
        replaced = torch.tensor([float(one) for item in items for one in item.replaced])
        hidden = trunk.read(ids)
        logits = self.judge(torch.cat([hidden[before], hidden[after]], dim=-1)).squeeze(-1)
        total = F.binary_cross_entropy_with_logits(logits, replaced, reduction="sum")
        return Loss(total, len(replaced))

    def _item(self, text: Tokens, generator: np.random.Generator) -> ReplacedItem:
        spans = apart(text)
        meant = [span.entities[0] for span in spans]
        found = [self._other(text, spans, place, generator) for place in range(len(spans))]
        chosen = dict[int, list[int]]()
        length, others = len(text.ids), list(meant)
        for place in generator.permutation(len(spans)).tolist():
            other, wanted = found[place], generator.random() < self.settings.share
            if other is None or not wanted or place - 1 in chosen or place + 1 in chosen:
                continue
            now = others[:place] + others[place + 1 :]
            longer = length + len(other[1]) - (spans[place].last - spans[place].first)
            if longer <= self.longest and not self._true(other[0], now):
                chosen[place], others[place], length = other[1], other[0], longer
        units = [(spans[place].first, spans[place].last) for place in range(len(spans))]
        new = [chosen.get(place, text.ids[a:b]) for place, (a, b) in enumerate(units)]
        ids, moved = put(text.ids, units, new)
        judged = [place for place, other in enumerate(found) if other is not None]
        before = [max(0, moved[place][0] - 1) for place in judged]
        after = [min(len(ids) - 1, moved[place][1]) for place in judged]
        return ReplacedItem(ids, before, after, [place in chosen for place in judged])

    def _other(
        self, text: Tokens, spans: Sequence[Span], place: int, generator: np.random.Generator
    ) -> tuple[int, list[int]] | None:
        """Draw another entity for a mention, and the tokens of a name of it; None where none is found."""
        span, entity = spans[place], spans[place].entities[0]
        if not self.pool.others(entity):
            return None
        around = [other.entities[0] for at, other in enumerate(spans) if at != place]
        own = {fold_name(name) for name in self.names.of(entity)}
        surface: str = self.tokenizer.decode(text.ids[span.first : span.last]).strip()  # type: ignore[attr-defined]
        unspaced = bool(CJK_CHARACTER.search(surface))
        for _ in range(self.settings.tries):
            other = self.pool.draw(entity, generator)
            names = [
                name
                for name in self.names.of(other)
                if bool(CJK_CHARACTER.search(name)) == unspaced and fold_name(name) not in own
            ]
            if names and not self._true(other, around):
                name = cased(names[int(generator.integers(len(names)))], surface)
                if ids := self._tokens(name, text.ids[span.first]):  # else nothing would stand there: a sign
                    return other, ids
        return None

    def _true(self, entity: int, around: Sequence[int]) -> bool:
        """Tell whether an entity is one of others, or the graph joins it to one."""
        return any(entity == other or self.joined.either(entity, other) for other in around)

    def _tokens(self, name: str, first: int) -> list[int]:
        """Tokenize a name as it would be in the text: with a space before it where the mention had one.

        Args:
            first: The mention's first token.
        """
        spaced = self._begins_with_space(first)
        ids = self._ids(f" {name}" if spaced else name)
        if not spaced and ids and self._begins_with_space(ids[0]):
            # SentencePiece puts a space before whatever it is given: it would tell which mention is new.
            opening, both = self._ids("("), self._ids(f"({name}")
            if both[: len(opening)] == opening:
                return both[len(opening) :]
        return ids

    def _begins_with_space(self, token: int) -> bool:
        piece: str = self.tokenizer.convert_ids_to_tokens(token)  # type: ignore[attr-defined]
        return piece.startswith(_SPACE)

    def _ids(self, words: str) -> list[int]:
        return list(self.tokenizer(words, add_special_tokens=False)["input_ids"])  # type: ignore[operator]


class _Pool:
    """The named entities of each type, each as often as the corpus has it and at least once."""

    def __init__(self, knowledge: Knowledge, corpus: Corpus, names: Names) -> None:
        kinds = np.unique(knowledge.types, return_inverse=True)[1]
        named = np.flatnonzero(names.known)
        self._kinds: Int64[np.ndarray, " entities"] = kinds
        counts = corpus.counts()
        self._members = [named[kinds[named] == kind] for kind in range(int(kinds.max(initial=-1)) + 1)]
        self._edges: list[Float64[np.ndarray, " members"]] = [
            np.cumsum([float(max(1, counts[entity])) for entity in members.tolist()])
            for members in self._members
        ]

    def others(self, entity: int) -> bool:
        """Tell whether there is another entity of an entity's type."""
        members = self._members[int(self._kinds[entity])]
        return len(members) > 1 or (len(members) == 1 and int(members[0]) != entity)

    def draw(self, entity: int, generator: np.random.Generator) -> int:
        """Draw an entity of the type of an entity, maybe the same."""
        kind = int(self._kinds[entity])
        members, edges = self._members[kind], self._edges[kind]
        return int(members[np.searchsorted(edges, generator.random() * edges[-1], side="right")])


def cased(name: str, surface: str) -> str:
    """Give a name the case of another's first letter; one like IFNG does not lose its first capital."""
    if surface[:1].isupper():
        return name[:1].upper() + name[1:]
    word = name.split(" ", 1)[0]
    return name[:1].lower() + name[1:] if surface[:1].islower() and word[1:] == word[1:].lower() else name
