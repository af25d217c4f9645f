"""Why a mention means what it is said to mean."""

from dataclasses import replace

import pytest

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.tables.columns import Columns
from loregraft.linking.explain import explain
from loregraft.linking.linker import Linker

NAMES = [("planet", "Mercury"), ("metal", "Mercury"), ("venus", "Venus"), ("orbit", "Solar orbit")]
TRIPLES = [("planet", "has", "orbit"), ("venus", "near", "planet"), ("metal", "in", "ore")]


@pytest.fixture(scope="module")
def linker():
    head, relation, tail = (list(column) for column in zip(*TRIPLES, strict=True))
    columns = [
        Columns("names", {"entity": [id for id, _ in NAMES], "name": [name for _, name in NAMES]}),
        Columns("triples", {"head": head, "relation": relation, "tail": tail}),
    ]
    made = Linker.build(KnowledgeGraph.gather(columns, source="test"))
    return replace(made, weights=made.weights.changed(context=0.0))


def test_the_score_is_the_sum_of_what_is_told_and_the_facts_are_in_the_graph(linker):
    found = explain(linker, "Mercury, Venus and their solar orbit.")
    assert [one.link.entity for one in found] == ["planet", "venus", "orbit"]
    mercury = found[0]
    assert [thought.entity for thought in mercury.thoughts] == ["planet", "metal"]
    for thought in mercury.thoughts:
        assert abs(sum(thought.gave.values()) - thought.score) < 1e-5
    assert mercury.thoughts[0].gave["coherence"] > mercury.thoughts[1].gave.get("coherence", 0)
    assert "Venus -near-> Mercury" in mercury.facts
    told = {f"{linker.index.entities.fact(row)}" for row in range(len(TRIPLES))}
    assert set("; ".join(fact for one in found for fact in one.facts).split("; ")) <= told


def test_given_mentions_are_explained_too_and_an_empty_text_has_none(linker):
    (one,) = explain(linker, "Some Venuz.", [(5, 10)])
    assert one.thoughts[0].label == "Venus" and one.facts == ()
    assert explain(linker, "") == []
