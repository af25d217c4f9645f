"""Texts to vectors: packed, padded and one at a time are the same."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.encoder import encode as module
from loregraft.encoder.encode import TEXTS_AT_ONCE, embed, encode
from loregraft.encoder.load import load_encoder
from loregraft.encoder.packing import LONGEST

WORDS = "fever headache the skin of a viral disease 发热 high-temperature xyzzy ( )".split()
TEXTS = st.lists(st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join), min_size=1, max_size=12)
LONG = "a recurrent pain in one half of the head " * 20
MAX_TOKENS = 150
BOTH = pytest.mark.parametrize("pooling", ["mean", "cls"])


@pytest.fixture(scope="module")
def encoder(tiny_encoder_folder):
    return load_encoder(tiny_encoder_folder)


def padded(encoder):
    return replace(encoder, position_offset=None)


@torch.inference_mode()
def alone(encoder, texts, max_tokens=MAX_TOKENS):
    """The reference: plain transformers, one text at a time, no padding."""
    vectors = []
    for text in texts:
        ids = encoder.tokenizer(text, truncation=True, max_length=max_tokens, return_tensors="pt")
        hidden = encoder.model(input_ids=ids["input_ids"]).last_hidden_state[0]
        vector = hidden.mean(0) if encoder.pooling == "mean" else hidden[0]
        vectors.append(vector / vector.norm())
    return torch.stack(vectors).numpy()


@BOTH
@settings(max_examples=15, deadline=None)
@given(texts=TEXTS)
def test_packed_padded_and_alone_are_the_same(encoder, pooling, texts):
    encoder = replace(encoder, pooling=pooling)
    assert encoder.position_offset == 0
    texts = [*texts, ""]
    packed = encode(encoder, texts, max_tokens=MAX_TOKENS)
    assert np.abs(packed - encode(padded(encoder), texts, max_tokens=MAX_TOKENS)).max() < 1e-5
    assert np.abs(packed - alone(encoder, texts)).max() < 1e-5


@BOTH
def test_what_is_too_long_to_pack_is_padded(encoder, pooling, monkeypatch):
    encoder = replace(encoder, pooling=pooling)
    texts = ["", "fever", LONG, "headache of the skin"]
    assert encoder.tokenize(texts, MAX_TOKENS).lengths.max() > LONGEST
    monkeypatch.setattr(module, "run_packed", None)
    assert np.abs(encode(encoder, texts, max_tokens=MAX_TOKENS) - alone(encoder, texts)).max() < 1e-5


@BOTH
def test_gradients_are_the_same(tiny_encoder, pooling):
    encoder = replace(tiny_encoder, pooling=pooling)
    tokens = encoder.tokenize(["fever", "", "pain felt in any part of the head", "发热", "fever"], MAX_TOKENS)
    rows = np.array([4, 2, 2, 0, 1, 3])
    weights = torch.randn(len(rows), encoder.dim, generator=torch.Generator().manual_seed(0))

    def gradients(encoder):
        encoder.model.zero_grad()
        (embed(encoder, tokens, rows) * weights).sum().backward()
        # The pooler has none, and the gradient of the keys' biases is 0 but for rounding.
        return {n: p.grad.clone() for n, p in encoder.model.named_parameters() if p.grad is not None}

    packed, apart = gradients(encoder), gradients(padded(encoder))
    assert packed.keys() == apart.keys() and len(packed) > 30
    for name, gradient in packed.items():
        assert torch.allclose(gradient, apart[name], atol=1e-5), name
    assert packed["embeddings.word_embeddings.weight"].abs().max() > 0.01


def test_texts_keep_their_order_and_equal_ones_are_encoded_once(encoder):
    done = []
    texts = ["headache", "fever", "", "headache", "a viral disease", "fever"]
    vectors = encode(encoder, texts, progress=done.append)
    assert vectors.shape == (6, 32) and vectors.dtype == np.float32
    assert np.array_equal(vectors[0], vectors[3]) and np.array_equal(vectors[1], vectors[5])
    assert np.abs(vectors - alone(encoder, texts)).max() < 1e-5
    assert sum(done) == 4
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)


def test_more_texts_than_are_taken_at_once(encoder):
    texts = [f"{first} {second}" for first in range(20) for second in range(20)]
    assert len(texts) > TEXTS_AT_ONCE
    done = []
    vectors = encode(encoder, texts, progress=done.append)
    assert sum(done) == len(texts) and len(done) == 2
    chosen = [0, 7, 255, 256, 399]
    assert np.abs(vectors[chosen] - alone(encoder, [texts[row] for row in chosen])).max() < 1e-5


def test_no_texts(encoder):
    assert encode(encoder, []).shape == (0, 32)
    assert embed(encoder, encoder.tokenize(["fever"], 8), np.zeros(0, np.int64)).shape == (0, 32)


def test_longer_texts_lose_their_end(encoder):
    """Six tokens are four words and the two special tokens."""
    cut, short = encode(
        encoder, ["fever headache skin fever disease", "fever headache skin fever"], max_tokens=6
    )
    assert np.abs(cut - short).max() < 1e-6
    assert np.abs(cut - encode(encoder, ["fever headache skin fever disease"])[0]).max() > 1e-3


def test_dropout_is_off_and_the_mode_comes_back(tiny_encoder):
    tiny_encoder.model.train()
    first, second = encode(tiny_encoder, ["fever"]), encode(tiny_encoder, ["fever"])
    assert np.array_equal(first, second)
    assert tiny_encoder.model.training
    tiny_encoder.model.eval()
    encode(tiny_encoder, ["fever"])
    assert not tiny_encoder.model.training


def test_bfloat16_is_near(encoder):
    texts = ["fever", "a viral disease of the skin"]
    near = encode(encoder, texts, bf16=True)
    assert near.dtype == np.float32
    assert 0 < np.abs(near - encode(encoder, texts)).max() < 2e-2


def test_a_text_longer_than_the_model_has_positions_is_cut(tiny_encoder):
    texts = ["fever " * 300, "fever"]
    assert tiny_encoder.tokenize(texts, 512).lengths.max() == 160
    assert encode(tiny_encoder, texts, max_tokens=512).shape == (2, 32)
