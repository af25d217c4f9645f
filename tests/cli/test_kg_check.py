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
    assert ended.code == 1
    assert "warn  entities without description: 4\n" in ended.out
    assert "      Fine if names say enough; else add descriptions" in ended.out
    assert "12 entities, 11 facts, 3 relations, 29 names" in ended.out
    assert "what the texts have of it" not in ended.out


def test_json_tells_all_of_it(commands, folder):
    (folder / "notes.txt").write_text("Fever, again.\nNothing.\n", encoding="utf-8")
    ended = commands.run("kg", "check", "graph", "--text", "notes.txt", "--json", cwd=folder)
    told = json.loads(ended.out)
    assert ended.code == 1 and set(told) == {"findings", "fitness", "text"}
    levels = {found["level"] for found in told["findings"]}
    assert levels == {"pass", "warn"} and all(f["fix"] for f in told["findings"] if f["level"] != "pass")
    assert told["fitness"]["counts"]["entities"] == 12
    assert (told["text"]["texts"], told["text"]["mentioning"], told["text"]["mentions"]) == (2, 0.5, 1)


def test_a_graph_without_a_fault_ends_well(commands, tmp_path):
    rows = {"entity": ["a", "a", "b", "b"], "name": ["x", "y", "z", "w"]}
    batches = [
        Columns("names", rows),
        Columns("descriptions", {"entity": ["a", "b"], "text": ["one", "two"]}),
        Columns("triples", {"head": ["a"], "relation": ["r"], "tail": ["b"]}),
    ]
    save_graph(KnowledgeGraph.gather(batches), tmp_path / "graph", "key")
    ended = commands.run("kg", "check", "graph", cwd=tmp_path)
    assert ended.code == 0 and ended.out.startswith("pass  20 checks")
    assert json.loads(commands.run("kg", "check", "graph", "--json", cwd=tmp_path).out)["text"] is None


def test_what_a_terminal_would_obey_is_written_as_an_escape(commands, tmp_path):
    ids = ["a\x1b[31m", "b\u202e"]
    save_graph(KnowledgeGraph.gather([Columns("entities", {"id": ids})]), tmp_path / "graph", "key")
    ended = commands.run("kg", "check", "graph", cwd=tmp_path)
    assert "\x1b" not in ended.out and "\u202e" not in ended.out
    assert r"a\x1b[31m; b\u202e" in ended.out


def test_no_graph_and_no_text_file_are_wrong_use(commands, folder):
    ended = commands.run("kg", "check", "nothing", cwd=folder)
    assert ended.code == 2 and ended.err.startswith("error: nothing: ")
    ended = commands.run("kg", "check", "graph", "--text", "missing.txt", cwd=folder)
    assert ended.code == 2 and "missing.txt" in ended.err and not ended.out
