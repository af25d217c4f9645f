"""Which objective a step trains, and what its loss counts."""

from collections import Counter

import pytest
import torch

from loregraft.errors import BadInput
from loregraft.pretrain.mix import EARLY_STEPS, EarlyLoss, choose, shares


def test_shares_go_by_size_weight_and_temperature():
    sizes = {"a": 100, "b": 400}
    assert shares(sizes, {}, 1.0) == {"a": 0.2, "b": 0.8}
    assert shares(sizes, {}, 2.0) == pytest.approx({"a": 1 / 3, "b": 2 / 3})
    assert shares(sizes, {"a": 4.0}, 1.0) == {"a": 0.5, "b": 0.5}
    assert shares(sizes, {"b": 0.0}, 2.0) == {"a": 1.0, "b": 0.0}


@pytest.mark.parametrize(("sizes", "weights"), [({}, {}), ({"a": 0}, {}), ({"a": 5}, {"a": 0.0})])
def test_nothing_to_train_is_refused(sizes, weights):
    with pytest.raises(BadInput, match="no objective can be trained"):
        shares(sizes, weights, 2.0)


def test_choice_depends_on_seed_and_step_and_follows_the_shares():
    chances = {"b": 0.75, "a": 0.25, "never": 0.0}
    drawn = [choose(chances, 3, step) for step in range(4_000)]
    assert drawn == [choose(dict(reversed(chances.items())), 3, step) for step in range(4_000)]
    counted = Counter(drawn)
    assert counted["never"] == 0 and counted["b"] / 4_000 == pytest.approx(0.75, abs=0.03)


def test_a_loss_is_divided_by_what_it_was_at_first():
    early = EarlyLoss()
    assert early.scale(torch.tensor(4.0)) == 1.0
    for _ in range(EARLY_STEPS - 1):
        early.scale(torch.tensor(2.0))
    at_first = (4 + 2 * (EARLY_STEPS - 1)) / EARLY_STEPS
    assert early.scale(torch.tensor(1.0)) == pytest.approx(1 / at_first)
    assert early.scale(torch.tensor(1.0)) == pytest.approx(1 / at_first)  # later ones change nothing


def test_an_objective_that_begins_solved_does_not_outweigh_the_rest():
    early = EarlyLoss()
    early.scale(torch.tensor(0.0))
    assert torch.isfinite(early.scale(torch.tensor(0.5)))
