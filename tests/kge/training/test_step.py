"""A step of training changes the tables as autograd of the paper's formula says."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from loregraft.kge.asking import grouped
from loregraft.kge.questions import Questions
from loregraft.kge.scorers import SCORERS
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Tables, default_scale
from loregraft.kge.training.losses import LOSSES
from loregraft.kge.training.negatives import Negatives
from loregraft.kge.training.step import Batch, step

RELATIONS = 3
NEGATIVES = torch.tensor([14, 15, 16, 17])


def batch_of(tables):
    """Six questions, tails and heads, no entity twice; one negative is a known answer of question 2."""
    questions = Questions(
        np.arange(0, 6),
        np.array([0, 1, 5, 3, 0, 4]),
        np.arange(6, 12),
        np.linspace(0.5, 1, 6, dtype=np.float32),
    )
    ordered, groups = grouped(tables, questions)
    left_out = torch.zeros(6, 4, dtype=torch.bool)
    left_out[int(np.flatnonzero(ordered.given == 2)[0]), 1] = True
    return Batch(ordered, groups, Negatives(NEGATIVES, torch.linspace(-1, 0, 4), left_out))


def autograd(tables, batch, settings):
    """The gradients of the batch's loss, with the papers' formulas and autograd."""
    scorer, scale = tables.scorer, settings.scale or default_scale(tables.scorer)
    leaves = {
        name: t.clone().double().requires_grad_() for name, t in tables.named().items() if "state" not in name
    }
    entities, relations = leaves["entities"], leaves["relations"]
    true, false = [], []
    penalty = torch.zeros(())
    for known, side, answer, weight in zip(*vars(batch.questions).values(), strict=True):
        backwards = side >= RELATIONS
        r = relations[[side if tables.reciprocal else side % RELATIONS]]
        r = scorer.compose(r, leaves["core"]) if "core" in leaves else r
        x, a, n = entities[[known]], entities[[answer]], entities[NEGATIVES]
        if backwards and not tables.reciprocal:
            true.append(scorer.score(a, r, x))
            false.append(scorer.score(n, r, x.expand(len(n), -1)))
        else:
            true.append(scorer.score(x, r, a))
            false.append(scorer.score(x.expand(len(n), -1), r, n))
        for z in (x, a, *([] if scorer.phases else [r])):
            size = torch.hypot(*z.chunk(2, 1)) if scorer.complex_numbers else z.abs()
            penalty = penalty + float(weight) * (
                settings.n3 / 3 * (size**3).sum() + settings.l2 / 2 * (z**2).sum()
            )
    false = torch.stack(false) * scale
    mask = batch.negatives.left_out
    false = torch.where(mask, -torch.inf, false)
    weights = torch.from_numpy(batch.questions.weights).double()
    with torch.no_grad():
        loss, by_true, by_false = LOSSES[settings.loss](
            torch.cat(true) * scale, false.clone(), weights, batch.negatives.log_drawn.double(), settings
        )
    total = (torch.cat(true) * scale * by_true).sum() + torch.where(mask, 0, false * by_false).sum() + penalty
    gradients = torch.autograd.grad(total, list(leaves.values()))
    return float(loss) / 6, dict(zip(leaves, gradients, strict=True))


@pytest.mark.parametrize("reciprocal", [False, True])
@pytest.mark.parametrize("name", sorted(SCORERS))
def test_a_step_follows_the_gradient(name, reciprocal):
    settings = KgeSettings(model=name, dim=8, reciprocal=reciprocal, n3=0.1, l2=0.2, rate=0.01)
    tables = Tables.start(20, RELATIONS, settings)
    batch = batch_of(tables)
    before = {n: t.clone() for n, t in tables.named().items()}
    expected_loss, expected = autograd(tables, batch, settings)
    assert step(tables, batch, settings, bf16=False) == pytest.approx(expected_loss, rel=1e-4)
    after = tables.named()
    gradient = expected["entities"].float()
    # No entity stands twice, so the state is the square of the gradient and the step its sign.
    assert torch.allclose(after["entities_state"], gradient**2, rtol=2e-3, atol=1e-6)
    moved = (after["entities"] - before["entities"]) / 0.01
    large = gradient.abs() > 1e-3
    assert torch.allclose(moved[large], -gradient.sign()[large], atol=1e-3)
    for other in ("relations", "core"):
        if other in expected:
            moved = after[other] - before[other]
            large = expected[other].abs() > 1e-2
            assert (moved[large].sign() == -expected[other].float().sign()[large]).float().mean() > 0.95


@pytest.mark.parametrize("name", sorted(SCORERS))
def test_dropout_is_a_step_on_rows_that_lack_numbers(name):
    """Those numbers do not move; the others' gradients are those of the rows that are left, made larger."""
    settings = KgeSettings(model=name, dim=8, n3=0.1, dropout=0.5, rate=0.01)
    dropped, plain = Tables.start(20, RELATIONS, settings), Tables.start(20, RELATIONS, settings)
    batch = replace(batch_of(dropped), seed=3)
    rows = torch.cat([torch.from_numpy(batch.questions.given), torch.from_numpy(batch.questions.answers)])
    rows = torch.cat([rows, NEGATIVES])  # no entity stands twice
    width = dropped.entities.values.shape[1]
    kept = torch.empty(len(rows), width).bernoulli_(0.5, generator=torch.Generator().manual_seed(3)) * 2
    assert 0.3 < (kept == 0).float().mean() < 0.7
    plain.entities.values[rows] *= kept
    loss = step(dropped, batch, settings, bf16=False)
    assert loss == pytest.approx(step(plain, batch, settings.model_copy(update={"dropout": 0}), bf16=False))
    expected = plain.entities.state[rows] * kept**2  # the square of the gradient
    assert torch.allclose(dropped.entities.state[rows], expected, rtol=1e-4, atol=1e-9)
    assert torch.allclose(dropped.relations.values, plain.relations.values, atol=1e-6)


def test_a_matrix_of_a_relation_gets_the_sum_of_its_gradients():
    settings = KgeSettings(model="rescal", dim=4, reciprocal=True, rate=0.01)
    tables = Tables.start(20, RELATIONS, settings)
    batch = batch_of(tables)
    _, expected = autograd(tables, batch, settings)
    step(tables, batch, settings, bf16=False)
    assert torch.allclose(tables.relations.state, expected["relations"].float() ** 2, rtol=2e-3, atol=1e-6)


@pytest.mark.parametrize("name", ["complex", "transe", "rotate"])
def test_steps_lower_the_loss(name):
    settings = KgeSettings(model=name, dim=16)
    tables = Tables.start(20, RELATIONS, settings)
    batch = batch_of(tables)
    losses = [step(tables, batch, settings, bf16=False) for _ in range(30)]
    assert losses[-1] < 0.5 * losses[0]


def test_a_scorer_without_closed_gradients_learns_the_same(monkeypatch):
    """A user's own scorer has a query alone: autograd stands in."""
    from dataclasses import replace

    settings = KgeSettings(model="complex", dim=8, n3=0.1)
    closed = Tables.start(20, RELATIONS, settings)
    open_ = replace(Tables.start(20, RELATIONS, settings), scorer=replace(closed.scorer, query_backward=None))
    for tables in (closed, open_):
        step(tables, batch_of(tables), settings, bf16=False)
    assert torch.allclose(closed.entities.values, open_.entities.values, atol=1e-6)
