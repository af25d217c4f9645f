"""Pre-training by a mix: budgets, warm-up, resume to the same bits, kills, several processes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest
import torch

from loregraft.corpus.corpus import read_corpus
from loregraft.encoder.load import load_encoder, sha256_weights
from loregraft.fusion.knowledge import Knowledge
from loregraft.pretrain.make import make_objective, word_head
from loregraft.pretrain.objectives.masked import MaskedSettings
from loregraft.pretrain.settings import MixSettings
from loregraft.pretrain.train import plan_steps, pretrain
from loregraft.pretrain.trunk import Trunk
from loregraft.records import Link, Mention
from loregraft.training.loop import Diverged
from loregraft.training.settings import LoopSettings
from loregraft.training.steps_log import STEPS_LOG

TEXT = "measles is a viral infection with fever and rash"


def made(encoder_folder: Path, graph):
    """A trunk and two objectives that share a head."""
    trunk = Trunk(load_encoder(encoder_folder))
    words = TEXT.split()
    texts = [" ".join(words[start:] + words[:start]) for start in range(len(words))]
    links = [
        [Link(Mention(text.index("fever"), text.index("fever") + 5, "fever"), "P:1", 1.0)] for text in texts
    ]
    knowledge = Knowledge(graph)
    corpus = read_corpus(texts, links, trunk.encoder.tokenizer, knowledge.index)
    torch.manual_seed(0)
    head, settings = word_head(trunk), MaskedSettings(batch=4)
    names = ("masked_words", "masked_entities")
    objectives = {name: make_objective(name, trunk, corpus, knowledge, settings, head=head) for name in names}
    return trunk, objectives


def settings_of(**changes) -> MixSettings:
    loop = LoopSettings(learning_rate=1e-3, bf16=False, checkpoint_every_s=1e-6)
    return MixSettings(**{"steps": 12, "loop": loop, **changes})


def run(folder, encoder_folder, graph, *, stop_at=None, steps=12, **changes):
    trunk, objectives = made(encoder_folder, graph)

    def report(progress):
        if progress.step == stop_at:
            raise KeyboardInterrupt

    settings = settings_of(**changes)
    trained = pretrain(trunk, objectives, settings, steps=steps, key="k", folder=folder, report=report)
    return trunk, trained


def test_a_run_that_was_cut_off_ends_with_the_same_bits(tmp_path, tiny_encoder_folder, tiny_graph):
    """Also what the losses were at first, and which steps trained only the head."""
    straight, _ = run(tmp_path / "a", tiny_encoder_folder, tiny_graph, warm_up_heads=3)
    for stop_at in (2, 7):
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "b", tiny_encoder_folder, tiny_graph, stop_at=stop_at, warm_up_heads=3)
    resumed, trained = run(tmp_path / "b", tiny_encoder_folder, tiny_graph, warm_up_heads=3)
    assert sha256_weights(resumed.model.state_dict()) == sha256_weights(straight.model.state_dict())
    assert trained.steps == 12


def test_while_heads_warm_up_the_encoder_rests(tmp_path, tiny_encoder_folder, tiny_graph):
    before = sha256_weights(load_encoder(tiny_encoder_folder).model.state_dict())
    resting, _ = run(tmp_path / "a", tiny_encoder_folder, tiny_graph, warm_up_heads=12)
    trained, _ = run(tmp_path / "b", tiny_encoder_folder, tiny_graph)
    assert sha256_weights(trained.model.state_dict()) != before
    # Also the decoder of the head, which is tied to the word embeddings.
    assert sha256_weights(resting.model.state_dict()) == before


def test_each_step_is_told(tmp_path, tiny_encoder_folder, tiny_graph):
    run(tmp_path / "a", tiny_encoder_folder, tiny_graph)
    lines = [json.loads(line) for line in (tmp_path / "a" / STEPS_LOG).read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, 13))
    assert {name for line in lines for name in line["losses"]} == {"masked_words", "masked_entities"}
    assert all(line["tokens_per_s"] > 0 and line["gradient_norm"] > 0 for line in lines)
    assert 3 < lines[0]["losses"].popitem()[1] < 9  # in nats, not divided: about the log of the vocabulary


def test_the_log_of_a_run_that_was_cut_off_has_each_step_once(tmp_path, tiny_encoder_folder, tiny_graph):
    """Also where more steps were told than a checkpoint holds, and where the last line is not whole."""
    seldom = settings_of().loop.model_copy(update={"checkpoint_every_s": 1e6})
    for stop_at, loop in ((4, settings_of().loop), (9, seldom)):
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "a", tiny_encoder_folder, tiny_graph, stop_at=stop_at, loop=loop)
    log = tmp_path / "a" / STEPS_LOG
    with log.open("a") as file:
        file.write('{"step": 1')
    run(tmp_path / "a", tiny_encoder_folder, tiny_graph)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, 13))


def test_budgets_become_steps(tmp_path, tiny_encoder_folder, tiny_graph):
    trunk, objectives = made(tiny_encoder_folder, tiny_graph)
    steps = plan_steps(trunk, objectives, settings_of(steps=None, tokens=2_000))
    _, trained = run(tmp_path / "a", tiny_encoder_folder, tiny_graph, steps=steps)
    assert trained.tokens == pytest.approx(2_000, rel=0.1)
    assert plan_steps(trunk, objectives, settings_of(steps=7)) == 7
    assert plan_steps(trunk, objectives, settings_of(steps=7, tokens=10**6)) == 7
    assert plan_steps(trunk, objectives, settings_of(steps=None, minutes=1e-6)) == 1
    assert plan_steps(trunk, objectives, settings_of(steps=None)) > 100  # three minutes


def test_a_loss_that_is_no_number_names_step_and_objective(tmp_path, tiny_encoder_folder, tiny_graph):
    """The last good checkpoint is kept, and nothing else is."""
    trunk, objectives = made(tiny_encoder_folder, tiny_graph)
    first = objectives["masked_words"]

    class Breaks(torch.nn.Module):
        size = 10

        def items(self, seed, step):
            self.step = step
            return first.items(seed, step)

        def loss(self, trunk, items):
            loss = first.loss(trunk, items)
            factor = float("nan") if self.step >= 5 else 1.0
            return type(loss)(loss.total * factor, loss.count)

    with pytest.raises(Diverged, match=r"step 6 \(objective: breaks\)"):
        pretrain(trunk, {"breaks": Breaks()}, settings_of(), steps=12, key="k", folder=tmp_path / "a")
    assert sorted(path.name for path in (tmp_path / "a").glob("step-*"))[-1] == "step-000005"


SCRIPT = """
import sys, time
sys.path.insert(0, {tests!r})
from pathlib import Path
import torch
torch.set_num_threads(1)
from loregraft.kg.graph import KnowledgeGraph
from loregraft.encoder.load import sha256_weights
from loregraft.training.ranks import join
import importlib.util
def load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
conftest = load("conftest_", Path({tests!r}) / "conftest.py")
here = load("here_", Path({tests!r}) / "pretrain" / "test_pretrain.py")
rank, world = join()
assert world == {world}
graph = KnowledgeGraph.gather(conftest.tiny_columns(), source="tiny")
folder = Path({folder!r})
trunk, _ = here.run(folder, Path({encoder!r}), graph, steps={steps})
torch.save(dict(trunk.model.state_dict()), folder / f"weights-{{rank}}.pt")
print("ended", sha256_weights(trunk.model.state_dict()), flush=True)
"""


def script_of(path: Path, folder: Path, encoder: Path, world: int = 1, steps: int = 12) -> Path:
    tests = str(Path(__file__).parents[1])
    path.write_text(
        SCRIPT.format(tests=tests, folder=str(folder), encoder=str(encoder), world=world, steps=steps)
    )
    return path


def test_two_processes_have_the_result_of_one(tmp_path, tiny_encoder_folder, tiny_graph):
    """To 1e-6, in fp32, without dropout: each has half of the items, gradients are summed."""
    script = script_of(tmp_path / "two.py", tmp_path / "two", tiny_encoder_folder, world=2)
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--master-port=29571"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    ran = subprocess.run(
        [*command, str(script)], env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    alone, _ = run(tmp_path / "one", tiny_encoder_folder, tiny_graph)
    one = alone.model.state_dict()
    steps = [json.loads(line)["step"] for line in (tmp_path / "two" / STEPS_LOG).read_text().splitlines()]
    assert steps == list(range(1, 13))  # told by one of them
    for rank in (0, 1):
        both = torch.load(tmp_path / "two" / f"weights-{rank}.pt", weights_only=True)
        for name, value in one.items():
            assert torch.allclose(both[name], value, atol=1e-6), name


@pytest.mark.slow
def test_twenty_kills_change_nothing(tmp_path, tiny_encoder_folder, tiny_graph):
    """SIGKILL at random moments, until a run ends: its weights have the hash of a straight run's."""
    steps = 200
    straight, _ = run(tmp_path / "straight", tiny_encoder_folder, tiny_graph, steps=steps)
    expected = sha256_weights(straight.model.state_dict())
    script = script_of(tmp_path / "one.py", tmp_path / "killed", tiny_encoder_folder, steps=steps)
    random, kills, ended = Random(0), 0, ""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    folder = tmp_path / "killed"
    while not ended:
        process = subprocess.Popen(
            [sys.executable, str(script)], env=environment, stdout=subprocess.PIPE, text=True
        )
        if kills < 20:
            log = folder / STEPS_LOG
            before = log.stat().st_size if log.exists() else 0
            while process.poll() is None and not (log.exists() and log.stat().st_size > before):
                time.sleep(0.002)
            time.sleep(random.random() * 0.05)
            process.send_signal(signal.SIGKILL)
            kills += 1
        out, _ = process.communicate()
        ended = out.strip()
    assert kills == 20 and ended == f"ended {expected}"


