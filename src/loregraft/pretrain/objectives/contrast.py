"""Contrast: entities and pairs of entities told apart by what their text says of them.

The labels are distant: two linked entities of one text that a triple of the graph joins count as if the text
said so. `EntityContrast` asks for the tail of a triple, `RelationContrast` which pairs have one relation.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Int64
from pydantic import Field
from torch import Tensor, nn

from loregraft.corpus.corpus import Corpus
from loregraft.corpus.mask import Unit, Vocabulary
from loregraft.encoder.load import longest_text
from loregraft.errors import BadInput
from loregraft.fusion.knowledge import Knowledge
from loregraft.pretrain.objectives.alignment import nt_xent
from loregraft.pretrain.objectives.mentions import (
    NONE,
    Joined,
    Read,
    Statement,
    apart,
    mention_vectors,
    mentions,
    put,
    statements,
    unjoined,
)
from loregraft.pretrain.objectives.objective import Loss, ObjectiveSettings, draw, generator_of
from loregraft.pretrain.objectives.sentences import nothing
from loregraft.pretrain.trunk import Trunk
from loregraft.training.ranks import gather, rank, world_size


class EntityContrastSettings(ObjectiveSettings):
    """How sharply entities are told apart."""

    temperature: float = Field(0.05, gt=0, description="of the softmax over cosines")


class RelationContrastSettings(ObjectiveSettings):
    """How sharply relations are told apart, and how often without the names."""

    temperature: float = Field(0.05, gt=0, description="of the softmax over cosines")
    blanked: float = Field(0.7, ge=0, le=1, description="chance that a mask stands for an entity's names")


@dataclass(frozen=True)
class Alike:
    """Two pairs of one relation from different texts and, where a text has one, a pair without relation."""

    reads: tuple[Read, ...]

    @property
    def tokens(self) -> int:
        """How many tokens the encoder reads."""
        return sum(one.tokens for one in self.reads)


class EntityContrast(nn.Module):
    """Finds the tail of a triple among the other entities of its text; the mean is over triples.

    The text stands after "relation head [SEP]"; an entity's vector is the mean over its mentions in the text,
    each the mean of its tokens, at unit length. Where the encoder has no room for both, the question loses
    its end, and all of it if need be. A text whose entities are all right answers has nothing to be told
    apart and is not drawn.

    Differences from the paper: other right answers to the same question are left out, not counted as wrong;
    names are never masked; each triple of a text is an item, none is drawn for the text.

    Raises:
        BadInput: No text has two linked entities that a triple joins, and a third that is wrong.

    Reference:
        Qin et al. 2021, ERICA, sec. 3.3 (entity discrimination).
    """

    def __init__(
        self, trunk: Trunk, corpus: Corpus, knowledge: Knowledge, settings: EntityContrastSettings
    ) -> None:
        super().__init__()
        self.settings, self.knowledge, self.texts = settings, knowledge, corpus.texts
        self.tokenizer, self.joined = trunk.encoder.tokenizer, Joined(knowledge.graph)
        self.longest = longest_text(trunk.encoder.model.config, trunk.encoder.position_offset)
        told = statements(corpus, self.joined)
        self.statements = [one for one in told if self._wrong(one, mentions(corpus.texts[one.text]))]
        self.size = len(self.statements)
        if not self.size:
            found = f"the graph says {len(told):,} things of texts, none of which has a third, wrong entity"
            raise BadInput(Path("corpus"), 0, found, "Give longer texts, or link with a lower nil.")

    def items(self, seed: int, step: int) -> list[Read]:
        """Draw triples that texts may state."""
        drawn = draw(self.size, self.settings.batch, seed, step).tolist()
        return [self._read(self.statements[place]) for place in drawn]

    def loss(self, trunk: Trunk, items: Sequence[Read]) -> Loss:
        """Cross-entropy of the tail among itself and the wrong entities of its text, in nats."""
        vectors = F.normalize(mention_vectors(trunk, items), dim=-1)
        owner = torch.tensor([row for row, one in enumerate(items) for _ in one.mentions], dtype=torch.long)
        heads = _firsts([len(one.mentions) for one in items])
        wrong = owner[None, :] == torch.arange(len(items))[:, None]
        wrong[torch.arange(len(items)), heads] = False
        total = nt_xent(vectors[heads] @ vectors.T, heads + 1, ~wrong, self.settings.temperature)
        return Loss(total + nothing(trunk), len(items))

    def _wrong(self, one: Statement, entities: Mapping[int, tuple[Unit, ...]]) -> list[int]:
        ends = (one.head, one.tail)
        asked = [other for other in entities if other not in ends]
        return [other for other in asked if one.relation not in self.joined.relations(one.head, other)]

    def _read(self, one: Statement) -> Read:
        text, knowledge = self.texts[one.text], self.knowledge
        entities = mentions(text)
        asked = f"{knowledge.relations[one.relation]} {knowledge.names[one.head]}"
        question: list[int] = self.tokenizer(asked, add_special_tokens=False)["input_ids"]  # type: ignore[operator]
        separator: int | None = self.tokenizer.sep_token_id  # type: ignore[attr-defined]
        end = [] if separator is None else [separator]
        room = max(0, self.longest - len(text.ids))
        before = [*question[: max(0, room - len(end))], *end][:room]
        first = next(place for place, word in enumerate(text.words) if word >= 0)
        ids, _ = put(text.ids, [(first, first)], [before])
        named = (one.head, one.tail, *self._wrong(one, entities))
        moved = [tuple((a + len(before), b + len(before)) for a, b in entities[entity]) for entity in named]
        return Read(one, ids, tuple(moved))


class RelationContrast(nn.Module):
    """Brings pairs of entities together that have one relation in different texts; the mean is over pairs.

    A pair's vector is [head; tail] at unit length, each the mean over its mentions. Relations are drawn
    evenly, then two of the texts that may state them. Wrong are all pairs of the batch without that relation,
    pairs that no triple joins among them; not those of the same text with an end in common. Several processes
    exchange their pairs where the items can be dealt evenly, else each tells its own apart.

    Differences from the paper: pairs are drawn by relation, not as texts bring them; names give way to one
    mask a mention, by chance, as Soares et al. 2019 blank them; one of several relations is wrong for none.

    Raises:
        BadInput: No relation joins linked entities in two texts.

    Reference:
        Qin et al. 2021, ERICA, sec. 3.4 (relation discrimination);
        Soares et al. 2019, Matching the Blanks, sec. 4 (names are blanked by chance).
    """

    def __init__(
        self, trunk: Trunk, corpus: Corpus, knowledge: Knowledge, settings: RelationContrastSettings
    ) -> None:
        super().__init__()
        self.settings, self.texts, self.joined = settings, corpus.texts, Joined(knowledge.graph)
        self.mask = Vocabulary.of(trunk.encoder.tokenizer).mask
        told = statements(corpus, self.joined)
        by_relation: dict[int, list[Statement]] = {}
        for one in told:
            by_relation.setdefault(one.relation, []).append(one)
        self.told = [ones for _, ones in sorted(by_relation.items()) if ones[0].text != ones[-1].text]
        self.size = sum(map(len, self.told))
        if not self.size:
            found = f"the graph says {len(told):,} things of texts, by no relation in two of them"
            raise BadInput(Path("corpus"), 0, found, "Give more texts, or link with a lower nil.")
        self.bare = [place for place, text in enumerate(corpus.texts) if unjoined(text, self.joined)]
        self.drawn = min(settings.batch, self.size)

    def items(self, seed: int, step: int) -> list[Alike]:
        """Draw relations and for each two pairs; always as many."""
        return [self._item(seed, step, slot) for slot in range(self.drawn)]

    def loss(self, trunk: Trunk, items: Sequence[Alike]) -> Loss:
        """Cross-entropy, in nats: each of two pairs of a relation finds the other among what is wrong."""
        reads = [one for item in items for one in item.reads]
        pairs = F.normalize(mention_vectors(trunk, reads).reshape(len(reads), 2 * trunk.hidden), dim=-1)
        told = torch.tensor([one.statement for one in reads], dtype=torch.float64).reshape(len(reads), 4)
        together = self.drawn % world_size() == 0  # else one process has more, and all would wait for ever
        everyone, facts = (gather(pairs), gather(told)) if together else (pairs, told)
        mine = rank() * len(reads) if together else 0
        first = _firsts([len(item.reads) for item in items])
        anchors, partners = torch.cat([first, first + 1]), torch.cat([first + 1, first])
        others = [Statement(*map(int, row)) for row in facts.tolist()]
        wrong = self.wrong([reads[place].statement for place in anchors.tolist()], others)
        cosines = pairs[anchors] @ everyone.T
        total = nt_xent(cosines, partners + mine, ~wrong, self.settings.temperature)
        return Loss(total + nothing(trunk), len(anchors))

    def wrong(self, some: Sequence[Statement], all: Sequence[Statement]) -> Bool[Tensor, "some all"]:
        """Tell which pairs are wrong for which: they have not the relation, and no end in common in a text.

        What the graph says in its parts valid and test is not known here, so that it cannot leak.
        """
        told = [(one, set(self.joined.relations(one.head, one.tail, learned=True))) for one in all]
        rows = [[one.relation not in has and not one.touches(other) for other, has in told] for one in some]
        return torch.tensor(rows, dtype=torch.bool).reshape(len(some), len(all))

    def _item(self, seed: int, step: int, slot: int) -> Alike:
        generator = generator_of(seed, step, slot)
        told = self.told[int(draw(len(self.told), 1, seed, step * self.drawn + slot)[0])]
        one = told[int(generator.integers(len(told)))]
        start, end = (
            side(told, one.text, key=lambda other: other.text) for side in (bisect_left, bisect_right)
        )
        other = int(generator.integers(len(told) - (end - start)))
        chosen = [one, told[other if other < start else other + end - start]]
        if self.bare:
            text = self.bare[int(generator.integers(len(self.bare)))]
            pairs = unjoined(self.texts[text], self.joined)
            head, tail = pairs[int(generator.integers(len(pairs)))]
            chosen.append(Statement(text, head, NONE, tail))
        return Alike(tuple(self._read(one, generator) for one in chosen))

    def _read(self, one: Statement, generator: np.random.Generator) -> Read:
        text, ends = self.texts[one.text], (one.head, one.tail)
        hidden = {end for end in ends if generator.random() < self.settings.blanked}
        spans = [span for span in apart(text) if span.entities[0] in ends]
        units = [(span.first, span.last) for span in spans]
        new = [[self.mask] if s.entities[0] in hidden else text.ids[s.first : s.last] for s in spans]
        ids, moved = put(text.ids, units, new)
        found = [[unit for unit, s in zip(moved, spans, strict=True) if s.entities[0] == end] for end in ends]
        return Read(one, ids, (tuple(found[0]), tuple(found[1])))


def _firsts(counts: Sequence[int]) -> Int64[Tensor, " groups"]:
    sizes = torch.tensor(counts, dtype=torch.long)
    return sizes.cumsum(0) - sizes
