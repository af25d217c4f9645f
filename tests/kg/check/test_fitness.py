"""What a graph is good for: figures that can be counted by hand."""

import pytest

from loregraft.kg.check.fitness import fitness
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.tables.columns import Columns


def graph_of(facts, *more):
    head, relation, tail = (list(column) for column in zip(*facts, strict=True))
    return KnowledgeGraph.gather(
        [Columns("triples", {"head": head, "relation": relation, "tail": tail}), *more]
    )


def test_the_tiny_graph(tiny_graph):
    found = fitness(tiny_graph)
    assert (found.counts["entities"], found.counts["facts"], found.counts["negated"]) == (12, 11, 1)
    assert found.degrees == {"0": 1, "0.5": 1, "0.9": 2, "0.99": 4, "1": 4}
    assert (found.names, found.types, found.depth) == (1.0, 1.0, 1)
    assert found.aliases == round(10 / 12, 4)
    assert found.descriptions == round(8 / 12, 4)
    assert [use.id for use in found.relations] == ["has_phenotype", "is_a", "associated_with"]
    assert (found.relations[0].facts, found.relations[0].heads, found.relations[0].tails) == (6, 3, 5)
    assert found.relations[0].why == "fewer than 50 facts"


@pytest.mark.parametrize(
    ("facts", "cardinality", "why"),
    [
        ([(f"h{n}", "r", f"t{n % 10}") for n in range(60)], "n-1", ""),
        ([(f"h{n % 10}", "r", f"t{n}") for n in range(60)], "1-n", ""),
        ([(f"h{n % 10}", "r", f"t{n // 10}") for n in range(60)], "n-n", ""),
        ([(f"h{n}", "r", f"t{n}") for n in range(60)], "1-1", "one to one: no fact tells of another one"),
        ([(f"h{n}", "r", f"t{n % 4}") for n in range(60)], "n-1", "fewer than 5 different tails"),
        (
            [(f"h{n}", "r", f"t{max(0, n - 55)}") for n in range(60)],
            "n-1",
            "93% of its facts have the same tail",
        ),
        ([(f"h{n}", "r", f"t{n % 10}") for n in range(49)], "n-1", "fewer than 50 facts"),
    ],
)
def test_which_relation_can_carry_a_signal(facts, cardinality, why):
    use = fitness(graph_of(facts)).relations[0]
    assert (use.cardinality, use.carries_signal, use.why) == (cardinality, not why, why)


def test_statements_of_one_fact_count_once_and_a_relation_without_a_fact_is_told():
    row = {"head": ["a"], "relation": ["r"], "tail": ["b"]}
    batches = [Columns("triples", {**row, "source": [source]}) for source in "xy"]
    found = fitness(KnowledgeGraph.gather([*batches, Columns("relations", {"id": ["s"]})]))
    assert [(use.id, use.facts, use.common) for use in found.relations] == [("r", 1, 1.0), ("s", 0, 0.0)]
    assert found.counts["triples"] == 2 and found.counts["facts"] == 1


def test_a_chain_is_as_deep_as_it_is_long_and_a_circle_has_no_depth():
    chain = [(str(n), "is_a", str(n + 1)) for n in range(7)]
    assert fitness(graph_of(chain)).depth == 7
    assert fitness(graph_of([("a", "is_a", "b"), ("b", "is_a", "a")])).depth == 0


def test_a_graph_of_one_entity():
    found = fitness(KnowledgeGraph.gather([Columns("entities", {"id": ["a"]})]))
    assert (found.relations, found.depth, found.names, found.degrees["1"]) == ((), 0, 0.0, 0)
