"""`loregraft kge export` and `loregraft kge import` from end to end."""

import json

import pytest

from loregraft.kg.store import save_graph
from loregraft.kge.judging.evaluate import rank_part
from loregraft.kge.parts import parts_of
from loregraft.kge.predict import predict
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Tables
from loregraft.kge.vectors import Vectors, open_vectors, save_vectors


@pytest.fixture
def folder(ring_graph, tmp_path):
    save_graph(ring_graph, tmp_path / "graph", "graph key")
    settings = KgeSettings(model="complex", dim=8, reciprocal=False)
    tables = Tables.start(len(ring_graph), len(ring_graph.relation_ids), settings)
    vectors = Vectors(tables, ring_graph.ids, ring_graph.relation_ids, settings, "graph key")
    save_vectors(vectors, tmp_path / "vectors", "key", {})
    return tmp_path


def test_there_and_back_ranks_and_answers_the_same(folder, commands, ring_graph):
    ended = commands.run("kge", "export", "vectors", "out", "--format", "dglke", cwd=folder)
    assert ended.code == 0 and ended.out == "" and "wrote out: 40 entities, 4 relations" in ended.err
    back = ("kge", "import", "out", "back", "--graph", "graph", "--format", "dglke", "--model", "complex")
    ended = commands.run(*back, "--json", cwd=folder)
    assert ended.code == 0 and json.loads(ended.out)["entities"] == 40
    told = json.loads(commands.run("kge", "rank", "back", "--graph", "graph", "--json", cwd=folder).out)
    parts, (first, second) = (
        parts_of(ring_graph),
        (open_vectors(folder / name) for name in ("vectors", "back")),
    )
    ranking = rank_part(first.tables, parts, "test")
    assert told["mrr"] == pytest.approx((1 / ranking.values).mean()) and told["n"] == len(ranking.values) > 0
    asked = ("?", "next", "E:2")
    assert predict(second, ring_graph, parts, asked) == predict(first, ring_graph, parts, asked)
    assert second.neighbours("E:2") == first.neighbours("E:2")


def test_wrong_use_ends_with_2_and_changes_nothing(folder, commands):
    assert commands.run("kge", "export", "vectors", "a.txt", "--format", "word2vec", cwd=folder).code == 0
    before = (folder / "a.txt").read_bytes()
    ended = commands.run("kge", "export", "vectors", "a.txt", "--format", "word2vec", cwd=folder)
    assert ended.code == 2 and "--force" in ended.err
    ended = commands.run("kge", "export", "vectors", "vectors", "--format", "parquet", "--force", cwd=folder)
    assert ended.code == 2 and "it is what is read" in ended.err
    ended = commands.run("kge", "export", "vectors", "b", "--format", "csv", cwd=folder)
    assert ended.code == 2 and "there is no format 'csv'" in ended.err and not (folder / "b").exists()
    wrong = ("kge", "import", "graph", "b", "--graph", "graph", "--format", "pykeen", "--model", "complex")
    ended = commands.run(*wrong, cwd=folder)
    assert ended.code == 2 and "state of the model" in ended.err and not (folder / "b").exists()
    assert (folder / "a.txt").read_bytes() == before
    told = commands.run(
        "kge", "export", "vectors", "a.txt", "--format", "word2vec", "--force", "--json", cwd=folder
    )
    assert json.loads(told.out)["written"] == {"entities": 40}
