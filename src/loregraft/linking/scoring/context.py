"""Does a text speak of what an entity is described with? Words in common, the rare ones counting more."""

from collections.abc import Iterator
from functools import cache

from loregraft.linking.entities import Entities
from loregraft.linking.folds import spaced
from loregraft.linking.normalize import Rules, normalize
from loregraft.linking.tfidf import Weighed

BITS = 18
NEIGHBOURS = 20
"""Neighbours of an entity whose labels describe it, at most."""

_AT_ONCE = 20_000


def profiles(entities: Entities, rules: Rules) -> Weighed:
    """Count the words that describe each entity: its label and description, its neighbours' labels."""
    return Weighed.of(described(entities, rules), words_of, BITS)


def described(entities: Entities, rules: Rules, begin: int = 0) -> Iterator[list[str]]:
    """Yield the folded descriptions of the entities from one on, some at a time."""
    labels = entities.table["label"].to_pylist()
    folded = cache(lambda entity: normalize(labels[entity], rules).text)
    told = entities.table["description"].to_pylist()
    pointers, neighbours = entities.neighbours.pointers, entities.neighbours.neighbours
    for first in range(begin, len(entities), _AT_ONCE):
        texts = []
        for entity in range(first, min(first + _AT_ONCE, len(entities))):
            near = neighbours[pointers[entity] : min(pointers[entity + 1], pointers[entity] + NEIGHBOURS)]
            own = normalize(told[entity], rules).text if told[entity] else ""
            texts.append(" ".join([folded(entity), own, *map(folded, near.tolist())]))
        yield texts


def words_of(text: str) -> list[str]:
    """Give the words of a folded text; of scripts without spaces, each character."""
    return spaced(text).split()
