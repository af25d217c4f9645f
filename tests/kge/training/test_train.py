"""Training: it learns, stops, gives the same bits twice, and says when it went wrong."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from loregraft.kge.judging.evaluate import rank_part
from loregraft.kge.parts import Parts
from loregraft.kge.questions import Questions, Triples
from loregraft.kge.ranking import rank
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Tables
from loregraft.kge.training.train import Diverged, Progress, Watch, bernoulli, questions_of, train

SMALL = KgeSettings(model="complex", dim=32, epochs=10, batch=64, negatives=40, workers=1, patience=99)


def trained(parts, settings, **more):
    tables = Tables.start(parts.entities, parts.relations, settings)
    return tables, train(tables, parts, settings, **more)


def test_bernoulli_shares_worked_by_hand():
    # 0: one head with three tails: tph 3, hpt 1. 1: two heads with one tail: tph 1, hpt 2. 3: none at all.
    facts = np.array([[0, 0, 1], [0, 0, 2], [0, 0, 3], [1, 1, 5], [2, 1, 5], [1, 2, 2]])
    assert bernoulli(Triples.of(*facts.T), 4) == pytest.approx([3 / 4, 1 / 3, 1 / 2, 1 / 2])


def test_bernoulli_asks_once_for_each_triple_and_for_the_rarer_answer_more_often():
    facts = np.array([[0, 0, tail] for tail in range(1, 1000)])
    settings = KgeSettings(sides="bernoulli")
    once = questions_of(Triples.of(*facts.T), 1, settings, 0)
    assert len(once) == 999 and (once.sides == 1).sum() > 980  # its heads, with probability 0.999
    assert sorted(np.where(once.sides == 1, once.given, once.answers).tolist()) == list(range(1, 1000))
    halves = Triples.of(*np.array([[e, 0, e + 1] for e in range(400)]).T)
    first, second = (questions_of(halves, 1, settings, epoch).sides for epoch in (0, 1))
    assert 150 < first.sum() < 250 and (first != second).any()  # drawn anew in each epoch


def test_the_loss_falls_and_what_was_held_out_is_found(ring_parts):
    losses = []
    _, done = trained(ring_parts, SMALL, keep=lambda now: losses.append(now.loss))
    assert losses[-1] < 0.6 * losses[0]  # a mean of many steps
    assert done.epoch == 10 and done.best_mrr > 0.5 > 5 * done.history[0][2] / 4
    assert [epoch for epoch, _, _ in done.history] == list(range(1, 11))
    assert done.questions == 10 * 2 * len(ring_parts.train)
    assert done.best_mrr == max(mrr for *_, mrr in done.history)


def test_one_worker_gives_the_same_bits_twice(ring_parts):
    settings = SMALL.model_copy(update={"epochs": 3, "drawn": "degree", "sides": "bernoulli", "n3": 0.01})
    first, second = (trained(ring_parts, settings)[0].named() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    other = trained(ring_parts, settings.model_copy(update={"seed": 1}))[0].named()
    assert not torch.equal(first["entities"], other["entities"])


def test_two_workers_learn_as_well(ring_parts):
    one = trained(ring_parts, SMALL)[1]
    two = trained(ring_parts, SMALL.model_copy(update={"workers": 2}))[1]
    assert two.questions == one.questions
    assert two.best_mrr == pytest.approx(one.best_mrr, abs=0.1)


def test_training_goes_on_where_it_ended_as_if_it_had_not(ring_parts):
    straight, _ = trained(ring_parts, SMALL)
    tables, half = trained(ring_parts, SMALL.model_copy(update={"epochs": 4}))
    done = train(tables, ring_parts, SMALL, half)
    assert done.epoch == 10 and torch.equal(tables.entities.values, straight.entities.values)


def test_patience_ends_it(ring_parts):
    settings = SMALL.model_copy(update={"rate": 1e-9, "epochs": 50, "patience": 3})
    done = trained(ring_parts, settings)[1]
    assert done.best_epoch >= 1 and done.epoch == done.best_epoch + 3 < 50


def test_validations_are_apart_and_the_last_epoch_has_one(ring_parts):
    settings = SMALL.model_copy(update={"epochs": 5, "validate_every": 2})
    assert [epoch for epoch, _, _ in trained(ring_parts, settings)[1].history] == [2, 4, 5]


def test_without_a_valid_part_all_epochs_are_done(ring_parts):
    parts = replace(ring_parts, valid=ring_parts.valid.take(np.zeros(0, np.int64)))
    done = trained(parts, SMALL.model_copy(update={"epochs": 3, "patience": 1}))[1]
    assert done.epoch == 3 and done.best_epoch == 0 and done.mrr is None and done.history == []


@pytest.mark.parametrize("name", ["complex", "transe", "rescal", "transr"])
def test_a_batch_larger_than_the_data_is_one_step_an_epoch(ring_parts, name):
    settings = SMALL.model_copy(update={"model": name, "dim": 8, "batch": 10**6, "epochs": 1, "workers": 2})
    done = trained(ring_parts, settings)[1]
    assert done.questions == 2 * len(ring_parts.train) and np.isfinite(done.loss)


def test_one_triple_and_one_negative_are_enough():
    one = Triples.of(np.array([0]), np.array([0]), np.array([1]))
    parts = Parts(one, one, one, 2, 1)
    for loss in ("softmax", "self_adversarial", "margin", "logistic"):
        settings = KgeSettings(dim=4, negatives=1, drawn="typed", loss=loss, epochs=2, workers=1)
        tables, done = trained(parts, settings)  # the only negative is the answer, and left out
        assert np.isfinite(done.loss) and tables.entities.values.isfinite().all()


@pytest.mark.parametrize("minutes", [1e-6, 0.02])
def test_minutes_end_it_within_an_epoch_and_it_is_ranked(ring_parts, minutes):
    many = np.tile(np.arange(len(ring_parts.train)), 4_000)  # an epoch of this takes much longer
    parts = replace(ring_parts, train=ring_parts.train.take(many))
    settings = SMALL.model_copy(update={"minutes": minutes, "epochs": 50, "validate_every": 7})
    done = trained(parts, settings)[1]
    assert done.epoch == 1 and done.seconds < 60 * minutes + 1.5
    assert 0 < done.questions < 2 * len(many) and done.best_epoch == 1 and len(done.history) == 1


def test_an_earlier_run_that_used_up_its_time_is_not_done_again(ring_parts):
    progress = Progress(epoch=3, seconds=61)
    done = trained(ring_parts, SMALL.model_copy(update={"minutes": 1.0}), progress=progress)[1]
    assert done.epoch == 3 and done.questions == 0


@pytest.mark.parametrize("workers", [1, 2])
def test_a_loss_that_is_no_number_names_step_and_epoch(ring_parts, workers):
    settings = SMALL.model_copy(update={"rate": float("inf"), "workers": workers})
    with pytest.raises(Diverged, match=r"the loss is nan in step \d of epoch 1\. Lower the learning rate"):
        trained(ring_parts, settings)


def test_what_the_last_step_of_an_epoch_breaks_is_seen_before_it_is_kept(ring_parts):
    """Vectors that are no numbers would rank first: nothing scores above the right answer."""
    kept = []
    settings = SMALL.model_copy(update={"rate": float("inf"), "batch": 10**6})
    with pytest.raises(Diverged, match=r"a vector holds what is no number in step 1 of epoch 1\."):
        trained(ring_parts, settings, keep=kept.append)
    assert kept == []


def test_reports_come_with_the_work_done_so_far(ring_parts):
    seen = []
    trained(ring_parts, SMALL.model_copy(update={"epochs": 2}), report=lambda now: seen.append(now.epoch))
    assert seen[-1] == 2 and sorted(seen) == seen


def test_what_report_raises_ends_the_training(ring_parts):
    def stop(now):
        raise KeyboardInterrupt

    many = np.tile(np.arange(len(ring_parts.train)), 4_000)
    parts = replace(ring_parts, train=ring_parts.train.take(many))
    with pytest.raises(KeyboardInterrupt):
        trained(parts, SMALL, report=stop)


def test_the_watch_ranks_what_train_does_not_know_last_as_the_ranking_does(ring_parts):
    """Entity 7 and relation 2 are in valid, and not in train."""
    train_ = ring_parts.train
    kept = np.flatnonzero((train_.heads != 7) & (train_.tails != 7) & (train_.relations != 2))
    parts = replace(ring_parts, train=train_.take(kept))
    tables, done = trained(parts, SMALL.model_copy(update={"epochs": 2}))
    found = rank_part(tables, parts, "valid").values
    assert done.mrr == pytest.approx((1 / found).mean(), abs=1e-12)
    seen = rank_part(tables, replace(parts, train=ring_parts.train), "valid").values
    assert done.mrr < (1 / seen).mean() - 1e-3  # it makes a difference
    watch = Watch(parts, SMALL.model_copy(update={"validation_questions": 9}))
    every, some = (
        list(zip(q.given, q.sides, q.answers, strict=True)) for q in (asked(parts), watch._questions)
    )
    own = [found[every.index(one)] for one in some]
    assert len(own) == 9 and watch.mrr(partial(rank, tables)) == pytest.approx(
        np.mean(1 / np.array(own)), abs=1e-12
    )


def asked(parts):
    return Questions.of(parts.valid, parts.relations)


def test_the_mean_of_the_last_epochs_is_what_counts(ring_parts):
    settings = KgeSettings(model="distmult", dim=8, workers=1, epochs=6, average=3, batch=32, patience=99)
    tables, ends, kept = Tables.start(ring_parts.entities, ring_parts.relations, settings), [], []

    def keep(now):
        ends.append(tables.entities.values.clone())
        kept.append(
            (now.mrr, Watch(ring_parts, settings).mrr(lambda q, known: rank(tables.final(), q, known)))
        )

    train(tables, ring_parts, settings, keep=keep)
    mean = torch.zeros_like(ends[0])
    for number, end in enumerate(ends, start=1):
        mean += (end - mean) / min(number, 3)
    assert torch.allclose(tables.final().entities.values, mean, atol=1e-6)
    assert not torch.allclose(mean, ends[-1], atol=1e-3)
    assert all(told == own for told, own in kept)
    plain = Tables.start(
        ring_parts.entities, ring_parts.relations, settings.model_copy(update={"average": 1})
    )
    train(plain, ring_parts, settings.model_copy(update={"average": 1}))
    assert torch.equal(plain.entities.values, ends[-1])  # training itself is the same
    assert plain.final() is plain
