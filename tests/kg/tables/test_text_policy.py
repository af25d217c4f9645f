"""What may be text of a graph: damage is left out and counted, the rest is normalised."""

import pytest

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.tables.columns import Columns
from loregraft.kg.tables.text_policy import MAX_ID_BYTES, MAX_NAME_BYTES, MAX_TEXT_BYTES


def graph_of(*names):
    rows = {"entity": ["a"] * (len(names) + 1), "name": ["good", *names]}
    return KnowledgeGraph.gather([Columns("names", rows)])


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\x7f", "\x85", "\x9f"])
def test_control_characters_are_left_out(character):
    graph = graph_of(f"bad{character}name")
    assert graph.names["name"].to_pylist() == ["good"]
    assert graph.counts()["left_out_control_characters"] == 1


@pytest.mark.parametrize(
    "name", ["tab\there", "direction\u202e", "zero\u200dwidth", "emoji \U0001f600", "中文"]
)
def test_other_characters_stay(name):
    assert graph_of(name).names["name"].to_pylist() == ["good", name]


def test_names_are_normalised_and_then_merged():
    graph = graph_of("caf\u00e9", "cafe\u0301")
    assert graph.names["name"].to_pylist() == ["good", "caf\u00e9"]
    assert graph.counts()["names_merged"] == 1


def test_length_counts_bytes():
    assert len(graph_of("x" * MAX_NAME_BYTES).names) == 2
    graph = graph_of("x" * (MAX_NAME_BYTES + 1), "中" * (MAX_NAME_BYTES // 3 + 1))
    assert len(graph.names) == 1
    assert graph.counts()["left_out_too_long"] == 2
    rows = {"entity": ["a", "a"], "text": ["x" * MAX_TEXT_BYTES, "y" * (MAX_TEXT_BYTES + 1)]}
    graph = KnowledgeGraph.gather([Columns("descriptions", rows)])
    assert [text[0] for text in graph.descriptions["text"].to_pylist()] == ["x"]


@pytest.mark.parametrize(
    ("id", "reason"), [("b\x1b[2J", "control_characters"), ("b" * (MAX_ID_BYTES + 1), "too_long")]
)
def test_ids_that_cannot_be_are_left_out_with_their_rows(id, reason):
    rows = {"head": ["a", id, "a"], "relation": ["r", "r", id], "tail": [id, "a", "a"]}
    batches = [Columns("triples", rows), Columns("names", {"entity": ["a", id], "name": ["x", "y"]})]
    batches += [Columns("entities", {"id": [id, "c"]}), Columns("relations", {"id": [id, "s"]})]
    graph = KnowledgeGraph.gather(batches)
    assert (graph.ids, graph.relation_ids, len(graph.triples)) == (["a", "c"], ["s"], 0)
    assert graph.counts()[f"left_out_{reason}"] == 6


def test_bad_names_of_relations_and_types_are_emptied():
    batches = [
        Columns("entities", {"id": ["a", "b"], "type": ["bad\x07", "caf\u0065\u0301"]}),
        Columns("relations", {"id": ["r", "s"], "name": ["bad\x07", "x" * (MAX_NAME_BYTES + 1)]}),
    ]
    graph = KnowledgeGraph.gather(batches)
    assert graph.entities["type"].to_pylist() == ["", "caf\u00e9"]
    assert graph.relation_ids == ["r", "s"] and len(graph.tables["relation_names"]) == 0
    assert graph.counts()["left_out_control_characters"] == 2
    assert graph.counts()["left_out_too_long"] == 1


def test_blank_texts_are_left_out():
    graph = graph_of("", " ", "\u00a0\t")
    assert graph.names["name"].to_pylist() == ["good"]
    assert graph.counts()["left_out_empty_text"] == 3


def test_the_case_of_a_language_says_nothing():
    rows = {"entity": ["a", "a"], "name": ["x", "x"], "language": ["en-GB", "en-gb"]}
    graph = KnowledgeGraph.gather([Columns("names", rows)])
    assert graph.names["language"].to_pylist() == ["en-gb"]
