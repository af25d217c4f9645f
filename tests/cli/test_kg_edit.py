"""`loregraft kg edit`, `undo` and `diff`: what they do to a folder, what they say, how they end."""

import json

import pytest

from loregraft.artifact import sha256_folder
from loregraft.kg.identity import triple_id
from loregraft.kg.store import open_graph, save_graph


@pytest.fixture
def folder(tiny_graph, tmp_path):
    save_graph(tiny_graph, tmp_path / "graph", "key")
    save_graph(tiny_graph, tmp_path / "same", "key")
    (tmp_path / "new.tsv").write_text("D:2\thas_phenotype\tP:9\nD:3\tcauses\tP:1\n")
    (tmp_path / "old.tsv").write_text("D:2\thas_phenotype\tP:1\nD:2\thas_phenotype\tP:77\n")
    return tmp_path


def test_edit_diff_and_undo(folder, commands):
    before = sha256_folder(folder / "graph")
    ran = commands.run("kg", "edit", "graph", "--add", "new.tsv", "--remove", "old.tsv", cwd=folder)
    assert (ran.code, ran.out) == (0, "graph: 2 added, 1 removed, 1 not found\n")
    assert ran.err == ("  not found: D:2 has_phenotype P:77\n  new entities: P:9\n  new relations: causes\n")
    ran = commands.run("kg", "edit", "graph", "--add", "new.tsv", cwd=folder)
    assert (ran.code, ran.out) == (0, "graph: 2 already there\n")
    ran = commands.run("kg", "diff", "same", "graph", cwd=folder)
    assert ran.code == 1
    assert ran.out.splitlines() == [
        "entities: 1 added",
        "  + P:9",
        "relations: 1 added",
        "  + causes",
        "triples: 2 added, 1 removed",
        "  + D:2 has_phenotype P:9",
        "  + D:3 causes P:1",
        "  - D:2 has_phenotype P:1 PMID:5",
    ]
    assert ran.err == "same and graph are different\n"
    assert commands.run("verify", "graph", cwd=folder).code == 0
    ran = commands.run("kg", "undo", "graph", cwd=folder)
    assert (ran.code, ran.out) == (0, "graph: undone: 2 added, 1 removed, 1 not found\n")
    assert sha256_folder(folder / "graph") == before
    ran = commands.run("kg", "diff", "same", "graph", cwd=folder)
    assert (ran.code, ran.out, ran.err) == (0, "", "same and graph say the same\n")
    ran = commands.run("kg", "undo", "graph", cwd=folder)
    assert (ran.code, ran.out) == (2, "")
    assert (
        ran.err
        == "error: graph: there is no edit to undo. Only what `loregraft kg edit` did can be undone.\n"
    )


def test_a_fact_is_removed_by_its_id(folder, commands):
    id = triple_id("D:2", "has_phenotype", "P:5", negated=True)
    ran = commands.run("kg", "edit", "graph", "--remove-id", id, "--json", cwd=folder)
    assert (ran.code, json.loads(ran.out)["removed"]) == (0, 1)
    assert len(open_graph(folder / "graph").negated) == 0
    ran = commands.run("kg", "diff", "same", "graph", "--json", cwd=folder)
    assert ran.code == 1
    assert json.loads(ran.out)["negated"]["removed"] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["graph"], "nothing to change is named. Give --add, --remove or --remove-id."),
        (["graph", "--remove-id", "D:2"], "a triple id has 16 hexadecimal digits, got 'D:2'."),
        (["graph", "--add", "none.tsv"], "none.tsv"),
        (["graph", "--add", "new.tsv", "--format", "tvs"], "there is no format 'tvs'"),
        (["new.tsv", "--add", "new.tsv"], "new.tsv"),
        (["nowhere", "--add", "new.tsv"], "nowhere: there is no card.json"),
    ],
)
def test_wrong_use(arguments, said, folder, commands):
    before = sha256_folder(folder / "graph")
    ran = commands.run("kg", "edit", *arguments, cwd=folder)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: ") and said in ran.err and len(ran.err.splitlines()) == 1
    assert sha256_folder(folder / "graph") == before


def test_what_is_no_fact_is_told(folder, commands):
    (folder / "names.tsv").write_text("id\tname\nD:2\tGrippe\n")
    ran = commands.run("kg", "edit", "graph", "--add", "names.tsv", cwd=folder)
    assert (ran.code, ran.out) == (0, "graph: nothing changed\n")
    assert ran.err == "names.tsv: only facts are taken, not 1 names\n"
