"""`run`, `prove`, `init` and `demo`: options, what goes to stdout, what is left alone."""

import json

import pytest

from loregraft.recipe.files import read_recipe


def test_dry_run_prints_the_recipe_filled_in_and_does_nothing(small_world, commands):
    before = sorted(small_world.rglob("*"))
    ran = commands.run("run", "recipe.yaml", "--dry-run", "--set", "seed=4", "--out", "o 2", cwd=small_world)
    assert ran.code == 0
    assert sorted(small_world.rglob("*")) == before
    assert "nothing was done" in ran.err
    (small_world / "printed.yaml").write_text(ran.out, encoding="utf-8")
    printed = read_recipe(small_world / "printed.yaml")
    assert printed == read_recipe(small_world / "recipe.yaml", ["seed=4", "out=o 2"])


def test_dry_run_checks_that_files_are_there(small_world, commands):
    (small_world / "triples.tsv").unlink()
    ran = commands.run("run", "recipe.yaml", "--dry-run", cwd=small_world)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: triples.tsv: there is no such file. Correct the path")


def test_set_and_json_and_out(finished_world, commands):
    changes = ("--set", "evaluate.resamples=100", "--set", 'notices=["Say so."]')
    ran = commands.run("run", "recipe.yaml", *changes, "--json", cwd=finished_world)
    assert ran.code == 0, ran.err
    results = json.loads(ran.out)
    assert results == json.loads((finished_world / "out" / "results.json").read_text(encoding="utf-8"))
    assert results["recipe"]["evaluate"]["resamples"] == 100
    assert "Say so." in results["notices"]
    assert results["reproduce"]["command"] == (
        "loregraft run recipe.yaml --set evaluate.resamples=100 --set 'notices=[\"Say so.\"]'"
    )


def test_quiet_says_nothing_but_the_summary(finished_world, commands):
    ran = commands.run("run", "recipe.yaml", "-q", cwd=finished_world)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[-1] == "report: out/report.html"
    assert len(ran.out.splitlines()) <= 12


def test_prove_trains_every_arm_once_for_each_seed(finished_world, commands):
    ran = commands.run("prove", "recipe.yaml", "--seeds", "2", "--json", cwd=finished_world)
    assert ran.code == 0, ran.err
    results, out = json.loads(ran.out), finished_world / "out"
    assert results["seeds"] == [0, 1]
    assert [entry["seed"] for entry in results["per_seed"]] == [0, 1]
    for entry in results["per_seed"]:
        assert set(entry["tasks"]["lay_terms"]) == {"untouched", "shuffled", "grafted"}
    assert results["reproduce"]["command"] == "loregraft prove recipe.yaml --seeds 2"
    trained = [cost["name"] for cost in results["costs"]["stages"] if cost["name"].startswith("pretrain")]
    arms = [f"pretrain {arm}, seed {seed}" for seed in (0, 1) for arm in ("shuffled", "grafted")]
    assert trained == arms, "the time of every training counts"
    for task in results["tasks"]:
        name = task["name"]
        if name in ("lay_terms", "synonyms"):
            means = [entry["tasks"][name]["grafted"] for entry in results["per_seed"]]
            assert task["arms"]["grafted"]["value"] == pytest.approx(sum(means) / 2, abs=2e-5)
    assert sorted(path.name for path in (out / "arms").iterdir()) == ["grafted-1", "shuffled-0", "shuffled-1"]
    first = [line for line in ran.err.splitlines() if "(unchanged)" in line and line.startswith("pretrain")]
    assert len(first) == 2, "what one seed has learned already is not learned again"


def test_minutes_take_the_place_of_steps(small_world, commands):
    ran = commands.run("run", "recipe.yaml", "--minutes", "0.02", "--dry-run", cwd=small_world)
    assert "minutes: 0.02" in ran.out and "steps: null" in ran.out
    ran = commands.run("run", "recipe.yaml", "--minutes", "0.002", "-q", cwd=small_world)
    assert ran.code == 0, ran.err
    plan = json.loads((small_world / "out" / "plan.json").read_text(encoding="utf-8"))
    assert plan["minutes"] == 0.002 and plan["steps"] >= 1


def test_init_writes_a_recipe_that_a_dry_run_accepts(small_world, commands):
    ran = commands.run("init", "new.yaml", cwd=small_world)
    assert ran.code == 0
    assert ran.out == "wrote new.yaml. Name your files in it, then: loregraft run new.yaml\n"
    again = commands.run("init", "new.yaml", cwd=small_world)
    assert again.code == 2
    assert again.err.startswith("error: new.yaml: the file exists. ") and "--force" in again.err
    assert commands.run("init", "new.yaml", "--force", cwd=small_world).code == 0
    ran = commands.run("run", "new.yaml", "--dry-run", "--set", "encoder.path=encoder", cwd=small_world)
    assert ran.code == 0, ran.err


def test_init_without_a_name_writes_recipe_yaml(tmp_path, commands):
    assert commands.run("init", cwd=tmp_path).code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.yaml"]
