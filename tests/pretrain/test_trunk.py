"""The encoder as objectives see it: hidden states text after text, packed or not."""

import pytest
import torch

from loregraft.encoder.load import load_encoder
from loregraft.pretrain.trunk import Put, Trunk, starts_of

TEXTS = [[2, 7, 8, 3], [2, *range(10, 30), 3], [2, 9, 3], [2, *range(40, 58), 3]]


@pytest.fixture
def trunk(family, family_folders):
    return Trunk(load_encoder(family_folders[family]))


@torch.inference_mode()
def alone(trunk, ids):
    return trunk.model(input_ids=torch.tensor([ids])).last_hidden_state[0]


@torch.inference_mode()
def test_each_text_is_read_as_if_alone(trunk):
    hidden = trunk.read(TEXTS)
    for start, ids in zip(starts_of(TEXTS).tolist(), TEXTS, strict=True):
        assert torch.allclose(hidden[start : start + len(ids)], alone(trunk, ids), atol=1e-4)


@torch.inference_mode()
def test_longer_texts_than_are_packed(trunk):
    long = [[2, *[5 + place % 90 for place in range(140)], 3], TEXTS[0]]
    hidden = trunk.read(long)
    assert torch.allclose(hidden[:142], alone(trunk, long[0]), atol=1e-4)
    assert torch.allclose(hidden[142:], alone(trunk, long[1]), atol=1e-4)


@torch.inference_mode()
def test_vectors_stand_in_for_words(trunk):
    """The embedding of another token at some places reads as that token; in rows packed and padded."""
    other = [list(ids) for ids in TEXTS]
    other[1][5], other[3][2] = 60, 61
    starts = starts_of(TEXTS)
    put = Put(torch.stack([starts[1] + 5, starts[3] + 2]), trunk.table[[60, 61]])
    assert torch.allclose(trunk.read(TEXTS, put), trunk.read(other), atol=1e-5)
    assert not torch.allclose(trunk.read(TEXTS), trunk.read(other), atol=1e-3)


def test_gradient_comes_back_unless_frozen(trunk):
    vectors = torch.zeros(1, trunk.table.shape[1], requires_grad=True)
    put = Put(torch.tensor([1]), vectors)
    torch.manual_seed(0)
    hidden = trunk.read(TEXTS, put)
    (hidden * torch.randn_like(hidden)).sum().backward()
    assert vectors.grad is not None and (vectors.grad != 0).any()
    trunk.frozen = True
    assert not trunk.read(TEXTS).requires_grad


def test_nothing_of_nothing(trunk):
    assert trunk.read([]).shape == (0, trunk.hidden)
