"""From a graph to a folder: opens elsewhere, made once, resumed to the same bits, refused where it must."""

import json
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from loregraft.artifact import read_card, sha256_file, verify
from loregraft.disk import lock
from loregraft.errors import BadInput, CannotWrite, WrongArtifact
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.store import save_graph
from loregraft.kg.tables.columns import Columns
from loregraft.kge.text.learn import is_text_learnt, learn_text_vectors
from loregraft.kge.text.vectors import open_text_vectors
from loregraft.training.loop import Diverged


def test_the_folder_is_whole_and_opens_to_the_same(words, learnt, text_settings):
    made, folder = learnt
    assert verify(folder) == [] and is_text_learnt(folder, "key", text_settings)
    assert not is_text_learnt(folder, "another key", text_settings)
    assert [path.name for path in folder.parent.iterdir()] == ["vectors"]
    opened = open_text_vectors(folder)
    assert torch.equal(opened.matrix, made.matrix) and opened.texts == made.texts
    assert opened.ids == words.ids and opened.relation_ids == words.relation_ids
    assert np.array_equal(opened.answers("fever rash", "endsWith"), made.answers("fever rash", "endsWith"))
    with pytest.raises(BadInput, match="Did you mean 'endsWith'"):
        opened.answers("fever", "ends_with")


def test_the_card_tells_what_was_done(learnt):
    card = read_card(learnt[1], "text-vectors")
    assert card.facts["triples"] == {"train": 103, "valid": 0, "test": 26}
    assert card.facts["triples_without_text"] == 1
    assert card.facts["without_text"] == {"entities": 1, "first": ["Z:silent"]}
    assert (card.facts["steps"], card.facts["epochs"]) == (50, 25)
    assert card.facts["loss"][-1][1] < card.facts["loss"][0][1] / 2
    assert card.facts["temperature"] != 0.05 and card.parents["graph"] == "key"


def test_the_encoders_open_without_loregraft(learnt):
    from transformers import AutoModel, AutoTokenizer

    made, folder = learnt
    model, tokenizer = (kind.from_pretrained(folder / "entities") for kind in (AutoModel, AutoTokenizer))
    row = made.texts.entities.index("fever rash")
    with torch.inference_mode():
        hidden = model(**tokenizer("fever rash", return_tensors="pt")).last_hidden_state[0].mean(0)
    assert torch.allclose(hidden / hidden.norm(), made.matrix[row], atol=1e-5)
    AutoModel.from_pretrained(folder / "questions")


def test_what_is_done_is_not_done_again(words, learnt, text_settings):
    before = (learnt[1] / "card.json").stat().st_mtime_ns
    learn_text_vectors(words, "key", learnt[1], text_settings, lambda share, said: pytest.fail("it trains"))
    assert (learnt[1] / "card.json").stat().st_mtime_ns == before


def hashes(folder):
    return {name: sha256_file(folder / name) for name in read_card(folder).outputs}


SHORT = {"epochs": 3, "checkpoint_every_s": 1e-9, "dropout": True}


@pytest.mark.parametrize("share", [0.3, 0.95], ids=["in training", "while entities are read"])
def test_cut_off_it_goes_on_to_the_same_bits(words, text_settings, tmp_path, share):
    settings = text_settings.model_copy(update=SHORT)
    learn_text_vectors(words, "key", tmp_path / "straight", settings)

    def stop(now, said):
        if now >= share:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn_text_vectors(words, "key", tmp_path / "out", settings, stop)
    assert not (tmp_path / "out").exists()
    shares = []
    learn_text_vectors(words, "key", tmp_path / "out", settings, lambda now, said: shares.append(now))
    assert hashes(tmp_path / "out") == hashes(tmp_path / "straight")
    assert shares[0] > share - 0.1, "it began anew"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "straight"]


@pytest.mark.slow
def test_killed_the_command_goes_on_to_the_same_bits(words, text_settings, tmp_path, commands):
    save_graph(words, tmp_path / "graph", "key")
    changes = {"epochs": 10, "checkpoint_every_s": 1e-9, "batch": 104, "bf16": "false", "max_tokens": 16}
    options = [part for name, value in changes.items() for part in ("--set", f"{name}={value}")]
    options += ["--encoder", text_settings.encoder]
    started = commands.start("kge", "train-text", "graph", "out", *options, cwd=tmp_path)
    while not (tmp_path / ".out.training" / "step-000003" / "card.json").is_file():
        assert Path(f"/proc/{started.process}/cmdline").read_bytes(), started.err  # a zombie has none
        time.sleep(0.002)
    assert started.end(signal.SIGKILL).code == -signal.SIGKILL, "it ended before it could be killed"
    assert not (tmp_path / "out").exists()
    for name in ("out", "straight"):
        ended = commands.run("kge", "train-text", "graph", name, *options, cwd=tmp_path)
        assert ended.code == 0, ended.err
    assert hashes(tmp_path / "out") == hashes(tmp_path / "straight")


