"""`loregraft kg split`: a graph with parts, or files of them, and what was moved."""

import json

import pytest

from loregraft.artifact import read_card
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.split.triples import PARTS
from loregraft.kg.store import open_graph, save_graph
from loregraft.kg.tables.columns import Columns

FACTS = [(f"{row}", f"{column}") for row in range(12) for column in range(12) if row < column]


@pytest.fixture
def folder(tmp_path):
    head, tail = (list(column) for column in zip(*FACTS, strict=True))
    rows = {"head": head + tail, "relation": ["r"] * 66 + ["inverse"] * 66, "tail": tail + head}
    save_graph(KnowledgeGraph.gather([Columns("triples", rows)]), tmp_path / "graph", "key")
    return tmp_path


def test_a_graph_with_parts(commands, folder):
    ended = commands.run("kg", "split", "graph", "out", "--test", "0.2", cwd=folder)
    assert ended.code == 0 and "wrote out" in ended.err
    assert "20  facts moved out of train: one from tail to head" in ended.out
    made = open_graph(folder / "out", check=True)
    parts = made.triples["split"].to_pylist()
    assert [parts.count(part) for part in PARTS] == [92, 14, 26]
    card = read_card(folder / "out")
    assert card.facts["split"]["test"] == 26 and card.settings["mode"] == "transductive"
    again = commands.run("kg", "split", "graph", "again", "--test", "0.2", cwd=folder)
    assert again.out == ended.out and read_card(folder / "again").outputs == card.outputs


def test_files_and_json(commands, folder):
    arguments = (
        "kg",
        "split",
        "graph",
        "out",
        "--mode",
        "inductive",
        "--test",
        "0.3",
        "--valid",
        "0",
        "--files",
    )
    ended = commands.run(*arguments, "--json", cwd=folder)
    counts = json.loads(ended.out)["counts"]
    lines = {part: (folder / "out" / f"{part}.tsv").read_text().splitlines() for part in PARTS}
    assert {part: len(lines[part]) for part in PARTS} == {part: counts[part] for part in PARTS}
    assert counts["test"] > 0 == counts["valid"]
    known = {end for line in lines["train"] for end in line.split("\t")[::2]}
    assert all(not set(line.split("\t")[::2]) <= known for line in lines["test"])


def test_nothing_is_overwritten_without_force(commands, folder):
    (folder / "out").mkdir()
    ended = commands.run("kg", "split", "graph", "out", cwd=folder)
    assert ended.code == 2 and "--force" in ended.err
    assert commands.run("kg", "split", "graph", "out", "--force", cwd=folder).code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--valid", "0.5", "--test", "0.5"), "leave no triple for train"),
        (("--test", "-0.1"), "Give shares from 0 to 1"),
        (("--valid", "nan"), "--valid nan and --test 0.1 leave no triple"),
        (("--test", "inf"), "--valid 0.1 and --test inf leave no triple"),
        (("--mode", "kept"), "no triple came with a part"),
        (("--test", "0.001", "--valid", "0"), "valid 0 and test 0.001 of 132 facts is none to hold out"),
    ],
)
def test_what_cannot_be_split_is_said(commands, folder, arguments, said):
    ended = commands.run("kg", "split", "graph", "out", *arguments, cwd=folder)
    assert ended.code == 2 and said in ended.err
    assert not (folder / "out").exists()


def test_facts_that_no_line_holds_are_told_and_one_part_may_be_none(commands, tmp_path):
    rows = {"head": ["#1", *"abcdefghij"], "relation": ["r"] * 11, "tail": ["x"] * 11}
    save_graph(KnowledgeGraph.gather([Columns("triples", rows)]), tmp_path / "graph", "key")
    arguments = ("kg", "split", "graph", "out", "--test", "0", "--mode", "inductive", "--files")
    ended = commands.run(*arguments, cwd=tmp_path)
    assert ended.code == 0
    assert "           1  facts in no file: a line cannot hold their ids" in ended.out
    assert "           0  facts in test" in ended.out and "           1  facts in valid" in ended.out
    again = commands.run(*arguments, "--json", "--force", cwd=tmp_path)
    assert json.loads(again.out)["counts"]["left_out_ids"] == 1
