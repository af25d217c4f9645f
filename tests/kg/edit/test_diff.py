"""A difference is told in ids and texts: order, indexes and what was merged do not count."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.kg.edit.change import edited
from loregraft.kg.edit.diff import Difference, diff_graphs
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.store import open_graph, save_graph
from loregraft.kg.tables.columns import Columns
from loregraft.records import Triple


def graph_of(**tables):
    return KnowledgeGraph.gather([Columns(table, rows) for table, rows in tables.items()])


def batches_of(graph):
    """Give a graph as a reader would."""
    types = graph.tables["types"].rename_columns(["id", "type", "source"])
    parts = {"names": [graph.names], "descriptions": [graph.descriptions], "entities": [types],
             "attributes": [graph.attributes], "triples": [graph.triples, graph.negated]}  # fmt: skip
    for table, tables in parts.items():
        for rows in tables:
            cells = rows.to_pydict()
            for name in {"id", "entity", "head", "tail", "relation"} & set(cells):
                ids = graph.relation_ids if name == "relation" else graph.ids
                cells[name] = [ids[index] for index in cells[name]]
            if table == "triples":
                cells["negated"] = [rows is graph.negated] * len(rows)
            yield Columns(table, cells)


def shuffled(columns, seed):
    order = list(range(len(columns)))
    random.Random(seed).shuffle(order)
    return Columns(
        columns.table, {name: [cells[row] for row in order] for name, cells in columns.rows.items()}
    )


@pytest.mark.parametrize("seed", range(4))
def test_order_does_not_count(seed, tiny_graph, tmp_path):
    batches = [shuffled(columns, seed) for columns in batches_of(tiny_graph)]
    random.Random(seed).shuffle(batches)
    other = KnowledgeGraph.gather(batches, source="tiny")
    assert other.ids != tiny_graph.ids
    assert diff_graphs(tiny_graph, other) == {}
    save_graph(other, tmp_path / "graph", "key")
    assert diff_graphs(open_graph(tmp_path / "graph"), tiny_graph) == {}


def test_an_edit_is_told_as_it_was_made(tiny_graph):
    add = [Triple("D:2", "has_phenotype", "P:9"), Triple("D:3", "has_phenotype", "P:1", negated=True),
           Triple("D:2", "has_phenotype", "P:1", source="else")]  # fmt: skip
    after, _ = edited(tiny_graph, add, [Triple("P:3", "is_a", "P:2")])
    assert diff_graphs(tiny_graph, after) == {
        "entities": Difference(1, 0, 0, {"added": ("P:9",)}),
        "triples": Difference(
            1,
            1,
            1,
            {
                "added": ("D:2 has_phenotype P:9",),
                "removed": ("P:3 is_a P:2 PMID:0",),
                "changed": ("D:2 has_phenotype P:1 PMID:5",),
            },
        ),
        "negated": Difference(1, 0, 0, {"added": ("D:3 has_phenotype P:1",)}),
    }
    back = diff_graphs(after, tiny_graph)
    assert [(d.added, d.removed, d.changed) for d in back.values()] == [(0, 1, 0), (1, 1, 1), (0, 1, 0)]


ONE = {"entity": ["a"], "name": ["x"]}


@pytest.mark.parametrize(
    ("table", "before", "after", "expected"),
    [
        ("names", ONE, {**ONE, "kind": ["lay"]}, (0, 0, 1)),
        ("names", ONE, {**ONE, "language": ["de"]}, (1, 1, 0)),
        ("names", ONE, {"entity": ["a"], "name": ["X"]}, (1, 1, 0)),
        ("descriptions", {"entity": ["a"], "text": ["x"]}, {"entity": ["a"], "text": ["y"]}, (0, 0, 1)),
        ("attributes", {"entity": ["a"], "property": ["p"], "value": ["1"]},
         {"entity": ["a"], "property": ["p"], "value": ["1"], "unit": ["kg"]}, (0, 0, 1)),
        ("media", {"entity": ["a"], "reference": ["x"]}, {"entity": ["a"], "reference": ["y"]}, (1, 1, 0)),
        ("relations", {"id": ["r"]}, {"id": ["r"], "symmetric": [True]}, (0, 0, 1)),
    ],
)  # fmt: skip
def test_each_table(table, before, after, expected):
    same = {"entities": {"id": ["a"]}}
    found = diff_graphs(graph_of(**same, **{table: before}), graph_of(**same, **{table: after}))
    assert list(found) == [table]
    assert (found[table].added, found[table].removed, found[table].changed) == expected


def test_types_count_but_not_which_comes_first():
    one, two = ({"id": ["a", "a"], "type": types} for types in (["x", "y"], ["y", "x"]))
    assert diff_graphs(graph_of(entities=one), graph_of(entities=two)) == {}
    three = {"id": ["a"], "type": ["x"]}
    assert list(diff_graphs(graph_of(entities=one), graph_of(entities=three))) == ["types"]


def test_sources_count_unless_told_otherwise():
    row = {"head": ["a", "a"], "relation": ["r"] * 2, "tail": ["b"] * 2}
    one = graph_of(triples={**row, "source": ["x", "y"]})
    two = graph_of(triples={**row, "source": ["z", "z"]})
    assert diff_graphs(one, two)["triples"].changed == 1
    assert diff_graphs(one, two, sources=False) == {}
    three = graph_of(triples={**row, "source": ["x", "y"], "references": ["1", "2"]})
    assert diff_graphs(one, three, sources=False)["triples"].changed == 1


def test_examples_are_few_and_short():
    one = graph_of(entities={"id": ["a"]})
    two = graph_of(entities={"id": ["a", *("b" * 200 + str(n) for n in range(9))]})
    (found,) = diff_graphs(one, two, examples=2).values()
    assert found.added == 9
    assert [len(text) for text in found.examples["added"]] == [100, 100]
    assert diff_graphs(one, two, examples=0)["entities"] == Difference(9, 0, 0, {})


FACTS = st.sets(st.tuples(*[st.sampled_from("abc")] * 3, st.booleans()), min_size=1, max_size=12)


@settings(max_examples=50, deadline=None)
@given(FACTS, FACTS)
def test_facts_are_compared_as_sets(one, two):
    graphs = []
    for facts in (one, two):
        head, relation, tail, negated = (list(column) for column in zip(*facts, strict=True))
        graphs.append(
            graph_of(triples={"head": head, "relation": relation, "tail": tail, "negated": negated})
        )
    found = diff_graphs(*graphs)
    for table, flag in (("triples", False), ("negated", True)):
        before, after = ({fact for fact in facts if fact[3] is flag} for facts in (one, two))
        expected = (len(after - before), len(before - after), 0)
        difference = found.get(table, Difference(0, 0, 0, {}))
        assert (difference.added, difference.removed, difference.changed) == expected
    assert (found == {}) == (one == two)
