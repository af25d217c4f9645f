"""Triples in words: the graph's facts as sentences, of which the head, the relation or the tail is hidden.

The plainest way by which a fact gets into the weights. It reads the graph and no text; the wordings are those
of `corpus/verbalize.py`, without the ones that are held out for probes.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Bool, Int64
from pydantic import Field
from torch import nn

from loregraft.corpus.mask import Masked, Unit, Vocabulary, hide
from loregraft.corpus.tokens import Tokens, tokens_of
from loregraft.corpus.verbalize import Sentence, templates_of, verbalize
from loregraft.errors import BadInput
from loregraft.fusion.knowledge import Knowledge
from loregraft.kg.graph import KnowledgeGraph
from loregraft.pretrain.heads import WordHead
from loregraft.pretrain.objectives.masked import MaskedItem, masked_loss
from loregraft.pretrain.objectives.mentions import Names, taught
from loregraft.pretrain.objectives.objective import Loss, ObjectiveSettings, draw, generator_of
from loregraft.pretrain.trunk import Trunk
from loregraft.records import Link

Part = Literal["head", "relation", "tail"]
_PARTS: tuple[Part, ...] = ("head", "relation", "tail")


class TripleSettings(ObjectiveSettings):
    """What is hidden of a fact, and by which names it is told."""

    parts: tuple[Part, ...] = Field(_PARTS, min_length=1, description="one of these is hidden, drawn anew")
    aliases: bool = Field(True, description="draw any name that means the same; false: the preferred one")
    max_tokens: int = Field(64, ge=8, description="longer sentences lose their end")


class TripleWords(nn.Module):
    """Predicts the hidden part of a fact in words; the mean is over hidden tokens.

    Facts known to be false, and those of the graph's parts valid and test, are never told. A fact that
    several sources state is drawn once for each. Names are drawn in any language, while the wording is of the
    relation's words. A part that was cut off with the end of a long sentence is not hidden: another of
    `parts` is, or nothing (no loss).

    Differences from the paper: it reads a triple beside a text and hides the relation or words of the text;
    here the sentence stands alone, and head and tail are hidden too. Hidden tokens are always masked, none is
    kept or replaced by a random one.

    Attributes:
        unnamed: How many triples were left out, for an end that no name means.

    Args:
        rows: Rows of the graph's triples that may be told; None: all.

    Raises:
        BadInput: There is no triple, or none has names at both ends.
        ValueError: A row is not of the graph.

    Reference:
        Sun et al. 2021, ERNIE 3.0, sec. 3.2.3 (universal knowledge-text prediction).
    """

    def __init__(
        self,
        trunk: Trunk,
        knowledge: Knowledge,
        settings: TripleSettings,
        *,
        head: WordHead,
        rows: Int64[np.ndarray, " rows"] | None = None,
    ) -> None:
        super().__init__()
        self.settings, self.head = settings, head
        self.graph, self.relations = knowledge.graph, knowledge.relations
        self.tokenizer = trunk.encoder.tokenizer
        self.vocabulary, self.names = Vocabulary.of(self.tokenizer), Names(knowledge.graph)
        given = np.flatnonzero(taught(self.graph)) if rows is None else rows
        self.rows = _named(self.graph, given, self.names.known)
        self.size, self.unnamed = len(self.rows), len(given) - len(self.rows)

    def items(self, seed: int, step: int) -> list[MaskedItem]:
        """Draw triples, put them into words and hide a part of each."""
        drawn = draw(self.size, self.settings.batch, seed, step).tolist()
        generators = [generator_of(seed, step, place) for place in drawn]
        told = [
            self.sentence(int(self.rows[place]), generator)
            for place, generator in zip(drawn, generators, strict=True)
        ]
        nothing: list[list[Link]] = [[] for _ in told]
        texts = [sentence.text for sentence in told]
        tokens = tokens_of(self.tokenizer, texts, nothing, self.graph.find, self.settings.max_tokens)
        rows = zip(tokens, told, generators, strict=True)
        return [MaskedItem(self._masked(*row)) for row in rows]

    def loss(self, trunk: Trunk, items: Sequence[MaskedItem]) -> Loss:
        """Cross-entropy at the hidden tokens."""
        return masked_loss(trunk, self.head, [item.masked for item in items])

    def sentence(self, row: int, generator: np.random.Generator) -> Sentence:
        """Put a triple into words, by names and a template that are drawn."""
        ends = [int(column[row]) for column in (self.graph.heads, self.graph.tails)]
        head, tail = (self._name(end, generator) for end in ends)
        relation = self.relations[int(self.graph.relation_indexes[row])]
        templates = templates_of(relation)
        return verbalize(head, relation, tail, templates[int(generator.integers(len(templates)))])

    def _name(self, entity: int, generator: np.random.Generator) -> str:
        names = self.names.of(entity)
        return names[int(generator.integers(len(names)))] if self.settings.aliases else names[0]

    def _masked(self, tokens: Tokens, sentence: Sentence, generator: np.random.Generator) -> Masked:
        parts = self.settings.parts
        for place in generator.permutation(len(parts)).tolist():
            unit = _tokens_inside(tokens, getattr(sentence, parts[place]))
            if unit is not None:
                return hide(tokens.ids, [unit], self.vocabulary, generator, kept=0.0, replaced=0.0)
        return Masked(list(tokens.ids), [], [])


def _named(
    graph: KnowledgeGraph, rows: Int64[np.ndarray, " rows"], known: Bool[np.ndarray, " entities"]
) -> Int64[np.ndarray, " named"]:
    """Give those of some triples that have names at both ends."""
    count = len(graph.tails)
    wrong = rows[(rows < 0) | (rows >= count)]
    if len(wrong):
        raise ValueError(f"the graph has {count:,} triples, and no row {int(wrong[0])}")
    named = rows[known[graph.heads[rows]] & known[graph.tails[rows]]]
    if not len(named):
        found = f"of {len(rows):,} triples none has names at both ends" if len(rows) else "there is no triple"
        raise BadInput(Path("graph"), 0, found, "Import triples, and a file of names for their entities.")
    return named


def _tokens_inside(tokens: Tokens, characters: tuple[int, int]) -> Unit | None:
    """Give the tokens of some characters; None where none is left."""
    start, end = characters
    inside = [place for place, (a, b) in enumerate(tokens.offsets) if a < end and b > start and a < b]
    return (inside[0], inside[-1] + 1) if inside else None
