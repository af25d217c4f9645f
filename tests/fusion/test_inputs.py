"""Inputs: texts of different lengths in one batch, down to none."""

from loregraft.corpus.tokens import NOWHERE, Tokens
from loregraft.fusion.inputs import PADDED, padded


def test_texts_are_padded_to_the_longest():
    inputs = padded([Tokens([2, 7, 3], [NOWHERE, (0, 4), NOWHERE]), Tokens([2], [NOWHERE], cut=True)], 9)
    assert inputs.tensors["input_ids"].tolist() == [[2, 7, 3], [2, 9, 9]]
    assert inputs.tensors["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]
    assert inputs.mask.tolist() == [[True] * 3, [True, False, False]] and inputs.cut == 1
    assert inputs.offsets.tolist() == [[[-1, -1], [0, 4], [-1, -1]], [[-1, -1], *[[PADDED, PADDED]] * 2]]


def test_a_text_without_tokens_is_padding_alone():
    """An empty text, by a tokenizer without special tokens."""
    inputs = padded([Tokens([], []), Tokens([7], [(0, 1)])], 9)
    assert inputs.tensors["attention_mask"].tolist() == [[0], [1]]
    assert padded([], 9).tensors["input_ids"].shape == (0, 0)
