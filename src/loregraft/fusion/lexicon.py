"""Lexicon: what a lexicon says of a word, polarity or category, added to the word's embedding through a gate.

Words are linked like any entity; a graph of a lexicon (`kg/readers/lexicon.py`) says the rest.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from loregraft.corpus.tokens import Tokens
from loregraft.encoder.hooks import Changes
from loregraft.fusion.inputs import Inputs, padded
from loregraft.fusion.knowledge import Knowledge
from loregraft.fusion.method import Gate, Host, MethodSettings, Need
from loregraft.kg.readers.lexicon import HAS_CATEGORY

NEGATIVE, NEUTRAL, POSITIVE = range(3)
"""The first rows of the table of classes; categories follow."""


class LexiconSettings(MethodSettings):
    """How a polarity is read.

    Lexicons differ in range: VADER's is -4..4, AFINN's -5..5, SenticNet's -1..1.
    """

    neutral: float = Field(0.1, ge=0, description="up to this far from 0, a polarity is neutral")
    strongest: float = Field(4.0, gt=0, description="the polarity, of either sign, that counts in full")


class Lexicon(nn.Module):
    """Adds an embedding of its class to each token of a word that the lexicon has.

    A polarity counts by its strength: its share of the strongest, at most 1; a neutral one counts in full. Of
    several categories, each counts an even share, however many sources state it. A linked entity with neither
    adds nothing. The categories are those of the graph at the time of `wrap`, and are kept with the weights:
    ones that a graph gains later are ignored. A batch takes batch * seq * (3 + categories) numbers.

    Reference:
        Ke et al. 2020, SentiLARE: Sentiment-Aware Language Representation Learning with Linguistic Knowledge,
        which adds embeddings of polarity, part of speech and the text's label to the input. Ours has
        no parts of speech and no label; polarity is the lexicon's, not that of the word's sense in the
        context; strength, categories and the gate are new.
    """

    needs: tuple[Need, ...] = ("graph",)

    def __init__(self, host: Host, knowledge: Knowledge, settings: LexiconSettings) -> None:
        super().__init__()
        self.host, self.settings, self.gate = host, settings, Gate()
        self.categories = knowledge.categories
        spread = host.table.float().std().cpu()
        self.table = nn.Parameter(
            torch.randn(POSITIVE + 1 + len(self.categories), host.table.shape[1]) * spread
        )
        self.register_load_state_dict_pre_hook(_make_room)  # type: ignore[no-untyped-call]

    def get_extra_state(self) -> Tensor:
        """Give the ids of the categories as bytes of JSON, to be saved with the weights."""
        return torch.tensor(list(json.dumps(self.categories).encode()), dtype=torch.uint8)

    def set_extra_state(self, state: Tensor) -> None:
        """Take what `get_extra_state` gave."""
        self.categories = tuple(json.loads(bytes(state.tolist())))

    def prepare(self, tokens: Sequence[Tokens], knowledge: Knowledge) -> Inputs:
        """Look up the words of each text."""
        inputs = padded(tokens, self.host.padding_id)
        rows = {id: POSITIVE + 1 + place for place, id in enumerate(self.categories)}
        classes = torch.zeros(*inputs.offsets.shape[:2], POSITIVE + 1 + len(rows))
        entities: list[dict[int, None]] = []
        triples: list[dict[int, None]] = []
        for text, one in enumerate(tokens):
            entities.append({})
            triples.append({})
            for span in one.spans:
                found, told = self._classes(span.entities[0], knowledge, rows)
                for row, weight in found:
                    classes[text, span.first : span.last, row] += weight
                if found:
                    entities[-1][span.entities[0]] = None
                triples[-1].update(dict.fromkeys(told))
        used = [[*row] for row in entities]
        return inputs.with_knowledge({"classes": classes}, entities=used, triples=[[*row] for row in triples])

    def changes(self, knowledge: dict[str, Tensor]) -> Changes:
        """Add to each token what is known of its word."""
        classes = knowledge["classes"]

        def add(words: Float[Tensor, "batch seq width"]) -> Float[Tensor, "batch seq width"]:
            return self.gate(words, words + (classes.to(self.table.dtype) @ self.table).to(words.dtype))

        return Changes(words=add)

    def _classes(
        self, entity: int, knowledge: Knowledge, rows: Mapping[str, int]
    ) -> tuple[list[tuple[int, float]], list[int]]:
        """Give the classes of a word with their weights, and the triples that say so."""
        found: list[tuple[int, float]] = []
        polarity = knowledge.polarity(entity)
        if polarity is not None:
            found.append(self._polarity(polarity))
        graph = knowledge.graph
        outgoing = range(*graph.outgoing(entity).indices(len(graph.tails)))
        said = [
            (row, rows.get(graph.id_at(int(graph.tails[row]))))
            for row in outgoing
            if graph.relation_ids[int(graph.relation_indexes[row])] == HAS_CATEGORY
        ]
        known = [(row, place) for row, place in said if place is not None]
        places = dict.fromkeys(place for _, place in known)  # several sources may state one category
        return found + [(place, 1 / len(places)) for place in places], [row for row, _ in known]

    def _polarity(self, polarity: float) -> tuple[int, float]:
        if abs(polarity) <= self.settings.neutral:
            return NEUTRAL, 1.0
        strength = min(1.0, abs(polarity) / self.settings.strongest)
        return (POSITIVE if polarity > 0 else NEGATIVE), strength


def _make_room(module: Lexicon, state: Mapping[str, Tensor], prefix: str, *others: Any) -> None:
    """Take the number of the classes that come: they may be of a graph with other categories."""
    given = state.get(prefix + "table")
    if given is not None and given.shape[1:] == module.table.shape[1:] and given.shape != module.table.shape:
        module.table = nn.Parameter(module.table.new_empty(given.shape))
