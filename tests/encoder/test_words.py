"""The head of words of a checkpoint: the same logits as the stock model, tied to the encoder in training."""

import pytest
import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer

from loregraft.encoder.load import load_encoder
from loregraft.encoder.words import read_word_head

IDS = torch.tensor([[2, 7, 8, 9, 4, 3]])


@pytest.fixture
def folder(family, family_folders, tmp_path):
    """A checkpoint with a head of words, of random weights."""
    from transformers import AutoConfig

    torch.manual_seed(1)
    model = AutoModelForMaskedLM.from_config(AutoConfig.from_pretrained(family_folders[family]))
    with torch.no_grad():
        for value in model.parameters():
            value.add_(0.05 * torch.randn_like(value))
    model.save_pretrained(tmp_path / "model")
    AutoTokenizer.from_pretrained(family_folders[family]).save_pretrained(tmp_path / "model")
    return tmp_path / "model"


def test_the_logits_are_the_stock_models(folder):
    encoder = load_encoder(folder)
    head = read_word_head(encoder)
    assert head is not None
    stock = AutoModelForMaskedLM.from_pretrained(folder, attn_implementation="eager").eval()
    with torch.inference_mode():
        hidden = encoder.model(input_ids=IDS).last_hidden_state[0]
        ours = head(hidden[[4, 1]], encoder.model.get_input_embeddings().weight)
        assert torch.allclose(ours, stock(input_ids=IDS).logits[0, [4, 1]], atol=1e-4)


def test_the_decoder_is_tied_to_the_encoder_in_training(folder):
    """A change of the word embeddings is a change of the scores."""
    encoder = load_encoder(folder)
    head, table = read_word_head(encoder), encoder.model.get_input_embeddings().weight
    rows = torch.randn(2, encoder.dim)
    before = head(rows, table)
    with torch.no_grad():
        table[17] += 1.0
    after = head(rows, table)
    assert not torch.allclose(before[:, 17], after[:, 17])
    assert torch.allclose(before[:, 18], after[:, 18])
    assert head(rows[:0], table).shape == (0, len(table))


def test_a_bare_encoder_has_none(family, family_folders):
    assert read_word_head(load_encoder(family_folders[family])) is None
