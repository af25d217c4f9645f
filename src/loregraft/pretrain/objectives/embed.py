"""Joint knowledge embedding: the encoder reads the texts of entities, and their vectors must fit the triples.

"simkgc" is the form for small machines: a question finds its answer among those of the batch. "kepler" scores
each triple against drawn negatives, and reads two texts more for each. Facts of valid and test are not used.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import nn

from loregraft.fusion.knowledge import Knowledge
from loregraft.kge.questions import Answers, Questions
from loregraft.kge.text.loss import info_nce
from loregraft.kge.text.settings import TextKgeSettings
from loregraft.kge.text.train import left_out_of
from loregraft.pretrain.objectives.described import Described, EmbedSettings
from loregraft.pretrain.objectives.objective import Loss, draw, generator_of
from loregraft.pretrain.objectives.sentences import nothing, pooled
from loregraft.pretrain.trunk import Trunk, starts_of

TRIES = 100
"""How often a wrong entity is drawn before a triple goes without."""


class SimkgcSettings(EmbedSettings):
    """How a question finds its answer."""

    batch: int = Field(64, ge=1, description="questions in a step; answers are each other's negatives")
    temperature: float = Field(0.05, gt=0, description="of the softmax, at the start; it is learnt")
    margin: float = Field(0.02, ge=0, description="taken off the cosine of the right answer")
    self_negatives: bool = Field(True, description="what is asked about is a wrong answer too")


class KeplerSettings(EmbedSettings):
    """How a triple is scored."""

    gamma: float = Field(4.0, gt=0, description="what a triple scores that fits perfectly")
    norm: int = Field(2, ge=1, le=2, description="of head + relation - tail: 1 or 2")
    negatives: int = Field(1, ge=1, description="wrong heads, and wrong tails, of each triple")


@dataclass(frozen=True)
class QuestionItem:
    """A question, its answer, and the entity that is asked about.

    Attributes:
        row: Of the question.
    """

    row: int
    asked: list[int]
    answer: list[int]
    given: list[int]

    @property
    def tokens(self) -> int:
        """How many tokens the encoder reads."""
        return len(self.asked) + len(self.answer) + len(self.given)


class Simkgc(nn.Module):
    """A question (an entity's text and a relation) finds its answer; the mean is over questions.

    Differences from the paper: one encoder reads both, pooled as it pools; there is no queue of earlier
    batches; the relation comes before the text; the answer's names are hidden in the description. Of several
    processes each has negatives of its own only.

    Reference:
        Wang et al. 2022, SimKGC: Simple Contrastive Knowledge Graph Completion with Pre-trained Language
        Models, eq. 5.
    """

    def __init__(self, trunk: Trunk, knowledge: Knowledge, settings: SimkgcSettings) -> None:
        super().__init__()
        self.settings, self.described = settings, Described(trunk, knowledge, settings)
        relations = len(knowledge.relations)
        self.questions = Questions.of(self.described.triples, relations)
        self.known = Answers.of(self.questions, relations)
        self.size = len(self.questions)
        self.log_sharpness = nn.Parameter(torch.tensor(-math.log(settings.temperature)))

    def items(self, seed: int, step: int) -> list[QuestionItem]:
        """Draw questions, of either side."""
        rows = draw(self.size, self.settings.batch, seed, step)
        drawn, told = self.questions.take(rows), self.described
        texts: list[str] = []
        for given, side, answer in zip(drawn.given, drawn.sides, drawn.answers, strict=True):
            asked = told.texts.ask(told.text(int(given), int(answer)), int(side))
            texts += [asked, told.text(int(answer)), told.text(int(given))]
        ids = told.tokens(texts)
        own = self.settings.self_negatives
        return [
            QuestionItem(row, ids[3 * at], ids[3 * at + 1], ids[3 * at + 2] if own else [])
            for at, row in enumerate(rows.tolist())
        ]

    def loss(self, trunk: Trunk, items: Sequence[QuestionItem]) -> Loss:
        """InfoNCE both ways; each question counts by its triple's confidence."""
        if not items:
            return Loss(nothing(trunk), 0)
        count, own = len(items), [item.given for item in items if item.given]
        texts = [*(item.asked for item in items), *(item.answer for item in items), *own]
        vectors = F.normalize(pooled(trunk, texts), dim=-1)
        asked, answers = vectors[:count], vectors[count : 2 * count]
        cosines = asked @ answers.T
        if own:
            cosines = torch.cat([cosines, (asked * vectors[2 * count :]).sum(1, keepdim=True)], 1)
        batch = self.questions.take(np.array([item.row for item in items]))
        rules = TextKgeSettings(self_negatives=bool(own))
        left_out = torch.from_numpy(left_out_of(batch, self.known, len(self.described.texts.entities), rules))
        weights, sharpness = torch.from_numpy(batch.weights), self.log_sharpness.exp()
        mean = info_nce(cosines.float(), left_out, sharpness, self.settings.margin, weights)
        return Loss(mean * weights.sum(), count)


@dataclass(frozen=True)
class TripleItem:
    """A triple with wrong heads and wrong tails, as texts; any of the two may be missing."""

    head: list[int]
    relation: int
    tail: list[int]
    heads: list[list[int]]
    tails: list[list[int]]
    weight: float

    @property
    def texts(self) -> list[list[int]]:
        """All that is read."""
        return [self.head, self.tail, *self.heads, *self.tails]

    @property
    def tokens(self) -> int:
        """How many tokens the encoder reads."""
        return sum(map(len, self.texts))


class Kepler(nn.Module):
    """Scores triples by gamma - ||h + r - t||, against drawn wrong ones; the mean is over triples.

    h and t are the vectors of first tokens of descriptions (a name, where there is none). Differences from
    the paper: wrong entities are drawn among those with a text, none that makes a true triple; the answer's
    names are hidden in the description of any head; relations are a table, not read from descriptions; the
    paper's other part, masked words, is an objective of its own. Its authors' code halves the loss.

    Reference:
        Wang et al. 2021, KEPLER: A Unified Model for Knowledge Embedding and Pre-trained Language
        Representation, eq. 2 and 3.
    """

    def __init__(self, trunk: Trunk, knowledge: Knowledge, settings: KeplerSettings) -> None:
        super().__init__()
        self.settings, self.described = settings, Described(trunk, knowledge, settings)
        triples = self.described.triples
        self.size = len(triples)
        self.readable = np.flatnonzero(~self.described.texts.missing)
        columns = (triples.heads.tolist(), triples.relations.tolist(), triples.tails.tolist())
        self.true = set(zip(*columns, strict=True))
        self.relations = nn.Parameter(0.02 * torch.randn(len(knowledge.relations), trunk.hidden))

    def items(self, seed: int, step: int) -> list[TripleItem]:
        """Draw triples, and wrong ends for each."""
        drawn = draw(self.size, self.settings.batch, seed, step).tolist()
        return [self._item(place, generator_of(seed, step, place)) for place in drawn]

    def loss(self, trunk: Trunk, items: Sequence[TripleItem]) -> Loss:
        """Log-sigmoid of true and wrong triples; each counts by its triple's confidence."""
        if not items:
            return Loss(nothing(trunk), 0)
        texts, ends, weights, owners = list[list[int]](), list[tuple[int, int]](), list[float](), list[int]()
        for place, item in enumerate(items):
            head = len(texts)
            texts += item.texts
            wrong = [(head + 2 + at, head + 1) for at in range(len(item.heads))]
            wrong += [(head, head + 2 + len(item.heads) + at) for at in range(len(item.tails))]
            ends += [(head, head + 1), *wrong]
            weights += [item.weight, *[-item.weight / len(wrong) for _ in wrong]]
            owners += [place] * (1 + len(wrong))
        vectors = trunk.read(texts)[starts_of(texts)]
        relations = self.relations[torch.tensor([items[place].relation for place in owners])]
        heads, tails = (vectors[torch.tensor(column)] for column in zip(*ends, strict=True))
        scores = self.settings.gamma - (heads + relations - tails).norm(p=self.settings.norm, dim=1)
        signed = torch.tensor(weights)
        total = -(signed.abs() * F.logsigmoid(scores.float() * signed.sign())).sum()
        return Loss(total + nothing(trunk), len(items))

    def _item(self, place: int, generator: np.random.Generator) -> TripleItem:
        triples, told = self.described.triples, self.described
        head, relation, tail = (int(c[place]) for c in (triples.heads, triples.relations, triples.tails))
        count = self.settings.negatives
        heads = [self._wrong((None, relation, tail), generator) for _ in range(count)]
        tails = [self._wrong((head, relation, None), generator) for _ in range(count)]
        read = [head, *(one for one in heads if one is not None)]
        others = [tail, *(one for one in tails if one is not None)]
        texts = [told.description(one, tail) for one in read] + [told.description(one) for one in others]
        ids = told.tokens(texts)
        at, weight = len(read), float(triples.weights[place])
        return TripleItem(ids[0], relation, ids[at], ids[1:at], ids[at + 1 :], weight)

    def _wrong(
        self, triple: tuple[int | None, int, int | None], generator: np.random.Generator
    ) -> int | None:
        """Draw an entity for the end that is missing, so that the triple is not a true one."""
        head, relation, tail = triple
        for _ in range(TRIES):
            drawn = int(generator.choice(self.readable))
            one, other = (drawn if end is None else end for end in (head, tail))
            if (one, relation, other) not in self.true:
                return drawn
        return None
