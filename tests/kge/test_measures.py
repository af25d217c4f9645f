"""Queries meet candidates: all at once as one by one, gradients as autograd's, numba as torch."""

import pytest
import torch

from loregraft.kge import kernels
from loregraft.kge.measures import meet, meet_backward, pairs, pairs_backward

MEASURES = ["dot", "l2", "l1", "modulus"]


def numbers(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(params=["numba", "torch"])
def form(request, monkeypatch):
    if request.param == "torch":
        monkeypatch.setattr(kernels, "loops", None)
    elif kernels.loops is None:
        pytest.skip("numba is not installed")
    return request.param


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("shape", [(7, 5, 6), (1, 1, 2), (3, 9, 4), (0, 3, 4)])
def test_all_at_once_is_one_by_one(measure, shape, form):
    queries, candidates = numbers(shape[0], shape[2]), numbers(shape[1], shape[2], seed=1)
    table = meet(measure, queries, candidates)
    assert table.shape == shape[:2]
    for j in range(shape[1]):
        one = candidates[j : j + 1].expand(shape[0], -1)
        assert torch.allclose(table[:, j], pairs(measure, queries, one), atol=1e-5)


@pytest.mark.parametrize("measure", MEASURES)
def test_gradients_are_those_of_autograd(measure, form):
    queries, candidates, gradient = numbers(7, 6), numbers(5, 6, seed=1), numbers(7, 5, seed=2)
    q, c = queries.double().requires_grad_(), candidates.double().requires_grad_()
    expected = torch.autograd.grad(meet(measure, q, c), (q, c), gradient.double())
    found = meet_backward(measure, gradient.clone(), meet(measure, queries, candidates), queries, candidates)
    for a, b in zip(found, expected, strict=True):
        assert torch.allclose(a.double(), b, atol=1e-5)


@pytest.mark.parametrize("measure", MEASURES)
def test_gradients_of_pairs_are_those_of_autograd(measure):
    q, c = numbers(7, 6).double().requires_grad_(), numbers(7, 6, seed=1).double().requires_grad_()
    gradient = numbers(7, seed=2).double()
    scores = pairs(measure, q, c)
    expected = torch.autograd.grad(scores, (q, c), gradient)
    with torch.no_grad():
        found = pairs_backward(measure, gradient, scores, q, c)
    for a, b in zip(found, expected, strict=True):
        assert torch.allclose(a, b, atol=1e-9)


@pytest.mark.parametrize("measure", MEASURES)
def test_a_query_that_is_its_candidate_has_a_finite_gradient(measure, form):
    same = numbers(3, 4)
    scores = meet(measure, same, same)
    for gradient in meet_backward(measure, torch.ones(3, 3), scores, same, same):
        assert gradient.isfinite().all()
    for gradient in pairs_backward(measure, torch.ones(3), pairs(measure, same, same), same, same):
        assert gradient.isfinite().all()


def test_bfloat16_products_are_near():
    queries, candidates = numbers(7, 64), numbers(5, 64, seed=1)
    exact, near = (meet("l2", queries, candidates, bf16) for bf16 in (False, True))
    assert torch.allclose(exact, near, rtol=0.02) and not torch.equal(exact, near)


@pytest.mark.parametrize("by_row", [False, True])
def test_adagrad_of_rows_that_stand_twice(by_row, form):
    """Row 1 has the gradients 3 and 4: a state of 25, so that it moves by 0.1 (3 + 4) / 5."""
    table, state = torch.zeros(3, 1), torch.zeros(3) if by_row else torch.zeros(3, 1)
    rows, gradients = torch.tensor([1, 2, 1]), torch.tensor([[3.0], [2.0], [4.0]])
    kernels.add_adagrad(table, state, rows, gradients, 0.1)
    assert table.flatten().tolist() == pytest.approx([0, -0.14, -0.1])
    assert state.flatten().tolist() == pytest.approx([0, 25, 4])


@pytest.mark.parametrize("by_row", [False, True])
def test_adagrad_with_numba_is_that_of_torch(by_row, monkeypatch):
    if kernels.loops is None:
        pytest.skip("numba is not installed")
    tables, states = [], []
    for loops in (kernels.loops, None):
        monkeypatch.setattr(kernels, "loops", loops)
        table, state = numbers(9, 5), torch.zeros(9) if by_row else torch.zeros(9, 5)
        for step in range(4):
            rows = torch.randint(9, (30,), generator=torch.Generator().manual_seed(step))
            kernels.add_adagrad(table, state, rows, numbers(30, 5, seed=step), 0.1)
        tables.append(table)
        states.append(state)
    assert torch.allclose(*tables, atol=1e-5) and torch.allclose(*states, rtol=1e-5)
