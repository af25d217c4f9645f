"""From a graph to a folder: kept whole, made once, resumed to the same bits."""

import random
import signal
import time
from pathlib import Path

import pytest
import torch

from loregraft.artifact import read_card, verify
from loregraft.disk import lock
from loregraft.errors import BadInput, CannotWrite
from loregraft.kg.store import save_graph
from loregraft.kge.learn import is_learnt, learn_vectors
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Tables
from loregraft.kge.training.checkpoint import resume
from loregraft.kge.training.train import Diverged
from loregraft.kge.vectors import open_vectors

SETTINGS = {
    "dim": 16,
    "batch": 16,
    "negatives": 16,
    "workers": 1,
    "epochs": 40,
    "patience": 1000,
    "average": 2,
}


def test_vectors_are_written_once(ring_graph, tmp_path):
    settings, out = KgeSettings(**{**SETTINGS, "epochs": 3}), tmp_path / "out"
    made = learn_vectors(ring_graph, "key", out, settings)
    assert verify(out) == [] and is_learnt(out, "key", settings)
    opened = open_vectors(out)
    assert torch.equal(made.tables.entities.values, opened.tables.entities.values)
    assert opened.ids == ring_graph.ids and opened.relation_ids == ring_graph.relation_ids
    before = (out / "vectors.safetensors").stat().st_mtime_ns
    learn_vectors(ring_graph, "key", out, settings)
    assert (out / "vectors.safetensors").stat().st_mtime_ns == before
    assert not is_learnt(out, "another key", settings)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_the_best_epoch_is_kept(ring_graph, tmp_path):
    learn_vectors(ring_graph, "key", tmp_path / "out", KgeSettings(**{**SETTINGS, "rate": 1.0, "epochs": 30}))
    facts = read_card(tmp_path / "out").facts
    best = max(mrr for _, _, mrr in facts["history"])
    assert facts["best"]["valid_mrr"] == best and facts["best"]["epoch"] < 30


def test_killed_twice_it_goes_on_and_ends_with_the_same_bits(ring_graph, tmp_path, commands):
    save_graph(ring_graph, tmp_path / "graph", "key")
    settings = KgeSettings(**SETTINGS)
    straight = learn_vectors(ring_graph, "key", tmp_path / "straight", settings)
    changes = [argument for name, value in SETTINGS.items() for argument in ("--set", f"{name}={value}")]
    best = tmp_path / ".out.training" / "best"
    for epoch in (3, 8):
        started = commands.start("kge", "train", "graph", "out", *changes, cwd=tmp_path)
        while _epoch(best) < epoch:
            assert Path(f"/proc/{started.process}/cmdline").read_bytes(), started.err  # a zombie has none
            time.sleep(0.002)
        time.sleep(random.random() / 20)  # wherever it is then: in a step, a validation, a checkpoint
        assert started.end(signal.SIGKILL).code == -signal.SIGKILL, "it ended before it could be killed"
        assert not (tmp_path / "out").exists()
    ended = commands.run("kge", "train", "graph", "out", *changes, cwd=tmp_path)
    assert ended.code == 0, ended.err
    again = open_vectors(tmp_path / "out").tables.named()
    assert all(torch.equal(again[name], tensor) for name, tensor in straight.tables.named().items())


def _epoch(checkpoint):
    try:
        return read_card(checkpoint).facts["progress"]["epoch"]
    except Exception:  # between two writes of the child
        return 0


def test_what_cannot_be_trained_leaves_nothing(ring_graph, tmp_path):
    with pytest.raises(BadInput, match="multiple of 2"):
        learn_vectors(ring_graph, "key", tmp_path / "out", KgeSettings(model="complex", dim=7))
    assert list(tmp_path.iterdir()) == []


def test_what_goes_wrong_keeps_the_last_good_numbers(ring_graph, tmp_path):
    """At this rate the first step is large, and the second one too large to be a number."""
    settings = KgeSettings(**{**SETTINGS, "rate": 1e10, "batch": 10**6})
    out, checkpoints = tmp_path / "out", tmp_path / ".out.training"
    with pytest.raises(Diverged, match="in step 1 of epoch 2"):
        learn_vectors(ring_graph, "key", out, settings)
    assert not out.exists() and verify(checkpoints / "best") == []
    key = read_card(checkpoints / "best").key
    tables = Tables.start(len(ring_graph), len(ring_graph.relation_ids), settings)
    progress = resume(checkpoints, tables, key)
    assert progress is not None and (progress.epoch, progress.best_epoch) == (1, 1)
    assert all(tensor.isfinite().all() for tensor in tables.named().values())
    learn_vectors(ring_graph, "key", out, KgeSettings(**{**SETTINGS, "epochs": 2}))  # lower, it starts anew
    assert read_card(out).facts["epochs"] == 2 and not checkpoints.exists()


@pytest.mark.parametrize("spoilt", ["another run's", "damaged"])
def test_a_checkpoint_that_does_not_fit_is_not_gone_on_from(ring_graph, tmp_path, spoilt):
    settings, out = KgeSettings(**{**SETTINGS, "epochs": 4}), tmp_path / "out"
    straight = learn_vectors(ring_graph, "key", tmp_path / "straight", settings).tables.named()

    def stop(now, parts):
        if now.epoch == 2:
            raise KeyboardInterrupt

    graph_key = "other" if spoilt == "another run's" else "key"
    with pytest.raises(KeyboardInterrupt):
        learn_vectors(ring_graph, graph_key, out, settings, stop)
    numbers = tmp_path / ".out.training" / "best" / "tables.safetensors"
    if spoilt == "damaged":
        numbers.write_bytes(numbers.read_bytes()[:-1] + b"!")
    assert numbers.is_file()
    again = learn_vectors(ring_graph, "key", out, settings).tables.named()
    assert all(torch.equal(again[name], tensor) for name, tensor in straight.items())
    assert read_card(out).facts["questions"] == 4 * 2 * read_card(out).facts["triples"]["train"]


def test_two_runs_do_not_share_a_folder(ring_graph, tmp_path):
    with lock(tmp_path / ".out.training"), pytest.raises(CannotWrite, match="another loregraft process"):
        learn_vectors(ring_graph, "key", tmp_path / "out", KgeSettings(**SETTINGS))
