"""The texts of a graph's entities as objectives read them, without the words that give an answer away."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import Field

from loregraft.corpus.mask import Vocabulary
from loregraft.encoder.load import longest_text
from loregraft.encoder.tokenize import TokenizedTexts
from loregraft.errors import BadInput
from loregraft.fusion.knowledge import Knowledge
from loregraft.kge.questions import Triples
from loregraft.kge.text.texts import texts_of
from loregraft.kge.text.train import readable
from loregraft.linking.folds import CJK_CHARACTER
from loregraft.pretrain.objectives.mentions import taught
from loregraft.pretrain.objectives.objective import ObjectiveSettings
from loregraft.pretrain.trunk import Trunk


class EmbedSettings(ObjectiveSettings):
    """How texts of entities are read."""

    max_tokens: int = Field(32, ge=4, description="longer texts lose their end")
    hide_answer: bool = Field(True, description="mask the answer's names in the description of what is asked")


class Described:
    """The texts of a graph's entities; the names of an answer may be hidden in a description.

    Attributes:
        triples: To learn from: each once, both ends have a text.

    Raises:
        BadInput: No triple has two ends with a text.
        ValueError: Answers are to be hidden, and the tokenizer has no mask token.
    """

    def __init__(self, trunk: Trunk, knowledge: Knowledge, settings: EmbedSettings) -> None:
        self.knowledge, graph = knowledge, knowledge.graph
        self.texts = texts_of(graph)
        columns = graph.heads, graph.relation_indexes, graph.tails, graph.triples["confidence"].to_numpy()
        rows = np.flatnonzero(taught(graph))
        rows = rows[np.unique(graph.triple_hashes[rows], return_index=True)[1]]
        self.triples = readable(Triples.of(*(np.asarray(column)[rows] for column in columns)), self.texts)
        if not len(self.triples):
            found = "no triple of train has two entities with a text"
            raise BadInput(Path("graph"), 0, found, "Import triples, and names for their entities.")
        encoder = trunk.encoder
        self.tokenizer = encoder.tokenizer
        self.most = min(settings.max_tokens, longest_text(encoder.model.config, encoder.position_offset))
        self.mask = ""
        if settings.hide_answer:
            Vocabulary.of(self.tokenizer)  # says what is wrong where there is no mask token
            self.mask = str(self.tokenizer.mask_token)  # type: ignore[attr-defined]

    def description(self, entity: int, answer: int | None = None) -> str:
        """Give an entity's description; its name where it has none.

        Args:
            answer: Whose names are hidden in a description.
        """
        text = self.knowledge.description(entity)
        if text and self.mask and answer is not None:
            rows = self.knowledge.graph.rows_of("names", answer)
            text = hidden(text, [row["name"] for row in rows], self.mask)
        return text or self.knowledge.names[entity]

    def text(self, entity: int, answer: int | None = None) -> str:
        """Give an entity's name and description."""
        name, told = self.knowledge.names[entity], self.description(entity, answer)
        return name if told == name else f"{name}: {told}"

    def tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """Give the token ids of texts."""
        found = TokenizedTexts.of(self.tokenizer, texts, self.most)
        return [found.text(place).tolist() for place in range(len(found))]


def hidden(text: str, names: Sequence[str], mask: str) -> str:
    """Put a mask in place of names, as whole words in any case, the longest first."""
    parts = []
    for name in sorted(set(names), key=lambda one: (-len(one), one)):
        part = re.escape(name)
        parts.append(part if CJK_CHARACTER.search(name) else rf"(?<!\w){part}(?!\w)")
    return re.sub("|".join(parts), lambda found: mask, text, flags=re.IGNORECASE) if parts else text
