"""`loregraft pretrain` and `loregraft advise`, as a person calls them."""

import dataclasses
import json
import os
import shutil

import pytest

from loregraft.kg.store import save_graph

TEXTS = [
    "Measles is a viral infection with fever and a rash.",
    "Flu brings fever and headache each winter.",
    "Asthma means trouble breathing.",
    "The rash of measles follows the fever.",
]


@pytest.fixture
def place(tiny_graph, tiny_encoder_folder, tmp_path):
    """A folder with graph/, encoder/ and texts.txt."""
    save_graph(tiny_graph, tmp_path / "graph", "key")
    shutil.copytree(tiny_encoder_folder, tmp_path / "encoder")
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS * 3) + "\n")
    return tmp_path


def train(commands, place, *more):
    return commands.run("pretrain", "encoder", "graph", "out", "texts.txt", *more, cwd=place)


def test_a_plain_folder_comes_out(commands, place):
    from transformers import AutoModel

    names = "masked_words,masked_entities,triples,synonyms"
    told = train(commands, place, "--objectives", names, "--set", "steps=8")
    assert told.code == 0, told.err
    assert "out: 8 steps" in told.out and "100% of 12 texts have links" in told.out
    AutoModel.from_pretrained(place / "out")
    card = json.loads((place / "out" / "card.json").read_text())
    assert card["facts"]["objectives"] == names.split(",") and card["parents"]["graph"]
    assert len((place / "out" / "steps.jsonl").read_text().splitlines()) == 8
    assert not list(place.glob(".out*"))
    before = (place / "out" / "card.json").read_bytes()
    again = train(commands, place, "--objectives", names, "--set", "steps=8", "--force")
    assert again.code == 0 and "(unchanged)" in again.out
    assert (place / "out" / "card.json").read_bytes() == before  # it holds the seconds that it took
    other = train(commands, place, "--objectives", names, "--set", "steps=9")
    assert other.code == 2 and "it exists already" in other.err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--objectives", "triple"], "there is no objective 'triple'. Did you mean 'triples'"),
        (["--objectives", "denoised_entities"], "needs vectors of the entities. Train them (kge train)"),
        (["--objectives", "sentiment"], "polarity"),
        (["--set", "options.masked_words.share=7"], "options.masked_words.share"),
        (["--minutes", "0"], "--minutes"),
        (["--set", "options.triples.batch=8"], "options names triples, which is not among the objectives"),
        (["--set", "weights.replay=2"], "replay is set, and there are no general texts"),
        (["--set", "weights.masked_words=0"], "no objective can be trained"),
        (["--set", "weights.masked_word=2"], "weights names masked_word, which is not"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_left(commands, place, more, said):
    told = train(commands, place, *more)
    assert told.code == 2 and said in told.err.replace("\n", " "), told.err
    assert not (place / "out").exists() and not list(place.glob(".out*"))


def test_a_run_that_was_cut_off_keeps_its_plan(place, monkeypatch):
    """Though a budget in minutes would give another number of steps the next time."""
    from loregraft.pretrain import learn
    from loregraft.pretrain.settings import MixSettings
    from loregraft.pretrain.sources import open_all

    def told(progress):
        if progress.step == 3:
            raise KeyboardInterrupt

    settings = MixSettings(minutes=0.02)
    with pytest.raises(KeyboardInterrupt):
        sources = open_all(place / "encoder", place / "graph", [place / "texts.txt"], ())
        learn.learn_model(sources, place / "out", settings, told)
    planned = json.loads((place / ".out.training" / "plan.json").read_text())["steps"]
    monkeypatch.setattr(learn, "plan_steps", lambda *given: planned + 1)
    sources = open_all(place / "encoder", place / "graph", [place / "texts.txt"], ())
    assert learn.learn_model(sources, place / "out", settings)["steps"] == planned


def test_two_processes_make_one_folder_and_one_of_them_speaks(commands, place):
    """With a budget in minutes, which each would plan for itself otherwise."""
    import subprocess
    import sys

    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--master-port=29573"]
    command = ["-m", "loregraft", "pretrain", "encoder", "graph", "out", "texts.txt", "--minutes", "0.02"]
    more = ["--objectives", "masked_words,triples"]
    ran = subprocess.run(
        [*torchrun, *command, *more],
        cwd=place,
        env={**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert ran.stdout.count("texts have links") == 1 and not list(place.glob(".out*"))
    facts = json.loads((place / "out" / "card.json").read_text())["facts"]
    assert facts["processes"] == 2 and facts["steps"] > 1
    lines = (place / "out" / "steps.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == list(range(1, facts["steps"] + 1))


def test_general_texts_are_one_objective_more(commands, place):
    (place / "general.txt").write_text("the winter comes each year\n" * 9)
    more = ("--replay", "general.txt", "--set", "steps=30", "--set", "weights.replay=3")
    told = train(commands, place, *more)
    assert told.code == 0, told.err
    lines = [json.loads(line) for line in (place / "out" / "steps.jsonl").read_text().splitlines()]
    steps = [name for line in lines for name in line["losses"]]
    assert 15 < steps.count("replay") < 30 and set(steps) == {"replay", "masked_words"}
    assert train(commands, place, "--set", "steps=30", "--force").code == 0  # another model without it
    assert json.loads((place / "out" / "card.json").read_text())["facts"]["objectives"] == ["masked_words"]
    wrong = train(commands, place, *more, "--set", "options.replay.share=7", "--force")
    assert wrong.code == 2 and "options.replay.share" in wrong.err


def test_what_is_done_is_found_before_a_linker_is_made(place):
    from loregraft.pretrain.learn import learn_model
    from loregraft.pretrain.settings import MixSettings
    from loregraft.pretrain.sources import open_all

    settings = MixSettings(objectives=("masked_entities",), steps=2)
    texts = [place / "texts.txt"]
    sources = open_all(place / "encoder", place / "graph", texts, settings.objectives)
    made = []

    def linker():
        made.append(sources.linker())
        return made[0]

    own = dataclasses.replace(sources, linker=linker)
    first = learn_model(own, place / "out", settings)
    assert len(made) == 1
    assert learn_model(own, place / "out", settings) == first and len(made) == 1


def test_a_linker_of_another_graph_is_refused(commands, place, polar_graph):
    save_graph(polar_graph, place / "other", "other key")
    assert commands.run("link", "build", "other", "linker", cwd=place).code == 0
    told = train(commands, place, "--linker", "linker", "--set", "steps=2")
    assert told.code == 2 and "built from another graph" in told.err.replace("\n", " ")
    assert commands.run("link", "build", "graph", "own", cwd=place).code == 0
    assert train(commands, place, "--linker", "own", "--set", "steps=2").code == 0


def test_texts_without_links_say_the_coverage(commands, place):
    (place / "texts.txt").write_text("nothing to be found\nnor here\n")
    told = train(commands, place, "--objectives", "masked_entities", "--set", "steps=2")
    assert told.code == 2 and "0% have any" in told.err and not (place / "out").exists()


def test_a_rate_that_is_too_high_names_step_and_objective(commands, place):
    told = train(commands, place, "--set", "steps=60", "--set", "loop.learning_rate=1e30")
    assert told.code == 2 and "objective: masked_words" in told.err


def test_advice_is_written_as_a_recipe_that_trains(commands, place):
    told = commands.run("advise", "graph", "--text", "texts.txt", "--out", "recipe.yaml", cwd=place)
    assert told.code == 0, told.err
    assert "synonyms:" in told.out and "recipe.yaml: use it by" in told.out and "--labels" in told.out
    assert "# synonyms:" in (place / "recipe.yaml").read_text()
    trained = train(commands, place, "--recipe", "recipe.yaml", "--set", "steps=3")
    assert trained.code == 0, trained.err
    again = commands.run("advise", "graph", "--out", "recipe.yaml", cwd=place)
    assert again.code == 2 and "it exists already" in again.err


def test_labels_are_piloted(commands, place):
    rows = [f"sick\t{text}" for text in TEXTS * 3] + [f"fine\tall is well {n}" for n in range(12)]
    (place / "labels.txt").write_text("\n".join(rows) + "\n")
    told = commands.run(
        "advise", "graph", "--labels", "labels.txt", "--encoder", "encoder", "--json", cwd=place
    )
    assert told.code == 0, told.err
    pilot = json.loads(told.out)["pilot"]
    assert (
        pilot["examples"] == 24
        and pilot["linked"] == 0.5
        and set(pilot["accuracy"])
        == {
            "text",
            "shuffled",
            "facts",
        }
    )
    assert pilot["verdict"] in ("helped", "no evidence", "hurt")


@pytest.mark.parametrize("name", [name for name in sorted(os.listdir("examples")) if name.endswith(".py")])
def test_examples_run_offline(name, tiny_encoder_folder):
    import subprocess
    import sys

    ran = subprocess.run(
        [sys.executable, f"examples/{name}", str(tiny_encoder_folder)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert [line.split(":")[0] for line in ran.stdout.splitlines() if "right" in line] == [
        "plain",
        "entity_input",
        "facts_text",
    ]
