"""`loregraft link`, as a person calls it: a linker of a graph folder, texts linked, labelled texts judged."""

import json
import subprocess
import sys

import pytest

from loregraft.kg.store import save_graph

LINKS = [("Fever", 0, 5, "P:1"), ("asthma", 10, 16, "D:3")]
GOLD = {
    "id": "1",
    "text": "Fever and asthma.",
    "links": [{"text": text, "start": a, "end": b, "entity": id} for text, a, b, id in LINKS],
}


def loregraft(*arguments, given=""):
    command = [sys.executable, "-m", "loregraft", "link", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, input=given, check=False)


@pytest.fixture
def linker(tiny_graph, tmp_path):
    save_graph(tiny_graph, tmp_path / "graph", "key")
    made = loregraft("build", tmp_path / "graph", tmp_path / "linker")
    assert made.returncode == 0, made.stderr
    assert "names" in made.stdout
    return tmp_path / "linker"


def test_texts_of_files_and_standard_input_are_linked(linker, tmp_path):
    (tmp_path / "texts.txt").write_text("Fever came.\nNothing.\n")
    told = loregraft("run", linker, tmp_path / "texts.txt", "-", "--nil", "0", given="bronchial asthma\n")
    lines = [json.loads(line) for line in told.stdout.splitlines()]
    assert [[link["entity"] for link in line["links"]] for line in lines] == [["P:1"], [], ["D:3"]]
    first = lines[0]["links"][0]
    assert (first["start"], first["end"], first["text"]) == (0, 5, "Fever")
    assert "3 texts, 2 links" in told.stderr


@pytest.mark.parametrize("given", [False, True])
def test_labelled_texts_are_judged(linker, tmp_path, given):
    (tmp_path / "gold.jsonl").write_text(json.dumps(GOLD) + "\n")
    told = loregraft("eval", linker, tmp_path / "gold.jsonl", "--json", *(["--given"] if given else []))
    assert told.returncode == 0, told.stderr
    row = json.loads(told.stdout)["rows"][0]
    assert (row["gold"], row["right"]) == (2, 2)


def test_a_text_is_explained(linker):
    told = loregraft("explain", linker, "Fever with asthma")
    assert "'Fever' (0-5): P:1" in told.stdout and "none of them" in told.stdout
    as_json = json.loads(loregraft("explain", linker, "Fever with asthma", "--json").stdout)
    assert [one["thoughts"][0]["entity"] for one in as_json] == ["P:1", "D:3"]
    assert "no mention" in loregraft("explain", linker, "nothing").stderr


def test_labelled_texts_teach_new_names(linker, tmp_path):
    rows = [GOLD | {"id": str(number)} for number in range(5)]
    rows[0] = {
        "id": "0",
        "text": "Wheeze.",
        "links": [{"text": "Wheeze", "start": 0, "end": 6, "entity": "D:3"}],
    }
    (tmp_path / "gold.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    told = loregraft("fit", linker, tmp_path / "gold.jsonl", tmp_path / "taught")
    assert told.returncode == 0, told.stderr
    assert "9 mentions in 5 texts" in told.stdout
    linked = loregraft("run", tmp_path / "taught", "-", "--nil", "0", given="wheeze\n")
    assert json.loads(linked.stdout)["links"][0]["entity"] == "D:3"
    (tmp_path / "few.jsonl").write_text(json.dumps(GOLD) + "\n")
    few = loregraft("fit", linker, tmp_path / "few.jsonl", tmp_path / "new")
    assert few.returncode == 2 and "at least 5" in few.stderr


def test_what_is_wrong_is_said(linker, tmp_path):
    again = loregraft("build", tmp_path / "graph", linker)
    assert again.returncode == 2 and "it exists already" in again.stderr
    none = loregraft("build", tmp_path / "graph", tmp_path / "new", "--set", "prefix=Z:")
    assert none.returncode == 2 and "no entity has an id that begins with 'Z:'" in none.stderr
    misspelt = loregraft("build", tmp_path / "graph", tmp_path / "new", "--set", "prefx=Z:")
    assert misspelt.returncode == 2 and "prefix" in misspelt.stderr
    no_linker = loregraft("run", tmp_path / "graph", "-")
    assert no_linker.returncode == 2 and "linker" in no_linker.stderr
    threshold = loregraft("run", linker, "-", "--nil", "often")
    assert threshold.returncode == 2 and "p95" in threshold.stderr
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9\n")
    wrong = loregraft("run", linker, tmp_path / "latin.txt")
    assert wrong.returncode == 1 and "UTF-8" in wrong.stderr


def test_texts_without_labels_teach_too(linker, tmp_path):
    plain = tmp_path / "plain.txt"
    plain.write_text("Fever with bronchial asthma.\nNothing.\n")
    done = loregraft("fit", linker, plain, tmp_path / "taught")
    assert done.returncode == 0, done.stderr
    assert "2 texts" in done.stdout and "too few are known" in done.stdout
    assert "no labels in it" in done.stderr
    empty = tmp_path / "empty.txt"
    empty.write_text("\n\n")
    done = loregraft("fit", linker, empty, tmp_path / "other", "--format", "plain")
    assert done.returncode == 2
    assert "there is no text in it" in done.stderr and "Traceback" not in done.stderr


def test_vectors_of_the_graph_go_into_the_linker(linker, tmp_path):
    command = [sys.executable, "-m", "loregraft", "kge", "train", tmp_path / "graph", tmp_path / "vectors"]
    trained = subprocess.run(
        [*map(str, command), "--set", "dim=8", "--set", "epochs=1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert trained.returncode == 0, trained.stderr
    made = loregraft("build", tmp_path / "graph", tmp_path / "both", "--vectors", tmp_path / "vectors")
    assert made.returncode == 0, made.stderr
    assert "vectors of 12 of 12 entities" in made.stderr
    assert (tmp_path / "both" / "vectors.rows.npy").exists()
    told = loregraft("run", tmp_path / "both", "-", given="Fever and asthma.\n")
    assert told.returncode == 0 and '"P:1"' in told.stdout
