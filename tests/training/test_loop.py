"""The loop: it learns, its rate is the one promised, and a run that was cut off ends with the same bits."""

import hashlib
import math
import random

import numpy as np
import pytest
import torch
from torch import nn

from loregraft.training.loop import (
    Diverged,
    _prepare,
    _set_rate,
    fit,
    remove_checkpoints,
    seconds_per_step,
)
from loregraft.training.settings import LoopSettings

PLAIN = LoopSettings(learning_rate=0.05, bf16=False)
OFTEN = PLAIN.model_copy(update={"checkpoint_every_s": 1e-9})


class Cut(Exception):
    pass


def toy_model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Dropout(0.2), nn.Linear(16, 1))


def toy_loss(model, cut_at=None, error=Cut):
    """Squared error in predicting the sum of four numbers; a batch of 16 depends on the step alone."""

    def step_loss(step):
        if step == cut_at:
            raise error()
        inputs = torch.randn(16, 4, generator=torch.Generator().manual_seed(step))
        return {"square": (model(inputs)[:, 0] - inputs.sum(1)).square().mean()}, 16

    return step_loss


def run(folder, settings=OFTEN, steps=8, seed=1, key="toy", cut_at=None, error=Cut, report=lambda p: None):
    """Train a toy model; gives it and what `fit` told (None if it was cut off)."""
    model, trained = toy_model(), None
    try:
        trained = fit(
            model,
            toy_loss(model, cut_at, error),
            steps,
            settings,
            seed=seed,
            key=key,
            checkpoints=folder,
            report=report,
        )
    except error:
        pass
    return model, trained


def sha256(model):
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode() + tensor.numpy().tobytes())
    return digest.hexdigest()


def test_the_loss_falls(tmp_path):
    model, trained = run(tmp_path, PLAIN, steps=200)
    losses = [loss for _, loss in trained.loss]
    assert len(losses) == 200 and trained.steps == 200 and trained.tokens == 3200
    assert sum(losses[-20:]) < 0.1 * sum(losses[:20])
    assert not model.training
    assert list(tmp_path.iterdir()) == []  # less than a minute: no checkpoint


@pytest.mark.parametrize("dropout", [False, True])
@pytest.mark.parametrize("error", [Cut, KeyboardInterrupt])
@pytest.mark.parametrize("cut_at", [0, 1, 4, 7])
def test_a_run_that_was_cut_off_ends_with_the_same_bits(tmp_path, dropout, error, cut_at):
    settings = OFTEN.model_copy(update={"dropout": dropout})
    whole, expected = run(tmp_path / "whole", settings)
    run(tmp_path / "cut", settings, cut_at=cut_at, error=error)
    steps = []
    resumed, trained = run(tmp_path / "cut", settings, report=lambda progress: steps.append(progress.step))
    assert steps == list(range(cut_at + 1, 9))  # nothing was done twice
    assert sha256(resumed) == sha256(whole)
    assert trained.loss == expected.loss and trained.tokens == expected.tokens and trained.steps == 8
    assert sha256(resumed) != sha256(toy_model())


def test_a_run_that_was_cut_off_again_and_again(tmp_path):
    whole, _ = run(tmp_path / "whole")
    for cut_at in (2, 2, 3, 6):
        run(tmp_path / "cut", cut_at=cut_at)
    assert sha256(run(tmp_path / "cut")[0]) == sha256(whole)


def test_a_damaged_checkpoint_costs_some_steps_only(tmp_path, caplog):
    whole, _ = run(tmp_path / "whole")
    run(tmp_path / "cut", cut_at=6)
    weights = tmp_path / "cut" / "step-000006" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    steps = []
    resumed, _ = run(tmp_path / "cut", report=lambda progress: steps.append(progress.step))
    assert steps == [6, 7, 8]
    assert sha256(resumed) == sha256(whole)
    assert "skipped checkpoint" in caplog.text


@pytest.mark.parametrize(
    "other",
    [
        {"settings": OFTEN.model_copy(update={"learning_rate": 0.01})},
        {"settings": OFTEN.model_copy(update={"dropout": True})},
        {"steps": 9},
        {"seed": 2},
        {"key": "other"},
    ],
)
def test_a_checkpoint_of_other_settings_is_not_used(tmp_path, other):
    run(tmp_path / "cut", cut_at=6)
    steps = []
    resumed, _ = run(tmp_path / "cut", **other, report=lambda progress: steps.append(progress.step))
    assert steps[0] == 1
    assert sha256(resumed) == sha256(run(tmp_path / "whole", **other)[0])


def test_dropout_is_used_only_when_asked_for(tmp_path):
    seeds = [sha256(run(tmp_path / f"off{seed}", seed=seed)[0]) for seed in (1, 2)]
    assert seeds[0] == seeds[1]  # the batches depend on the step alone, and nothing else is drawn
    settings = OFTEN.model_copy(update={"dropout": True})
    seeds = [sha256(run(tmp_path / f"on{seed}", settings, seed=seed)[0]) for seed in (1, 2)]
    assert seeds[0] != seeds[1]


