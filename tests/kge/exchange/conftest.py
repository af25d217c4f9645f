"""Vectors to give away: of any scorer, with or without reciprocal relations, some ids awkward."""

from collections.abc import Callable

import pytest

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Tables
from loregraft.kge.vectors import Vectors

DIM = 8
Make = Callable[..., Vectors]


@pytest.fixture
def make(ring_graph: KnowledgeGraph) -> Make:
    """Vectors of the ring, as training starts them: `make("complex", reciprocal=True)`."""

    def made(model: str = "complex", reciprocal: bool = False, ids: list[str] | None = None) -> Vectors:
        settings = KgeSettings(model=model, dim=DIM, reciprocal=reciprocal, seed=5)
        ids = ring_graph.ids if ids is None else ids
        tables = Tables.start(len(ids), len(ring_graph.relation_ids), settings)
        return Vectors(tables, ids, ring_graph.relation_ids, settings, "graph key")

    return made
