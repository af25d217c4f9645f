"""`loregraft kg check`: findings with a fix each, an exit code, and nothing that a terminal would obey."""

import json

import pytest

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.store import save_graph
from loregraft.kg.tables.columns import Columns


@pytest.fixture
def folder(tmp_path, tiny_graph):
    save_graph(tiny_graph, tmp_path / "graph", "key")
    return tmp_path


def test_a_check_tells_what_is_wrong_and_what_there_is(commands, folder):
    ended = commands.run("kg", "check", "graph", cwd=folder)
    assert ended.code == 0
    assert "note  entities without description: 4\n" in ended.out
    assert "      Fine if names say enough; else add descriptions" in ended.out
    assert "12 entities, 11 facts, 3 relations, 29 names" in ended.out
    assert "what the texts have of it" not in ended.out


def test_json_tells_all_of_it(commands, folder):
    (folder / "notes.txt").write_text("Fever, again.\nNothing.\n", encoding="utf-8")
    ended = commands.run("kg", "check", "graph", "--text", "notes.txt", "--json", cwd=folder)
    told = json.loads(ended.out)
    assert ended.code == 0 and set(told) == {"findings", "fitness", "text"}
    levels = {found["level"] for found in told["findings"]}
    assert levels == {"pass", "note"} and all(f["fix"] for f in told["findings"] if f["level"] != "pass")
    assert told["fitness"]["counts"]["entities"] == 12
    assert (told["text"]["texts"], told["text"]["mentioning"], told["text"]["mentions"]) == (2, 0.5, 1)


def test_what_is_wrong_ends_with_1_and_stands_before_what_may_be_fine(commands, tmp_path):
    rows = {"head": ["a"], "relation": ["r"], "tail": ["a"]}
    batches = [Columns("names", {"entity": ["a"], "name": ["x"]}), Columns("triples", rows)]
    save_graph(KnowledgeGraph.gather(batches), tmp_path / "graph", "key")
    ended = commands.run("kg", "check", "graph", cwd=tmp_path)
    assert ended.code == 1 and ended.out.startswith("warn  triples from an entity to itself: 1\n")
    levels = [line.split("  ")[0] for line in ended.out.splitlines() if line[:4] in ("warn", "note", "pass")]
    assert levels == ["warn", "note", "note", "pass"]


def test_a_graph_without_a_fault_ends_well(commands, tmp_path):
    rows = {"entity": ["a", "a", "b", "b"], "name": ["x", "y", "z", "w"]}
    batches = [
        Columns("names", rows),
        Columns("descriptions", {"entity": ["a", "b"], "text": ["one", "two"]}),
        Columns("triples", {"head": ["a"], "relation": ["r"], "tail": ["b"]}),
    ]
    save_graph(KnowledgeGraph.gather(batches), tmp_path / "graph", "key")
    ended = commands.run("kg", "check", "graph", cwd=tmp_path)
    assert ended.code == 0 and ended.out.startswith("pass  22 checks")
    assert json.loads(commands.run("kg", "check", "graph", "--json", cwd=tmp_path).out)["text"] is None


def test_what_a_terminal_would_obey_is_written_as_an_escape(commands, tmp_path):
    ids = ["a\u202d[31m", "b\u202e"]
    save_graph(KnowledgeGraph.gather([Columns("entities", {"id": ids})]), tmp_path / "graph", "key")
    ended = commands.run("kg", "check", "graph", cwd=tmp_path)
    assert "\u202d" not in ended.out and "\u202e" not in ended.out
    assert r"a\u202d[31m; b\u202e" in ended.out


def test_no_graph_and_no_text_file_are_wrong_use(commands, folder):
    ended = commands.run("kg", "check", "nothing", cwd=folder)
    assert ended.code == 2 and ended.err.startswith("error: nothing: ")
    ended = commands.run("kg", "check", "graph", "--text", "missing.txt", cwd=folder)
    assert ended.code == 2 and "missing.txt" in ended.err and not ended.out
