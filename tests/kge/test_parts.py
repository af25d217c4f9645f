"""Parts of a graph: those of its files or drawn ones, each fact once, nothing that is known to be false."""

import numpy as np
import pytest

from loregraft.errors import BadInput
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.split.triples import SplitSettings
from loregraft.kg.tables.columns import Columns
from loregraft.kge.parts import parts_of

NAMES = ("head", "relation", "tail")


def graph_of(rows, **columns):
    given = zip(NAMES, zip(*rows, strict=True), strict=True)
    return KnowledgeGraph.gather([Columns("triples", {**{n: list(c) for n, c in given}, **columns})])


def facts(graph, triples):
    ids = zip(triples.heads.tolist(), triples.relations.tolist(), triples.tails.tolist(), strict=True)
    return [(graph.ids[h], graph.relation_ids[r], graph.ids[t]) for h, r, t in ids]


def test_parts_that_came_with_the_files_are_kept():
    rows = [("a", "r", "b"), ("b", "r", "c"), ("c", "s", "a"), ("a", "s", "d"), ("d", "r", "a")]
    graph = graph_of(rows, split=["test", "train", "valid", "test", ""])
    parts = parts_of(graph, SplitSettings(valid=0.4, test=0.4))
    assert sorted(facts(graph, parts.train)) == [("b", "r", "c"), ("d", "r", "a")]  # no part: train
    assert facts(graph, parts.valid) == [("c", "s", "a")]
    assert sorted(facts(graph, parts.test)) == [("a", "r", "b"), ("a", "s", "d")]
    assert (parts.entities, parts.relations) == (4, 2)


def test_parts_are_drawn_where_none_came():
    rows = [(f"e{i}", "r", f"e{(i * i + j) % 40}") for i in range(40) for j in range(1, 6)]
    graph = graph_of(rows)
    parts, again = parts_of(graph), parts_of(graph)
    every = [*facts(graph, parts.train), *facts(graph, parts.valid), *facts(graph, parts.test)]
    assert sorted(every) == sorted(set(rows))
    expected = round(0.05 * len(every))  # a fact more may go with the other one of its two entities
    assert expected <= len(parts.valid) <= expected + 1 and expected <= len(parts.test) <= expected + 1
    assert facts(graph, parts.test) == facts(graph, again.test)
    assert len(parts_of(graph, SplitSettings(valid=0, test=0.3)).test) > 3 * expected
    assert len(parts.unseen(parts.test)) == 0


def test_a_fact_stated_twice_stands_once_with_its_highest_confidence():
    rows = [("a", "r", "b")] * 3 + [("b", "r", "a")]
    graph = graph_of(rows, confidence=[0.3, 0.9, 0.5, 0.25], source=["x", "y", "z", "x"], split=["train"] * 4)
    assert len(graph.triples) == 4
    train = parts_of(graph).train
    assert dict(zip(facts(graph, train), train.weights.tolist(), strict=True)) == {
        ("a", "r", "b"): pytest.approx(0.9),
        ("b", "r", "a"): pytest.approx(0.25),
    }


def test_a_fact_in_two_parts_is_in_the_first_only():
    graph = graph_of(
        [("a", "r", "b"), ("a", "r", "b"), ("b", "r", "a")], split=["test", "train", "test"], source=[*"xyz"]
    )
    parts = parts_of(graph)
    assert facts(graph, parts.train) == [("a", "r", "b")] and facts(graph, parts.test) == [("b", "r", "a")]


def test_what_is_known_to_be_false_is_in_no_part(tiny_graph):
    parts = parts_of(tiny_graph, SplitSettings(valid=0.1, test=0.1))
    every = [one for part in (parts.train, parts.valid, parts.test) for one in facts(tiny_graph, part)]
    assert len(every) == 11 and ("D:2", "has_phenotype", "P:5") not in every


def test_known_answers_are_those_of_all_parts(ring_graph, ring_parts):
    known = ring_parts.known()
    assert len(known.entities) == 2 * len(ring_graph.triples)
    assert len(known.keys) == 2 * len(ring_graph.triples)  # one right answer each


def test_entities_that_train_does_not_have_are_told():
    rows = [("a", "r", "b"), ("a", "r", "new"), ("newer", "r", "b"), ("b", "r", "a")]
    graph = graph_of(rows, split=["train", "test", "test", "valid"])
    parts = parts_of(graph)
    assert {graph.ids[e] for e in parts.unseen(parts.test)} == {"new", "newer"}
    assert parts.unseen(parts.valid).tolist() == []


@pytest.mark.parametrize("case", ["no triple", "no train", "only false ones"])
def test_nothing_to_train_on_is_said(case):
    if case == "no triple":
        graph = KnowledgeGraph.gather([Columns("entities", {"id": ["a"], "type": ["x"]})])
    elif case == "no train":
        graph = graph_of([("a", "r", "b")], split=["test"])
    else:
        graph = graph_of([("a", "r", "b")], negated=[True])
    with pytest.raises(BadInput) as caught:
        parts_of(graph)
    assert caught.value.found == "the graph has no triple to train on"
    assert caught.value.fix.startswith("Import files with triples") and caught.value.line == 0


def test_columns_are_whole_numbers_of_the_graph(ring_parts):
    for part in (ring_parts.train, ring_parts.valid, ring_parts.test):
        assert part.heads.dtype == np.int64 and part.weights.dtype == np.float32
        assert part.heads.max() < ring_parts.entities and part.relations.max() < ring_parts.relations


def test_where_nothing_can_be_held_out_all_is_train():
    graph = graph_of([(f"e{i}", f"r{i}", f"f{i}") for i in range(4)])
    parts = parts_of(graph)
    assert [len(part) for part in (parts.train, parts.valid, parts.test)] == [4, 0, 0]
    with pytest.raises(BadInput, match="the only one of an entity"):
        parts_of(graph, SplitSettings(valid=0.2, test=0.2))
