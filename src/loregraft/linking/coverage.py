"""What texts have of a graph: how many mention it, how clearly, and which relations they could teach.

Names are found as the linker's lexicon finds them, as whole words, the longest first. No encoder is
needed, so what only resembles a name is not counted: the figures are what is there at least.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.mirrors import first_statements
from loregraft.kg.readers.text.lines import read_lines
from loregraft.linking.settings import PlainLinkSettings
from loregraft.linking.words import name_key, split_words
from loregraft.records import SAME_MEANING

MOST = 5


@dataclass(frozen=True)
class CommonName:
    """A name, folded, that the texts have often, and how many entities bear it."""

    name: str
    mentions: int
    entities: int


@dataclass(frozen=True)
class RelationReach:
    """How many of a relation's facts the texts reach.

    Attributes:
        mentioned: Facts of which both entities are mentioned, in whatever text.
        together: Facts of which one text mentions both; only these can be learned from these texts.
    """

    id: str
    facts: int
    mentioned: int
    together: int


@dataclass(frozen=True)
class Coverage:
    """What texts have of a graph.

    Attributes:
        texts: How many there are.
        mentioning: 0..1 of the texts mention an entity.
        mentions_each: Mentions of a text, on average.
        ambiguous: 0..1 of the mentions may mean several entities.
        entities: How many are mentioned, all those of an ambiguous mention counted.
        reached: 0..1 of the graph's entities are mentioned.
        common: The names that make most mentions: those that are everyday words are best left out.
        relations: Of each relation with a fact, that with most facts in one text first.
    """

    texts: int
    mentioning: float
    mentions: int
    mentions_each: float
    ambiguous: float
    entities: int
    reached: float
    common: tuple[CommonName, ...]
    relations: tuple[RelationReach, ...]


def read_texts(paths: Iterable[Path]) -> Iterator[str]:
    """Yield the lines of text files that are not blank, each a text; compressed files are unpacked.

    Raises:
        BadInput: A file is not there, or a line is not UTF-8.
    """
    for path in paths:
        for _, line in read_lines(path):
            yield line


def measure_coverage(
    graph: KnowledgeGraph, texts: Iterable[str], shortest: int = PlainLinkSettings().shortest
) -> Coverage:
    """Look for the graph's names in texts. Takes about 1 s for 150 thousand names, and 1 s for 1 MB of text.

    Args:
        texts: Read one after another; memory does not grow with their number.
        shortest: Characters of the shortest name that is looked for.
    """
    lexicon = _lexicon(graph, shortest)
    longest = max((key.count(" ") + 1 for key in lexicon), default=0)
    found: Counter[str] = Counter()
    together = np.zeros(len(graph.heads), np.bool_)
    read = mentioning = 0
    for text in texts:
        read += 1
        keys = list(_names_in([word.text for word in split_words(text)], lexicon, longest))
        found.update(keys)
        mentioning += bool(keys)
        _mark_together(graph, {entity for key in keys for entity in lexicon[key]}, together)
    mentioned = np.zeros(len(graph), np.bool_)
    for key in found:
        mentioned[lexicon[key]] = True
    mentions, reached = found.total(), int(mentioned.sum())
    common = sorted(found.items(), key=lambda item: (-item[1], item[0]))[:MOST]
    return Coverage(
        texts=read,
        mentioning=_share(mentioning, read),
        mentions=mentions,
        mentions_each=_share(mentions, read),
        ambiguous=_share(sum(count for key, count in found.items() if len(lexicon[key]) > 1), mentions),
        entities=reached,
        reached=_share(reached, len(graph)),
        common=tuple(CommonName(key, count, len(lexicon[key])) for key, count in common),
        relations=_reach(graph, mentioned, together),
    )


def _lexicon(graph: KnowledgeGraph, shortest: int) -> dict[str, list[int]]:
    """Give the entities of each name that denotes one; the key of a name is its words."""
    kept = np.flatnonzero(graph.kind_mask(SAME_MEANING))
    entities = graph.name_entities[kept].tolist()
    lexicon: dict[str, list[int]] = {}
    for entity, name in zip(entities, graph.names["name"].take(kept).to_pylist(), strict=True):
        key = name_key(name)
        if len(key) >= shortest:
            owners = lexicon.setdefault(key, [])
            if entity not in owners[-1:]:  # names are sorted by entity
                owners.append(entity)
    return lexicon


def _names_in(words: Sequence[str], lexicon: Mapping[str, list[int]], longest: int) -> Iterator[str]:
    """Yield the names in a text, left to right, the longest at each place, without overlaps."""
    place = 0
    while place < len(words):
        for stop in range(min(len(words), place + longest), place, -1):
            key = " ".join(words[place:stop])
            if key in lexicon:
                yield key
                place = stop - 1
                break
        place += 1


def _mark_together(graph: KnowledgeGraph, entities: set[int], together: NDArray[np.bool_]) -> None:
    """Mark the triples of which both ends are among some entities."""
    if len(entities) < 2:
        return
    wanted = np.fromiter(entities, np.int32, len(entities))
    for entity in entities:
        rows = graph.outgoing(entity)
        if rows.stop > rows.start:
            together[rows] |= np.isin(graph.tails[rows], wanted)


def _reach(
    graph: KnowledgeGraph, mentioned: NDArray[np.bool_], together: NDArray[np.bool_]
) -> tuple[RelationReach, ...]:
    size = len(graph.relations)
    facts = first_statements(graph) & (graph.heads != graph.tails)
    both = mentioned[graph.heads] & mentioned[graph.tails]
    columns = [
        np.bincount(graph.relation_indexes[facts & mask], minlength=size).tolist()
        for mask in (np.ones(len(facts), np.bool_), both, together)
    ]
    reach = [
        RelationReach(id, *counts)
        for id, *counts in zip(graph.relation_ids, *columns, strict=True)
        if counts[0]
    ]
    return tuple(sorted(reach, key=lambda one: (-one.together, -one.mentioned, one.id)))


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
