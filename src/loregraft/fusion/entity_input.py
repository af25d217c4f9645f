"""Entity input: an entity's vector, in the space of the word pieces, as a token of the text or part of one.

The vectors are the graph's, brought there by a linear map, or those that the model itself forms where the
entity is hidden (`entity_vectors.py`). A placeholder keeps the token's place; `changes` fills it.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from loregraft.corpus.tokens import NOWHERE, Span, Tokens
from loregraft.encoder.hooks import Changes
from loregraft.fusion.entity_vectors import fit_map
from loregraft.fusion.inputs import Inputs, padded
from loregraft.fusion.knowledge import Knowledge
from loregraft.fusion.method import Gate, Host, MethodSettings, Need

EMPTY = -1
"""The place of no entity, where a text has fewer than another."""


class EntityInputSettings(MethodSettings):
    """Whose vectors, and where they go."""

    source: Literal["map", "contexts", "tuned"] = Field(
        "map",
        description="vectors of the graph by a map that is fitted once, the model's own from contexts "
        "(set_vectors), or vectors of the graph by a map that is trained",
    )
    place: Literal["before", "after", "instead", "add"] = Field(
        "before",
        description="`entity / mention`, `mention ( entity )`, the entity instead of the mention, or added "
        "to the mention's first token through a gate",
    )
    norm: float = Field(1.0, gt=0, description="length of a vector, in median lengths of a word embedding")


class EntityInput(nn.Module):
    """Puts entities into the input.

    An entity goes in if the encoder has room for it beside the whole text; else it is left out. The vectors
    hold no single triple, so none is recorded. Of mentions that overlap, `instead` replaces the first. An
    entity without a vector has its type's mean; from contexts it has none, and is left out.

    Reference:
        Poerner et al. 2020, E-BERT: Efficient-Yet-Effective Entity Embeddings for BERT (map; before and
        instead): it fits its map on words that both spaces have; vectors of a graph have none, so ours is
        fitted on entities and the mean embedding of the pieces of their names, and has a constant.
        Ye et al. 2022, A Simple but Effective Pluggable Entity Lookup Table for Pre-trained Language Models
        (contexts; after).
        Zhang et al. 2023, Plug-and-Play Knowledge Injection for Pre-trained Language Models (tuned; before):
        there the map starts at random, here as fitted.
        Of the three only the second brings vectors to one length; here all are, by the median length of the
        word embeddings at the time of `wrap`. `add` is ours.
    """

    needs: tuple[Need, ...] = ("graph", "vectors")
    length: Tensor
    weight: Tensor
    bias: Tensor
    own: Tensor

    def __init__(self, host: Host, knowledge: Knowledge, settings: EntityInputSettings) -> None:
        super().__init__()
        self.host, self.settings = host, settings
        self._rows: dict[str, int] = {}
        around = {"before": ("", "/"), "after": ("(", ")")}.get(settings.place, ("", ""))
        self._around = [host.ids(text) if text else [] for text in around]
        table = host.table.float().cpu()
        self.register_buffer("length", settings.norm * table.norm(dim=1).median())
        if settings.source == "contexts":
            self.register_buffer("own", table.new_zeros(0, table.shape[1]))
            self.register_load_state_dict_pre_hook(_make_room)  # type: ignore[no-untyped-call]
        else:
            for name, value in zip(("weight", "bias"), fit_map(host, knowledge), strict=True):
                if settings.source == "tuned":
                    self.register_parameter(name, nn.Parameter(value))
                else:
                    self.register_buffer(name, value)
        if settings.place == "add":
            self.gate = Gate()

    def set_vectors(self, ids: Sequence[str], vectors: Float[Tensor, "entities width"]) -> None:
        """Take the vectors of `vectors_from_contexts`; those that were there are gone.

        Raises:
            ValueError: The source is not contexts, or vectors, ids and word embeddings do not fit.
        """
        if self.settings.source != "contexts":
            raise ValueError(f"the source is {self.settings.source!r}; set_vectors is for 'contexts'")
        wanted = (len(set(ids)), self.own.shape[1])
        if tuple(vectors.shape) != wanted:
            raise ValueError(f"vectors are {tuple(vectors.shape)}; for ids and encoder they must be {wanted}")
        self.own = vectors.detach().to(self.own).clone()
        self._rows = {id: row for row, id in enumerate(ids)}

    def prepare(self, tokens: Sequence[Tokens], knowledge: Knowledge) -> Inputs:
        """Make places for the entities of each text.

        Raises:
            ValueError: The source is contexts, and no vectors were given.
        """
        if self.settings.source == "contexts" and not len(self.own):
            raise ValueError("there are no vectors: make some by vectors_from_contexts, then set_vectors")
        rows = [self._placed(one, knowledge) for one in tokens]
        added = sum(len(new.ids) - len(old.ids) for (new, _), old in zip(rows, tokens, strict=True))
        inputs = padded([new for new, _ in rows], self.host.padding_id, added=max(0, added))
        most = max((len(found) for _, found in rows), default=0)
        places = torch.full((len(rows), most), EMPTY)
        width = (self.own if self.settings.source == "contexts" else self.weight).shape[1]
        vectors = torch.zeros(len(rows), most, width)
        for row, (_, found) in enumerate(rows):
            for number, (place, entity) in enumerate(found):
                places[row, number] = place
                vector = self._vector(entity, knowledge)
                assert vector is not None  # `_placed` leaves such entities out
                vectors[row, number] = vector
        entities = [list(dict.fromkeys(entity for _, entity in found)) for _, found in rows]
        return inputs.with_knowledge({"places": places, "vectors": vectors}, entities=entities)

    def changes(self, knowledge: dict[str, Tensor]) -> Changes:
        """Put the vectors where their places are."""
        places, vectors = knowledge["places"], knowledge["vectors"]
        there = places != EMPTY
        where = (there.nonzero()[:, 0], places[there])
        added = self.settings.place == "add"

        def put(words: Float[Tensor, "batch seq width"]) -> Float[Tensor, "batch seq width"]:
            new = words.index_put(where, self.in_words(vectors[there]).to(words.dtype), accumulate=added)
            return self.gate(words, new) if added else new

        return Changes(words=put)

    def in_words(self, vectors: Float[Tensor, "entities dim"]) -> Float[Tensor, "entities width"]:
        """Bring vectors into the space of the word pieces, all to one length."""
        if self.settings.source != "contexts":
            vectors = F.linear(vectors.to(self.weight), self.weight, self.bias)
        return F.normalize(vectors, dim=-1) * self.length

    def get_extra_state(self) -> Tensor:
        """Give the ids of the vectors from contexts as bytes of JSON, to be saved with them."""
        return torch.tensor(list(json.dumps(list(self._rows)).encode()), dtype=torch.uint8)

    def set_extra_state(self, state: Tensor) -> None:
        """Take what `get_extra_state` gave."""
        self._rows = {id: row for row, id in enumerate(json.loads(bytes(state.tolist())))}

    def _vector(self, entity: int, knowledge: Knowledge) -> Tensor | None:
        if self.settings.source != "contexts":
            return torch.from_numpy(knowledge.entity_vectors[entity])
        row = self._rows.get(knowledge.graph.id_at(entity))
        return None if row is None else self.own[row].cpu()

    def _placed(self, one: Tokens, knowledge: Knowledge) -> tuple[Tokens, list[tuple[int, int]]]:
        """Give the text with placeholders, and in which of its tokens which entity goes."""
        spans = [span for span in one.spans if self._vector(span.entities[0], knowledge) is not None]
        if self.settings.place == "add":
            return one, [(span.first, span.entities[0]) for span in spans]
        room, gone, put = self.host.max_tokens - len(one.ids), set[int](), dict[int, list[Span]]()
        for span in spans:
            own = set(range(span.first, span.last)) if self.settings.place == "instead" else set()
            longer = len(self._around[0]) + 1 + len(self._around[1]) - len(own)
            if longer > room or gone & own:
                continue
            room -= longer
            gone |= own
            put.setdefault(span.last if self.settings.place == "after" else span.first, []).append(span)
        return self._with_places(one, put, gone)

    def _with_places(
        self, one: Tokens, put: Mapping[int, Sequence[Span]], gone: set[int]
    ) -> tuple[Tokens, list[tuple[int, int]]]:
        """Put a copy of the mention's first token where an entity goes: padding would move positions."""
        ids, offsets, found = list[int](), list[tuple[int, int]](), list[tuple[int, int]]()
        before, after = self._around
        for place in range(len(one.ids) + 1):
            for span in put.get(place, ()):
                stands_for = (one.offsets[span.first][0], one.offsets[span.last - 1][1])
                found.append((len(ids) + len(before), span.entities[0]))
                ids += [*before, one.ids[span.first], *after]
                offsets += [NOWHERE] * len(before) + [stands_for if gone else NOWHERE]
                offsets += [NOWHERE] * len(after)
            if place < len(one.ids) and place not in gone:
                ids.append(one.ids[place])
                offsets.append(one.offsets[place])
        return Tokens(ids, offsets, [], one.cut, one.lost), found


def _make_room(module: EntityInput, state: Mapping[str, Tensor], prefix: str, *others: Any) -> None:
    """Take the number of the vectors that come."""
    given = state.get(prefix + "own")
    if given is not None and given.shape[1:] == module.own.shape[1:]:
        module.own = module.own.new_empty(given.shape)
