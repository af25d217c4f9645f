"""`loregraft kg show`, `search`, `path` and `draw`: what they print, and how they end."""

import json

import pytest

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.store import save_graph
from loregraft.kg.tables.columns import Columns


@pytest.fixture
def folder(tiny_graph, tmp_path):
    save_graph(tiny_graph, tmp_path / "graph", "key")
    names = {"entity": ["a", "b", "c"], "name": ["Flu", "flu", "\x1b[31m".replace("\x1b", "\u202e")]}
    save_graph(KnowledgeGraph.gather([Columns("names", names)]), tmp_path / "doubtful", "key")
    return tmp_path


@pytest.mark.parametrize("what", ["D:2", "influenza", "FLU"])
def test_show_by_id_or_name(what, folder, commands):
    ran = commands.run("kg", "show", "graph", what, cwd=folder)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("Influenza  D:2  (disease)\n  A viral disease of the airways")


def test_show_as_json(folder, commands):
    ran = commands.run("kg", "show", "graph", "D:2", "--json", "--most", "1", cwd=folder)
    card = json.loads(ran.out)
    assert (ran.code, card["id"], card["types"]) == (0, "D:2", ["disease"])
    group = next(group for group in card["groups"] if group["relation"] == "has_phenotype")
    assert (group["total"], [fact["other"] for fact in group["facts"]]) == (3, ["P:1"])
    assert group["facts"][0]["statements"][0]["references"] == ["PMID:5"]


def test_a_name_that_several_bear_or_none(folder, commands):
    ran = commands.run("kg", "show", "doubtful", "flu", cwd=folder)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        "error: doubtful: 2 entities bear the name 'flu'. Give one of the ids: a (Flu), b (flu).\n"
    )
    ran = commands.run("kg", "show", "graph", "feverr", cwd=folder)
    assert ran.code == 2
    assert ran.err == "error: graph: no entity has the id or the name 'feverr'. Did you mean P:1 (Fever)?\n"
    ran = commands.run("kg", "show", "graph", "zzzz", cwd=folder)
    assert ran.err.endswith("Look for it with `loregraft kg search`.\n")


def test_nothing_that_a_terminal_obeys_is_printed(folder, commands):
    for arguments in (("show", "doubtful", "c"), ("search", "doubtful", "[31m")):
        ran = commands.run("kg", *arguments, cwd=folder)
        assert ran.code == 0 and r"\u202e[31m" in ran.out and "\u202e" not in ran.out


def test_search(folder, commands):
    ran = commands.run("kg", "search", "graph", "flu", cwd=folder)
    assert (ran.code, ran.out, ran.err) == (0, "1.00  D:2  Flu  = Influenza\n", "")
    ran = commands.run("kg", "search", "graph", "hedache", "--json", cwd=folder)
    assert json.loads(ran.out) == [
        {"id": "P:2", "name": "Headache", "preferred": "Cephalalgia", "score": 0.875}
    ]
    ran = commands.run("kg", "search", "graph", "zzzz", cwd=folder)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "no name begins with 'zzzz' or is like it\n"


def test_path(folder, commands):
    ran = commands.run("kg", "path", "graph", "G:1", "fever", cwd=folder)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "IFNG —associated_with→ Rubeola —has_phenotype→ Fever\n"
    ran = commands.run("kg", "path", "graph", "Fever", "Flu", "--json", cwd=folder)
    assert [triple["head"] for triple in json.loads(ran.out)[0]] == ["D:2"]
    ran = commands.run("kg", "path", "graph", "Fever", "Flu", "--limit", "1", cwd=folder)
    assert ran.out == "Fever ←has_phenotype— Influenza\n"
    ran = commands.run("kg", "path", "graph", "Fever", "ADRB2", "--length", "2", cwd=folder)
    assert (ran.code, ran.out, ran.err) == (1, "", "no path of at most 2 triples\n")


def test_draw(folder, commands):
    ran = commands.run("kg", "draw", "graph", "Flu", "--out", "flu.svg", cwd=folder)
    assert (ran.code, ran.out, ran.err) == (0, "", "wrote flu.svg\n")
    text = (folder / "flu.svg").read_text(encoding="utf-8")
    assert text.startswith("<svg ") and "Influenza" in text
    ran = commands.run("kg", "draw", "graph", "Fever", "--out", "flu.svg", cwd=folder)
    assert ran.code == 2 and "it exists already" in ran.err
    assert (folder / "flu.svg").read_text(encoding="utf-8") == text
    ran = commands.run("kg", "draw", "graph", "Fever", "--out", "flu.svg", "--force", cwd=folder)
    assert ran.code == 0 and (folder / "flu.svg").read_text(encoding="utf-8") != text


def test_half_of_a_character_is_said_to_be_unknown(folder, commands):
    half = "\udcff"
    for arguments in (
        ("show", "graph", half),
        ("path", "graph", half, "Flu"),
        ("path", "graph", "Flu", half),
    ):
        ran = commands.run("kg", *arguments, cwd=folder)
        assert (ran.code, ran.out) == (2, "")
        assert "no entity has the id or the name" in ran.err and r"\udcff" in ran.err
    ran = commands.run("kg", "search", "graph", half, cwd=folder)
    assert ran.code == 1 and ran.err.startswith("no name begins with") and "Traceback" not in ran.err
    ran = commands.run("kg", "draw", "graph", "Flu", "--out", half + ".svg", cwd=folder)
    assert (ran.code, ran.err) == (0, "wrote \\udcff.svg\n")


def test_the_length_of_a_path_has_an_end(folder, commands):
    ran = commands.run("kg", "path", "graph", "Fever", "Flu", "--length", "11", cwd=folder)
    assert (ran.code, ran.out) == (2, "")
    assert "'--length': Input should be less than or equal to 10" in ran.err
    assert "1<=x<=10" in commands.run("kg", "path", "--help", cwd=folder).out
