"""Neighbours of many at once: exact as one by one, approximate nearly so, and an index that fits."""

import importlib
import json
import os
from pathlib import Path

import numpy as np
import pytest

from loregraft.artifact import read_card, verify
from loregraft.errors import BadInput, MissingExtra
from loregraft.kge import nearest
from loregraft.kge.nearest import FILE, FOLDER, approximate_neighbours, neighbours
from loregraft.kge.parts import Parts
from loregraft.kge.questions import Triples
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Tables
from loregraft.kge.training.train import train
from loregraft.kge.vectors import Vectors, open_vectors, save_vectors


def drawn(entities, dim=8, seed=0):
    settings = KgeSettings(model="distmult", dim=dim, seed=seed)
    tables = Tables.start(entities, 2, settings)
    return Vectors(tables, [f"E:{i}" for i in range(entities)], ["r", "s"], settings, "key")


@pytest.fixture
def folder(tmp_path):
    save_vectors(drawn(300), tmp_path / "vectors", "own key", {})
    return tmp_path / "vectors"


def test_many_at_once_are_as_one_by_one(monkeypatch):
    """With tiles of 7 entities and 5 questions, so that each is cut somewhere."""
    monkeypatch.setattr(nearest, "TILE_ENTITIES", 7)
    monkeypatch.setattr(nearest, "QUERIES_AT_ONCE", 5)
    vectors = drawn(40)
    vectors.tables.entities.values[3] = 0  # has no direction
    for count in (1, 10, 100):
        found = neighbours(vectors, vectors.ids, count)
        for id, best in zip(vectors.ids, found, strict=True):
            expected = vectors.neighbours(id, count)
            assert [one.score for one in best] == pytest.approx([one.score for one in expected], abs=1e-6)
            if id != "E:3":
                assert [one.id for one in best] == [one.id for one in expected]
    assert neighbours(vectors, []) == []
    with pytest.raises(BadInput, match="there is no entity 'E:99'"):
        neighbours(vectors, ["E:1", "E:99"])


def recall(found, expected):
    hits = [len({a.id for a in f} & {b.id for b in e}) / len(e) for f, e in zip(found, expected, strict=True)]
    return float(np.mean(hits))


def test_the_index_finds_what_there_is_with_exact_cosines(folder):
    pytest.importorskip("usearch")
    vectors = open_vectors(folder)
    ids = vectors.ids[::7]
    found, expected = approximate_neighbours(vectors, folder, ids), neighbours(vectors, ids)
    assert recall(found, expected) > 0.99
    scores = {
        (id, one.id): one.score
        for id, best in zip(ids, neighbours(vectors, ids, 300), strict=True)
        for one in best
    }
    for id, best in zip(ids, found, strict=True):
        assert len(best) == 10 and id not in {one.id for one in best}
        assert [one.score for one in best] == sorted((one.score for one in best), reverse=True)
        assert all(one.score == pytest.approx(scores[id, one.id], abs=1e-6) for one in best)
    assert len(approximate_neighbours(vectors, folder, ["E:1"], 1000)[0]) == 299


def test_the_index_is_made_once_and_anew_for_other_vectors(folder):
    pytest.importorskip("usearch")
    vectors = open_vectors(folder)
    first = approximate_neighbours(vectors, folder, ["E:1"])
    assert verify(folder) == [] and verify(folder / FOLDER) == []
    made = (folder / FOLDER / FILE).stat()
    assert approximate_neighbours(vectors, folder, ["E:1"]) == first
    assert (folder / FOLDER / FILE).stat().st_ino == made.st_ino
    other = drawn(300, seed=1)
    key = read_card(folder / FOLDER).key
    (folder / "vectors.safetensors").write_bytes(saved(other, folder))
    assert (
        recall(approximate_neighbours(other, folder, other.ids[:20]), neighbours(other, other.ids[:20]))
        > 0.99
    )
    assert read_card(folder / FOLDER).key != key


def saved(vectors, folder):
    save_vectors(vectors, folder.parent / "other", "key", {})
    return (folder.parent / "other" / "vectors.safetensors").read_bytes()


def test_a_damaged_index_is_made_anew(folder):
    pytest.importorskip("usearch")
    vectors = open_vectors(folder)
    first = approximate_neighbours(vectors, folder, ["E:1"])
    (folder / FOLDER / FILE).write_bytes(b"nonsense")
    assert approximate_neighbours(vectors, folder, ["E:1"]) == first
    assert verify(folder / FOLDER) == []


