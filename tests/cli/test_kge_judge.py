"""`loregraft kge classify`, `rank --sampled` and `--relations`, `predict --probability`: what they print."""

import json

import pytest

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.store import save_graph
from loregraft.kg.tables.columns import Columns


@pytest.fixture(scope="module")
def folder(tmp_path_factory, commands):
    """A ring of forty, and an entity and a relation that are in test only; another graph without valid."""
    folder = tmp_path_factory.mktemp("judge")
    rows = {"head": [], "relation": [], "tail": [], "split": []}

    def add(*row):
        for name, value in zip(rows, row, strict=True):
            rows[name].append(value)

    for entity in range(40):
        for relation, step in (("next", 1), ("second", 2)):
            part = {0: "valid", 1: "test"}.get((entity + step) % 5, "train")
            add(f"E:{entity}", relation, f"E:{(entity + step) % 40}", part)
    add("E:1", "next", "E:unheard", "test")
    add("E:3", "unheard of", "E:4", "test")
    save_graph(KnowledgeGraph.gather([Columns("triples", rows)]), folder / "graph", "key")
    rows["split"] = [part if part != "valid" else "train" for part in rows["split"]]
    save_graph(KnowledgeGraph.gather([Columns("triples", rows)]), folder / "other", "other key")
    for graph in ("graph", "other"):
        settings = ("--dim", "16", "--set", "epochs=4", "--set", "workers=1", "--set", "batch=32")
        ended = commands.run("kge", "train", graph, f"{graph}-vectors", *settings, cwd=folder)
        assert ended.code == 0, ended.err
        (folder / f"{graph}-said").write_text(ended.err)
    return folder


@pytest.fixture
def run(folder, commands):
    def made(*arguments, graph="graph"):
        ended = commands.run("kge", *arguments, "--graph", graph, cwd=folder)
        assert "Traceback" not in ended.err
        return ended

    return made


def test_training_and_ranking_name_what_train_does_not_know(folder, run):
    ended = run("rank", "graph-vectors", "--json")
    told = json.loads(ended.out)
    assert (told["unseen_entities"], told["unseen_relations"]) == (1, 1)
    for said in (ended.err, (folder / "graph-said").read_text()):
        assert "1 entities of test are in no triple of train and rank last: E:unheard" in said
        assert "1 relations of test are in no triple of train and rank last: unheard of" in said
        assert "of valid are" not in said
    assert told["relations"]["unheard of"]["mr"] == 41  # among all entities
    valid = run("rank", "graph-vectors", "--split", "valid", "--json")
    assert "in no triple" not in valid.err and json.loads(valid.out)["unseen_relations"] == 0


def test_classify_gives_quality_and_reliability(run):
    ended = run("classify", "graph-vectors", "--json")
    told = json.loads(ended.out)
    assert told["n"] == 2 * (16 + 2) and told["not_learnt"] >= 2 and told["seed"] == 0
    assert set(told["relations"]) == {"next", "second", "unheard of"} and told["own_thresholds"] == 2
    for one in (told, told["one_threshold"], told["popularity"], told["relations"]["next"]):
        assert {"accuracy", "precision", "recall", "f1"} <= set(one) and 0 <= one["accuracy"] <= 1
    assert told["probability"]["base_rate"] == 0.5
    rare = json.loads(run("classify", "graph-vectors", "--json", "--base-rate", "0.1").out)
    assert rare["probability"]["always_base_rate"]["brier"] == pytest.approx(0.09, abs=0.02)
    assert rare["accuracy"] == told["accuracy"]
    draws = {run("classify", "graph-vectors", "--json", "--seed", str(seed)).out for seed in (0, 0, 1, 2)}
    assert ended.out in draws and len(draws) == 3
    shown = run("classify", "graph-vectors")
    names = ["vectors", "one threshold", "popularity", "calibrated", "uncalibrated", "always base rate"]
    lines = shown.out.splitlines()
    assert [name for name, line in zip(names, lines, strict=True) if line.startswith(f"{name} ")] == names
    assert f"accuracy {told['accuracy']:.4f}" in lines[0] and "brier" in lines[3]
    assert "none is said to be true" in shown.err


def test_sampled_ranks_have_names_of_their_own(run):
    told = json.loads(run("rank", "graph-vectors", "--sampled", "5", "--json").out)
    assert told["sampled_mr@5"] <= 6 and told["n"] == 36 and "mrr" not in told
    full = json.loads(run("rank", "graph-vectors", "--json").out)
    assert told["sampled_mrr@5"] > full["mrr"] and "sampled_mrr@5" not in full
    every = json.loads(run("rank", "graph-vectors", "--sampled", "99", "--json").out)
    assert every["sampled_mrr@99"] == full["mrr"]
    assert run("rank", "graph-vectors", "--sampled", "5").out.startswith("all   sampled_mrr@5 0.")


def test_relations_are_ranked_among_relations(run):
    told = json.loads(run("rank", "graph-vectors", "--relations", "--json").out)
    assert told["n"] == 18 and 1 <= told["relation_mr"] <= 3 and "mrr" not in told
    assert told["unseen_relations"] == 1
    assert run("rank", "graph-vectors", "--relations", "--raw").out.startswith("all   relation_mrr 0.")


def test_predictions_have_probabilities_when_asked(run):
    asked = ("predict", "graph-vectors", "E:1", "next", "?", "--count", "41")
    plain = json.loads(run(*asked, "--json").out)
    assert "base_rate" not in plain and "probability" not in plain["answers"][0]
    told = json.loads(run(*asked, "--json", "--probability", "--base-rate", "0.02").out)
    assert told["base_rate"] == 0.02
    assert [one["id"] for one in told["answers"]] == [one["id"] for one in plain["answers"]]
    likely = {one["id"]: one["probability"] for one in told["answers"]}
    assert likely.pop("E:unheard") is None and all(0 <= p <= 1 for p in likely.values())
    more = json.loads(run(*asked, "--json", "--probability").out)["answers"]
    assert all(one["probability"] > likely[one["id"]] for one in more if one["id"] in likely)
    shown = run(*asked, "--probability").out.splitlines()
    assert (
        sum("  p 0." in line for line in shown) == 40 and sum("  p unknown  " in line for line in shown) == 1
    )


@pytest.mark.parametrize(
    ("arguments", "graph", "said"),
    [
        (("classify", "other-vectors"), "other", "the part valid of the graph is empty"),
        (("predict", "other-vectors", "E:1", "next", "?", "--probability"), "other", "the part valid"),
        (("classify", "other-vectors"), "graph", "not trained on the graph graph"),
        (("classify", "graph-vectors", "--base-rate", "1"), "graph", "Invalid value for '--base-rate'"),
        (("rank", "graph-vectors", "--sampled", "0"), "graph", "Invalid value for '--sampled'"),
        (("rank", "graph-vectors", "--sampled", "5", "--relations"), "graph", "leave --sampled out"),
    ],
)
def test_wrong_use_is_told_in_words(run, arguments, graph, said):
    ended = run(*arguments, graph=graph)
    assert ended.code == 2 and said in ended.err
