"""Vectors answer as the plain formulas say."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from loregraft.errors import BadInput, WrongArtifact
from loregraft.kge.judging.evaluate import categories, metrics, rank_part
from loregraft.kge.parts import parts_of
from loregraft.kge.predict import predict
from loregraft.kge.questions import Triples
from loregraft.kge.scorers import SCORERS
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Tables
from loregraft.kge.vectors import Vectors, open_vectors, save_vectors


@pytest.fixture
def vectors(ring_graph):
    settings = KgeSettings(model="transe", dim=8, reciprocal=False)
    tables = Tables.start(len(ring_graph), len(ring_graph.relation_ids), settings)
    return Vectors(tables, ring_graph.ids, ring_graph.relation_ids, settings, "key")


def test_neighbours_are_those_of_the_cosine(vectors):
    table = vectors.tables.entities.values.numpy()
    unit = table / np.linalg.norm(table, axis=1, keepdims=True)
    row = vectors.index("E:3")
    scores = unit @ unit[row]
    scores[row] = -2
    found = vectors.neighbours("E:3", 5)
    assert [one.id for one in found] == [vectors.ids[i] for i in np.argsort(-scores)[:5]]
    assert [one.score for one in found] == pytest.approx(sorted(scores, reverse=True)[:5], abs=1e-6)
    assert len(vectors.neighbours("E:3", 1000)) == len(vectors) - 1


def test_scores_and_answers_are_the_formula(vectors):
    h, t = vectors.vector("E:1"), vectors.vector("E:2")
    r = vectors.tables.relations.values[vectors.relation_index("next")].numpy()
    expected = -np.linalg.norm(h + r - t)
    assert vectors.score([("E:1", "next", "E:2")])[0] == pytest.approx(expected, abs=1e-6)
    assert vectors.answers("E:1", "next")[vectors.index("E:2")] == pytest.approx(expected, abs=1e-6)
    assert vectors.answers("E:2", "next", heads=True)[vectors.index("E:1")] == pytest.approx(
        expected, abs=1e-6
    )
    assert vectors.score([]).tolist() == []


def test_an_unknown_id_names_near_ones(vectors):
    with pytest.raises(BadInput, match=r"there is no entity 'E:399'. Did you mean"):
        vectors.neighbours("E:399")
    with pytest.raises(BadInput, match=r"there is no relation 'nex'. Did you mean 'next'"):
        vectors.answers("E:1", "nex")


def test_predictions_tell_what_is_known(vectors, ring_graph):
    found = predict(vectors, ring_graph, parts_of(ring_graph), ("E:0", "next", "?"))
    assert len(found) == len(ring_graph)
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert [one.id for one in found if one.stated] == ["E:1"]
    new = predict(vectors, ring_graph, parts_of(ring_graph), ("?", "next", "E:0"), only_new=True)
    assert {one.id for one in new} == set(ring_graph.ids) - {"E:39"}
    for wrong in (("?", "next", "?"), ("E:0", "next", "E:1")):
        with pytest.raises(BadInput, match=r"Write '\?' for the head or for the tail"):
            predict(vectors, ring_graph, parts_of(ring_graph), wrong)


@pytest.mark.parametrize("reciprocal", [False, True])
@pytest.mark.parametrize("name", sorted(SCORERS))
def test_what_is_saved_and_opened_answers_the_same(ring_graph, tmp_path, name, reciprocal):
    settings = KgeSettings(model=name, dim=8, reciprocal=reciprocal, by_row=reciprocal, seed=3)
    tables = Tables.start(len(ring_graph), len(ring_graph.relation_ids), settings)
    made = Vectors(tables, ring_graph.ids, ring_graph.relation_ids, settings, "key")
    save_vectors(made, tmp_path / "out", "own key", {"told": 1})
    opened = open_vectors(tmp_path / "out")
    assert (opened.ids, opened.relation_ids) == (made.ids, made.relation_ids)
    assert (opened.settings, opened.graph_key, len(opened)) == (settings, "key", len(ring_graph))
    for (left, one), (right, other) in zip(
        tables.named().items(), opened.tables.named().items(), strict=True
    ):
        assert left == right and torch.equal(one, other)
    triples = [("E:1", "next", "E:2"), ("E:3", "before", "E:2"), ("E:1", "next", "E:5")]
    assert opened.score(triples).tolist() == made.score(triples).tolist()
    h, t = (
        tables.entities.values[[opened.index(id) for id in ids]]
        for ids in zip(*triples, strict=True)
        if ids[0] != "next"
    )
    r = tables.relations.values[[opened.relation_index(row[1]) for row in triples]]
    r = r if tables.core is None else tables.scorer.compose(r, tables.core.values)
    each = [tables.scorer.score(h[[i]], r[[i]], t[[i]]) for i in range(3)]
    assert opened.score(triples) == pytest.approx(torch.cat(each).numpy(), rel=1e-4, abs=1e-6)
    assert opened.answers("E:1", "next")[opened.index("E:5")] == pytest.approx(each[2].item(), rel=1e-4)


def test_opened_vectors_are_mapped_and_not_changed_by_what_is_done_to_them(vectors, tmp_path):
    save_vectors(vectors, tmp_path / "out", "key", {})
    opened = open_vectors(tmp_path / "out")
    assert "vectors.safetensors" in Path("/proc/self/maps").read_text()
    opened.tables.entities.values.zero_()
    assert torch.equal(open_vectors(tmp_path / "out").tables.entities.values, vectors.tables.entities.values)


@pytest.mark.parametrize("name", ["vectors.safetensors", "entities.parquet"])
@pytest.mark.parametrize("spoil", [Path.unlink, lambda file: file.write_bytes(b"nonsense")])
def test_a_damaged_folder_is_said_to_be(vectors, tmp_path, name, spoil):
    save_vectors(vectors, tmp_path / "out", "key", {})
    spoil(tmp_path / "out" / name)
    with pytest.raises(WrongArtifact, match=r"(?s)out: cannot be read: .*Train the vectors again\."):
        open_vectors(tmp_path / "out")


def test_a_folder_with_too_little_in_it_or_of_a_scorer_of_another_day_is_refused(vectors, tmp_path):
    save_vectors(vectors, tmp_path / "out", "key", {})
    save_file({"entities": vectors.tables.entities.values}, tmp_path / "out" / "vectors.safetensors")
    with pytest.raises(WrongArtifact, match="cannot be read"):
        open_vectors(tmp_path / "out")
    save_vectors(vectors, tmp_path / "out", "key", {})
    card = tmp_path / "out" / "card.json"
    card.write_text(card.read_text().replace("transe", "other"))
    with pytest.raises(WrongArtifact, match="cannot be read"):
        open_vectors(tmp_path / "out")


def test_ids_and_vectors_must_go_together(vectors, tmp_path):
    fewer = Vectors(vectors.tables, vectors.ids[1:], vectors.relation_ids, vectors.settings, "key")
    save_vectors(fewer, tmp_path / "out", "key", {})
    with pytest.raises(WrongArtifact, match="ids and vectors differ in number"):
        open_vectors(tmp_path / "out")


def test_a_folder_of_something_else_is_no_vectors(tmp_path):
    with pytest.raises(WrongArtifact):
        open_vectors(tmp_path)


def test_metrics_by_hand():
    """Ranks 1, 2 and 4 among 11: MRR (1 + 1/2 + 1/4) / 3, MR 7/3; chance has 6."""
    found = metrics(np.array([1.0, 2.0, 4.0]), np.array([11, 11, 11]))
    assert found["mrr"] == pytest.approx(7 / 12) and found["mr"] == pytest.approx(7 / 3)
    assert (found["hits@1"], found["hits@3"], found["hits@10"]) == pytest.approx((1 / 3, 2 / 3, 1))
    assert found["amri"] == pytest.approx(1 - (4 / 3) / 5)
    assert metrics(np.zeros(0), np.zeros(0, np.int64))["mrr"] is None


def test_categories_of_relations():
    """Relation 0: one to one; 1: one head, two tails; 2: two heads, one tail; 3: two by two."""
    rows = [(0, 0, 1), (2, 0, 3), (0, 1, 1), (0, 1, 2), (1, 2, 0), (2, 2, 0)]
    rows += [(h, 3, t) for h in (0, 1) for t in (2, 3)]
    assert categories(Triples.of(*np.array(rows).T), 4).tolist() == [0, 1, 2, 3]


def test_entities_that_train_does_not_know_rank_last(vectors, ring_parts):
    test = ring_parts.test
    new = int(test.tails[0])
    rows = np.flatnonzero((ring_parts.train.heads != new) & (ring_parts.train.tails != new))
    parts = replace(ring_parts, train=ring_parts.train.take(rows))
    assert parts.unseen(test).tolist() == [new]
    ranking = rank_part(vectors.tables, parts, "test")
    assert ranking.values[0] == ranking.ranks.candidates[0]
    assert (rank_part(vectors.tables, ring_parts, "test").values <= ranking.values).all()
