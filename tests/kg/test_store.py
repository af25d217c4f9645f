"""A graph that was saved opens as the same graph, or not at all."""

import json
import shutil

import numpy as np
import pytest

from loregraft.artifact import read_card, verify, writing
from loregraft.errors import WrongArtifact
from loregraft.kg.edit.folder import edit_graph
from loregraft.kg.store import open_graph, save_graph
from loregraft.kg.walk import neighbours
from loregraft.records import Triple


def test_opened_equals_saved(tiny_graph, tmp_path):
    save_graph(tiny_graph, tmp_path / "graph", "key", inputs={"a.tsv": "0"})
    opened = open_graph(tmp_path / "graph")
    assert all(opened.tables[name].equals(rows) for name, rows in tiny_graph.tables.items())
    assert opened.counts() == tiny_graph.counts()
    assert opened.facts("D:2") == tiny_graph.facts("D:2")
    assert isinstance(opened.tails, np.memmap)
    assert verify(tmp_path / "graph") == []
    assert read_card(tmp_path / "graph").facts["counts"] == tiny_graph.counts()


def test_saving_twice_writes_the_same_bytes(tiny_graph, tmp_path):
    save_graph(tiny_graph, tmp_path / "one", "key")
    save_graph(open_graph(tmp_path / "one"), tmp_path / "two", "key")
    assert read_card(tmp_path / "one").outputs == read_card(tmp_path / "two").outputs


def test_neighbours_are_each_once_without_oneself(tiny_graph):
    found = neighbours(tiny_graph, tiny_graph.index("D:2"))
    assert [tiny_graph.ids[index] for index in found] == ["P:1", "P:2", "P:6", "D:4"]  # P:5 is negated


@pytest.mark.parametrize("name", ["names.parquet", "in_rows.npy"])
@pytest.mark.parametrize("check", [True, False])
def test_damage_is_found(name, check, tiny_graph, tmp_path):
    save_graph(tiny_graph, tmp_path / "graph", "key")
    file = tmp_path / "graph" / name
    file.write_bytes(file.read_bytes()[:60])
    with pytest.raises(WrongArtifact):
        len(open_graph(tmp_path / "graph", check=check).names)


def test_opening_reads_no_table(tiny_graph, tmp_path):
    save_graph(tiny_graph, tmp_path / "graph", "key")
    opened = open_graph(tmp_path / "graph")
    for file in (tmp_path / "graph").glob("*.parquet"):
        file.write_bytes(b"")
    assert (len(opened), opened.counts()["names"]) == (12, 29)
    assert opened.tails.tolist() == tiny_graph.tails.tolist()
    with pytest.raises(WrongArtifact, match="cannot be read"):
        len(opened.names)


def test_a_graph_of_another_layout_is_refused(tiny_graph, tmp_path):
    save_graph(tiny_graph, tmp_path / "graph", "key")
    card = tmp_path / "graph" / "card.json"
    card.write_text(card.read_text().replace('"layout": 2', '"layout": 1'))
    with pytest.raises(WrongArtifact, match="another version"):
        open_graph(tmp_path / "graph")


def test_missing_file_and_wrong_folder(tiny_graph, tmp_path):
    save_graph(tiny_graph, tmp_path / "graph", "key")
    (tmp_path / "graph" / "triples.parquet").unlink()
    with pytest.raises(WrongArtifact, match=r"triples.parquet: missing"):
        open_graph(tmp_path / "graph")
    with writing(tmp_path / "other", "links", "key") as (folder, _):
        (folder / "a.json").write_text(json.dumps({}))
    with pytest.raises(WrongArtifact, match="this is a links, not a graph"):
        open_graph(tmp_path / "other")
    with pytest.raises(WrongArtifact, match=r"no card.json"):
        open_graph(tmp_path / "absent")


def test_an_opened_graph_stays_what_it_was(tiny_graph, tmp_path):
    save_graph(tiny_graph, tmp_path / "graph", "key")
    opened = open_graph(tmp_path / "graph")
    edit_graph(tmp_path / "graph", [Triple("A:0", "is_a", "P:1")], [Triple("P:3", "is_a", "P:2")])
    assert opened.facts("D:2") == tiny_graph.facts("D:2")
    assert all(opened.tables[name].equals(rows) for name, rows in tiny_graph.tables.items())
    assert len(open_graph(tmp_path / "graph").facts("A:0")) == 1
    shutil.rmtree(tmp_path / "graph")
    assert opened.entity("P:1").name == "Fever"


def test_a_damaged_table_stays_an_error(tiny_graph, tmp_path):
    save_graph(tiny_graph, tmp_path / "graph", "key")
    opened = open_graph(tmp_path / "graph")
    (tmp_path / "graph" / "names.parquet").write_bytes(b"")
    for _ in range(2):
        with pytest.raises(WrongArtifact, match="cannot be read"):
            len(opened.names)
