"""What every scorer promises: the paper's formula, a fast form that agrees, and right gradients."""

import cmath
from typing import get_args

import pytest
import torch

from loregraft.kge.measures import meet, pairs
from loregraft.kge.scorers import SCORERS
from loregraft.kge.settings import ScorerName

DIM = 8
NAMES = sorted(SCORERS)
FORMS = [
    (n, form) for n in NAMES for form in ("query", "head_query", "candidate") if getattr(SCORERS[n], form)
]


def test_every_scorer_can_be_named_in_settings():
    assert set(get_args(ScorerName)) == set(SCORERS)


def rows(name, entities=5, relations=5, seed=0):
    """Random heads, relations and tails in double precision."""
    scorer, generator = SCORERS[name], torch.Generator().manual_seed(seed)
    h, t = (torch.randn(entities, scorer.entity_width(DIM), generator=generator).double() for _ in range(2))
    r = torch.randn(relations, scorer.relation_width(DIM), generator=generator).double()
    if scorer.core_width:
        core = torch.randn(scorer.relation_width(DIM), scorer.core_width(DIM), generator=generator).double()
        r = scorer.compose(r, core)
    return scorer, h, r, t


def query_for_heads(scorer, x, r):
    return scorer.head_query(x, r) if scorer.head_query else scorer.query(x, scorer.inverse(r))


def met(scorer, x, r):
    return scorer.candidate(x, r) if scorer.candidate else x


@pytest.mark.parametrize("name", NAMES)
def test_the_fast_form_agrees_with_the_formula_on_both_sides(name):
    scorer, h, r, t = rows(name)
    true = scorer.score(h, r, t)
    assert true.shape == (5,)
    assert torch.allclose(pairs(scorer.measure, scorer.query(h, r), met(scorer, t, r)), true, atol=1e-9)
    assert torch.allclose(
        pairs(scorer.measure, query_for_heads(scorer, t, r), met(scorer, h, r)), true, atol=1e-9
    )


@pytest.mark.parametrize("name", NAMES)
def test_all_at_once_equals_one_by_one(name):
    """One relation for all rows: every head with every tail."""
    scorer, h, r, t = rows(name)
    one = r[:1]
    table = meet(scorer.measure, scorer.query(h, one), met(scorer, t, one))
    for i in range(5):
        for j in range(5):
            assert torch.allclose(table[i, j], scorer.score(h[i : i + 1], one, t[j : j + 1])[0], atol=1e-5)


@pytest.mark.parametrize("shared", [False, True], ids=["a relation a row", "one relation"])
@pytest.mark.parametrize(("name", "form"), FORMS)
def test_closed_gradients_are_those_of_autograd(name, form, shared):
    scorer, x, r, _ = rows(name, relations=1 if shared else 5)
    function, backward = getattr(scorer, form), getattr(scorer, f"{form}_backward")
    x.requires_grad_(), r.requires_grad_()
    out = function(x, r)
    gradient = torch.randn(out.shape, generator=torch.Generator().manual_seed(1)).double()
    expected = torch.autograd.grad(out, (x, r), gradient)
    with torch.no_grad():
        found = backward(gradient, x, r)
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        assert torch.allclose(a, b, atol=1e-9)


@pytest.mark.parametrize("name", [name for name in NAMES if SCORERS[name].inverse])
def test_the_inverse_is_its_own_inverse_and_its_own_gradient(name):
    scorer, _, r, _ = rows(name)
    assert torch.allclose(scorer.inverse(scorer.inverse(r)), r)
    r.requires_grad_()
    gradient = torch.randn(r.shape, generator=torch.Generator().manual_seed(1)).double()
    (found,) = torch.autograd.grad(scorer.inverse(r), r, gradient)
    assert torch.allclose(found, scorer.inverse(gradient))


@pytest.mark.parametrize("name", NAMES)
def test_there_is_a_way_to_ask_for_heads(name):
    assert (SCORERS[name].inverse is None) != (SCORERS[name].head_query is None)


@pytest.mark.parametrize("name", NAMES)
def test_tables_start_finite_and_at_their_width(name):
    scorer, generator = SCORERS[name], torch.Generator().manual_seed(0)
    width = scorer.relation_width(DIM)
    table = scorer.relation_start(3, width, generator)
    assert table.shape == (3, width) and table.isfinite().all() and table.abs().sum() > 0
    table = scorer.entity_start.draw(3, scorer.entity_width(DIM), generator)
    assert table.shape == (3, scorer.entity_width(DIM)) and table.isfinite().all()


