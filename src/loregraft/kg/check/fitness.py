"""What a graph is good for: how much it knows of its entities, how deep it goes, which relations may teach.

`kg/check/checks.py` tells what is wrong with it; `linking/coverage.py` what part of texts mentions it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from loregraft.kg.check.shape import degrees
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.hierarchy import heights, hierarchy_rows
from loregraft.kg.mirrors import first_statements
from loregraft.records import SAME_MEANING

Cardinality = Literal["1-1", "1-n", "n-1", "n-n"]

QUANTILES = (0.0, 0.5, 0.9, 0.99, 1.0)
LEAST_FACTS, LEAST_TAILS = 50, 5
MOST_COMMON, SEVERAL = 0.9, 1.5
"""A relation can carry a signal when it has `LEAST_FACTS` facts and `LEAST_TAILS` tails, when no tail is
that of more than `MOST_COMMON` of its facts, and when it is not one to one: an entity has as many as
`SEVERAL` of its facts on average, at one end at least. What is one to one cannot be learned from others."""


@dataclass(frozen=True)
class RelationUse:
    """How a relation is used.

    Attributes:
        facts: Each counted once, however many statements it has.
        heads: Entities that are its head; `tails` likewise.
        cardinality: Whether an entity has several (`SEVERAL` on average) heads, or tails: "n-1" is
            many heads to one tail.
        common: 0..1: the share of the most common tail.
        carries_signal: It could teach something; `why` says why not.
    """

    id: str
    facts: int
    heads: int
    tails: int
    cardinality: Cardinality
    common: float
    carries_signal: bool
    why: str


@dataclass(frozen=True)
class Fitness:
    """What there is.

    Attributes:
        counts: As `KnowledgeGraph.counts`; `facts` are triples that differ in more than who says so.
        degrees: Quantile -> triples of an entity.
        aliases: 0..1: the share of entities with two names of the same meaning or more.
        descriptions: 0..1 of the entities; `types` and `names` likewise.
        names_each: Names of an entity, on average.
        depth: Triples of the longest chain of the hierarchy; 0 where there is none.
        relations: Of all relations, that with most facts first.
    """

    counts: Mapping[str, int]
    degrees: Mapping[str, int]
    names: float
    aliases: float
    descriptions: float
    types: float
    names_each: float
    depth: int
    relations: tuple[RelationUse, ...]


def fitness(graph: KnowledgeGraph) -> Fitness:
    """Measure a graph. Takes about 0.2 s for a million triples."""
    size = len(graph)
    named = np.bincount(graph.name_entities, minlength=size)
    same = np.bincount(graph.name_entities[graph.kind_mask(SAME_MEANING)], minlength=size)
    described = len(np.unique(np.asarray(graph.descriptions["entity"])))
    typed = pc.sum(pc.not_equal(graph.entities["type"], "")).as_py() or 0
    quantiles = np.quantile(degrees(graph), QUANTILES, method="lower")
    return Fitness(
        counts=graph.counts() | {"facts": int(first_statements(graph).sum())},
        degrees={f"{share:g}": int(degree) for share, degree in zip(QUANTILES, quantiles, strict=True)},
        names=_share(int((named > 0).sum()), size),
        aliases=_share(int((same > 1).sum()), size),
        descriptions=_share(described, size),
        types=_share(int(typed), size),
        names_each=round(float(named.mean()), 4),
        depth=hierarchy_depth(graph),
        relations=relation_uses(graph),
    )


def hierarchy_depth(graph: KnowledgeGraph) -> int:
    """Give the length, in triples, of the longest chain of the hierarchy; what leads to a circle aside."""
    rows = hierarchy_rows(graph)
    return int(heights(graph.heads[rows], graph.tails[rows], len(graph)).max(initial=0))


def relation_uses(graph: KnowledgeGraph) -> tuple[RelationUse, ...]:
    """Tell how each relation is used, that with most facts first."""
    first = np.flatnonzero(first_statements(graph))
    relations = np.asarray(graph.relation_indexes[first], dtype=np.int64)
    order = np.argsort(relations, kind="stable")
    starts = np.searchsorted(relations[order], np.arange(len(graph.relations) + 1))
    uses = []
    for index, id in enumerate(graph.relation_ids):
        rows = first[order[starts[index] : starts[index + 1]]]
        uses.append(_use(id, graph.heads[rows], graph.tails[rows]))
    return tuple(sorted(uses, key=lambda use: (-use.facts, use.id)))


def _use(id: str, heads: NDArray[np.int32], tails: NDArray[np.int32]) -> RelationUse:
    facts, head_count = len(heads), len(np.unique(heads))
    times = np.unique(tails, return_counts=True)[1]
    tail_count, common = len(times), _share(int(times.max(initial=0)), facts)
    several_heads, several_tails = facts >= SEVERAL * tail_count, facts >= SEVERAL * head_count
    cardinalities: dict[tuple[bool, bool], Cardinality] = {
        (False, False): "1-1",
        (False, True): "1-n",
        (True, False): "n-1",
        (True, True): "n-n",
    }
    cardinality = cardinalities[several_heads, several_tails]
    if facts < LEAST_FACTS:
        why = f"fewer than {LEAST_FACTS} facts"
    elif tail_count < LEAST_TAILS:
        why = f"fewer than {LEAST_TAILS} different tails"
    elif common > MOST_COMMON:
        why = f"{common:.0%} of its facts have the same tail"
    elif cardinality == "1-1":
        why = "one to one: no fact tells of another one"
    else:
        why = ""
    return RelationUse(id, facts, head_count, tail_count, cardinality, common, not why, why)


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0
