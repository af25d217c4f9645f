"""A step on all entities changes the tables as autograd of the plain loss says; so do the steps of Adam."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies
from pydantic import ValidationError

from loregraft.kge.asking import grouped
from loregraft.kge.kernels import add_adam
from loregraft.kge.questions import Questions
from loregraft.kge.scorers import SCORERS
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Tables, default_scale
from loregraft.kge.training.every import AnswerLists, step_on_all

ENTITIES, RELATIONS = 12, 3
FACTS = Questions(  # no relation in two questions: Adagrad would add their squares apart
    np.array([0, 0, 0, 4, 4, 4]),
    np.array([0, 0, 4, 2, 2, 2]),
    np.array([4, 5, 6, 7, 4, 8]),
    np.array([1, 0.5, 0.25, 1, 0.75, 1], np.float32),
)


def every(tables, questions):
    lists = AnswerLists.of(questions)
    return lists, *grouped(tables, lists.questions)


def plain_loss(tables, leaves, settings):
    """The loss of FACTS, one triple after the other, with the papers' formulas."""
    scorer, scale = tables.scorer, settings.scale or default_scale(tables.scorer)
    entities, relations, losses, penalty = leaves["entities"], leaves["relations"], [], torch.zeros(())
    answers = {}
    for known, side, answer, weight in zip(*vars(FACTS).values(), strict=True):
        answers.setdefault((int(known), int(side)), []).append((int(answer), float(weight)))
    for (known, side), found in answers.items():
        r = relations[[side if tables.reciprocal else side % RELATIONS]]
        r = scorer.compose(r, leaves["core"]) if "core" in leaves else r
        x = entities[[known]].expand(ENTITIES, -1)
        ends = (entities, r, x) if side >= RELATIONS and not tables.reciprocal else (x, r, entities)
        scores = scorer.score(*ends) * scale
        labels = torch.zeros(ENTITIES).double()
        for answer, weight in found:
            labels[answer] = weight
            for z in (entities[known], entities[answer], *([] if scorer.phases else [r[0]])):
                size = torch.hypot(*z.chunk(2)) if scorer.complex_numbers else z.abs()
                penalty = penalty + weight * (
                    settings.n3 / 3 * (size**3).sum() + settings.l2 / 2 * (z**2).sum()
                )
        if settings.loss == "softmax":
            losses.append(-(labels * torch.log_softmax(scores, 0)).sum())
        else:
            losses.append(
                torch.nn.functional.binary_cross_entropy_with_logits(scores, labels, reduction="sum")
            )
    return torch.stack(losses).sum(), penalty


@pytest.mark.parametrize("loss", ["softmax", "logistic"])
@pytest.mark.parametrize("reciprocal", [False, True])
@pytest.mark.parametrize("name", sorted(SCORERS))
def test_a_step_follows_the_gradient(name, reciprocal, loss):
    settings = KgeSettings(
        model=name, dim=8, reciprocal=reciprocal, n3=0.1, l2=0.2, rate=0.01, drawn="all", loss=loss
    )
    tables = Tables.start(ENTITIES, RELATIONS, settings)
    leaves = {n: t.clone().double().requires_grad_() for n, t in tables.named().items() if "state" not in n}
    expected, penalty = plain_loss(tables, leaves, settings)
    gradients = dict(zip(leaves, torch.autograd.grad(expected + penalty, list(leaves.values())), strict=True))
    lists, questions, groups = every(tables, FACTS)
    found = step_on_all(tables, lists, questions, groups, settings, bf16=False)
    assert found == pytest.approx(float(expected.detach()) / len(FACTS), rel=1e-4)
    for table, gradient in gradients.items():  # the first step of Adagrad keeps the squares of gradients
        state = tables.named()[f"{table}_state"].double()
        assert torch.allclose(state.sqrt(), gradient.abs(), rtol=2e-3, atol=2e-5), table


@settings(max_examples=50, deadline=None)
@given(strategies.integers(0, 2**32 - 1), strategies.integers(0, 40))
def test_answer_lists_hold_every_answer_once(seed, count):
    generator = np.random.default_rng(seed)
    sizes = (ENTITIES, 2 * RELATIONS, ENTITIES)
    facts = Questions(
        *(generator.integers(0, size, count) for size in sizes), generator.random(count, np.float32)
    )
    lists = AnswerLists.of(facts)
    chosen = generator.permutation(len(lists.questions))
    labels, different = lists.labels(chosen), lists.questions
    found = [
        (int(different.given[chosen[q]]), int(different.sides[chosen[q]]), e, pytest.approx(w))
        for q, e, w in zip(
            labels.questions.tolist(), labels.entities.tolist(), labels.weights.tolist(), strict=True
        )
    ]
    given_ = list(zip(*(column.tolist() for column in vars(facts).values()), strict=True))
    assert len({(k, s) for k, s, _, _ in given_}) == len(different)
    assert sorted(found, key=lambda one: (one[:3], one[3].expected)) == sorted(given_)
    assert different.weights.sum() == pytest.approx(facts.weights.sum(), rel=1e-5)


def test_adam_steps_like_torch_and_counts_the_steps_of_a_row():
    torch.manual_seed(0)
    table, state = torch.randn(5, 3), torch.zeros(5, 7)
    own = [torch.nn.Parameter(row.clone()) for row in table]
    peers = [torch.optim.Adam([row], lr=0.05) for row in own]
    for rows in ([0, 1, 1], [1, 4], [0, 0, 0, 1]):
        gradients = torch.randn(len(rows), 3)
        add_adam(table, state, torch.tensor(rows), gradients, 0.05)
        for row in set(rows):
            own[row].grad = gradients[torch.tensor(rows) == row].sum(0)
            peers[row].step()
    assert torch.allclose(table, torch.stack(list(own)).detach(), atol=1e-6)
    assert state[:, -1].tolist() == [2, 3, 0, 0, 1]


@pytest.mark.parametrize("loss", ["margin", "self_adversarial"])
def test_losses_of_pairs_are_refused(loss):
    with pytest.raises(ValidationError, match=f"the loss {loss} cannot do; take softmax or logistic"):
        KgeSettings(drawn="all", loss=loss)


def test_by_row_is_no_form_of_adam():
    with pytest.raises(ValidationError, match="take one of the two"):
        KgeSettings(optimizer="adam", by_row=True)