def test_tucker_is_the_core_times_three_vectors():
    """The core meets head, relation and tail on its three sides (equation 3)."""
    scorer, generator = SCORERS["tucker"], torch.Generator().manual_seed(0)
    core = torch.randn(DIM, DIM * DIM, generator=generator).double()
    h, r, t = (torch.randn(4, DIM, generator=generator).double() for _ in range(3))
    expected = torch.einsum("kij,bi,bk,bj->b", core.view(DIM, DIM, DIM), h, r, t)
    assert torch.allclose(scorer.score(h, scorer.compose(r, core), t), expected)
    r.requires_grad_(), core.requires_grad_()
    gradient = torch.randn(4, DIM * DIM, generator=generator).double()
    expected_gradients = torch.autograd.grad(scorer.compose(r, core), (r, core), gradient)
    for a, b in zip(scorer.compose_backward(gradient, r, core), expected_gradients, strict=True):
        assert torch.allclose(a, b)


ALL, HALF = range(DIM), range(DIM // 2)


def pair(v, i, start=0, half=DIM // 2):
    """The complex number i of a vector whose real parts stand first."""
    return complex(v[start + i], v[start + half + i])


def length(values):
    return sum(abs(v) ** 2 for v in values) ** 0.5


def turned(h, r, t):
    return [pair(h, i) * cmath.exp(1j * r[i]) - pair(t, i) for i in HALF]


def product(h, r, t, start=0, count=DIM // 2):
    parts = [[pair(v, i, start, count) for i in range(count)] for v in (h, r, t)]
    return sum((a * b * c.conjugate()).real for a, b, c in zip(*parts, strict=True))


def on_plane(v, r):
    normal = [w / length(r[DIM:]) for w in r[DIM:]]
    along = sum(normal[i] * v[i] for i in ALL)
    return [v[i] - along * normal[i] for i in ALL]


def through_matrix(v, r):
    return [sum(v[i] * r[DIM + i * DIM + j] for i in ALL) for j in ALL]


def projected(v, r):
    along = sum(v[i] * v[DIM + i] for i in ALL)
    return [v[i] + along * r[DIM + i] for i in ALL]


def step_between(project, h, r, t):
    return -length([project(h, r)[i] + r[i] - project(t, r)[i] for i in ALL])


K = DIM // 2
NAIVE = {
    "distmult": lambda h, r, t: sum(h[i] * r[i] * t[i] for i in ALL),
    "transe": lambda h, r, t: -length([h[i] + r[i] - t[i] for i in ALL]),
    "transe_l1": lambda h, r, t: -sum(abs(h[i] + r[i] - t[i]) for i in ALL),
    "complex": product,
    "rotate": lambda h, r, t: -sum(map(abs, turned(h, r, t))),
    "rotate_l2": lambda h, r, t: -length(turned(h, r, t)),
    "simple": lambda h, r, t: sum(h[i] * r[i] * t[K + i] + h[K + i] * r[K + i] * t[i] for i in HALF) / 2,
    "cp": lambda h, r, t: sum(h[i] * r[i] * t[K + i] for i in HALF),
    "hole": lambda h, r, t: sum(r[k] * sum(h[i] * t[(i + k) % DIM] for i in ALL) for k in ALL),
    "rescal": lambda h, r, t: sum(h[i] * r[i * DIM + j] * t[j] for i in ALL for j in ALL),
    "analogy": lambda h, r, t: sum(h[i] * r[i] * t[i] for i in HALF) + product(h, r, t, K, DIM // 4),
    "transh": lambda h, r, t: step_between(on_plane, h, r, t),
    "transr": lambda h, r, t: step_between(through_matrix, h, r, t),
    "transd": lambda h, r, t: step_between(projected, h, r, t),
}
"""The papers' formulas, number by number, for one triple."""


def test_all_formulas_are_written_out():
    assert sorted([*NAIVE, "tucker"]) == NAMES


@pytest.mark.parametrize("name", NAIVE)
def test_the_formula_is_the_papers(name):
    scorer, h, r, t = rows(name)
    expected = [NAIVE[name](h[i].tolist(), r[i].tolist(), t[i].tolist()) for i in range(5)]
    assert scorer.score(h, r, t).tolist() == pytest.approx(expected, abs=1e-9)
