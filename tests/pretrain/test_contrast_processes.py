"""Relation discrimination in two processes: what they tell apart together is what one does alone."""

import os
import pickle
import socket
import subprocess
import sys

import pytest
import torch

from loregraft.corpus.corpus import read_corpus
from loregraft.pretrain.objectives.contrast import RelationContrast, RelationContrastSettings
from loregraft.pretrain.trunk import Trunk
from loregraft.records import Link, Mention

WORDS = {"measles": "D:1", "fever": "P:1", "flu": "D:2", "headache": "P:2", "migraine": "P:3", "virus": "D:4"}
TEXTS = [
    "measles is a virus with fever",
    "flu brings fever and headache",
    "a headache on one side is migraine",
    "flu and measles are a virus",
]


CHILD = """
import pickle, sys
import torch
from pathlib import Path
from loregraft.encoder.load import load_encoder
from loregraft.fusion.knowledge import Knowledge
from loregraft.pretrain.objectives.contrast import RelationContrast, RelationContrastSettings
from loregraft.pretrain.trunk import Trunk
from loregraft.training.ranks import join, over_all, share_of, sum_gradients

torch.set_num_threads(1)
folder, path = map(Path, sys.argv[1:])
corpus, graph = pickle.loads(path.read_bytes())
rank, _ = join()
trunk = Trunk(load_encoder(folder))
objective = RelationContrast(trunk, corpus, Knowledge(graph), RelationContrastSettings(batch=4))
loss = objective.loss(trunk, share_of(objective.items(0, 0)))
mean = over_all(loss.total, loss.count)
mean.backward()
sum_gradients(trunk)
odd = RelationContrast(trunk, corpus, Knowledge(graph), RelationContrastSettings(batch=3))
total = odd.loss(trunk, share_of(odd.items(0, 0))).total.item()
path.with_suffix(f".{rank}").write_bytes(pickle.dumps((mean.item(), trunk.table.grad.tolist(), total)))
torch.distributed.destroy_process_group()
"""


def corpus_of(encoder, knowledge):
    found = [[(text.find(words), words) for words in WORDS if words in text] for text in TEXTS]
    links = [
        [Link(Mention(start, start + len(words), words), WORDS[words], 1.0) for start, words in one]
        for one in found
    ]
    return read_corpus(TEXTS, links, encoder.tokenizer, knowledge.index, 64)


def objective_of(trunk, corpus, knowledge, batch):
    return RelationContrast(trunk, corpus, knowledge, RelationContrastSettings(batch=batch))


def test_two_processes_tell_apart_what_one_does(tiny_encoder, knowledge, tiny_encoder_folder, tmp_path):
    """They exchange their pairs where all have as many: of four items the loss and its gradient are those of
    the whole batch, of three each process tells its own apart."""
    trunk, corpus = Trunk(tiny_encoder), corpus_of(tiny_encoder, knowledge)
    objective, odd = (objective_of(trunk, corpus, knowledge, batch) for batch in (4, 3))
    items = objective.items(0, 0)
    whole = objective.loss(trunk, items).mean
    whole.backward()
    path = tmp_path / "given"
    path.write_bytes(pickle.dumps((corpus, knowledge.graph)))
    for rank, code in enumerate(run(tiny_encoder_folder, path)):
        assert code == 0
        mean, gradient, total = pickle.loads(path.with_suffix(f".{rank}").read_bytes())
        assert mean == pytest.approx(whole.item(), rel=1e-4)
        assert torch.allclose(torch.tensor(gradient), trunk.table.grad, atol=1e-5)
        share = odd.loss(trunk, odd.items(0, 0)[rank::2])
        assert total == pytest.approx(share.total.item(), rel=1e-4)
    alone = [objective.loss(trunk, items[rank::2]) for rank in range(2)]
    assert sum(one.total.item() for one in alone) < objective.loss(trunk, items).total.item() - 1e-3


def run(folder, path) -> list[int]:
    """Start two processes that find each other, and give how they ended."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", CHILD, str(folder), str(path)]
    started = [
        subprocess.Popen(command, env={**os.environ, **shared, "RANK": str(rank)}) for rank in range(2)
    ]
    return [one.wait(timeout=120) for one in started]