def test_a_new_head_of_words_warms_up_and_an_old_one_does_not(tiny_encoder_folder, tiny_graph, tmp_path):
    """And where something else than words is trained too, no step is given to it alone."""
    from transformers import AutoConfig, AutoModelForMaskedLM, AutoTokenizer

    from loregraft.pretrain.learn import warmed

    trunk, objectives = made(tiny_encoder_folder, tiny_graph)
    assert warmed(settings_of(), objectives, 50).warm_up_heads == 5
    assert warmed(settings_of(warm_up_heads=2), objectives, 50).warm_up_heads == 2
    assert warmed(settings_of(), {**objectives, "other": torch.nn.Linear(1, 1)}, 50).warm_up_heads == 0
    own = tmp_path / "own"
    config = AutoConfig.from_pretrained(tiny_encoder_folder)
    AutoModelForMaskedLM.from_config(config).save_pretrained(own)
    AutoTokenizer.from_pretrained(tiny_encoder_folder).save_pretrained(own)
    trunk, objectives = made(own, tiny_graph)
    assert warmed(settings_of(), objectives, 50).warm_up_heads == 0
    before = sum(value.sum() for value in objectives["masked_words"].head.parameters())
    pretrain(trunk, objectives, settings_of(), steps=12, key="k", folder=tmp_path / "run")
    after = sum(value.sum() for value in objectives["masked_words"].head.parameters())
    assert before != after
