"""Losses: worked examples, and gradients as autograd's."""

import math

import pytest
import torch

from loregraft.kge.settings import KgeSettings
from loregraft.kge.training.losses import LOSSES

SETTINGS = KgeSettings(margin=0.7, adversarial=0.8)
F = torch.nn.functional


def scores(batch=4, negatives=5):
    generator = torch.Generator().manual_seed(0)
    true, false = (
        torch.randn(*shape, generator=generator).double() for shape in ((batch,), (batch, negatives))
    )
    return true, false, torch.rand(batch, generator=generator).double()


def plain(name, true, false, weights, log_drawn):
    """The losses as their papers write them, for autograd."""
    if name == "softmax":
        logits = torch.cat([true[:, None], false - log_drawn], 1)
        return (weights * F.cross_entropy(logits, torch.zeros(len(true)).long(), reduction="none")).sum()
    if name == "margin":
        return (weights * F.relu(0.7 - true[:, None] + false).mean(1)).sum()
    if name == "logistic":
        return (weights * (-F.logsigmoid(true) - F.logsigmoid(-false).mean(1))).sum()
    hard = torch.softmax(0.8 * false, 1).detach()
    return (weights * (-F.logsigmoid(0.7 + true) - (hard * F.logsigmoid(-0.7 - false)).sum(1))).sum()


@pytest.mark.parametrize("name", LOSSES)
def test_value_and_gradients_are_those_of_autograd(name):
    true, false, weights = scores()
    log_drawn = torch.linspace(-1, 1, 5).double()
    true.requires_grad_(), false.requires_grad_()
    expected = plain(name, true, false, weights, log_drawn)
    gradients = torch.autograd.grad(expected, (true, false))
    with torch.no_grad():
        loss, by_true, by_false = LOSSES[name](true, false, weights, log_drawn, SETTINGS)
    assert loss.item() == pytest.approx(expected.item())
    assert torch.allclose(by_true, gradients[0]) and torch.allclose(by_false, gradients[1])


@pytest.mark.parametrize("name", LOSSES)
def test_a_negative_of_minus_infinity_counts_nothing(name):
    true, false, weights = scores()
    false[:, 2] = -math.inf
    loss, by_true, by_false = LOSSES[name](true, false.clone(), weights, torch.zeros(5).double(), SETTINGS)
    assert loss.isfinite() and by_true.isfinite().all() and by_false.isfinite().all()
    assert by_false[:, 2].abs().sum() == 0


def test_the_softmax_of_a_sample_stands_for_all():
    """With equal scores the loss is log(1 + entities), whatever the number drawn."""
    for drawn in (4, 64):
        correction = torch.full((drawn,), math.log(drawn / 1000))
        loss, _, _ = LOSSES["softmax"](
            torch.zeros(1), torch.zeros(1, drawn), torch.ones(1), correction, SETTINGS
        )
        assert loss.item() == pytest.approx(math.log(1001), rel=1e-5)
