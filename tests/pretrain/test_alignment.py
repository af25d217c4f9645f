"""Objectives: by hand, against a naive loop, and zero where there is nothing to learn."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.pretrain.objectives.alignment import alignment, anchor, nt_xent

EYE = torch.eye(2)
NONE = torch.zeros(4, 4, dtype=torch.bool)


def unit(seed, *shape, dtype=torch.float64):
    vectors = torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)
    return F.normalize(vectors, dim=-1)


def naive(first, second, same, temperature):
    """Text by text, as the docstring says it."""
    texts = [*first.tolist(), *second.tolist()]
    pairs, losses = len(first), []
    for i, text in enumerate(texts):
        partner = (i + pairs) % (2 * pairs)
        rivals = [j for j in range(2 * pairs) if j != i and (j == partner or not same[i, j])]
        scores = {j: math.exp(np.dot(text, texts[j]) / temperature) for j in rivals}
        losses.append(-math.log(scores[partner] / sum(scores.values())))
    return sum(losses) / len(losses)


def test_alignment_worked_example():
    """Each text has its partner at cosine 1 and two others at 0: -log(e / (e + 1 + 1)) = 0.5514."""
    assert alignment(EYE, EYE, NONE, 1.0).item() == pytest.approx(math.log(1 + 2 / math.e))
    assert alignment(EYE, EYE, NONE, 1.0).item() == pytest.approx(0.5514, abs=1e-4)


def test_alignment_worked_example_with_a_false_negative():
    """Texts 0 and 3 may mean the same, so both lose one rival: -log(e / (e + 1)) = 0.3133."""
    same = NONE.clone()
    same[0, 3] = same[3, 0] = True
    assert alignment(EYE, EYE, same, 1.0).item() == pytest.approx((0.5514 + 0.3133) / 2, abs=1e-4)


def test_smaller_temperature_sees_only_the_nearest():
    """At 0.05 the partner wins by exp(20): -log(1 / (1 + 2 exp(-20))) is nearly 0."""
    assert alignment(EYE, EYE, NONE).item() == pytest.approx(2 * math.exp(-20), abs=1e-7)
    assert alignment(EYE, EYE.flip(0), NONE).item() == pytest.approx(20 + math.log(1 + 2 * math.exp(-20)))


PROBLEM = (st.integers(0, 10**6), st.integers(1, 6), st.floats(0.05, 2))


@settings(max_examples=40, deadline=None)
@given(*PROBLEM)
def test_alignment_is_the_naive_loop(seed, pairs, temperature):
    first, second = unit(seed, pairs, 3), unit(seed + 1, pairs, 3)
    same = torch.rand(2 * pairs, 2 * pairs, generator=torch.Generator().manual_seed(seed)) < 0.3
    same = same | same.T
    expected = naive(first, second, same, temperature)
    assert alignment(first, second, same, temperature).item() == pytest.approx(expected, rel=1e-9, abs=1e-9)


@settings(max_examples=20, deadline=None)
@given(*PROBLEM)
def test_alignment_does_not_care_which_view_is_first(seed, pairs, temperature):
    first, second = unit(seed, pairs, 3), unit(seed + 1, pairs, 3)
    same = torch.rand(2 * pairs, 2 * pairs, generator=torch.Generator().manual_seed(seed)) < 0.3
    swapped = same.roll((pairs, pairs), (0, 1))
    there, back = alignment(first, second, same, temperature), alignment(second, first, swapped, temperature)
    assert there.item() == pytest.approx(back.item(), rel=1e-9)
    assert there.item() >= 0


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6))
def test_all_the_same_leaves_nothing_to_learn(seed, pairs):
    """Partners stay, even if `same` holds them."""
    same = torch.ones(2 * pairs, 2 * pairs, dtype=torch.bool)
    first = unit(seed, pairs, 3).requires_grad_()
    loss = alignment(first, unit(seed + 1, pairs, 3), same)
    loss.backward()
    assert loss.item() == 0
    assert first.grad.abs().max() == 0


def test_same_texts_are_not_pushed_apart():
    """Pairs (a, b) and (a, c): with `same` the two a's exert no force, and the argument is left as it was."""
    first, second = torch.stack([EYE[0], EYE[0]]), unit(0, 2, 2, dtype=torch.float32)
    same = NONE.clone()
    same[0, 1] = same[1, 0] = True
    kept = same.clone()
    assert alignment(first, second, same) < alignment(first, second, NONE)
    assert torch.equal(same, kept)


def test_alignment_gradient():
    same = torch.zeros(6, 6, dtype=torch.bool)
    same[0, 4] = same[4, 0] = True
    first, second = unit(1, 3, 4).requires_grad_(), unit(2, 3, 4).requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: alignment(a, b, same, 0.5), (first, second))


@pytest.mark.parametrize("temperature", [0.0, -1.0])
def test_temperature_must_be_above_zero(temperature):
    with pytest.raises(ValueError, match=f"temperature must be above 0, got {temperature}"):
        alignment(EYE, EYE, NONE, temperature)


def test_no_pairs():
    none = torch.zeros(0, 3, requires_grad=True)
    loss = alignment(none, none, torch.zeros(0, 0, dtype=torch.bool))
    assert loss.item() == 0
    loss.backward()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 5), st.integers(1, 7), st.floats(0.05, 1))
def test_nt_xent_is_the_plain_loop(seed, anchors, others, temperature):
    """-log of exp(cos / t) of the partner over the sum of it and of all that are not left out."""
    generator = torch.Generator().manual_seed(seed)
    cosines = 2 * torch.rand(anchors, others, generator=generator, dtype=torch.float64) - 1
    partners = torch.randint(others, (anchors,), generator=generator)
    left_out = torch.rand(anchors, others, generator=generator) < 0.4
    kept, expected = left_out.clone(), 0.0
    for row in range(anchors):
        right = int(partners[row])
        shares = [math.exp(float(cosine) / temperature) for cosine in cosines[row]]
        below = sum(share for j, share in enumerate(shares) if j == right or not left_out[row, j])
        expected -= math.log(shares[right] / below)
    found = nt_xent(cosines, partners, left_out, temperature)
    assert found.item() == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert torch.equal(left_out, kept)


def test_nt_xent_is_zero_where_nothing_competes():
    """All but partners left out, one candidate alone, and no anchors; each has a gradient."""
    cosines = torch.eye(3, requires_grad=True)
    for rows, candidates in ((3, 3), (3, 1), (0, 3), (0, 0)):
        partners = torch.zeros(rows, dtype=torch.long)
        left_out = torch.ones(rows, candidates, dtype=torch.bool)
        loss = nt_xent(cosines[:rows, :candidates], partners, left_out, 0.05)
        loss.backward()
        assert loss.item() == 0
    assert not cosines.grad.any()


def test_anchor_worked_examples():
    """Equal 0, at right angles 1, opposite 2; the mean of 0 and 1 is a half."""
    assert anchor(EYE, EYE).item() == 0
    assert anchor(EYE, EYE.flip(0)).item() == 1
    assert anchor(EYE, -EYE).item() == 2
    assert anchor(EYE, EYE[[0, 0]]).item() == 0.5
    assert anchor(EYE[:0], EYE[:0]).item() == 0


def test_anchor_gradient_reaches_only_the_encoder_in_training():
    vectors, untouched = unit(1, 3, 4).requires_grad_(), unit(2, 3, 4).requires_grad_()
    assert torch.autograd.gradcheck(lambda v: anchor(v, untouched), (vectors,))
    anchor(vectors, untouched).backward()
    assert untouched.grad is None
