"""Partitions from graph to folder: whole, made once, and killed at any moment they go on to the same bits."""

import random
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from loregraft.artifact import read_card, verify
from loregraft.errors import BadInput
from loregraft.kg.store import save_graph
from loregraft.kge.judging.evaluate import rank_part
from loregraft.kge.learn import is_learnt, learn_vectors
from loregraft.kge.partitions.learn import learn_buckets, save_visit, write_numbers
from loregraft.kge.partitions.train import partitioned, train_buckets, write_start
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Tables
from loregraft.kge.training.checkpoint import checkpoints
from loregraft.kge.training.train import train
from loregraft.kge.vectors import open_vectors

SETTINGS = {
    "dim": 16,
    "batch": 16,
    "negatives": 16,
    "workers": 1,
    "epochs": 4,
    "patience": 99,
    "partitions": 3,
}


class Cut(Exception):
    """Ends a training where a test wants it to end."""


def learnt(parts, folder, settings):
    """Train with a checkpoint after each visit, and give what would be written."""
    done, buffer = learn_buckets(parts, settings, folder, "key", lambda now: None, 0.0)
    write_numbers(buffer, folder / "numbers")
    return done, load_file(folder / "numbers")


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def mrr_of(vectors, parts):
    return float((1 / rank_part(vectors.tables, parts, "valid").values).mean())


def test_vectors_are_written_once_and_rank_as_they_did(ring_graph, ring_parts, tmp_path):
    settings, out = KgeSettings(**SETTINGS), tmp_path / "out"
    made = learn_vectors(ring_graph, "key", out, settings)
    assert verify(out) == [] and is_learnt(out, "key", settings)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert made.ids == ring_graph.ids and made.relation_ids == ring_graph.relation_ids
    best = read_card(out).facts["best"]
    assert best["epoch"] == 4 and mrr_of(made, ring_parts) == pytest.approx(best["valid_mrr"], abs=1e-5)
    before = (out / "vectors.safetensors").stat().st_mtime_ns
    learn_vectors(ring_graph, "key", out, settings)
    assert (out / "vectors.safetensors").stat().st_mtime_ns == before


def test_the_best_epoch_is_kept(ring_graph, ring_parts, tmp_path):
    settings = KgeSettings(**{**SETTINGS, "rate": 1.0, "epochs": 12})
    made = learn_vectors(ring_graph, "key", tmp_path / "out", settings)
    facts = read_card(tmp_path / "out").facts
    best = max(mrr for _, _, mrr in facts["history"])
    assert facts["best"]["valid_mrr"] == best and facts["best"]["epoch"] < 12
    assert mrr_of(made, ring_parts) == pytest.approx(best, abs=1e-5)


def test_the_numbers_are_those_that_training_in_memory_gives(ring_parts, tmp_path):
    settings = KgeSettings(**{**SETTINGS, "model": "tucker", "partitions": 1})
    tables = Tables.start(ring_parts.entities, ring_parts.relations, settings)
    train(tables, ring_parts, settings)
    done, found = learnt(ring_parts, tmp_path, settings)
    assert done.best_epoch == done.epoch and same(found, tables.named())


@pytest.mark.parametrize("cut", [(0, 1), (1, 0), (1, 2), (3, 1)])
def test_cut_off_in_the_visit_after_a_checkpoint_it_ends_with_the_same_bits(ring_parts, tmp_path, cut):
    """Partitions were written since the checkpoint: what it names must not have been touched."""
    settings = KgeSettings(**SETTINGS)
    straight, expected = learnt(ring_parts, tmp_path / "straight", settings)
    buffer = partitioned(ring_parts, settings, tmp_path / "cut")
    write_start(buffer, ring_parts.relations, settings)

    def keep(now):
        if (now.epoch, now.visits) == cut:
            save_visit(buffer, tmp_path / "cut", now, "key")
        if (now.epoch, now.visits) > cut:
            buffer.write()
            raise Cut

    with pytest.raises(Cut):
        train_buckets(buffer, ring_parts, settings, tmp_path / "cut", keep=keep)
    (newest,) = checkpoints(tmp_path / "cut", "key")
    assert (newest.progress.epoch, newest.progress.visits) == cut
    assert newest.stored != buffer.files.stored
    done, found = learnt(ring_parts, tmp_path / "cut", settings)
    assert same(found, expected) and (done.questions, done.loss) == (straight.questions, straight.loss)
    assert [mrr for *_, mrr in done.history] == [mrr for *_, mrr in straight.history]


