"""Adapters: small networks beside an encoder that stays as it is; what they learned is the knowledge.

One for the whole graph, or one for each type of entity, of which a text uses those of its linked entities.
The adapters read no vectors and no facts: train them on the graph first.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import torch
from jaxtyping import Bool, Float
from pydantic import Field
from torch import Tensor, nn

from loregraft.corpus.tokens import Tokens
from loregraft.encoder.hooks import Change, Changes, encoder_of
from loregraft.fusion.inputs import Inputs, padded
from loregraft.fusion.knowledge import Knowledge
from loregraft.fusion.method import Gate, Host, MethodSettings, Need

START = 2e-4
"""Spread of the weights of Down and Up at the start."""


class AdapterSettings(MethodSettings):
    """Where the adapters listen, how large they are, and how many there are."""

    freeze: bool = Field(True, description="the encoder does not train: see `freeze_encoder`")
    layers: tuple[int, ...] = Field(
        (), description="layers that are listened to, from 0; none: first, middle and last"
    )
    width: int = Field(64, ge=1, description="numbers inside an adapter")
    depth: int = Field(1, ge=1, description="transformer layers inside, at each layer listened to")
    heads: int = Field(4, ge=1, description="heads of the attention inside")
    parts: Literal["one", "type"] = Field("one", description="one adapter, or one for each type of entity")
    dropout: float = Field(0.1, ge=0, lt=1, description="share left out inside, in training")


class SideLayer(nn.Module):
    """One layer of an adapter: narrow, transform, widen, add."""

    def __init__(self, hidden: int, settings: AdapterSettings) -> None:
        super().__init__()
        width, inner = settings.width, 4 * settings.width
        self.down, self.up = nn.Linear(hidden, width), nn.Linear(width, hidden)
        self.inner = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, settings.heads, inner, settings.dropout, activation="gelu", batch_first=True
            )
            for _ in range(settings.depth)
        )
        for linear in (self.down, self.up):
            nn.init.normal_(linear.weight, std=START)
            nn.init.zeros_(linear.bias)

    def forward(
        self, states: Float[Tensor, "batch seq hidden"], padding: Bool[Tensor, "batch seq"]
    ) -> Float[Tensor, "batch seq hidden"]:
        """Give x + Up(T(Down(x))).

        Args:
            padding: Where there is no token: nothing attends there.
        """
        narrow = self.down(states)
        for layer in self.inner:
            narrow = layer(narrow, src_key_padding_mask=padding)
        wide: Tensor = states + self.up(narrow)
        return wide


class SideNetwork(nn.Module):
    """One adapter: x_k = h_k + a_(k-1), a_k = x_k + Up(T(Down(x_k))), over the layers listened to."""

    def __init__(self, hidden: int, count: int, settings: AdapterSettings) -> None:
        super().__init__()
        self.layers = nn.ModuleList(SideLayer(hidden, settings) for _ in range(count))

    def forward(
        self, heard: Sequence[Float[Tensor, "batch seq hidden"]], padding: Bool[Tensor, "batch seq"]
    ) -> Float[Tensor, "batch seq hidden"]:
        """Give the last a_k, from the hidden states of the layers listened to."""
        before = torch.zeros_like(heard[0])
        for layer, hidden in zip(self.layers, heard, strict=True):
            before = layer(hidden + before, padding)
        return before


class Adapter(nn.Module):
    """Adds what adapters beside the encoder say to the output of its last layer: W [h ; a].

    With one for each type of entity, a text's are those of the types of its linked entities, mixed by one
    learned weight for each (a softmax over those present, even at the start). A text without links uses none.

    Different from the papers: layers count from 0 at the first layer's output, where K-Adapter's 0 is the
    embeddings; padding is not attended to; the output is behind a gate, closed at the start; parts are types
    of entities, where MoP cuts the graph with METIS, and the mixture sees only which types are present, not
    the hidden states. Types are those of the graph at the time of wrapping: an entity of another type uses no
    adapter and is counted as lost, and weights do not open with a graph that has other types.

    Reference:
        Wang et al. 2021, K-Adapter: Infusing Knowledge into Pre-Trained Models with Adapters, sec. 3.
        Meng et al. 2021, Mixture-of-Partitions: Infusing Large Biomedical Knowledge Graphs into BERT, sec. 2.

    Raises:
        ValueError: The encoder has no such layer, or heads do not divide the width.
    """

    needs: tuple[Need, ...] = ("graph",)

    def __init__(self, host: Host, knowledge: Knowledge, settings: AdapterSettings) -> None:
        super().__init__()
        self.host, self.last = host, host.layers - 1
        self.places = sorted(set(settings.layers) or {0, self.last // 2, self.last})
        if beyond := [place for place in self.places if not 0 <= place <= self.last]:
            raise ValueError(f"the encoder has layers 0 to {self.last}, not {beyond[0]}")
        if settings.width % settings.heads:
            raise ValueError(f"heads must divide the width, {settings.width}; got {settings.heads}")
        self.parts = None if settings.parts == "one" else sorted(set(knowledge.types))
        names = ["all"] if self.parts is None else [type.replace(".", "_") for type in self.parts]
        # By name, so that weights of one type never open as those of another.
        self.adapters = nn.ModuleDict(
            {
                f"{number} {name}": SideNetwork(host.hidden, len(self.places), settings)
                for number, name in enumerate(names)
            }
        )
        self.mixture = nn.Parameter(torch.zeros(len(names))) if len(names) > 1 else None
        self.combine = nn.Linear(2 * host.hidden, host.hidden)
        self.gate = Gate()

    def prepare(self, tokens: Sequence[Tokens], knowledge: Knowledge) -> Inputs:
        """Tell which adapters each text uses."""
        inputs = padded(tokens, self.host.padding_id)
        used = torch.zeros(len(tokens), len(self.adapters), dtype=torch.bool)
        entities: list[list[int]] = [[] for _ in tokens]
        lost = 0
        for row, one in enumerate(tokens):
            for span in one.spans:
                part = self._part(knowledge.types[span.entities[0]])
                if part is None:
                    lost += 1
                    continue
                used[row, part] = True
                entities[row].append(span.entities[0])
        return replace(inputs, lost=inputs.lost + lost).with_knowledge(
            {"used": used, "tokens": inputs.mask}, entities=[list(dict.fromkeys(one)) for one in entities]
        )

    def changes(self, knowledge: dict[str, Tensor]) -> Changes:
        """Listen to the chosen layers, and add to the last."""
        used, padding = knowledge["used"], ~knowledge["tokens"]
        heard: dict[int, Tensor] = {}

        def listen(place: int) -> Change:
            def change(hidden: Tensor) -> Tensor:
                heard[place] = hidden
                return hidden

            return change

        def add(hidden: Tensor) -> Tensor:
            heard[self.last] = hidden
            said = self._mixed([heard[place] for place in self.places], used, padding)
            new = self.combine(torch.cat([hidden, said], -1))
            changed: Tensor = self.gate(hidden, new, used.any(1)[:, None, None])
            return changed

        return Changes(after={place: listen(place) for place in self.places} | {self.last: add})

    def _mixed(self, heard: list[Tensor], used: Tensor, padding: Tensor) -> Tensor:
        """Run each adapter on the texts that use it alone, and mix what they say."""
        mixture = used.new_zeros(1, dtype=heard[0].dtype) if self.mixture is None else self.mixture
        weights = mixture.expand(len(used), -1).masked_fill(~used, -1e4).softmax(-1)
        mixed = torch.zeros_like(heard[0])
        for number, adapter in enumerate(self.adapters.values()):
            texts = used[:, number].nonzero()[:, 0]
            if len(texts):
                said = adapter([hidden[texts] for hidden in heard], padding[texts])
                mixed = mixed.index_add(0, texts, weights[texts, number, None, None] * said)
        return mixed

    def _part(self, type: str) -> int | None:
        if self.parts is None:
            return 0
        return self.parts.index(type) if type in self.parts else None


def freeze_encoder(fused: nn.Module) -> int:
    """Keep the encoder of a fused model from training, if its settings say `freeze`; heads still train.

    A method does not own the encoder, so this is for who trains to call.

    Returns:
        How many tensors were frozen.
    """
    settings = getattr(fused, "settings", None)
    if not isinstance(settings, AdapterSettings) or not settings.freeze:
        return 0
    weights = list(encoder_of(fused.get_submodule("model")).parameters())
    for weight in weights:
        weight.requires_grad_(False)
    return len(weights)
