"""Synonyms: the names of one concept are pulled together, as one objective among several.

`pretrain/align.py` does this alone and for longer, with groups of like concepts; here it is part of a mix,
and may bring the relations and types of the graph along. Both draw by `pairs.py` and share `alignment`.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from pydantic import Field
from torch import Tensor, nn

from loregraft.fusion.knowledge import Knowledge
from loregraft.pretrain.objectives.alignment import alignment
from loregraft.pretrain.objectives.mentions import taught
from loregraft.pretrain.objectives.objective import Loss, ObjectiveSettings, generator_of
from loregraft.pretrain.objectives.sentences import nothing, pooled
from loregraft.pretrain.pairs import Pairs
from loregraft.pretrain.trunk import Trunk
from loregraft.pretrain.views import Views, collect_views

Masks = tuple[Bool[Tensor, "texts texts"], Bool[Tensor, "texts texts"]]


class SynonymSettings(ObjectiveSettings):
    """How names of one concept are pulled together, and what else of the graph is taught with them."""

    batch: int = Field(64, ge=1, description="concepts in a step, two names each")
    loss: Literal["multi_similarity", "nt_xent"] = Field("multi_similarity", description="which loss")
    alpha: float = Field(1.0, gt=0, description="multi-similarity: sharpness towards names of one concept")
    beta: float = Field(60.0, gt=0, description="multi-similarity: sharpness towards other names")
    base: float = Field(0.5, ge=-1, le=1, description="multi-similarity: the cosine between near and far")
    margin: float = Field(0.2, ge=0, description="multi-similarity: names apart by more are not learned from")
    temperature: float = Field(0.05, gt=0, description="nt_xent: of the softmax over cosines")
    max_tokens: int = Field(32, ge=4, description="longer names and definitions lose their end")
    weights: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default={"lay": 3.0, "definition": 0.15},
        description="how often a pair is drawn, by the kind of its second view; others count 1",
    )
    relations: float = Field(0.0, ge=0, description="weight of a triple of each concept, CODER's")
    relation_margin: float = Field(1.0, ge=0, description="by how much a true triple must be nearer")
    types: float = Field(0.0, ge=0, description="weight of telling each concept's type, CODER's")


@dataclass(frozen=True)
class SynonymItem:
    """Two views of a concept, and a triple of it.

    Attributes:
        rows: Of the views.
        first: Token ids of the first view.
        second: Of the second.
        relation: Of the triple; -1: there is none.
        tail: Token ids of its tail's first view.
        wrong: Of an entity that is no tail of it.
        type: The number of the concept's type.
    """

    rows: tuple[int, int]
    first: list[int]
    second: list[int]
    relation: int
    tail: list[int]
    wrong: list[int]
    type: int

    @property
    def tokens(self) -> int:
        """How many tokens the encoder reads."""
        return sum(map(len, (self.first, self.second, self.tail, self.wrong)))


class Synonyms(nn.Module):
    """Pulls the views of one concept together and pushes others away; the mean is over concepts.

    Differences: views are pooled as the encoder pools, where SapBERT takes the first token; a string that two
    concepts share is no negative of either; definitions are views as in BioLORD, seldom. Triples and types as
    in CODER, off by default: ||h + r - t|| of unit vectors against one wrong tail. Of several processes each
    has negatives of its own only.

    Args:
        views: Free of what is held out; None: all of the graph.

    Raises:
        BadInput: No concept has two views.

    Reference:
        Liu et al. 2021, Self-Alignment Pretraining for Biomedical Entity Representations (SapBERT), eq. 1 and
        2; Yuan et al. 2022, CODER: Knowledge-infused Cross-lingual Medical Term Embedding for Term
        Normalization; Remy et al. 2022, BioLORD: Learning Ontological Representations from Definitions.
    """

    def __init__(
        self, trunk: Trunk, knowledge: Knowledge, settings: SynonymSettings, *, views: Views | None = None
    ) -> None:
        super().__init__()
        graph = knowledge.graph
        self.settings, self.graph = settings, graph
        self.views = views if views is not None else collect_views(graph, np.arange(len(graph)), ())
        self.pairs = Pairs.of(self.views, settings.weights)
        self.size = len(self.pairs.starts)
        self.tokenized = trunk.encoder.tokenize(self.views.texts, settings.max_tokens)
        self.concepts, rows = np.unique(self.views.concepts, return_index=True)
        self.first_rows = dict(zip(self.concepts.tolist(), rows.tolist(), strict=True))
        self.names = sorted(set(knowledge.types))
        self.types = knowledge.types
        relations = len(graph.relation_ids)
        if settings.relations:
            self.taught = taught(graph)
            self.relation_vectors = nn.Parameter(0.1 * torch.randn(relations, trunk.hidden))
        if settings.types:
            self.type_head = nn.Linear(trunk.hidden, len(self.names))

    def items(self, seed: int, step: int) -> list[SynonymItem]:
        """Draw different concepts, and two views of each; a step does not depend on those before it."""
        none = np.zeros((self.size, 1))
        drawn = self.pairs.draw(none, seed, step, self.settings.batch, 1).tolist()
        return [
            self._item(int(self.pairs.first[one]), int(self.pairs.second[one]), seed, step) for one in drawn
        ]

    def loss(self, trunk: Trunk, items: Sequence[SynonymItem]) -> Loss:
        """Give the chosen loss, and what the weights ask for besides; the cross-entropies are in nats."""
        if not items:
            return Loss(nothing(trunk), 0)
        texts = [*(item.first for item in items), *(item.second for item in items)]
        told = [item for item in items if item.relation >= 0]
        ends = [*(item.tail for item in told), *(item.wrong for item in told)]
        plain = pooled(trunk, [*texts, *ends])
        vectors = F.normalize(plain, dim=-1)
        total = self._aligned(vectors[: len(texts)], items) + nothing(trunk)
        if told:
            at = torch.tensor([place for place, item in enumerate(items) if item.relation >= 0])
            tails, wrong = vectors[len(texts) :].chunk(2)
            relations = self.relation_vectors[torch.tensor([item.relation for item in told])]
            triples = margin_loss(vectors[at] + relations, tails, wrong, self.settings.relation_margin)
            total = total + self.settings.relations * triples
        if self.settings.types:
            types = torch.tensor([item.type for item in items])
            logits = self.type_head(plain[: len(items)]).float()
            total = total + self.settings.types * F.cross_entropy(logits, types, reduction="sum")
        return Loss(total, len(items))

    def _aligned(self, vectors: Tensor, items: Sequence[SynonymItem]) -> Tensor:
        count, settings = len(items), self.settings
        rows = np.array([item.rows for item in items]).T.flatten()
        same = torch.from_numpy(self.pairs.same(rows))
        first, second = vectors[:count], vectors[count:]
        if settings.loss == "nt_xent":
            return alignment(first, second, same, settings.temperature) * count
        partners = torch.eye(2 * count, dtype=torch.bool).roll(count, 0)
        near, far = mined(vectors.detach(), (partners, ~same), settings.margin)
        return multi_similarity(vectors, (near, far), settings.alpha, settings.beta, settings.base).sum() / 2

    def _item(self, first: int, second: int, seed: int, step: int) -> SynonymItem:
        concept = int(self.views.concepts[first])
        relation, tail, wrong = -1, list[int](), list[int]()
        if self.settings.relations:
            relation, tail, wrong = self._triple(concept, generator_of(seed, step, concept))
        one, other = (self.tokenized.text(row).tolist() for row in (first, second))
        type = self.names.index(self.types[concept])
        return SynonymItem((first, second), one, other, relation, tail, wrong, type)

    def _triple(self, concept: int, generator: np.random.Generator) -> tuple[int, list[int], list[int]]:
        """Choose a triple of a concept whose tail has a name, and an entity that is no tail of it."""
        graph = self.graph
        out = graph.outgoing(concept)
        named = [row for row in range(out.start, out.stop) if int(graph.tails[row]) in self.first_rows]
        rows = [row for row in named if self.taught[row]]
        if not rows:
            return -1, [], []
        row = int(generator.choice(rows))
        relation = int(graph.relation_indexes[row])
        true = {int(graph.tails[one]) for one in rows if graph.relation_indexes[one] == relation}
        wrong = draw_other(self.concepts, {*true, concept}, generator)
        if wrong is None:
            return -1, [], []
        ids = [self.tokenized.text(self.first_rows[one]).tolist() for one in (int(graph.tails[row]), wrong)]
        return relation, ids[0], ids[1]


def draw_other(
    concepts: Int64[np.ndarray, " concepts"], excluded: Collection[int], generator: np.random.Generator
) -> int | None:
    """Draw evenly one of the concepts that are not excluded; None where all are. It does not list them.

    Args:
        concepts: Ascending, each once.
        excluded: Some of them; what is none of them does not matter.
    """
    sought = np.array(sorted(excluded), np.int64)
    places = np.searchsorted(concepts, sought)
    there = places < len(concepts)
    there[there] = concepts[places[there]] == sought[there]
    out = places[there].tolist()
    if len(out) == len(concepts):
        return None
    place = int(generator.integers(len(concepts) - len(out)))
    for gone in out:  # ascending: each that lies before moves it on by one
        place += gone <= place
    return int(concepts[place])


def mined(vectors: Float[Tensor, "texts dim"], pairs: Masks, margin: float) -> Masks:
    """Keep the hard pairs: those of triplets in which the wrong text is nearer than the right one + margin.

    Args:
        vectors: Unit vectors.
        pairs: Which texts are right for which, and which are wrong.
        margin: In Euclidean distance.
    """
    near, far = pairs
    distances = (2 - 2 * vectors.float() @ vectors.float().T).clamp_min(0).sqrt()
    nearest_wrong = distances.masked_fill(~far, float("inf")).amin(1, keepdim=True)
    farthest_right = distances.masked_fill(~near, float("-inf")).amax(1, keepdim=True)
    return near & (nearest_wrong < distances + margin), far & (distances < farthest_right + margin)


def multi_similarity(
    vectors: Float[Tensor, "texts dim"], pairs: Masks, alpha: float, beta: float, base: float
) -> Float[Tensor, " texts"]:
    """Give what each text's pairs cost; 0 for a text that has none, as where all are apart already.

    Args:
        vectors: Unit vectors.
        pairs: Which texts are pulled together, and which are pushed apart.

    Reference:
        Wang et al. 2019, Multi-Similarity Loss with General Pair Weighting for Deep Metric Learning, eq. 15.
    """
    cosines = (vectors @ vectors.T).float()
    near, far = pairs
    pull = _log_one_plus((alpha * (base - cosines)).masked_fill(~near, float("-inf")))
    push = _log_one_plus((beta * (cosines - base)).masked_fill(~far, float("-inf")))
    return pull / alpha + push / beta


def margin_loss(
    reached: Float[Tensor, "triples dim"],
    tails: Float[Tensor, "triples dim"],
    wrong: Float[Tensor, "triples dim"],
    margin: float,
) -> Float[Tensor, ""]:
    """Sum what true tails lack to be nearer than wrong ones by a margin; 0 where they all are.

    Args:
        reached: Head plus relation of each triple.
        margin: In Euclidean distance, as the sum.
    """
    near, far = (reached - tails).norm(dim=1), (reached - wrong).norm(dim=1)
    return (margin + near - far).clamp_min(0).sum()


def _log_one_plus(exponents: Tensor) -> Tensor:
    """Give log(1 + sum of exp) of each row."""
    return torch.cat([exponents.new_zeros(len(exponents), 1), exponents], 1).logsumexp(1)
