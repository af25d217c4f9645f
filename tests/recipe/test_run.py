"""A whole run: what it writes, that it repeats, and that what is unchanged is not done again."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from transformers import AutoModel, AutoTokenizer

from loregraft.artifact import read_card, verify
from loregraft.evaluate.significance import verdict
from loregraft.recipe.files import read_recipe
from loregraft.recipe.run import run_recipe

ARMS = ["exact", "ngram", "untouched", "shuffled", "grafted"]
STAGES = ["kg", "vectors", "linking", "views", "plan", "pretrain", "pretrain", "evaluate", "report"]
SKIPPED = set(STAGES) - {"views", "report"}


def results_of(folder: Path) -> dict:
    return json.loads((folder / "out" / "results.json").read_text(encoding="utf-8"))


def stage_lines(said: str) -> list[str]:
    """Give the lines that end a stage."""
    return [line for line in said.splitlines() if " s  " in line and "..." not in line]


def test_the_real_command_ends_well_and_says_what_it_did(finished_world):
    lines = stage_lines((finished_world / "stderr").read_text(encoding="utf-8"))
    assert [line.split()[0] for line in lines] == STAGES
    assert "120 entities" in lines[0] and "220 triples" in lines[0]
    assert "(unchanged)" not in "".join(lines)
    out = (finished_world / "stdout").read_text(encoding="utf-8").splitlines()
    assert out[0].startswith("Small world: ")
    assert out[-1] == "report: out/report.html"


def test_results_hold_five_arms_with_intervals_and_contrasts_with_verdicts(finished_world):
    results = results_of(finished_world)
    assert results["schema"] == 1
    assert [task["name"] for task in results["tasks"]] == ["lay_terms", "synonyms", "all_names"]
    assert sum(task["n"] for task in results["tasks"][:2]) == results["tasks"][2]["n"] > 40
    for task in results["tasks"]:
        assert list(task["arms"]) == ARMS
        for arm in task["arms"].values():
            for found in (arm, arm["acc@5"], arm["mrr"]):
                assert 0 <= found["low"] <= found["value"] <= found["high"] <= 1
        assert {(found["a"], found["b"]) for found in task["contrasts"]} >= {
            ("grafted", "untouched"),
            ("grafted", "shuffled"),
        }
        for found in task["contrasts"]:
            difference = task["arms"][found["a"]]["value"] - task["arms"][found["b"]]["value"]
            assert found["difference"] == pytest.approx(difference, abs=2e-5)
            expected = "helped" if found["low"] > 0 else "hurt" if found["high"] < 0 else "no evidence"
            assert found["verdict"] == expected
    assert results["verdict"]["status"] in verdict.__annotations__["return"].__args__
    assert results["forgetting"]["n"] > 100


def test_results_tell_what_was_kept_out_and_how_to_repeat_it(finished_world):
    results = results_of(finished_world)
    leaks = results["leaks"]
    assert leaks["held_out_concepts"] == 30  # a fifth and a twentieth of 120
    assert leaks["descriptions_removed"] > 0, "definitions mention other concepts, some held out"
    assert results["linking"]["by_generator"]["name"] > 0
    reproduce = results["reproduce"]
    assert reproduce["command"] == "loregraft run recipe.yaml"
    assert set(reproduce["inputs"]) == {"names.tsv", "triples.tsv", "encoder"}
    assert str(finished_world.parent) not in json.dumps(results), "no path of the machine"


def test_vectors_are_judged_on_held_out_facts_beside_popularity(finished_world):
    found = results_of(finished_world)["vectors"]
    assert (found["train"], found["n"], found["model"], found["dim"]) == (198, 11, "distmult", 8)
    assert 0 < found["mrr"] <= 1 and 0 < found["popularity"] <= 1
    gap = found["difference"]
    assert gap["value"] == pytest.approx(found["mrr"] - found["popularity"], abs=2e-4)
    assert gap["low"] <= gap["value"] <= gap["high"]
    assert found["relations"] == []  # too few facts for a row
    card = read_card(finished_world / "out" / "vectors", "vectors")
    assert card.parents["graph"] == read_card(finished_world / "out" / "graph").key


def test_both_trained_arms_did_the_same_number_of_steps(finished_world):
    arms = [read_card(finished_world / "out" / name, "model").facts for name in ("model", "arms/shuffled-0")]
    assert [arm["arm"] for arm in arms] == ["grafted", "shuffled"]
    assert arms[0]["steps"] == arms[1]["steps"] == 6
    assert arms[0]["views"] == arms[1]["views"]


def test_the_model_is_a_plain_hugging_face_folder_and_not_the_untouched_one(finished_world):
    model = AutoModel.from_pretrained(finished_world / "out" / "model")
    before = AutoModel.from_pretrained(finished_world / "encoder")
    tokens = AutoTokenizer.from_pretrained(finished_world / "out" / "model")("fever", return_tensors="pt")
    vectors = [one(**tokens).last_hidden_state.detach().numpy() for one in (model, before)]
    assert np.isfinite(vectors[0]).all()
    assert np.abs(vectors[0] - vectors[1]).max() > 1e-3


def test_reports_are_there_and_every_folder_is_intact(finished_world, nothing_half_written):
    out = finished_world / "out"
    assert "<html" in (out / "report.html").read_text(encoding="utf-8")
    assert "untouched" in (out / "report.md").read_text(encoding="utf-8")
    folders = sorted(path.parent for path in out.rglob("card.json"))
    assert len(folders) == 11  # graph, vectors, their ranking, links, two models, five arms' answers
    assert {str(folder): verify(folder) for folder in folders if verify(folder)} == {}
    assert nothing_half_written(out) == []


def test_a_second_run_does_nothing_again_and_finds_the_same(finished_world, commands, essence):
    before = essence(finished_world / "out")
    cards = {path: path.stat().st_mtime_ns for path in (finished_world / "out").rglob("card.json")}
    ran = commands.run("run", "recipe.yaml", cwd=finished_world)
    assert ran.code == 0, ran.err
    for line in stage_lines(ran.err):
        assert ("(unchanged)" in line) == (line.split()[0] in SKIPPED), line
    assert {path: path.stat().st_mtime_ns for path in cards} == cards
    assert essence(finished_world / "out") == before


def test_another_process_in_another_place_finds_the_same(finished_world, commands, essence):
    # Forked from a process of another hash seed than the one of the first run, in a copied folder.
    before = essence(finished_world / "out")
    shutil.rmtree(finished_world / "out")
    ran = commands.run("run", "recipe.yaml", cwd=finished_world)
    assert ran.code == 0, ran.err
    assert essence(finished_world / "out") == before


def test_what_was_damaged_is_made_again_and_all_is_as_before(finished_world, commands, essence):
    out = finished_world / "out"
    before = essence(out)
    for name in (
        "graph/names.parquet",
        "links/links.parquet",
        "vectors/vectors.safetensors",
        "model/model.safetensors",
    ):
        content = bytearray((out / name).read_bytes())
        content[len(content) // 2] ^= 1
        (out / name).write_bytes(content)
    ran = commands.run("run", "recipe.yaml", cwd=finished_world)
    assert ran.code == 0, ran.err
    assert ["(unchanged)" in line for line in stage_lines(ran.err)][:3] == [False, False, False]
    assert essence(out) == before


def test_a_change_is_done_again_from_where_it_matters(finished_world, commands):
    ran = commands.run("run", "recipe.yaml", "--set", "pretrain.steps=3", cwd=finished_world)
    done = {line.split()[0]: "(unchanged)" not in line for line in stage_lines(ran.err)}
    assert (done["kg"], done["linking"], done["pretrain"]) == (False, False, True)
    assert read_card(finished_world / "out" / "model").facts["steps"] == 3
    names = finished_world / "names.tsv"
    names.write_text(names.read_text(encoding="utf-8") + "C:000\tone more\tlay\t\n", encoding="utf-8")
    ran = commands.run("run", "recipe.yaml", "--set", "pretrain.steps=3", cwd=finished_world)
    done = {line.split()[0]: "(unchanged)" not in line for line in stage_lines(ran.err)}
    assert (done["kg"], done["linking"], done["pretrain"]) == (True, True, True)


def test_the_library_does_what_the_command_does(small_world, finished_world, monkeypatch):
    """In this process, so with the run-time type checks on."""
    monkeypatch.chdir(small_world)
    outcome = run_recipe(read_recipe(Path("recipe.yaml")), command="loregraft run recipe.yaml")
    assert outcome.model == Path("out/model") and outcome.report.is_file()
    ours, theirs = outcome.results, results_of(finished_world)
    assert json.loads(json.dumps(ours["tasks"])) == theirs["tasks"]
    assert ours["examples"] == theirs["examples"]


HOSTILE = [
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\x1b[31mred\x1b[0m",
    "\u202egnp.exe",
    "🤒" * 20,
    "{{ 7 * 7 }} {% raw %}",
    "long " * 4_000,
    "'; DROP TABLE names; --",
    "a\u2028b\u0085c",
    "\ufeffnothing",
]


def test_hostile_names_go_through_and_are_shown_as_text(small_world, commands):
    rows = [
        f"X:{number}\t{text}\t{kind}\t{text}"
        for number, text in enumerate(HOSTILE)
        for text, kind in ((f"{text} one", "preferred"), (f"{text} two", "lay"), (f"{text} three", "exact"))
    ]
    names = small_world / "names.tsv"
    names.write_text(names.read_text(encoding="utf-8") + "\n".join(rows) + "\n", encoding="utf-8")
    with (small_world / "recipe.yaml").open("a", encoding="utf-8") as recipe:
        recipe.write('  prefix: "X:"\nnotices: ["</style><script>alert(2)</script>"]\n')
    elsewhere = small_world / "elsewhere"  # paths count from the recipe, `out` from where one stands
    elsewhere.mkdir()
    changes = ("--set", "evaluate.held_out=0.9", "--set", "name=</title><b>")
    ran = commands.run("run", "../recipe.yaml", *changes, cwd=elsewhere)
    assert ran.code == 0, ran.err
    page = (elsewhere / "out" / "report.html").read_text(encoding="utf-8")
    for raw in ("<script>alert", "<img src=x", "</title><b>", "\x1b", "\u202e"):
        assert raw not in page, raw
    assert "&lt;/title&gt;&lt;b&gt;" in page
    assert "\x1b" not in ran.out + ran.err
    assert results_of(elsewhere)["schema"] == 1
    assert not (small_world / "out").exists()
