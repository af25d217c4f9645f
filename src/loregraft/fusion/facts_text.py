"""Facts as text: what the graph says of the linked entities, written after the text. No weights, no hooks.

`[CLS] text [SEP] mention: type; description; facts [SEP]`. Works with every tokenizer and every kind of
positions; what went in is what is recorded.
"""

from collections.abc import Sequence

from pydantic import Field
from torch import Tensor, nn

from loregraft.corpus.tokens import NOWHERE, Tokens
from loregraft.encoder.hooks import Changes
from loregraft.fusion.inputs import Inputs, padded
from loregraft.fusion.knowledge import Knowledge
from loregraft.fusion.method import Host, MethodSettings, Need


class FactsTextSettings(MethodSettings):
    """What is written of each entity, and how much in all."""

    knowledge_dropout: float = Field(0.3, ge=0, lt=1, description="share of links left out in training")
    budget: int = Field(64, ge=1, description="tokens that may be added to a text")
    types: bool = Field(True, description="write the entity's type")
    description_words: int = Field(16, ge=0, description="first words of the description")
    facts: int = Field(3, ge=0, description="facts of each entity, those that tell most first")
    relations: tuple[str, ...] = Field((), description="relations that may be written, in words; none: all")


class FactsText(nn.Module):
    """Writes facts after the text.

    Reference:
        Arora et al. 2021, Metadata Shaping: Natural Language Annotations for the Tail; the facts beside
        types and descriptions, and the choice among them, are ours.
    """

    needs: tuple[Need, ...] = ("graph",)

    def __init__(self, host: Host, knowledge: Knowledge, settings: FactsTextSettings) -> None:
        super().__init__()
        self.host, self.settings = host, settings

    def prepare(self, tokens: Sequence[Tokens], knowledge: Knowledge) -> Inputs:
        """Write the facts of each text's entities after it, as far as the budget and the encoder allow."""
        rows = [self._with_facts(one, knowledge) for one in tokens]
        added = sum(len(new.ids) - len(old.ids) for (new, _, _), old in zip(rows, tokens, strict=True))
        inputs = padded([new for new, _, _ in rows], self.host.padding_id, added=added)
        entities, triples = [row[1] for row in rows], [row[2] for row in rows]
        return inputs.with_knowledge({}, entities=entities, triples=triples)

    def changes(self, knowledge: dict[str, Tensor]) -> Changes:
        """Change nothing: all is in the text."""
        return Changes()

    def _with_facts(self, one: Tokens, knowledge: Knowledge) -> tuple[Tokens, list[int], list[int]]:
        room = min(self.settings.budget, self.host.max_tokens - len(one.ids))
        end = [one.ids[-1]]  # what closes a text closes the facts too
        ids: list[int] = []
        entities: list[int] = []
        triples: list[int] = []
        for entity in dict.fromkeys(span.entities[0] for span in one.spans):
            parts = knowledge.said(
                entity,
                types=self.settings.types,
                words=self.settings.description_words,
                facts=self.settings.facts,
                relations=self.settings.relations,
            )
            name = self.host.ids(f"{knowledge.names[entity]}:")
            said: list[int] = []
            for text, row in parts:
                piece = self.host.ids(f"{text};")
                if len(ids) + len(name) + len(said) + len(piece) + len(end) > room:
                    continue  # a shorter one may still fit
                said += piece
                triples += [] if row is None else [row]
            if said:
                ids += name + said
                entities.append(entity)
        if not ids:
            return one, [], []
        longer = one.ids + ids + end
        offsets = one.offsets + [NOWHERE] * (len(ids) + len(end))
        return Tokens(longer, offsets, one.spans, one.cut, one.lost), entities, triples
