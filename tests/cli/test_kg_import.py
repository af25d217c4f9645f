"""`loregraft kg import`: what its key depends on, what it refuses to overwrite, odd names of files."""

import json
import os

import pytest

from loregraft.artifact import read_card
from loregraft.kg.store import open_graph


@pytest.fixture
def folder(tmp_path):
    content = {
        "a.tsv": "A:1\tr\tA:2\n",
        "x/t.tsv": "A:2\tr\tA:3\n",
        "y/t.tsv": "B:1\tr\tB:2\n",
        "pairs.tsv": "A:1\tB:1\n",
    }
    for name, text in content.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def key(commands, folder, *arguments):
    ran = commands.run("kg", "import", *arguments, "out", "--force", cwd=folder)
    assert ran.code == 0, ran.err
    return read_card(folder / "out").key


def test_the_key_holds_what_the_content_depends_on(folder, commands):
    first = key(commands, folder, "x/t.tsv", "y/t.tsv")
    assert key(commands, folder, "x/t.tsv", "y/t.tsv") == first
    assert list(read_card(folder / "out").inputs) == ["x/t.tsv", "y/t.tsv"]
    others = [
        key(commands, folder, "y/t.tsv", "x/t.tsv"),
        key(commands, folder, "x/t.tsv", "y/t.tsv", "--skip-bad"),
        key(commands, folder, "x/t.tsv", "x/t.tsv"),
        key(commands, folder, "x/t.tsv", "y/t.tsv", "--join", "table", "--table", "pairs.tsv"),
    ]
    (folder / "pairs.tsv").write_text("A:2\tB:1\n")
    others.append(key(commands, folder, "x/t.tsv", "y/t.tsv", "--join", "table", "--table", "pairs.tsv"))
    (folder / "y/t.tsv").write_text("B:1\tr\tB:3\n")
    others.append(key(commands, folder, "x/t.tsv", "y/t.tsv"))
    assert len({first, *others}) == 7


def test_an_index_in_a_graph_folder_is_no_part_of_it(folder, commands):
    commands.run("kg", "import", "a.tsv", "graph", cwd=folder)
    first = key(commands, folder, "graph", "x/t.tsv")
    asked = commands.run("kg", "query", "graph", "ASK { ?s ?p ?o }", cwd=folder)
    assert asked.code == 0 and (folder / "graph" / "sparql-index").is_dir()
    assert key(commands, folder, "graph", "x/t.tsv") == first
    (folder / "more.tsv").write_text("A:9\tr\tA:1\n")
    assert commands.run("kg", "edit", "graph", "--add", "more.tsv", cwd=folder).code == 0
    assert key(commands, folder, "graph", "x/t.tsv") != first


@pytest.mark.parametrize("out", ["x", "graph", "."])
def test_a_source_is_never_overwritten(out, folder, commands):
    commands.run("kg", "import", "a.tsv", "graph", cwd=folder)
    ran = commands.run("kg", "import", "graph", "x/t.tsv", out, "--force", cwd=folder)
    assert ran.code == 2 and "read" in ran.err and "Choose another place" in ran.err
    assert (folder / "x/t.tsv").is_file() and len(open_graph(folder / "graph").triples) == 1


def test_a_table_is_never_overwritten(folder, commands):
    (folder / "out").mkdir()
    (folder / "pairs.tsv").rename(folder / "out" / "pairs.tsv")
    options = ("--join", "table", "--table", "out/pairs.tsv", "--force")
    ran = commands.run("kg", "import", "a.tsv", "y/t.tsv", "out", *options, cwd=folder)
    assert ran.code == 2 and (folder / "out" / "pairs.tsv").is_file()


def test_names_that_are_not_utf8(folder, commands):
    source, out = os.fsdecode(b"caf\xe9.tsv"), "out"
    (folder / source).write_text("a\tr\tb\nbad line\n")
    ran = commands.run("kg", "import", source, out, "--skip-bad", "--format", "tsv", cwd=folder)
    assert (ran.code, "Traceback" in ran.err) == (0, False), ran.err
    assert r"caf\udce9.tsv: tsv" in ran.err and "out: 2 entities" in ran.out
    assert open_graph(folder / out).triples["source"].to_pylist() == ["caf\\udce9.tsv"]
    ran = commands.run("kg", "import", source, "out2", "--skip-bad", "--format", "tsv", "--json", cwd=folder)
    told = json.loads(ran.out)
    assert (ran.code, told["bad_lines"], len(told["problems"])) == (0, 1, 1)
    ran = commands.run("kg", "import", source, "out3", "--format", "tsv", cwd=folder)
    assert ran.code == 2 and "Traceback" not in ran.err and r"caf\udce9.tsv, line 2" in ran.err
    ran = commands.run("kg", "import", "a.tsv", os.fsdecode(b"out\xe9"), cwd=folder)
    assert ran.code == 2 and "the name of the folder is not UTF-8" in ran.err
