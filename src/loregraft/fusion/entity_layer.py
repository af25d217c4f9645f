"""Entity layers: after some of the encoder's layers, tokens and the vectors of entities are mixed.

The K-Encoder's fusion. Vectors come from `kge train` and stay as they are; what is learned is how they and
the hidden states meet.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from pydantic import Field
from torch import Tensor, nn

from loregraft.corpus.tokens import Span, Tokens
from loregraft.encoder.hooks import Change, Changes
from loregraft.fusion.inputs import Inputs, padded
from loregraft.fusion.knowledge import Knowledge
from loregraft.fusion.method import Gate, Host, MethodSettings, Need


class EntityLayerSettings(MethodSettings):
    """Where entities meet the text, and how wide."""

    layer: int | None = Field(
        None, ge=0, description="layer after which fusion begins, from 0; none: the middle"
    )
    layers: int | None = Field(None, ge=1, description="layers that fuse; none: all that follow")
    width: int | None = Field(None, ge=1, description="width in which both meet; none: the encoder's")
    heads: int = Field(4, ge=1, description="heads of the entities' own attention")
    dropout: float = Field(0.1, ge=0, lt=1, description="share left out of what is added, in training")


class FusedLayer(nn.Module):
    """Mixes the hidden states of a text with the vectors of its entities.

    Attributes:
        attention: The entities' attention to each other, before they are mixed; the first layer has none.
        to_entity: Gives the entities back for the next layer; the last layer has none.
    """

    def __init__(
        self, hidden: int, entity: int, settings: EntityLayerSettings, *, first: bool, last: bool
    ) -> None:
        super().__init__()
        width = settings.width or hidden
        self.attention: nn.MultiheadAttention | None = None
        if not first:
            self.attention = nn.MultiheadAttention(
                entity, settings.heads, dropout=settings.dropout, batch_first=True
            )
            self.attention_norm = nn.LayerNorm(entity)
        self.word = nn.Linear(hidden, width)  # its bias is b_t + b_e: only their sum counts
        self.entity = nn.Linear(entity, width, bias=False)
        self.to_word = nn.Linear(width, hidden)
        self.word_norm = nn.LayerNorm(hidden)
        self.to_entity: nn.Linear | None = None
        if not last:
            self.to_entity = nn.Linear(width, entity)
            self.entity_norm = nn.LayerNorm(entity)
        self.drop = nn.Dropout(settings.dropout)
        self.gate = Gate()

    def forward(
        self,
        hidden: Float[Tensor, "batch seq hidden"],
        entities: Float[Tensor, "batch mentions entity"],
        first: Int64[Tensor, "batch mentions"],
        real: Bool[Tensor, "batch mentions"],
    ) -> tuple[Float[Tensor, "batch seq hidden"], Float[Tensor, "batch mentions entity"]]:
        """Give the hidden states and the entities after the mixing.

        Args:
            first: The token on which each entity sits.
            real: Where there is an entity; others fill the batch up and count nowhere.
        """
        entities = self._attended(entities, real)
        words = self.word(hidden)
        place = first.unsqueeze(-1).expand(-1, -1, words.shape[-1])
        told = self.entity(entities) * real.unsqueeze(-1)
        mixed = F.gelu(words + torch.zeros_like(words).scatter_add(1, place, told))
        new = self.word_norm(hidden + self.drop(self.to_word(mixed)))
        if self.to_entity is not None:
            back = self.to_entity(mixed.gather(1, place))
            entities = self.entity_norm(entities + self.drop(back))
        return new, entities

    def _attended(self, entities: Tensor, real: Tensor) -> Tensor:
        if self.attention is None:
            return entities
        ignored = ~real
        ignored[:, 0] = False  # real wherever a text has any; where it has none, no softmax may be empty
        seen, _ = self.attention(entities, entities, entities, key_padding_mask=ignored, need_weights=False)
        attended: Tensor = self.attention_norm(entities + self.drop(seen))
        return attended


class EntityLayer(nn.Module):
    """Mixes entity vectors into the upper layers, at the first token of each mention.

    As in the paper: the first fused layer takes the vectors as they are, later ones let the entities of a
    text attend to each other first; every token of a text with an entity passes through the formula, with an
    entity or without.

    Different from the paper: a fused layer stands behind a whole layer of the encoder, whose own feed-forward
    part cannot be replaced by a hook, so its formula is a second one, at first closed by a gate for each
    layer; texts without an entity are left alone; the formula is the released code's, with residuals and
    layer norms around eqs. 4 and 5; [CLS] is no zero vector to which entities attend; the last layer gives no
    entities, as nothing would read them.

    Of mentions that begin at one token the longest is used; the others are counted as lost.

    Reference:
        Zhang et al. 2019, ERNIE: Enhanced Language Representation with Informative Entities, eqs. 3 to 6.

    Raises:
        ValueError: The encoder has no such layers, or heads do not divide the vectors' width.
    """

    needs: tuple[Need, ...] = ("graph", "vectors")

    def __init__(self, host: Host, knowledge: Knowledge, settings: EntityLayerSettings) -> None:
        super().__init__()
        self.host = host
        self.start = (host.layers - 1) // 2 if settings.layer is None else settings.layer
        count = host.layers - self.start if settings.layers is None else settings.layers
        if self.start + count > host.layers or count < 1:
            found = f"fusion after layers {self.start} to {self.start + count - 1}"
            raise ValueError(f"{found}: the encoder has layers 0 to {host.layers - 1}")
        entity = knowledge.entity_vectors.shape[1]
        if count > 1 and entity % settings.heads:
            raise ValueError(f"heads must divide the width of the vectors, {entity}; got {settings.heads}")
        self.layers = nn.ModuleList(
            FusedLayer(host.hidden, entity, settings, first=number == 0, last=number == count - 1)
            for number in range(count)
        )

    def prepare(self, tokens: Sequence[Tokens], knowledge: Knowledge) -> Inputs:
        """Put the likeliest entity of each mention on its first token."""
        inputs = padded(tokens, self.host.padding_id)
        chosen = [_longest(one.spans) for one in tokens]
        shape = len(tokens), max((len(spans) for spans in chosen), default=0)
        first, real = torch.zeros(shape, dtype=torch.int64), torch.zeros(shape, dtype=torch.bool)
        vectors = torch.zeros(*shape, knowledge.entity_vectors.shape[1])
        for row, spans in enumerate(chosen):
            for place, span in enumerate(spans):
                first[row, place], real[row, place] = span.first, True
                vectors[row, place] = torch.from_numpy(knowledge.entity_vectors[span.entities[0]])
        lost = sum(len(one.spans) for one in tokens) - sum(map(len, chosen))
        return replace(inputs, lost=inputs.lost + lost).with_knowledge(
            {"first": first, "real": real, "vectors": vectors},
            entities=[list(dict.fromkeys(span.entities[0] for span in spans)) for spans in chosen],
        )

    def changes(self, knowledge: dict[str, Tensor]) -> Changes:
        """Mix after each fused layer; the entities go from one to the next within the pass."""
        first, real, entities = knowledge["first"], knowledge["real"], knowledge["vectors"]
        linked = real.any(1)[:, None, None]

        def after(layer: nn.Module) -> Change:
            def change(hidden: Tensor) -> Tensor:
                nonlocal entities
                new, entities = layer(hidden, entities, first, real)
                changed: Tensor = layer.gate(hidden, new, linked)  # type: ignore[operator]
                return changed

            return change

        return Changes(after={self.start + number: after(layer) for number, layer in enumerate(self.layers)})


def _longest(spans: Sequence[Span]) -> list[Span]:
    """Keep one mention for each first token: the longest."""
    kept: dict[int, Span] = {}
    for span in spans:
        if span.first not in kept or span.last > kept[span.first].last:
            kept[span.first] = span
    return list(kept.values())
