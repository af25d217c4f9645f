"""The graph in memory: indexes, merging, views."""

import copy

import numpy as np
import pytest

from loregraft.errors import BadInput
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.identity import hash_ids
from loregraft.kg.readers.folders.graph import graph_columns
from loregraft.kg.store import open_graph, save_graph
from loregraft.kg.tables.columns import Columns
from loregraft.records import Name, Triple


def names(*rows):
    entity, name, kind = (list(column) for column in zip(*rows, strict=True))
    return Columns("names", {"entity": entity, "name": name, "kind": kind})


def triples(*rows):
    head, relation, tail = (list(column) for column in zip(*rows, strict=True))
    return Columns("triples", {"head": head, "relation": relation, "tail": tail})


def test_tiny_graph_counts(tiny_graph):
    counts = tiny_graph.counts()
    assert {key: counts[key] for key in ("entities", "relations", "triples", "negated", "names")} == {
        "entities": 12, "relations": 3, "triples": 11, "negated": 1, "names": 29
    }  # fmt: skip
    assert len(tiny_graph) == 12
    assert repr(tiny_graph) == (
        "KnowledgeGraph(12 entities, 3 relations, 11 triples, 29 names, 8 descriptions)"
    )


def test_entity_has_its_preferred_name_first(tiny_graph):
    fever = tiny_graph.entity("P:1")
    assert fever.name == "Fever"
    assert fever.names[1] == Name("High temperature", "lay")
    assert fever.names[-1] == Name("发热", "exact", "zh")
    assert fever.description.startswith("A body temperature")
    assert fever.type == "phenotype"


def test_facts_go_both_ways(tiny_graph):
    assert tiny_graph.facts("P:5") == [
        Triple("D:1", "has_phenotype", "P:5"),
        Triple("D:2", "has_phenotype", "P:5", negated=True),
    ]
    assert tiny_graph.facts("P:3") == [Triple("P:3", "is_a", "P:2")]


def test_adjacency_agrees_with_a_loop(tiny_graph):
    for index in range(len(tiny_graph)):
        outgoing = tiny_graph.outgoing(index)
        assert list(range(outgoing.start, outgoing.stop)) == [
            row for row, head in enumerate(tiny_graph.heads.tolist()) if head == index
        ]
        assert tiny_graph.incoming(index).tolist() == [
            row for row, tail in enumerate(tiny_graph.tails.tolist()) if tail == index
        ]


def test_unknown_id_suggests_the_nearest(tiny_graph):
    with pytest.raises(ValueError, match=r"no entity of the graph has the id 'P:11'.*'P:1'"):
        tiny_graph.index("P:11")


def test_equal_names_merge_and_the_more_telling_kind_stays():
    graph = KnowledgeGraph.gather(
        [names(("a", "x", "exact"), ("b", "x", "exact")), names(("a", "x", "lay"), ("a", "X", "broad"))]
    )
    assert graph.entity("a").names == (Name("x", "lay"), Name("X", "broad"))
    assert graph.counts()["names_merged"] == 1


def test_an_entity_has_one_preferred_name_per_language():
    graph = KnowledgeGraph.gather([names(("a", "x", "preferred"), ("a", "y", "preferred"))])
    assert graph.entity("a").names == (Name("x", "preferred"), Name("y", "exact"))


def test_equal_triples_merge_but_another_reference_is_another_fact():
    rows = {"head": ["a"] * 3, "relation": ["r"] * 3, "tail": ["b"] * 3, "references": ["1", "2", "1"]}
    graph = KnowledgeGraph.gather([Columns("triples", rows)])
    assert graph.triples["references"].to_pylist() == ["1", "2"]
    assert graph.counts()["triples_merged"] == 1


def test_an_id_in_a_triple_only_becomes_an_entity():
    graph = KnowledgeGraph.gather([names(("a", "x", "preferred")), triples(("a", "r", "b"))])
    assert graph.ids == ["a", "b"]
    assert graph.preferred_names() == ["x", "b"]
    assert graph.entity("b").name == "b"


