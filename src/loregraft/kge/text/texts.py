"""What is read of a graph: a text for each entity, words for each relation, and a question made of both."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Int64

from loregraft.errors import BadInput
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.show.card import relation_name
from loregraft.kge.questions import Questions

INVERSE = "inverse"
"""What stands before the words of a relation where its heads are asked for."""


@dataclass(frozen=True)
class Texts:
    """The texts of a graph's entities and relations, by index.

    Attributes:
        entities: Preferred name and first description; "" where there is neither.
        relations: Words of each.
    """

    entities: Sequence[str]
    relations: Sequence[str]

    @property
    def missing(self) -> Bool[np.ndarray, " entities"]:
        """Which entities have no text."""
        return np.array([not text for text in self.entities], bool)

    def key(self, questions: Questions) -> Int64[np.ndarray, " questions"]:
        """Give a number for each different question."""
        return questions.given * 2 * len(self.relations) + questions.sides

    def question(self, key: int) -> str:
        """Give the text of a question, by its number."""
        given, side = divmod(key, 2 * len(self.relations))
        return self.ask(self.entities[given], side)

    def ask(self, text: str, side: int) -> str:
        """Give the text of a question about any text.

        The relation comes first: a long text is cut at its end, and a question without its relation is none.
        """
        heads, relation = divmod(side, len(self.relations))
        words = f"{INVERSE} {self.relations[relation]}" if heads else self.relations[relation]
        return f"{words}: {text}"


def texts_of(graph: KnowledgeGraph, *, ids_as_text: bool = False) -> Texts:
    """Take the texts of a graph.

    Args:
        ids_as_text: Where there is neither name nor description, take the words of the id.

    Raises:
        BadInput: No entity has a text.
    """
    names = _first(graph.names, "name", len(graph))
    descriptions = _first(graph.descriptions, "text", len(graph))
    texts = [": ".join(filter(None, pair)) for pair in zip(names, descriptions, strict=True)]
    if ids_as_text:
        texts = [text or words_of(id) for text, id in zip(texts, graph.ids, strict=True)]
    if not any(texts):
        fix = "Import a file of names too, or read the ids themselves with --set ids_as_text=true."
        raise BadInput(Path("graph"), 0, "no entity has a name or a description", fix)
    return Texts(texts, [relation_words(graph, place) for place in range(len(graph.relation_ids))])


def words_of(id: str) -> str:
    """Give the words of an id: `_hasPart` and `/has/part` are "has part"."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", id)
    return " ".join(re.sub(r"[\W_]+", " ", apart).split()).lower() or id


def relation_words(graph: KnowledgeGraph, index: int) -> str:
    """Give the words of a relation: its first name, or those of its id."""
    name, id = relation_name(graph, index), graph.relation_ids[index]
    return words_of(id) if name == id else name


def _first(table: pa.Table, column: str, count: int) -> list[str]:
    """Give the first text of each entity, "" where it has none."""
    entities, rows = np.unique(table["entity"].to_numpy(), return_index=True)
    found = [""] * count
    for entity, text in zip(entities.tolist(), table[column].take(rows).to_pylist(), strict=True):
        found[entity] = text.strip()
    return found