@pytest.mark.parametrize("spoilt", ["newest", "all", "another run's"])
def test_a_checkpoint_with_a_damaged_file_is_not_gone_on_from(ring_parts, tmp_path, spoilt):
    settings = KgeSettings(**SETTINGS)
    _, expected = learnt(ring_parts, tmp_path / "straight", settings)

    def stop(now):
        if now.epoch == 2:
            raise Cut

    folder = tmp_path / "cut"
    with pytest.raises(Cut):
        key = "other" if spoilt == "another run's" else "key"
        learn_buckets(ring_parts, settings, folder, key, stop, 0.0)
    found = checkpoints(folder, key)
    assert [(one.progress.epoch, one.progress.visits) for one in found] == [(2, 0), (1, 2)]
    files = {one.file for one in found[0].stored}
    files -= {one.file for one in found[1].stored} if spoilt == "newest" else set()
    for file in files if spoilt != "another run's" else ():
        path = folder / "partitions" / file
        path.write_bytes(path.read_bytes()[:-4] + b"\0\0\0\1")
    done, again = learnt(ring_parts, folder, settings)
    assert same(again, expected) and done.questions == 4 * 2 * len(ring_parts.train)


@pytest.mark.parametrize(
    ("changes", "found"),
    [({"partitions": 41}, "partitions is 41, and the graph has 40 entities"), ({"dim": 7}, "multiple of 2")],
)
def test_what_cannot_be_trained_leaves_nothing(ring_graph, tmp_path, changes, found):
    with pytest.raises(BadInput, match=found):
        learn_vectors(ring_graph, "key", tmp_path / "out", KgeSettings(**{**SETTINGS, **changes}))
    assert list(tmp_path.iterdir()) == []


def test_older_vectors_are_refused(ring_graph, tmp_path):
    learn_vectors(ring_graph, "key", tmp_path / "older", KgeSettings(**{**SETTINGS, "epochs": 1}))
    with pytest.raises(BadInput, match=r"3 partitions cannot start from older vectors\. Set partitions to 1"):
        learn_vectors(ring_graph, "key", tmp_path / "out", KgeSettings(**SETTINGS), older=tmp_path / "older")


@pytest.mark.parametrize("drawn", ["all", "typed"])
def test_settings_that_need_all_entities_are_refused(drawn):
    with pytest.raises(ValueError, match="needs all entities in memory; set partitions to 1"):
        KgeSettings(partitions=2, drawn=drawn)


SCRIPT = """
import sys
from pathlib import Path
from loregraft.kg.store import open_graph
from loregraft.kge import learn
from loregraft.kge.settings import KgeSettings
learn.SAVE_EVERY_S = 0.0
settings = KgeSettings.model_validate_json(sys.argv[1])
learn.learn_vectors(open_graph(Path("graph")), "key", Path("out"), settings)
"""


@pytest.mark.slow
def test_killed_again_and_again_it_ends_with_the_same_bits(ring_graph, ring_parts, tmp_path):
    settings = KgeSettings(**{**SETTINGS, "epochs": 40})
    save_graph(ring_graph, tmp_path / "graph", "key")
    straight = learn_vectors(ring_graph, "key", tmp_path / "straight", settings)
    command, at = [sys.executable, "-c", SCRIPT, settings.model_dump_json()], []
    for _ in range(8):
        process = subprocess.Popen(command, cwd=tmp_path)
        before = at[-1] if at else (0, 0)
        while (now := _newest(tmp_path)) <= before and process.poll() is None:
            time.sleep(0.002)
        time.sleep(random.random() / 5)  # wherever it is then: in a step, a swap, a validation, a checkpoint
        process.kill()
        if process.wait() != -signal.SIGKILL:
            break
        at.append(now)
    assert len(at) > 2 and any(visits for _, visits in at), at
    subprocess.run(command, cwd=tmp_path, check=True)
    found = open_vectors(tmp_path / "out").tables.named()
    assert same(found, straight.tables.named())
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["graph", "out", "straight"]


def _newest(folder):
    try:
        cards = [read_card(path.parent) for path in folder.glob(".out.training/*/card.json")]
        told = [card.facts["progress"] for card in cards]
    except Exception:  # between two writes of the child
        return (0, 0)
    return max(((one["epoch"], one["visits"]) for one in told), default=(0, 0))


def test_weights_of_triples_are_kept(ring_parts, tmp_path):
    """A triple that does not count leaves its rows as they were, unless they are drawn as negatives."""
    nothing = replace(ring_parts.train, weights=np.zeros(len(ring_parts.train), np.float32))
    parts = replace(ring_parts, train=nothing)
    settings = KgeSettings(**{**SETTINGS, "epochs": 1})
    buffer = partitioned(parts, settings, tmp_path)
    write_start(buffer, parts.relations, settings)
    before = torch.cat(list(buffer.files.in_order(0)))
    train_buckets(buffer, parts, settings, tmp_path)
    buffer.write()
    assert torch.equal(before, torch.cat(list(buffer.files.in_order(0))))
