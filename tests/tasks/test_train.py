"""Training: what a batch is, what trains and what rests, and that a cut leaves no trace."""

import numpy as np
import pytest
import torch

from loregraft.encoder.load import load_encoder, sha256_weights
from loregraft.fusion.adapter import AdapterSettings
from loregraft.fusion.facts_text import FactsTextSettings
from loregraft.fusion.wrap import wrap
from loregraft.tasks.heads import TextHead
from loregraft.tasks.reading import Item, windows_of
from loregraft.tasks.settings import TaskSettings
from loregraft.tasks.train import draw, teach
from loregraft.training.loop import Diverged
from loregraft.training.settings import LoopSettings

LOOP = LoopSettings(learning_rate=1e-3, new_learning_rate=1e-2, checkpoint_every_s=1e-9, bf16=False)
SETTINGS = TaskSettings(steps=6, batch=2, loop=LOOP)


class Cut(Exception):
    pass


@pytest.fixture
def run(tiny_encoder_folder, knowledge, linked_texts):
    """Teach a fresh model three texts; gives the model, the head and what `teach` told (None if cut)."""

    def run(settings=SETTINGS, method="plain", own=None, cut_at=None, ready=lambda fused: None, **others):
        encoder = load_encoder(tiny_encoder_folder)
        torch.manual_seed(0)
        fused = wrap(encoder.model, encoder.tokenizer, knowledge, method=method, settings=own)
        head = TextHead(32, 2)
        ready(fused)
        items = [Item(text, "", (), tuple(links)) for text, links in zip(*linked_texts, strict=True)]
        windows = windows_of(fused, items, settings.max_tokens)

        def report(progress):
            if progress.step == cut_at:
                raise Cut

        try:
            gold = np.array([0, 1, 0])
            return fused, head, teach(fused, head, windows, gold, settings, report=report, **others)
        except Cut:
            return fused, head, None

    return run


def sha256(fused, head):
    return sha256_weights(fused.state_dict()), sha256_weights(head.state_dict())


def batches(lengths, batch, seed, steps):
    return [draw(lengths, batch, seed, step) for step in range(steps)]


