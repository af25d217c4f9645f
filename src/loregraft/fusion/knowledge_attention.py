"""Knowledge attention: tokens attend to facts, each of which is one row of keys and one of values.

A fact is added or removed with its row: nothing is trained anew, and the rows that went in are known.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32
from pydantic import Field
from torch import Tensor, nn

from loregraft.corpus.tokens import Tokens
from loregraft.encoder.encode import encode
from loregraft.encoder.hooks import Change, Changes
from loregraft.encoder.load import Encoder
from loregraft.fusion.inputs import Inputs, padded
from loregraft.fusion.knowledge import Fact, Knowledge, choose_facts
from loregraft.fusion.method import Gate, Host, MethodSettings, Need

CACHED = 20_000
"""Texts whose vectors are kept, at most; the oldest go first."""


class KnowledgeAttentionSettings(MethodSettings):
    """Which facts are offered, and where they are read."""

    every: int | None = Field(
        None, ge=1, description="facts are read after each so manieth layer; none: the middle and the last"
    )
    heads: int = Field(4, ge=1, description="heads of the attention to facts")
    facts: int = Field(32, ge=1, description="facts of a text at most, those that tell most first")
    scale: float = Field(
        8.0, gt=0, description="the paper's C: as many facts as this weigh as they would unshifted"
    )


class FactAttention(nn.Module):
    """Lets the tokens of a text attend to its facts, or to none of them.

    Attributes:
        null: For each head, the logit of attending to no fact.
    """

    def __init__(self, hidden: int, width: int, heads: int, scale: float) -> None:
        super().__init__()
        self.heads, self.scale = heads, scale
        self.query = nn.Linear(hidden, hidden)
        self.key, self.key_norm = nn.Linear(width, hidden), nn.LayerNorm(hidden)
        self.value = nn.Linear(width, hidden)
        self.null = nn.Parameter(torch.zeros(heads))
        self.out = nn.Linear(hidden, hidden, bias=False)  # a text without facts stays, bit for bit
        self.gate = Gate()

    def forward(
        self,
        hidden: Float[Tensor, "batch seq hidden"],
        keys: Float[Tensor, "batch facts width"],
        values: Float[Tensor, "batch facts width"],
        real: Bool[Tensor, "batch facts"],
    ) -> Float[Tensor, "batch seq hidden"]:
        """Give the hidden states with what was read.

        Args:
            real: Where there is a fact; others fill the batch up and count nowhere.
        """
        query = self._split(self.query(hidden))
        key, value = self._split(self.key_norm(self.key(keys))), self._split(self.value(values))
        count = real.sum(1).clamp(min=1)
        shift = (math.log(self.scale) - count.log())[:, None, None, None]
        logits = query @ key.transpose(-1, -2) / math.sqrt(key.shape[-1]) + shift
        logits = logits.masked_fill(~real[:, None, None], -math.inf)
        null = self.null[:, None, None].expand(len(hidden), -1, hidden.shape[1], 1)  # never an empty softmax
        shares = torch.cat([null, logits], -1).softmax(-1)[..., 1:]
        read = (shares @ value).transpose(1, 2).flatten(2)
        new: Tensor = hidden + self.out(read)
        return new

    def _split(self, rows: Tensor) -> Tensor:
        return rows.view(*rows.shape[:2], self.heads, -1).transpose(1, 2)


class KnowledgeAttention(nn.Module):
    """Reads the facts of the linked entities as rows of keys and values.

    As in the paper: the key is LN(W_K f("relation of head")), the value W_V f(tail), f an encoder that is not
    trained; each layer that reads has its own W_K, W_V and query projection; logits of facts are shifted by
    log C - log M, so that M facts together weigh as C would.

    Different from the paper, which has decoders in mind: a hook cannot enter the encoder's own softmax, so
    the text's share of it is stood for by one learned logit for each head, 0 at the start, whose value is
    zero; what was read passes through an output projection of its own and is added behind the layer, at first
    closed by a gate; only facts of linked entities are offered, not the whole graph; a fact whose tail is the
    linked entity is asked the other way round: its key is f("relation tail"), its value f(head).

    Which facts: entities in the order of their first mention, in turn, each with the facts that
    `choose_facts` gives, until `facts` are found. A triple is one row, seen from the entity that came to it
    first.

    Reference:
        Wang et al. 2025, KBLaM: Knowledge Base augmented Language Model, sec. 4 (rectangular attention).

    Raises:
        ValueError: Heads do not divide the hidden width, or no layer is the `every`-th.
    """

    needs: tuple[Need, ...] = ("graph", "encoder")

    def __init__(self, host: Host, knowledge: Knowledge, settings: KnowledgeAttentionSettings) -> None:
        super().__init__()
        self.host, self.settings = host, settings
        if host.hidden % settings.heads:
            raise ValueError(f"heads must divide the hidden width, {host.hidden}; got {settings.heads}")
        every = settings.every
        if every is not None and every > host.layers:
            raise ValueError(f"every must be at most the number of layers, {host.layers}; got {every}")
        ends = {(host.layers - 1) // 2, host.layers - 1}
        self.places = sorted(ends if every is None else range(every - 1, host.layers, every))
        assert knowledge.encoder is not None  # `wrap` asks for it
        self.layers = nn.ModuleList(
            FactAttention(host.hidden, knowledge.encoder.dim, settings.heads, settings.scale)
            for _ in self.places
        )
        self._cached: dict[str, Float32[np.ndarray, " width"]] = {}
        self._cached_of = ""

    def prepare(self, tokens: Sequence[Tokens], knowledge: Knowledge) -> Inputs:
        """Turn the facts of each text's entities into rows."""
        assert knowledge.encoder is not None
        inputs = padded(tokens, self.host.padding_id)
        asked = [self._facts(one, knowledge) for one in tokens]
        shape = len(tokens), max((len(facts) for _, facts in asked), default=0)
        keys, values = (torch.zeros(*shape, knowledge.encoder.dim) for _ in range(2))
        real = torch.zeros(shape, dtype=torch.bool)
        told = [
            text
            for _, facts in asked
            for entity, fact in facts
            for text in (_question(entity, fact, knowledge), fact.other)
        ]
        vectors = iter(self.encoded(told, knowledge.encoder))
        for row, (_, facts) in enumerate(asked):
            for place in range(len(facts)):
                keys[row, place] = torch.from_numpy(next(vectors))
                values[row, place] = torch.from_numpy(next(vectors))
            real[row, : len(facts)] = True
        return inputs.with_knowledge(
            {"keys": keys, "values": values, "real": real},
            entities=[entities for entities, _ in asked],
            triples=[[fact.row for _, fact in facts] for _, facts in asked],
        )

    def changes(self, knowledge: dict[str, Tensor]) -> Changes:
        """Read facts after the layers that do."""
        keys, values, real = knowledge["keys"], knowledge["values"], knowledge["real"]

        def after(layer: nn.Module) -> Change:
            def change(hidden: Tensor) -> Tensor:
                new = layer(hidden, keys, values, real)
                changed: Tensor = layer.gate(hidden, new)  # type: ignore[operator]
                return changed

            return change

        return Changes(
            after={place: after(layer) for place, layer in zip(self.places, self.layers, strict=True)}
        )

    def encoded(self, texts: Sequence[str], encoder: Encoder) -> list[Float32[np.ndarray, " width"]]:
        """Give the vectors of texts; those that were asked for lately are not computed again."""
        if encoder.sha256 != self._cached_of:
            self._cached, self._cached_of = {}, encoder.sha256
        if new := [text for text in dict.fromkeys(texts) if text not in self._cached]:
            self._cached.update(zip(new, encode(encoder, new), strict=True))
        found = [self._cached[text] for text in texts]
        for text in list(self._cached)[: max(0, len(self._cached) - CACHED)]:
            del self._cached[text]
        return found

    def _facts(self, one: Tokens, knowledge: Knowledge) -> tuple[list[int], list[tuple[int, Fact]]]:
        """Give the entities whose facts are used, and the facts, each with the entity it is asked of."""
        most = self.settings.facts
        entities = dict.fromkeys(span.entities[0] for span in one.spans)
        chosen = {entity: choose_facts(knowledge.facts(entity), most) for entity in entities}
        rows: dict[int, tuple[int, Fact]] = {}
        for turn in range(most):
            for entity, facts in chosen.items():
                if turn < len(facts) and len(rows) < most:
                    rows.setdefault(facts[turn].row, (entity, facts[turn]))
        used = [entity for entity, facts in chosen.items() if any(fact.row in rows for fact in facts)]
        return used, list(rows.values())


def _question(entity: int, fact: Fact, knowledge: Knowledge) -> str:
    name = knowledge.names[entity]
    return f"{fact.relation} of {name}" if fact.outgoing else f"{fact.relation} {name}"
