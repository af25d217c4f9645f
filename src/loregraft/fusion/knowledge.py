"""Knowledge: what methods may ask of a graph: the facts of an entity in words, its vector, its polarity.

A method asks when a batch is made ready, so that a graph that was edited counts from the next batch on.
"""

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64, Int64

from loregraft.encoder.load import Encoder
from loregraft.errors import BadInput
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.readers.lexicon import CATEGORY, NUMBERS
from loregraft.kge.text.texts import relation_words
from loregraft.kge.vectors import Vectors

POLARITIES = (*NUMBERS[:4], "sentiment_score")
"""The properties that say how good or bad a word is, the first that an entity has counts."""


@dataclass(frozen=True)
class Fact:
    """A triple as seen from one of its ends.

    Attributes:
        row: The triple's row in the graph: its identity within one graph.
        relation: Words.
        other: The name of the other end.
        other_index: The other end.
        outgoing: The entity is the head.
        information: How much the other end tells: -log of its share among the ends of the relation, in nats.
    """

    row: int
    relation: str
    other: str
    other_index: int
    outgoing: bool
    information: float

    @property
    def words(self) -> str:
        """What is said of the entity: `has phenotype fever`, or `measles has phenotype`."""
        return f"{self.relation} {self.other}" if self.outgoing else f"{self.other} {self.relation}"


