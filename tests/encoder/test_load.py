"""Load and save: what is wrong with a folder is told, and what is saved opens without loregraft."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel, DebertaV2Config, RobertaConfig

from loregraft.artifact import sha256_file
from loregraft.encoder.encode import encode
from loregraft.encoder.load import WEIGHTS, load_encoder, save_encoder
from loregraft.errors import BadInput

TEXTS = ["fever", "Pain felt in any part of the head", "发热", ""]


@pytest.fixture
def folder(tiny_encoder_folder, tmp_path):
    return shutil.copytree(tiny_encoder_folder, tmp_path / "encoder")


def without(*names):
    def spoil(folder):
        for name in names:
            (folder / name).unlink()

    return spoil


def writing(name, text):
    return lambda folder: (folder / name).write_text(text)


def truncate(folder):
    data = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(data[: len(data) // 2])


def drop_layer(folder):
    kept = {k: v for k, v in load_file(folder / WEIGHTS).items() if "encoder.layer.1." not in k}
    save_file(kept, folder / WEIGHTS, metadata={"format": "pt"})


def pickle_only(folder):
    torch.save(load_file(folder / WEIGHTS), folder / "pytorch_model.bin")
    (folder / WEIGHTS).unlink()


SPOILED = {
    "no folder": (shutil.rmtree, "there is no such encoder folder", "Give the path of"),
    "no config": (without("config.json"), "there is no config.json", "Hugging Face model folder"),
    "no tokenizer": (without("tokenizer.json"), "no tokenizer", "tokenizer.save_pretrained"),
    "no weights": (without(WEIGHTS), "no safetensors weights", "model.save_pretrained"),
    "pickled weights": (pickle_only, "no safetensors weights", "pickled weights are not read"),
    "bad tokenizer": (writing("tokenizer.json", "{"), "the tokenizer cannot be read", "save_pretrained"),
    "bad config": (writing("config.json", "{"), "not a JSON object", "model.save_pretrained"),
    "config is a list": (writing("config.json", "[]"), "not a JSON object", "model.save_pretrained"),
    "unknown model": (
        writing("config.json", '{"model_type": "nosuch"}'),
        "the model cannot be read (",
        "Auto",
    ),
    "cut weights": (truncate, "the model cannot be read", "AutoModel.from_pretrained can open"),
    "a layer is missing": (
        drop_layer,
        "16 tensors of the model are not among the weights",
        "save_pretrained",
    ),
}


@pytest.mark.parametrize("spoiled", SPOILED)
def test_error_says_where_what_and_the_fix(folder, spoiled):
    spoil, found, fix = SPOILED[spoiled]
    spoil(folder)
    with pytest.raises(BadInput) as caught:
        load_encoder(folder)
    message = str(caught.value)
    assert message.startswith(str(folder)) and "\n" not in message
    assert found in caught.value.found
    assert fix in caught.value.fix


def test_other_weights_than_expected(folder):
    actual = sha256_file(folder / WEIGHTS)
    assert load_encoder(folder, actual).sha256 == actual
    with pytest.raises(BadInput) as caught:
        load_encoder(folder, "0" * 64)
    assert caught.value.path == folder / WEIGHTS
    assert (
        actual in str(caught.value)
        and "0" * 64 in str(caught.value)
        and "encoder.sha256" in str(caught.value)
    )


def test_random_state_is_left_alone(folder):
    """Also where a pooler that the folder lacks gets its random weights."""
    state = torch.random.get_rng_state()
    first, second = load_encoder(folder), load_encoder(folder)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(first.model.pooler.dense.weight, second.model.pooler.dense.weight)
    assert not first.model.training and first.dim == 32


def test_weights_in_several_files(folder):
    expected = load_encoder(folder)
    (folder / WEIGHTS).unlink()
    expected.model.save_pretrained(folder, max_shard_size="20KB")
    assert not (folder / WEIGHTS).exists() and len(list(folder.glob("*.safetensors"))) > 1
    sharded = load_encoder(folder)
    assert np.array_equal(encode(sharded, TEXTS), encode(expected, TEXTS))
    assert sharded.sha256 != expected.sha256


@pytest.mark.parametrize(
    ("config", "offset"),
    [(RobertaConfig, 1), (DebertaV2Config, None)],
    ids=["roberta", "deberta"],
)
def test_other_families(folder, config, offset):
    """Whether an encoder can be packed or not, its vectors are those of each text alone."""
    torch.manual_seed(0)
    made = config(
        vocab_size=400,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        pad_token_id=0,
        relative_attention=True,
        pos_att_type=["p2c", "c2p"],
    )
    AutoModel.from_config(made).save_pretrained(folder)
    encoder = load_encoder(folder)
    assert encoder.position_offset == offset
    one_by_one = np.concatenate([encode(encoder, [text]) for text in TEXTS])
    assert np.abs(encode(encoder, TEXTS) - one_by_one).max() < 1e-5


@pytest.mark.parametrize(
    ("config", "pooling", "warned"),
    [
        (None, "mean", False),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls", False),
        ({"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}, "mean", False),
        ({"pooling_mode": "cls"}, "cls", False),
        ({"pooling_mode": ["mean"]}, "mean", False),
        ({"pooling_mode": "max"}, "mean", True),
        ({"pooling_mode_max_tokens": True, "pooling_mode_mean_tokens": False}, "mean", True),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True}, "mean", True),
    ],
)
def test_pooling_is_read_from_either_format(folder, caplog, config, pooling, warned):
    if config is not None:
        (folder / "1_Pooling").mkdir()
        (folder / "1_Pooling" / "config.json").write_text(json.dumps(config))
    assert load_encoder(folder).pooling == pooling
    assert ("only mean and cls pooling are known" in caplog.text) == warned


@pytest.mark.parametrize("text", ["{", "[1]", "3"])
def test_unreadable_pooling(folder, text):
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(text)
    with pytest.raises(BadInput, match=r"1_Pooling/config\.json: not a JSON object"):
        load_encoder(folder)


@pytest.fixture
def saved(tiny_encoder, tmp_path):
    """Folders mean/ and cls/ as saved, and vectors.npz with what encode() says of TEXTS for each."""
    vectors = {}
    for pooling in ("mean", "cls"):
        encoder = replace(tiny_encoder, pooling=pooling)
        (tmp_path / pooling).mkdir()
        save_encoder(encoder, tmp_path / pooling, 32)
        vectors[pooling] = encode(encoder, TEXTS)
    np.savez(tmp_path / "vectors.npz", **vectors)
    return tmp_path


def test_what_is_saved_loads_again(saved):
    for pooling, vectors in np.load(saved / "vectors.npz").items():
        again = load_encoder(saved / pooling)
        assert again.pooling == pooling
        assert np.array_equal(encode(again, TEXTS), vectors)


PLAIN = """
import sys, numpy as np, torch
from transformers import AutoModel, AutoTokenizer
texts, expected = {texts!r}, np.load("vectors.npz")
for pooling in ("mean", "cls"):
    model, tokenizer = AutoModel.from_pretrained(pooling), AutoTokenizer.from_pretrained(pooling)
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        hidden = model(**batch).last_hidden_state
    mask = batch["attention_mask"][:, :, None]
    pooled = hidden[:, 0] if pooling == "cls" else (hidden * mask).sum(1) / mask.sum(1)
    vectors = torch.nn.functional.normalize(pooled, dim=-1).numpy()
    assert np.abs(vectors - expected[pooling]).max() < 1e-5, pooling
assert "loregraft" not in sys.modules
"""

SENTENCE_TRANSFORMERS = """
import sys, numpy as np
from sentence_transformers import SentenceTransformer
texts, expected = {texts!r}, np.load("vectors.npz")
for pooling in ("mean", "cls"):
    model = SentenceTransformer(pooling, device="cpu")
    assert model.max_seq_length == 32
    assert np.abs(model.encode(texts) - expected[pooling]).max() < 1e-5, pooling
assert "loregraft" not in sys.modules
"""


@pytest.mark.parametrize(
    "program", [PLAIN, pytest.param(SENTENCE_TRANSFORMERS, marks=pytest.mark.slow)], ids=["plain", "st"]
)
def test_what_is_saved_opens_without_loregraft(saved, program):
    """The same vectors from plain transformers and from sentence-transformers, in a process of their own."""
    ran = subprocess.run(
        [sys.executable, "-c", program.format(texts=TEXTS)],
        cwd=saved,
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
