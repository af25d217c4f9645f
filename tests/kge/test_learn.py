"""From a graph to a folder: kept whole, made once, resumed to the same bits."""

import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from loregraft.artifact import read_card, verify
from loregraft.errors import BadInput
from loregraft.kg.store import save_graph
from loregraft.kge.learn import is_learnt, learn_vectors
from loregraft.kge.settings import KgeSettings
from loregraft.kge.vectors import open_vectors

SETTINGS = {"dim": 16, "batch": 16, "negatives": 16, "workers": 1, "epochs": 60, "patience": 1000}
CHILD = """
import sys
from pathlib import Path
from loregraft.kg.store import open_graph
from loregraft.kge import learn
from loregraft.kge.settings import KgeSettings
learn.SAVE_EVERY_S = 0.0
settings = KgeSettings.model_validate_json(sys.argv[1])
learn.learn_vectors(open_graph(Path("graph")), "key", Path("out"), settings)
"""


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


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_killed_it_goes_on_and_ends_with_the_same_bits(ring_graph, tmp_path, share):
    save_graph(ring_graph, tmp_path / "graph", "key")
    settings = KgeSettings(**SETTINGS)
    straight = learn_vectors(ring_graph, "key", tmp_path / "straight", settings)
    command = [sys.executable, "-c", CHILD, settings.model_dump_json()]
    child = subprocess.Popen(command, cwd=tmp_path)
    card = tmp_path / ".out.training" / "last" / "card.json"
    while child.poll() is None and not (card.is_file() and _epoch(card) >= share * settings.epochs):
        time.sleep(0.005)
    assert child.poll() is None, "it ended before it could be killed"
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert not (tmp_path / "out").exists()
    subprocess.run(command, cwd=tmp_path, check=True)
    again = open_vectors(tmp_path / "out").tables.named()
    assert all(torch.equal(again[name], tensor) for name, tensor in straight.tables.named().items())


def _epoch(card):
    try:
        return read_card(card.parent).facts["progress"]["epoch"]
    except Exception:  # between two writes of the child
        return 0


def test_what_cannot_be_trained_leaves_nothing(ring_graph, tmp_path):
    with pytest.raises(BadInput, match="multiple of 2"):
        learn_vectors(ring_graph, "key", tmp_path / "out", KgeSettings(model="complex", dim=7))
    assert list(tmp_path.iterdir()) == []
