"""Heads: their numbers, against the formulas written out number by number."""

import pytest
import torch

from loregraft.tasks.heads import PairHead, TextHead, means


@pytest.fixture
def hidden():
    return torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(0))


def literally(hidden, mask):
    """The mean of the tokens where the mask is True, in float64; zeros where it is nowhere."""
    chosen = [token.tolist() for token, counts in zip(hidden, mask.tolist(), strict=True) if counts]
    return [sum(column) / len(chosen) for column in zip(*chosen, strict=True)] or [0.0] * hidden.shape[1]


def affine(linear, vector):
    rows = zip(linear.weight.tolist(), linear.bias.tolist(), strict=True)
    return [sum(w * x for w, x in zip(row, vector, strict=True)) + bias for row, bias in rows]


def test_a_mean_by_hand():
    hidden = torch.tensor([[[1.0, 2.0], [3.0, 6.0], [100.0, 100.0]]])
    masks = torch.tensor([[[True, True, False], [False, False, False]]])
    assert means(hidden, masks).tolist() == [[[2.0, 4.0], [0.0, 0.0]]]


def test_text_head(hidden):
    masks = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0]]).bool()
    head = TextHead(4, 3)
    expected = [affine(head.out, literally(*each)) for each in zip(hidden, masks, strict=True)]
    assert torch.allclose(head(hidden, masks[:, None]), torch.tensor(expected), atol=1e-5)


def test_pair_head(hidden):
    masks = torch.zeros(3, 2, 5, dtype=torch.bool)
    masks[0, 0, 1] = masks[0, 1, 2:4] = masks[1, :, 1:3] = masks[2, 0, 4] = True  # the last has no tail
    head, expected = PairHead(4, 3), []
    for states, (first, second) in zip(hidden, masks, strict=True):
        h, t = literally(states, first), literally(states, second)
        expected.append(affine(head.out, [*h, *t, *(a * b for a, b in zip(h, t, strict=True))]))
    assert torch.allclose(head(hidden, masks), torch.tensor(expected), atol=1e-5)


def test_head_and_tail_are_told_apart(hidden):
    masks = torch.zeros(3, 2, 5, dtype=torch.bool)
    masks[:, 0, 1] = masks[:, 1, 2] = True
    head = PairHead(4, 3)
    assert not torch.allclose(head(hidden, masks), head(hidden, masks.flip(1)))


def test_padding_changes_nothing(hidden):
    masks = torch.ones(3, 1, 5, dtype=torch.bool)
    wider = torch.cat([hidden, torch.full((3, 2, 4), 1e6)], 1)
    more = torch.cat([masks, torch.zeros(3, 1, 2, dtype=torch.bool)], -1)
    head = TextHead(4, 2)
    assert torch.allclose(head(wider, more), head(hidden, masks), atol=1e-5)
