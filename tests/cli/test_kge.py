"""`loregraft kge`: what it prints, and what it says of wrong input."""

import json

import pytest

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.store import save_graph
from loregraft.kg.tables.columns import Columns

TRAIN = ("--dim", "8", "--set", "epochs=2", "--set", "negatives=8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A graph of forty entities with parts, and another without a test part."""
    folder = tmp_path_factory.mktemp("kge")
    rows = {"head": [], "relation": [], "tail": [], "split": []}
    for entity in range(40):
        part = {0: "valid", 1: "test"}.get(entity % 10, "train")
        for name, value in zip(rows, (f"E:{entity}", "next", f"E:{(entity + 1) % 40}", part), strict=True):
            rows[name].append(value)
    save_graph(KnowledgeGraph.gather([Columns("triples", rows)]), folder / "graph", "key")
    rows["split"] = [part if part != "test" else "train" for part in rows["split"]]
    save_graph(KnowledgeGraph.gather([Columns("triples", rows)]), folder / "other", "other key")
    return folder


@pytest.fixture(scope="module")
def vectors(folder, commands):
    ended = commands.run("kge", "train", "graph", "vectors", *TRAIN, cwd=folder)
    assert ended.code == 0, ended.err
    assert "valid MRR" in ended.out
    return folder / "vectors"


def test_rank_gives_the_metrics_as_json(vectors, folder, commands):
    told = json.loads(commands.run("kge", "rank", "vectors", "--graph", "graph", "--json", cwd=folder).out)
    assert told["n"] == 8 and 0 < told["mrr"] <= 1 <= told["mr"]
    assert {"hits@1", "hits@3", "hits@10", "amri", "sides", "relations", "categories", "degrees"} <= set(told)
    assert (told["split"], told["filtered"], told["ties"]) == ("test", True, "realistic")
    shown = commands.run("kge", "rank", "vectors", "--graph", "graph", "--split", "valid", cwd=folder)
    assert shown.out.startswith("all   mrr 0.")


def test_neighbours_and_predictions(vectors, folder, commands):
    found = json.loads(commands.run("kge", "neighbours", "vectors", "E:1", "--json", cwd=folder).out)
    assert len(found) == 10 and "E:1" not in {one["id"] for one in found}
    asked = ("kge", "predict", "vectors", "E:1", "next", "?", "--graph", "graph", "--count", "40")
    answers = json.loads(commands.run(*asked, "--json", cwd=folder).out)["answers"]
    assert [(one["id"], one["stated"]) for one in answers if one["known"]] == [("E:2", "test")]
    assert len(commands.run(*asked, "--only-new", cwd=folder).out.splitlines()) == 39


def test_what_is_there_is_not_trained_again_nor_overwritten(vectors, folder, commands):
    assert commands.run("kge", "train", "graph", "vectors", *TRAIN, cwd=folder).code == 0
    ended = commands.run("kge", "train", "graph", "vectors", "--dim", "10", cwd=folder)
    assert ended.code == 2 and "it exists already" in ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("train", "graph", "new", "--dim", "0"), "Invalid value for '--dim'"),
        (("train", "graph", "new", "--dim", "7"), "multiple of 2"),
        (("train", "graph", "new", "--model", "complx"), "complex"),
        (("train", "graph", "new", "--set", "negativs=3"), "negatives"),
        (("train", "nowhere", "new"), "nowhere"),
        (("train", "vectors", "new"), "vectors"),
        (("train", "graph", "graph", "--force"), "it is what is read"),
        (("rank", "vectors", "--graph", "other"), "not trained on the graph other"),
        (("rank", "graph", "--graph", "graph"), "graph"),
        (("neighbours", "vectors", "E:99"), "Did you mean"),
        (("predict", "vectors", "?", "next", "?", "--graph", "graph"), "both ends are asked for"),
    ],
)
def test_wrong_input_is_told_in_words(vectors, folder, commands, arguments, said):
    ended = commands.run("kge", *arguments, cwd=folder)
    assert ended.code == 2 and said in ended.err and "Traceback" not in ended.err
    assert not (folder / "new").exists()


def test_an_empty_part_cannot_be_ranked(folder, commands):
    assert commands.run("kge", "train", "other", "other-vectors", *TRAIN, cwd=folder).code == 0
    ended = commands.run("kge", "rank", "other-vectors", "--graph", "other", cwd=folder)
    assert ended.code == 2 and "the part test of the graph is empty" in ended.err
