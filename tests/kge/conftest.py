"""Rings: small graphs that are easy to learn, as all relations are steps round a circle."""

import pytest

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.tables.columns import Columns
from loregraft.kge.parts import Parts, parts_of

ENTITIES = 40
STEPS = {"next": 1, "second": 2, "before": -1, "fifth": 5}


def ring(offset: int = 0) -> KnowledgeGraph:
    """Forty entities, four relations; every tenth fact is in valid, every tenth in test."""
    rows: dict[str, list[str]] = {"head": [], "relation": [], "tail": [], "split": []}
    for place, (relation, step) in enumerate(STEPS.items()):
        for entity in range(ENTITIES):
            part = {0: "valid", 1: "test"}.get((7 * entity + 3 * place + offset) % 10, "train")
            row = (f"E:{entity}", relation, f"E:{(entity + step) % ENTITIES}", part)
            for name, value in zip(rows, row, strict=True):
                rows[name].append(value)
    return KnowledgeGraph.gather([Columns("triples", rows)])


@pytest.fixture(scope="session")
def ring_graph() -> KnowledgeGraph:
    return ring()


@pytest.fixture(scope="session")
def ring_parts(ring_graph: KnowledgeGraph) -> Parts:
    return parts_of(ring_graph)