@pytest.mark.parametrize(("count", "batch"), [(1, 4), (7, 3), (8, 4), (200, 4), (5, 1), (130, 3)])
def test_each_pass_has_each_row_once(count, batch):
    lengths = np.random.default_rng(0).integers(3, 50, count)
    each = -(-count // batch)
    drawn = batches(lengths, batch, 0, 3 * each)
    for epoch in range(3):
        rows = np.concatenate(drawn[epoch * each : (epoch + 1) * each])
        assert sorted(rows.tolist()) == list(range(count))
    sizes = {len(rows) for rows in drawn}
    assert max(sizes) <= batch and max(sizes) - min(sizes) <= 1


def test_a_batch_depends_on_seed_and_step_alone():
    lengths = np.random.default_rng(0).integers(3, 50, 100)
    first = [rows.tolist() for rows in batches(lengths, 4, 0, 50)]
    again = [draw(lengths, 4, 0, step).tolist() for step in reversed(range(50))][::-1]
    assert first == again
    assert first != [rows.tolist() for rows in batches(lengths, 4, 1, 50)]
    assert first[:25] != first[25:]  # another order in the next pass


def test_texts_of_a_batch_are_of_like_length():
    """Of 640 texts of 640 lengths, a batch spans a small part; batches do not come by length."""
    lengths = np.random.default_rng(0).permutation(640)
    drawn = batches(lengths, 4, 0, 160)
    spread = np.array([np.ptp(lengths[rows]) for rows in drawn])
    assert spread.mean() < 640 / 10
    means = np.array([lengths[rows].mean() for rows in drawn])
    assert abs(np.corrcoef(means, np.arange(160))[0, 1]) < 0.5


@pytest.mark.parametrize("method", ["plain", "facts_text", "adapter", "entity_layer"])
@pytest.mark.parametrize("cut_at", [1, 4])
def test_a_run_that_was_cut_off_ends_with_the_same_bits(run, tmp_path, method, cut_at):
    settings = SETTINGS.model_copy(update={"loop": LOOP.model_copy(update={"dropout": True})})
    *whole, expected = run(settings, method, checkpoints=tmp_path / "whole")
    *cut, nothing = run(settings, method, cut_at=cut_at, checkpoints=tmp_path / "cut")
    assert nothing is None and sha256(*cut) != sha256(*whole)
    *resumed, trained = run(settings, method, checkpoints=tmp_path / "cut")
    assert sha256(*resumed) == sha256(*whole)
    assert trained.loss == expected.loss and trained.tokens == expected.tokens


@pytest.mark.parametrize("other", [{"key": "other"}, {"method": "facts_text"}])
def test_a_checkpoint_of_another_run_is_not_used(run, tmp_path, other):
    run(cut_at=4, checkpoints=tmp_path / "cut")
    expected = sha256(*run(**other)[:2])
    assert sha256(*run(checkpoints=tmp_path / "cut", **other)[:2]) == expected


def test_epochs_and_steps(run):
    """Three texts in twos are two steps a pass."""
    settings = TaskSettings(epochs=3, batch=2, loop=LOOP)
    *_, trained = run(settings)
    assert trained.steps == 6 and trained.tokens > 0
    assert run(settings.model_copy(update={"steps": 1}))[2].steps == 1


def test_the_encoder_rests_if_it_shall(run):
    untouched = run(cut_at=1, settings=SETTINGS.model_copy(update={"freeze": True}))[0].model.state_dict()
    fused, _, _ = run(SETTINGS.model_copy(update={"freeze": True, "steps": 30}), "entity_layer")
    assert sha256_weights(fused.model.state_dict()) == sha256_weights(untouched)
    assert float(fused.method.state_dict()[gate_of(fused)]) != 0  # the method's own weights train
    assert all(weight.requires_grad for weight in fused.model.parameters())  # as it was before
    trained = run()[0].model.state_dict()
    assert sha256_weights(trained) != sha256_weights(untouched)


def test_what_the_caller_froze_rests(run):
    """As `freeze_encoder` of the adapters asks."""

    def freeze(fused):
        fused.model.requires_grad_(False)

    fused, _, _ = run(method="adapter", own=AdapterSettings(), ready=freeze)
    assert not any(weight.requires_grad for weight in fused.model.parameters())
    other = run(method="adapter", own=AdapterSettings(), ready=freeze, cut_at=1)[0]
    assert sha256_weights(fused.model.state_dict()) == sha256_weights(other.model.state_dict())


def test_new_parts_have_a_rate_of_their_own(run):
    """With next to none for the encoder, it stays; head and method move."""
    settings = SETTINGS.model_copy(
        update={"loop": LOOP.model_copy(update={"learning_rate": 1e-30, "weight_decay": 0.0})}
    )
    first, early, _ = run(settings, "entity_layer", cut_at=1)
    fused, head, _ = run(settings, "entity_layer")
    for name, weight in fused.model.state_dict().items():
        assert torch.allclose(weight, first.model.state_dict()[name], rtol=0, atol=1e-20)
    assert float(fused.method.state_dict()[gate_of(fused)]) != 0
    assert not torch.allclose(head.state_dict()["out.weight"], early.state_dict()["out.weight"], atol=1e-4)


def test_links_are_left_out_in_training_even_without_dropout(run):
    """With all of them left out, it is as if there were none; afterwards they are read again."""
    none, most = FactsTextSettings(knowledge_dropout=0), FactsTextSettings(knowledge_dropout=0.999999)
    fused, head, _ = run(method="facts_text", own=most)
    plain = run()
    assert sha256_weights(fused.model.state_dict()) == sha256_weights(plain[0].model.state_dict())
    assert sha256(fused, head)[1] == sha256(*plain[:2])[1]
    assert sha256_weights(run(method="facts_text", own=none)[1].state_dict()) != sha256(fused, head)[1]
    assert not any(module.training for module in fused.modules())


def test_after_a_cut_all_is_as_before(run):
    fused, _, _ = run(SETTINGS.model_copy(update={"freeze": True}), cut_at=2)
    assert all(weight.requires_grad for weight in fused.model.parameters()) and not fused.training


def test_a_rate_that_is_too_high_is_named(run):
    loop = LoopSettings(learning_rate=1e38, warmup=0, bf16=False)
    with pytest.raises(Diverged, match=r"Lower loop\.learning_rate or loop\.new_learning_rate"):
        run(TaskSettings(steps=20, loop=loop))


def gate_of(fused):
    return next(name for name in fused.method.state_dict() if name.endswith("gate.value"))
