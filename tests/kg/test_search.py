"""Entities are found by a whole name, by how it begins and by one like it, best first, each once."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.names import fold_name
from loregraft.kg.search import Found, _of_fitting_length, entities_named, resolve, search
from loregraft.kg.store import open_graph, save_graph
from loregraft.kg.tables.columns import Columns


def graph_of(*names):
    """Make a graph in which entity n has the n-th name."""
    ids = [f"E{number}" for number in range(len(names))]
    named = Columns("names", {"entity": ids, "name": list(names)})
    return KnowledgeGraph.gather([Columns("entities", {"id": ids}), named])


def test_a_name_is_compared_folded(tiny_graph):
    wanted = [tiny_graph.index("P:2")]
    for name in ("Headache", "HEADACHE", "\theadache ", "\uff28\uff21", "cephalalgia!"):
        assert entities_named(tiny_graph, name) == wanted
    assert entities_named(tiny_graph, "发热") == [tiny_graph.index("P:1")]
    assert entities_named(tiny_graph, "head") == entities_named(tiny_graph, "headaches") == []


def test_several_entities_of_one_name_are_in_order():
    assert entities_named(graph_of("Flu", "Cold", "flu", "FLU"), "flu") == [0, 2, 3]


def test_an_id_comes_before_a_name():
    graph = KnowledgeGraph.gather([Columns("names", {"entity": ["a", "b", "c"], "name": ["x", "a", "x"]})])
    assert resolve(graph, "a") == [0]
    assert resolve(graph, "x") == [0, 2]
    assert resolve(graph, "A") == [1]
    assert resolve(graph, "no") == []


def test_equal_then_beginning_then_like():
    graph = graph_of("migraine with aura", "migrainous", "Migraine", "migrane", "fever")
    assert search(graph, "migraine") == [
        Found(2, "Migraine", 1.0),
        Found(3, "migrane", 0.875),
        Found(1, "migrainous", 0.7),
        Found(0, "migraine with aura", round(8 / 18, 4)),
    ]
    assert [found.entity for found in search(graph, "migraine", least=0.8)] == [2, 3, 0]


def test_the_shortest_of_many_that_begin_so_come_first():
    graph = graph_of("fever aaaaaaaaaa", "fever b", "fever aaaaaa", "fevers", "fever")
    assert [found.name for found in search(graph, "fever", limit=3)] == ["fever", "fevers", "fever b"]


def test_a_better_like_name_of_an_entity_wins():
    columns = {"entity": ["a", "a", "b"], "name": ["tumor of the whole big brain", "tumors", "tumorz"]}
    graph = KnowledgeGraph.gather([Columns("names", columns)])
    assert search(graph, "tumor") == [Found(0, "tumors", 0.8333), Found(1, "tumorz", 0.8333)]
    assert search(graph, "tunors")[0] == Found(0, "tumors", 0.8333)


@pytest.mark.parametrize("text", ["", "  ", "\t"])
def test_nothing_is_named_by_nothing(text, tiny_graph):
    assert search(tiny_graph, text) == entities_named(tiny_graph, text) == []


def test_a_graph_without_names():
    graph = KnowledgeGraph.gather([Columns("entities", {"id": ["a"]})])
    assert search(graph, "a") == entities_named(graph, "a") == []
    assert resolve(graph, "a") == [0]


def test_limits(tiny_graph):
    assert search(tiny_graph, "fever", limit=0) == []
    assert len(search(tiny_graph, "b", limit=1, least=0.0)) == 1
    assert len(search(tiny_graph, "b", limit=50, least=0.0)) == 12


WORDS = st.text(st.sampled_from("ab é\u4e2d\U0001f600"), min_size=1, max_size=4)


@settings(max_examples=50, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=10), WORDS)
def test_search_is_what_a_loop_finds(names, text):
    graph, wanted = graph_of(*names), fold_name(text)
    folded = [fold_name(name) for name in names]
    assert entities_named(graph, text) == [n for n, name in enumerate(folded) if wanted and name == wanted]
    found = search(graph, text, limit=100, least=1.0)
    assert {hit.entity for hit in found} == {
        n for n, name in enumerate(folded) if wanted and name.startswith(wanted)
    }
    assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)
    assert all((hit.score == 1) == (folded[hit.entity] == wanted) for hit in found)


def test_a_graph_from_disk_finds_the_same(tiny_graph, tmp_path):
    save_graph(tiny_graph, tmp_path / "graph", "key")
    opened = open_graph(tmp_path / "graph")
    for text in ("fev", "asthma", "hedache", "发热", "zzz"):
        assert search(opened, text) == search(tiny_graph, text)


def test_half_of_a_character_is_in_no_name():
    graph = graph_of("?", "fever")
    assert search(graph, "\udcff") == entities_named(graph, "fev\udcff") == resolve(graph, "\udcff") == []


def test_only_names_of_fitting_length_are_decoded(tiny_graph):
    places, texts = _of_fitting_length(tiny_graph, 3, 0.7)
    assert sorted(texts) == ["flu", "ifng", "rash"] and len(places) == 3
    assert len(_of_fitting_length(tiny_graph, 3, 0.0)[1]) == 29