def test_first_type_and_source_that_say_something_win():
    first = Columns("entities", {"id": ["a", "b"], "type": ["", "t"], "source": ["", "one"]})
    second = Columns("entities", {"id": ["a", "b"], "type": ["u", "v"], "source": ["two", "two"]})
    graph = KnowledgeGraph.gather([first, second])
    assert graph.entities["type"].to_pylist() == ["u", "t"]
    assert graph.entities["source"].to_pylist() == ["two", "one"]


def test_attributes_of_nothing_are_counts():
    rows = {"entity": ["", "a", ""], "property": ["obsolete", "p", "obsolete"], "value": ["x", "y", "z"]}
    graph = KnowledgeGraph.gather([Columns("attributes", rows)])
    assert graph.ids == ["a"]
    assert graph.counts()["left_out_obsolete"] == 2


def test_a_source_without_entities_is_refused():
    with pytest.raises(BadInput, match=r"mine.obo: the source holds no entity. Give a file"):
        KnowledgeGraph.gather([], "mine.obo")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"entity": ["a"]}, "lacks the column 'name'"),
        ({"entity": ["a"], "name": ["x", "y"]}, "'name' has 2 rows"),
        ({"entity": ["a"], "name": ["x"], "colour": ["red"]}, "no column 'colour'"),
        ({"entity": ["a"], "name": ["x"], "kind": ["pet"]}, "no kind of name 'pet'"),
    ],
)
def test_wrong_batches_are_refused(rows, message):
    with pytest.raises(ValueError, match=message):
        KnowledgeGraph.gather([Columns("names", rows)])


def test_html_escapes_names():
    graph = KnowledgeGraph.gather([names(("a", "<script>", "preferred"))])
    assert "<script>" not in graph._repr_html_()
    assert "&lt;script&gt;" in graph._repr_html_()


def test_columns_are_small_integers(tiny_graph):
    for column in (tiny_graph.heads, tiny_graph.tails, tiny_graph.name_entities):
        assert column.dtype == np.int32
    assert tiny_graph.relation_indexes.dtype == np.int16
    assert (np.diff(tiny_graph.name_entities) >= 0).all()


def test_a_lay_name_stays_lay_when_another_source_prefers_two():
    batches = [names(("a", "B", "lay")), names(("a", "A", "preferred"), ("a", "B", "preferred"))]
    graph = KnowledgeGraph.gather(batches)
    assert graph.entity("a").names == (Name("A", "preferred"), Name("B", "lay"))
    again = KnowledgeGraph.gather(graph_columns(graph))
    assert again.names.equals(graph.names)


def test_html_tells_only_what_is_there_and_obeys_nothing(tiny_graph):
    shown = tiny_graph._repr_html_()
    assert "<td>negated (known to be false)</td><td>1</td>" in shown and "media" not in shown
    graph = KnowledgeGraph.gather([names(("a", "a\u202eb", "preferred"))])
    assert "\u202e" not in graph._repr_html_() and r"a\u202eb" in graph._repr_html_()


def test_half_of_a_character_is_no_id(tiny_graph):
    assert tiny_graph.find("\udcff") is None
    with pytest.raises(ValueError, match="no entity of the graph has the id"):
        tiny_graph.entity("\udcff")


def test_hashes_by_index(tiny_graph):
    assert tiny_graph.entity_hashes.tolist() == hash_ids(tiny_graph.ids).tolist()
    assert [tiny_graph.id_at(index) for index in range(12)] == tiny_graph.ids


def test_a_copy_of_what_holds_a_graph_shares_it(tiny_graph, tmp_path):
    """Also where its tables lie on disk, which cannot be copied."""
    save_graph(tiny_graph, tmp_path / "graph", "key")
    opened = open_graph(tmp_path / "graph")
    assert copy.deepcopy({"graph": opened})["graph"] is opened
