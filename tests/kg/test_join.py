"""Two graphs joined by name: who meets whom, and what stays apart."""

import pyarrow as pa
import pytest

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.join import join_graphs
from loregraft.kg.tables.columns import Columns
from loregraft.records import Triple


def graph(names, triples=(), types=None):
    entity, name, kind = (list(column) for column in zip(*names, strict=True))
    head, relation, tail = ([row[part] for row in triples] for part in range(3))
    batches = [
        Columns("names", {"entity": entity, "name": name, "kind": kind}),
        Columns("triples", {"head": head, "relation": relation, "tail": tail}),
    ]
    if types:
        batches.append(Columns("entities", {"id": list(types), "type": list(types.values())}))
    return KnowledgeGraph.gather(batches)


def join(left, right, types=None):
    return join_graphs(left, right, types=types)


def test_preferred_names_meet_whatever_their_spelling():
    left = graph([("O:1", "Fabry-Disease", "preferred")], [("O:1", "has", "H:1")])
    right = graph(
        [("M:1", "fabry disease", "preferred"), ("M:1", "FD", "exact"), ("M:2", "disease", "preferred")],
        [("M:1", "is_a", "M:2")],
    )
    joined, counts = join(left, right)
    assert joined.ids == ["O:1", "H:1", "M:2"]
    assert [(name.text, name.kind) for name in joined.entity("O:1").names] == [
        ("Fabry-Disease", "preferred"), ("fabry disease", "exact"), ("FD", "exact")
    ]  # fmt: skip
    assert joined.facts("O:1") == [Triple("O:1", "has", "H:1"), Triple("O:1", "is_a", "M:2")]
    assert counts == {
        "candidates": 2, "joined": 1, "ambiguous": 0, "unmatched": 1,
        "targets": 1, "folded": 0, "same_id": 0, "added": 1,
    }  # fmt: skip
    assert [(row["property"], row["value"]) for row in joined.attributes.to_pylist()] == [("xref", "M:1")]


def test_exact_names_meet_when_no_preferred_one_does():
    left = graph([("O:1", "grippe", "preferred"), ("O:2", "x", "preferred"), ("O:2", "cold", "exact")])
    right = graph([("M:1", "flu", "preferred"), ("M:1", "grippe", "exact"), ("M:2", "cold", "preferred")])
    joined, counts = join(left, right)
    assert joined.ids == ["O:1", "O:2"]
    assert counts["joined"] == 2


def test_a_preferred_name_outranks_the_exact_name_of_another():
    left = graph([("O:1", "flu", "preferred")])
    right = graph([("M:1", "flu", "preferred"), ("M:2", "cold", "preferred"), ("M:2", "flu", "exact")])
    joined, _ = join(left, right)
    assert joined.ids == ["O:1", "M:2"]


@pytest.mark.parametrize("kind", ["abbreviation", "broad", "narrow", "related"])
def test_looser_names_do_not_join(kind):
    left, right = graph([("O:1", "flu", "preferred")]), graph([("M:1", "flu", kind)])
    assert join(left, right)[1]["joined"] == 0


def test_two_of_right_with_one_name_are_ambiguous():
    left = graph([("O:1", "flu", "preferred")])
    right = graph([("M:1", "flu", "preferred"), ("M:2", "Flu", "preferred")])
    joined, counts = join(left, right)
    assert len(joined) == 3
    assert (counts["joined"], counts["ambiguous"], counts["unmatched"]) == (0, 1, 0)


def test_vocabularies_fold_into_the_first_id():
    left = graph(
        [("O:1", "flu", "preferred"), ("R:1", "grippe", "preferred")],
        [("O:1", "has", "H:1"), ("R:1", "has", "H:2")],
    )
    right = graph([("M:1", "flu", "preferred"), ("M:1", "grippe", "exact")])
    joined, counts = join(left, right)
    assert joined.ids == ["O:1", "H:1", "H:2"]
    assert joined.facts("O:1") == [Triple("O:1", "has", "H:1"), Triple("O:1", "has", "H:2")]
    assert sorted(joined.attributes["value"].to_pylist()) == ["M:1", "R:1"]
    assert (counts["joined"], counts["targets"], counts["folded"]) == (2, 1, 1)


def test_of_one_vocabulary_only_the_best_joins():
    left = graph([("O:1", "grippe", "preferred"), ("O:2", "flu", "preferred")])
    right = graph([("M:1", "flu", "preferred"), ("M:1", "grippe", "exact")])
    joined, counts = join(left, right)
    assert joined.ids == ["O:1", "O:2"]
    assert [name.text for name in joined.entity("O:2").names] == ["flu", "grippe"]
    assert (counts["joined"], counts["ambiguous"]) == (1, 1)
    equal = graph([("O:1", "flu", "preferred"), ("O:2", "Flu", "preferred")])
    assert join(equal, right)[1]["ambiguous"] == 2


@pytest.mark.parametrize("types", [{"disease"}, {"O"}])
def test_types_and_prefixes_restrict_left(types):
    left = graph(
        [("O:1", "flu", "preferred"), ("H:1", "fever", "preferred")], types={"O:1": "disease", "H:1": "sign"}
    )
    right = graph([("M:1", "flu", "preferred"), ("M:2", "fever", "preferred")])
    joined, counts = join(left, right, types)
    assert joined.ids == ["O:1", "H:1", "M:2"]
    assert counts["candidates"] == 1


def test_equal_ids_are_one_entity():
    left = graph([("A:1", "flu", "preferred")], [("A:1", "r", "A:2")])
    right = graph([("A:1", "grippe", "preferred"), ("A:3", "flu", "preferred")], [("A:1", "r", "A:2")])
    joined, counts = join(left, right)
    assert joined.ids == ["A:1", "A:2", "A:3"]
    assert (counts["same_id"], counts["joined"], len(joined.triples)) == (2, 0, 1)


def test_only_names_join(tiny_graph):
    with pytest.raises((ValueError, TypeError), match="name"):
        join_graphs(tiny_graph, tiny_graph, on="id")  # type: ignore[arg-type]


def test_a_graph_joined_with_itself_is_itself(tiny_graph):
    joined, _ = join(tiny_graph, tiny_graph)
    assert all(joined.tables[name].equals(rows) for name, rows in tiny_graph.tables.items())


def test_what_has_no_name_to_fold_joins_nothing():
    left, right = graph([("O:1", "cough", "preferred")]), graph([("M:1", "fever", "preferred")])
    tables = dict(right.tables)
    blank = pa.array([" "], pa.large_string())
    tables["names"] = right.names.set_column(1, "name", pa.chunked_array([blank]))
    left_tables = {**left.tables, "names": tables["names"]}
    joined, counts = join(KnowledgeGraph(left_tables), KnowledgeGraph(tables))
    assert (counts["joined"], joined.ids) == (0, ["O:1", "M:1"])
