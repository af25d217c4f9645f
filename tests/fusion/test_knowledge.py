"""What methods may ask of a graph."""

import math

import numpy as np
import pytest

from loregraft.fusion.knowledge import Fact, Knowledge, choose_facts
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.tables.columns import Columns


def test_facts_tell_most_first_and_are_worded_from_either_end(tiny_graph):
    """Three of the five true facts of has_phenotype have fever or rash; one in five has fatigue."""
    knowledge = Knowledge(tiny_graph)
    flu, fever = tiny_graph.index("D:2"), tiny_graph.index("P:1")
    facts = knowledge.facts(flu)
    assert [fact.words for fact in facts if fact.relation == "has phenotype"] == [
        "has phenotype Cephalalgia",
        "has phenotype Fatigue",
        "has phenotype Fever",
    ]
    told = {fact.words: fact.information for fact in facts}
    shown = sum(tiny_graph.relation_ids[r] == "has_phenotype" for r in tiny_graph.relation_indexes.tolist())
    assert told["has phenotype Fever"] == pytest.approx(math.log(shown / 2))
    assert told["has phenotype Fatigue"] == pytest.approx(math.log(shown))
    assert {fact.words for fact in knowledge.facts(fever)} == {
        "Rubeola has phenotype",
        "Influenza has phenotype",
    }
    assert not any("Exanthem" in fact.words for fact in facts)  # known to be false


def test_relations_take_turns():
    facts = [Fact(row, "a", str(row), row, True, 9.0 - row) for row in range(4)]
    facts += [Fact(9, "b", "9", 9, True, 0.1)]
    assert [fact.row for fact in choose_facts(facts, 3)] == [0, 9, 1]
    assert [fact.row for fact in choose_facts(facts, 9, ["b"])] == [9]
    assert choose_facts([], 3) == [] == choose_facts(facts, 0)


def test_what_is_said(tiny_graph, polar_graph):
    flu = tiny_graph.index("D:2")
    said = Knowledge(tiny_graph).said(flu, words=3, facts=1)
    assert [text for text, _ in said[:2]] == ["disease", "A viral disease"] and said[2][1] is not None
    assert Knowledge(tiny_graph).said(flu, types=False, words=0, facts=0) == []
    assert ("negative", None) in Knowledge(polar_graph).said(flu)


def test_vectors_have_one_length_and_those_without_have_their_types_mean(knowledge):
    graph = knowledge.graph
    assert np.linalg.norm(knowledge.entity_vectors, axis=1).mean() == pytest.approx(1.0)
    given = knowledge.vectors
    places = [place for place, id in enumerate(given.ids) if id != "P:1"]
    less = type(given)(given.tables, given.ids, given.relation_ids, given.settings, "")
    less.ids = [id if id != "P:1" else "unknown" for id in given.ids]
    fewer = Knowledge(graph, less)
    fever = graph.index("P:1")
    others = [graph.index(given.ids[p]) for p in places if given.ids[p].startswith("P")]
    assert fewer.vector_rows[fever] == -1
    assert np.allclose(fewer.entity_vectors[fever], fewer.entity_vectors[others].mean(0), atol=1e-6)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("-2.5", -2.5),
        ("positive", 1.0),
        ("Negative", -1.0),
        ("0", 0.0),
        ("odd", None),
        ("nan", None),
        ("inf", None),
    ],
)
def test_polarities(value, found):
    columns = [
        Columns("entities", {"id": ["w"], "type": ["word"]}),
        Columns("attributes", {"entity": ["w"], "property": ["polarity"], "value": [value]}),
    ]
    assert Knowledge(KnowledgeGraph.gather(columns)).polarity(0) == found


def test_a_polarity_that_cannot_be_read_does_not_hide_another():
    from loregraft.fusion.knowledge import POLARITIES

    first, second = POLARITIES[:2]
    said = {"entity": ["w", "w"], "property": [first, second], "value": ["nan", "-1"]}
    columns = [Columns("entities", {"id": ["w"], "type": ["word"]}), Columns("attributes", said)]
    assert Knowledge(KnowledgeGraph.gather(columns)).polarity(0) == -1.0