def test_the_command_trains_and_ranks(words, learnt, text_settings, tmp_path, commands):
    save_graph(words, tmp_path / "graph", "key")
    options = ("--encoder", text_settings.encoder, "--minutes", "0.001", "--set", "epochs=1", "--json")
    ended = commands.run("kge", "train-text", "graph", "out", *options, cwd=tmp_path)
    assert ended.code == 0 and json.loads(ended.out)["steps"] >= 1, ended.err
    assert "1 entities without name or description in the graph: Z:silent" in ended.err
    asked = ("kge", "rank", learnt[1], "--graph", "graph")
    told = json.loads(commands.run(*asked, "--json", cwd=tmp_path).out)
    assert (told["n"], told["unseen_entities"], told["split"], told["filtered"]) == (52, 13, "test", True)
    assert told["unseen"]["mrr"] > 0.9 and told["mrr"] == told["unseen"]["mrr"]
    shown = commands.run(*asked, cwd=tmp_path).out.splitlines()
    assert shown[0].startswith("all    mrr 0.9") or shown[0].startswith("all    mrr 1.0")
    assert shown[-1].startswith("unseen mrr ")
    again = commands.run("kge", "train-text", "graph", "out", *options, "--set", "batch=9", cwd=tmp_path)
    assert again.code == 2 and "it exists already" in again.err
    empty = commands.run(*asked, "--split", "valid", cwd=tmp_path)
    assert empty.code == 2 and "the part valid of the graph is empty" in empty.err
    save_graph(words, tmp_path / "other", "another key")
    other = commands.run("kge", "rank", learnt[1], "--graph", "other", cwd=tmp_path)
    assert other.code == 2 and "were not trained on the graph other" in other.err


def test_what_cannot_be_trained_leaves_nothing(words, ring_graph, text_settings, tmp_path):
    out = tmp_path / "out"
    for encoder, found in (("", "no encoder is named"), (str(tmp_path / "none"), "no such encoder folder")):
        with pytest.raises(BadInput, match=found):
            learn_text_vectors(words, "key", out, text_settings.model_copy(update={"encoder": encoder}))
    with pytest.raises(BadInput, match="no entity has a name or a description"):
        learn_text_vectors(ring_graph, "key", out, text_settings)
    names = Columns("names", {"entity": ["A"], "name": ["fever"]})
    triples = Columns("triples", {"head": ["A", "B"], "relation": ["r", "r"], "tail": ["B", "C"]})
    with pytest.raises(BadInput, match="no triple of train has two entities with a text"):
        learn_text_vectors(KnowledgeGraph.gather([names, triples]), "key", out, text_settings)
    assert list(tmp_path.iterdir()) == []


def test_a_rate_too_high_is_told(words, text_settings, tmp_path):
    wild = text_settings.model_copy(update={"rate": 1e30})
    with pytest.raises(Diverged, match=r"Lower the learning rate \(rate\)\.$") as error:
        learn_text_vectors(words, "key", tmp_path / "out", wild)
    assert "pretrain" not in str(error.value) and not (tmp_path / "out").exists()


def test_two_runs_do_not_share_a_folder(words, text_settings, tmp_path):
    with lock(tmp_path / ".out.training"), pytest.raises(CannotWrite, match="another loregraft process"):
        learn_text_vectors(words, "key", tmp_path / "out", text_settings)


@pytest.mark.parametrize("name", ["vectors.safetensors", "entities.parquet", "entities/model.safetensors"])
def test_a_damaged_folder_is_found_out(learnt, text_settings, tmp_path, name):
    folder = Path(shutil.copytree(learnt[1], tmp_path / "vectors"))
    (folder / name).write_bytes(b"nothing")
    assert not is_text_learnt(folder, "key", text_settings)
    with pytest.raises(WrongArtifact, match="kge train-text"):
        open_text_vectors(folder)