def test_progress(tmp_path):
    told = []
    run(tmp_path, steps=3, report=told.append)
    assert [progress.step for progress in told] == [1, 2, 3]
    assert all(progress.steps == 3 and progress.losses.keys() == {"square"} for progress in told)
    assert all(progress.gradient_norm > 0 and progress.tokens_per_s > 0 for progress in told)
    assert told[0].left_s > 0 and told[-1].left_s == 0


def test_the_rate_rises_and_falls():
    """10 steps, a fifth of them warm-up: half, all, then from all down by eighths; the last is not 0."""
    settings = LoopSettings(learning_rate=8.0, new_learning_rate=80.0, warmup=0.2)
    model = nn.ModuleDict({"trunk": nn.Linear(1, 1, bias=False), "new": nn.Linear(1, 1, bias=False)})
    _, optimizer = _prepare(model, settings)
    rates = []
    for step in range(10):
        _set_rate(optimizer, settings, step, 10)
        rates.append(optimizer.param_groups[0]["lr"])
        assert optimizer.param_groups[1]["lr"] == 10 * rates[-1]  # of parts that are not the encoder's
    assert rates == [4, 8, 8, 7, 6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize(("steps", "warmup"), [(1, 0.0), (1, 0.1), (2, 0.5), (3, 0.9), (100, 0.1), (7, 0.0)])
def test_the_rate_stays_between_zero_and_its_peak(steps, warmup):
    settings = LoopSettings(learning_rate=1.0, warmup=warmup)
    _, optimizer = _prepare(nn.Linear(1, 1), settings)
    for step in range(steps):
        _set_rate(optimizer, settings, step, steps)
        assert 0 < optimizer.param_groups[0]["lr"] <= 1


def one_weight(loss):
    """A model of one weight 0 and a step that gives a loss of it."""
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    return model, lambda step: ({"loss": loss(model.weight.sum())}, 1)


@pytest.mark.parametrize(
    ("loss", "found"),
    [
        (lambda weight: weight * math.nan, "the loss is nan at step 1"),
        (lambda weight: weight + math.inf, "the loss is inf at step 1"),
        (lambda weight: weight.sqrt(), "the gradient's norm is inf at step 1"),  # 0, with a slope of infinity
    ],
)
def test_what_is_not_finite_ends_the_run_before_the_weights_are_spoilt(tmp_path, loss, found):
    model, step_loss = one_weight(loss)
    with pytest.raises(Diverged, match=found) as caught:
        fit(model, step_loss, 3, PLAIN, seed=0, key="", checkpoints=tmp_path)
    assert "learning_rate" in str(caught.value)
    assert model.weight.item() == 0.0


def test_the_gradient_is_clipped(tmp_path):
    """The norm that is told is the one before: the slope of 1000 w is 1000."""
    model, step_loss = one_weight(lambda weight: 1000 * weight)
    told = []
    fit(model, step_loss, 1, PLAIN, seed=0, key="", checkpoints=tmp_path, report=told.append)
    assert told[0].gradient_norm == 1000
    assert abs(model.weight.grad or 0) == 0


def test_weight_decay_spares_biases(tmp_path):
    """With a loss that does not depend on them weights shrink by rate x decay = 0.1 x 0.5, biases stay."""
    model = nn.Linear(2, 2)
    nn.init.ones_(model.weight)
    nn.init.ones_(model.bias)
    settings = LoopSettings(learning_rate=0.1, weight_decay=0.5, warmup=0, bf16=False)

    def step_loss(step):
        return {"none": 0.0 * (model.weight.sum() + model.bias.sum())}, 1

    fit(model, step_loss, 1, settings, seed=0, key="", checkpoints=tmp_path)
    assert torch.allclose(model.weight, torch.full((2, 2), 0.95))
    assert torch.equal(model.bias, torch.ones(2))


def test_one_process_trains_with_bfloat16_and_without(tmp_path):
    """And neither run goes on from a checkpoint of the other."""
    run(tmp_path / "cut", cut_at=6)
    half = OFTEN.model_copy(update={"bf16": True})
    steps = []
    resumed, _ = run(tmp_path / "cut", half, report=lambda progress: steps.append(progress.step))
    assert steps[0] == 1
    assert sha256(resumed) == sha256(run(tmp_path / "half", half)[0])
    assert sha256(resumed) != sha256(run(tmp_path / "whole")[0])


def test_timing_gives_seconds():
    model = toy_model()
    assert 0 < seconds_per_step(model, toy_loss(model), PLAIN, count=3) < 1


def test_checkpoints_are_removed(tmp_path):
    run(tmp_path / "here", cut_at=6)
    remove_checkpoints(tmp_path / "here")
    remove_checkpoints(tmp_path / "never was")
    assert list(tmp_path.iterdir()) == []


def test_each_step_draws_numbers_of_its_own_and_the_same_again(tmp_path):
    def drawn(folder, seed):
        model, step_loss = one_weight(lambda weight: weight)
        numbers = []

        def drawing(step):
            numbers.append((torch.rand(()).item(), np.random.rand(), random.random()))  # noqa: NPY002
            return step_loss(step)

        fit(model, drawing, 4, PLAIN, seed=seed, key="", checkpoints=folder)
        return numbers

    numbers = drawn(tmp_path, 1)
    assert len({number for step in numbers for number in step}) == 12
    assert drawn(tmp_path, 1) == numbers
    assert not set(drawn(tmp_path, 2)) & set(numbers)
