"""The loss is that of a plain formula, and its gradients those of a difference quotient."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.kge.text.loss import info_nce


def plain(cosines, left_out, sharpness, margin, weights):
    """Question by question and answer by answer, in Python's own numbers."""
    count, total = len(cosines), 0.0

    def cost(cells, right):
        return -math.log(math.exp(right * sharpness) / sum(math.exp(cell * sharpness) for cell in cells))

    for i in range(count):
        right = cosines[i][i] - margin
        row = [cosines[i][j] for j in range(len(cosines[i])) if j != i and not left_out[i][j]]
        column = [cosines[j][i] for j in range(count) if j != i and not left_out[j][i]]
        total += weights[i] * (cost([right, *row], right) + cost([right, *column], right))
    return total / sum(weights)


def case(seed, count, more):
    generator = torch.Generator().manual_seed(seed)
    cosines = torch.rand(count, count + more, generator=generator, dtype=torch.float64) * 2 - 1
    left_out = torch.rand(count, count + more, generator=generator) < 0.3
    left_out[:, :count].fill_diagonal_(False)
    weights = torch.rand(count, generator=generator, dtype=torch.float64) + 0.1
    return cosines, left_out, weights


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(0, 1), st.sampled_from([0.0, 0.02, 0.5]))
def test_it_is_the_plain_formula(seed, count, more, margin):
    cosines, left_out, weights = case(seed, count, more)
    sharpness = torch.tensor(7.0, dtype=torch.float64)
    found = info_nce(cosines, left_out, sharpness, margin, weights)
    expected = plain(cosines.tolist(), left_out.tolist(), 7.0, margin, weights.tolist())
    assert float(found) == pytest.approx(expected, abs=1e-12) and float(found) >= 0


@pytest.mark.parametrize("more", [0, 1])
def test_its_gradients_are_difference_quotients(more):
    cosines, left_out, weights = case(3, 5, more)
    inputs = cosines.requires_grad_(), torch.tensor(4.0, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda c, s: info_nce(c, left_out, s, 0.1, weights), inputs)


def test_its_gradient_by_hand():
    """Softmax less the right choice, once along the row and once along the column, times the sharpness."""
    cosines, _, _ = case(5, 4, 0)
    none, ones = torch.zeros(4, 4, dtype=torch.bool), torch.ones(4, dtype=torch.float64)
    sharpness = torch.tensor(3.0, dtype=torch.float64)
    cosines.requires_grad_()
    info_nce(cosines, none, sharpness, 0.2, ones).backward()
    logits = 3 * (cosines.detach().numpy() - 0.2 * np.eye(4))
    raised = np.exp(logits)
    by_hand = raised / raised.sum(1, keepdims=True) + raised / raised.sum(0) - 2 * np.eye(4)
    assert np.allclose(cosines.grad.numpy(), 3 * by_hand / 4, atol=1e-12)


def test_two_questions_worked_by_hand():
    """At temperature 1 and cosines 1 and 0, each of the four choices costs log(1 + 1/e) = 0.3133."""
    loss = info_nce(torch.eye(2), torch.zeros(2, 2, dtype=torch.bool), torch.tensor(1.0), 0.0, torch.ones(2))
    assert float(loss) == pytest.approx(2 * 0.3132617, abs=1e-6)


def test_the_margin_makes_it_dearer_and_what_is_left_out_is_free():
    cosines, left_out, weights = case(1, 4, 1)
    one = torch.tensor(5.0, dtype=torch.float64)
    assert info_nce(cosines, left_out, one, 0.3, weights) > info_nce(cosines, left_out, one, 0.0, weights)
    changed = torch.where(left_out, 9.0, cosines)
    assert torch.equal(*(info_nce(c, left_out, one, 0.0, weights) for c in (cosines, changed)))


def test_weights_of_0_give_0():
    cosines, left_out, weights = case(1, 4, 0)
    one = torch.tensor(5.0, dtype=torch.float64)
    assert float(info_nce(cosines, left_out, one, 0.0, weights * 0)) == 0