@dataclass(frozen=True)
class Knowledge:
    """What a method may use; each says what it needs.

    Attributes:
        vectors: Of entities, from `kge train`; those of another graph are refused.
        encoder: Turns the words of facts into vectors. It is not trained.

    Raises:
        BadInput: No entity of the graph has a vector.
    """

    graph: KnowledgeGraph
    vectors: Vectors | None = None
    encoder: Encoder | None = None
    _facts: dict[int, list[Fact]] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.vectors is not None and len(self.graph) and not (self.vector_rows >= 0).any():
            found = f"none of the {len(self.graph):,} entities of the graph is among the vectors' ids"
            ids = f"the graph has ids like {self.graph.id_at(0)!r}"
            raise BadInput(Path("vectors"), 0, f"{found}; {ids}", "Train vectors of this graph: kge train.")

    @cached_property
    def names(self) -> list[str]:
        """The preferred name of each entity."""
        return self.graph.preferred_names()

    @cached_property
    def types(self) -> list[str]:
        """The type of each entity, in words; "" where it has none."""
        return [str(type or "").replace("_", " ") for type in self.graph.entities["type"].to_pylist()]

    @cached_property
    def relations(self) -> list[str]:
        """The words of each relation."""
        return [relation_words(self.graph, index) for index in range(len(self.graph.relation_ids))]

    @cached_property
    def vector_rows(self) -> Int64[np.ndarray, " entities"]:
        """The row of each entity among the vectors; -1 where it has none."""
        if self.vectors is None:
            return np.full(len(self.graph), -1, np.int64)
        known = {id: row for row, id in enumerate(self.vectors.ids)}
        return np.array([known.get(id, -1) for id in self.graph.ids], np.int64)

    @cached_property
    def entity_vectors(self) -> Float32[np.ndarray, "entities width"]:
        """A vector for each entity, scaled to a mean length of 1; one without gets the mean of its type.

        Raises:
            ValueError: No vectors were given.
        """
        if self.vectors is None:
            raise ValueError("this method needs entity vectors: give Knowledge(graph, vectors)")
        rows, table = self.vector_rows, np.asarray(self.vectors.tables.entities.values, np.float32)
        known = rows >= 0
        given = np.zeros((len(rows), table.shape[1]), np.float32)
        given[known] = table[rows[known]]
        types = np.unique(self.types, return_inverse=True)[1]
        for number in np.unique(types[~known]).tolist():
            same = known & (types == number)
            given[~known & (types == number)] = given[same if same.any() else known].mean(0)
        return given / max(float(np.linalg.norm(given[known], axis=1).mean()), 1e-9)

    @cached_property
    def information(self) -> tuple[Float64[np.ndarray, " triples"], Float64[np.ndarray, " triples"]]:
        """What the tail of each triple tells, and what the head does, in nats."""
        relations = np.asarray(self.graph.relation_indexes, np.int64)
        of_relation = np.bincount(relations, minlength=1)[relations]
        told = []
        for ends in (self.graph.tails, self.graph.heads):
            _, place, count = np.unique(
                relations * len(self.graph) + np.asarray(ends, np.int64),
                return_inverse=True,
                return_counts=True,
            )
            told.append(np.log(of_relation / count[place]))
        return told[0], told[1]

    def index(self, id: str) -> int | None:
        """Give the index of an entity; None where the graph has it no more."""
        return self.graph.find(id)

    def facts(self, entity: int) -> list[Fact]:
        """Give the true facts of an entity, the one that tells most first; equal ones by row."""
        found = self._facts.get(entity)
        if found is None:
            found = self._facts[entity] = self._facts_of(entity)
        return found

    def description(self, entity: int) -> str:
        """Give the first description of an entity; "" where it has none."""
        rows = self.graph.rows_of("descriptions", entity)
        return str(rows[0]["text"]) if rows else ""

    def polarity(self, entity: int) -> float | None:
        """Give how good (above 0) or bad (below 0) a word is; None where nothing says so."""
        said = {row["property"]: row["value"] for row in self.graph.rows_of("attributes", entity)}
        told = (_polarity_of(said[name]) for name in POLARITIES if name in said)
        return next((one for one in told if one is not None), None)

    def said(
        self,
        entity: int,
        *,
        types: bool = True,
        words: int = 16,
        facts: int = 3,
        relations: Sequence[str] = (),
    ) -> list[tuple[str, int | None]]:
        """Give what is said of an entity, each with the row of its triple: None where it is none.

        Its type, whether it is a good word or a bad one, the first words of its description, and the facts
        that tell most.
        """
        polarity = self.polarity(entity)
        parts = [self.types[entity] if types else "", "" if polarity is None else polar_word(polarity)]
        parts.append(" ".join(self.description(entity).split()[:words]))
        told: list[tuple[str, int | None]] = [(part, None) for part in parts if part]
        chosen = choose_facts(self.facts(entity), facts, relations)
        return told + [(fact.words, fact.row) for fact in chosen]

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """The ids of the categories of a lexicon's words, sorted."""
        ids = self.graph.ids
        return tuple(sorted(ids[index] for index, type in enumerate(self.types) if type == CATEGORY))

    def _facts_of(self, entity: int) -> list[Fact]:
        graph = self.graph
        outgoing = range(*graph.outgoing(entity).indices(len(graph.tails)))
        of_tail, of_head = self.information
        facts = [self._fact(row, int(graph.tails[row]), True, float(of_tail[row])) for row in outgoing]
        facts += [
            self._fact(row, int(graph.heads[row]), False, float(of_head[row]))
            for row in graph.incoming(entity).tolist()
            if graph.heads[row] != entity  # a loop is told once
        ]
        return sorted(facts, key=lambda fact: (-fact.information, fact.row))

    def _fact(self, row: int, other: int, outgoing: bool, information: float) -> Fact:
        relation = self.relations[int(self.graph.relation_indexes[row])]
        return Fact(row, relation, self.names[other], other, outgoing, information)


def _polarity_of(value: str) -> float | None:
    """Read a polarity, a finite number or a word; None where it is neither."""
    with suppress(ValueError):
        return number if math.isfinite(number := float(value)) else None
    return {"positive": 1.0, "negative": -1.0, "neutral": 0.0}.get(value.lower())


def polar_word(polarity: float) -> str:
    """Put a polarity into a word."""
    return "positive" if polarity > 0 else "negative" if polarity < 0 else "neutral"


def choose_facts(facts: Sequence[Fact], most: int, relations: Sequence[str] = ()) -> list[Fact]:
    """Take the facts that tell most, from the relations in turn, so that none fills all.

    Args:
        relations: Words of the relations that may be used; none given: all.
    """
    waiting: dict[tuple[str, bool], list[Fact]] = {}
    for fact in facts:
        if not relations or fact.relation in relations:
            waiting.setdefault((fact.relation, fact.outgoing), []).append(fact)
    chosen: list[Fact] = []
    turn = 0
    while len(chosen) < most and any(len(group) > turn for group in waiting.values()):
        chosen += [group[turn] for group in waiting.values() if len(group) > turn]
        turn += 1
    return chosen[:most]
