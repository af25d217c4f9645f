"""Packing: every token once, none seen by another text, and who cannot be packed is found out."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import (
    AutoModel,
    BertConfig,
    DebertaV2Config,
    LongformerConfig,
    ModernBertConfig,
    RobertaConfig,
)

from loregraft.encoder.packing import LONGEST, ROW_STEP, WIDTH, pack, position_offset, run_packed

PADDING = 1
SMALL = {
    "vocab_size": 100,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "pad_token_id": PADDING,
    "attn_implementation": "eager",
}
SPECIAL = {"bos_token_id": 2, "eos_token_id": 3, "cls_token_id": 2, "sep_token_id": 3}


def texts_of(lengths, seed=0):
    generator = np.random.default_rng(seed)
    return [generator.integers(4, 100, length).astype(np.int32) for length in lengths]


def model_of(config):
    torch.manual_seed(0)
    return AutoModel.from_config(config).eval()


TRIED = texts_of((12, 7, LONGEST))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, LONGEST), max_size=40))
def test_every_token_is_there_once(lengths):
    texts = texts_of(lengths)
    packed = pack(texts, PADDING)
    rows, width = packed.input_ids.shape
    assert width % 16 == 0 and width >= WIDTH and rows % ROW_STEP == 0
    assert packed.texts == len(texts)
    for number, text in enumerate(texts):
        places = torch.nonzero(packed.segments == number)
        assert places[:, 0].unique().numel() == 1  # in one row
        assert places[:, 1].diff().eq(1).all()  # end to end
        assert packed.input_ids[packed.segments == number].tolist() == text.tolist()
        assert packed.positions[packed.segments == number].tolist() == list(range(len(text)))
    padding = packed.segments == -1
    assert int((~padding).sum()) == sum(lengths)
    assert (packed.input_ids[padding] == PADDING).all()


def test_each_text_goes_where_it_fits_best():
    """Longest first in rows of 64: 40 opens a row, 30 another; 20 fits 24 better than 34; 10 fits only 34."""
    packed = pack(texts_of((10, 20, 30, 40)), PADDING)
    rows = [sorted(set(row.tolist()) - {-1}) for row in packed.segments]
    assert rows == [[1, 3], [0, 2], [], []]


def test_attention_stays_inside_a_text():
    packed = pack(texts_of((2, 1)), PADDING)
    least = torch.finfo(torch.float32).min
    assert packed.attention()[0, 0, :4, :4].tolist() == [
        [0, 0, least, least],
        [0, 0, least, least],
        [least, least, 0, least],
        [least, least, least, 0],  # padding sees padding: no row of the softmax is empty
    ]


def test_mean_and_first_worked_example():
    """Text 0 has tokens (3, 0) and (3, 8): mean (3, 4) / 5. Text 1 has the token (0, 2)."""
    packed = pack(texts_of((2, 1)), PADDING)
    hidden = torch.full((*packed.segments.shape, 2), 99.0)
    hidden[0, :3] = torch.tensor([[3.0, 0.0], [3.0, 8.0], [0.0, 2.0]])
    assert torch.allclose(packed.mean(hidden), torch.tensor([[0.6, 0.8], [0.0, 1.0]]))
    assert torch.allclose(packed.first(hidden), torch.tensor([[1.0, 0.0], [0.0, 1.0]]))


@pytest.mark.parametrize(
    ("config", "offset"),
    [(BertConfig(**SMALL), 0), (RobertaConfig(**SMALL), PADDING + 1)],
    ids=["bert", "roberta"],
)
def test_packed_hidden_states_are_those_of_each_text_alone(config, offset):
    model = model_of(config)
    assert position_offset(model, TRIED, PADDING) == offset
    texts = texts_of((LONGEST, 90, 64, 33, 17, 5, 5, 2, 1), seed=1)
    packed = pack(texts, PADDING)
    with torch.inference_mode():
        hidden = run_packed(model, packed, offset)
        for number, text in enumerate(texts):
            alone = model(input_ids=torch.from_numpy(text[None].astype(np.int64))).last_hidden_state[0]
            assert torch.allclose(hidden[packed.segments == number], alone, atol=1e-5)


@pytest.mark.parametrize(
    "config",
    [
        DebertaV2Config(**SMALL, relative_attention=True, pos_att_type=["p2c", "c2p"]),
        LongformerConfig(**SMALL, attention_window=[8, 8]),
    ],
    ids=["deberta", "longformer"],
)
def test_who_ignores_mask_or_positions_is_not_packed(config):
    assert position_offset(model_of(config), TRIED, PADDING) is None


def test_who_looks_only_so_far_is_found_out_by_a_long_text():
    """ModernBERT sees 64 tokens to either side, but under a mask of our own it would see all."""
    near = ModernBertConfig(**SMALL, **SPECIAL, local_attention=128, global_attn_every_n_layers=2)
    assert position_offset(model_of(near), TRIED[:2], PADDING) == 0
    assert position_offset(model_of(near), TRIED, PADDING) is None
    far = ModernBertConfig(**SMALL, **SPECIAL, local_attention=2 * LONGEST, global_attn_every_n_layers=2)
    assert position_offset(model_of(far), TRIED, PADDING) == 0


def test_who_takes_no_text_as_long_is_not_packed():
    assert position_offset(model_of(BertConfig(**SMALL, max_position_embeddings=64)), TRIED, PADDING) is None