def test_an_index_that_cannot_be_written_leaves_nothing_and_answers_all_the_same(folder, monkeypatch, caplog):
    pytest.importorskip("usearch")
    from loregraft import artifact

    def refuse(path, content):
        raise OSError(28, os.strerror(28))

    vectors = open_vectors(folder)
    monkeypatch.setattr(artifact, "write_json", refuse)
    found = approximate_neighbours(vectors, folder, ["E:1"])
    monkeypatch.undo()
    assert not (folder / FOLDER).exists() and verify(folder) == []
    assert "used without being kept" in caplog.text and "the disk is full" in caplog.text
    assert found == approximate_neighbours(vectors, folder, ["E:1"])


def test_without_usearch_the_extra_is_named(folder, monkeypatch):
    def refuse(name, package=None):
        raise ModuleNotFoundError(name)

    vectors = open_vectors(folder)
    monkeypatch.setattr(importlib, "import_module", refuse)
    with pytest.raises(MissingExtra, match=r"pip install 'loregraft\[ann\]'"):
        approximate_neighbours(vectors, folder, ["E:1"])
    assert not (folder / FOLDER).exists()


def test_recall_on_real_vectors(tmp_path):
    """UMLS: few entities, which an index finds all of; the slow test has FB15k-237."""
    pytest.importorskip("usearch")
    data = pytest.importorskip("pykeen.datasets").UMLS()
    triples = Triples.of(*data.training.mapped_triples.numpy().T)
    empty = triples.take(np.zeros(0, np.int64))
    assert (
        real_recall(Parts(triples, empty, empty, data.num_entities, data.num_relations), 32, 3, tmp_path)
        >= 0.95
    )


def real_recall(parts, dim, epochs, tmp_path):
    settings = KgeSettings(dim=dim, epochs=epochs, workers=1)
    tables = Tables.start(parts.entities, parts.relations, settings)
    start = tables.entities.values.clone()
    train(tables, parts, settings)
    assert (tables.entities.values - start).abs().max() > 0.1
    names = [f"E:{i}" for i in range(parts.entities)]
    relations = [f"r{i}" for i in range(parts.relations)]
    vectors = Vectors(tables, names, relations, settings, "key")
    save_vectors(vectors, tmp_path / "vectors", "own key", {})
    ids = names[:: max(1, len(names) // 1000)]
    return recall(approximate_neighbours(vectors, tmp_path / "vectors", ids), neighbours(vectors, ids))


@pytest.mark.slow
def test_recall_on_fb15k237(tmp_path):
    pytest.importorskip("usearch")
    folder = (
        Path(os.environ.get("LOREGRAFT_DATA", Path(__file__).parents[3] / "shared" / "data")) / "fb15k237"
    )
    if not folder.is_dir():
        pytest.skip(f"no data at {folder}")
    rows = np.loadtxt(folder / "train2id.txt", dtype=np.int64, skiprows=1)
    triples = Triples.of(rows[:, 0], rows[:, 2], rows[:, 1])
    empty = triples.take(np.zeros(0, np.int64))
    parts = Parts(triples, empty, empty, int(rows[:, :2].max()) + 1, int(rows[:, 2].max()) + 1)
    assert real_recall(parts, 64, 2, tmp_path) >= 0.95


def test_on_the_command_line(folder, commands):
    pytest.importorskip("usearch")
    asked = ("kge", "neighbours", "vectors", "E:1", "E:2", "--count", "3", "--json")
    exact, near = (commands.run(*asked, *more, cwd=folder.parent) for more in ((), ("--approximate",)))
    assert exact.code == near.code == 0, near.err
    assert list(json.loads(exact.out)) == ["E:1", "E:2"] and json.loads(exact.out) == json.loads(near.out)
    assert (folder / FOLDER / FILE).is_file()
    shown = commands.run("kge", "neighbours", "vectors", "E:1", "E:2", cwd=folder.parent)
    assert shown.out.splitlines()[0] == "E:1" and len(shown.out.splitlines()) == 22
    ended = commands.run("kge", "neighbours", "vectors", "E:999", "--approximate", cwd=folder.parent)
    assert ended.code == 2 and "Did you mean" in ended.err
