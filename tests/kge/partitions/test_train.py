"""Training by partitions: one is the same bits as all in memory, several learn as well."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from loregraft.kge.partitions.train import partitioned, train_buckets, write_start
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Tables
from loregraft.kge.training.train import Diverged, train

SMALL = {"dim": 32, "epochs": 4, "batch": 32, "negatives": 24, "workers": 1, "patience": 99}


def trained(parts, folder, keep=lambda now: None, **changes):
    settings = KgeSettings(**{**SMALL, **changes})
    buffer = partitioned(parts, settings, folder)
    write_start(buffer, parts.relations, settings)
    done = train_buckets(buffer, parts, settings, folder, keep=keep)
    buffer.write()
    return buffer, done


def numbers(buffer):
    rows = [torch.cat(list(buffer.files.in_order(kind))) for kind in (0, 1)]
    return [*rows, buffer.tables.relations.values, buffer.tables.relations.state]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"sides": "bernoulli", "drawn": "degree", "n3": 0.01},
        {"model": "transr", "dim": 8, "drawn": "batch", "by_row": True},
        {"model": "tucker", "dim": 8, "optimizer": "adam", "rate": 0.001, "drop_known": False},
        {"model": "rotate", "loss": "margin", "reciprocal": False},
    ],
)
def test_one_partition_gives_the_same_bits_as_all_in_memory(ring_parts, tmp_path, changes):
    settings = KgeSettings(**{**SMALL, **changes})
    tables = Tables.start(ring_parts.entities, ring_parts.relations, settings)
    expected = train(tables, ring_parts, settings)
    buffer, done = trained(ring_parts, tmp_path, **changes)
    own = [tables.entities.values, tables.entities.state, tables.relations.values, tables.relations.state]
    assert all(torch.equal(one, other) for one, other in zip(own, numbers(buffer), strict=True))
    assert [mrr for *_, mrr in done.history] == [mrr for *_, mrr in expected.history]
    assert (done.loss, done.questions) == (expected.loss, expected.questions)


@pytest.mark.parametrize("changes", [{}, {"partitions": 5, "buffered": 3}])
def test_several_partitions_learn_as_well(ring_parts, tmp_path, changes):
    expected = trained(ring_parts, tmp_path / "one", epochs=8)[1]
    done = trained(ring_parts, tmp_path / "more", **{"epochs": 8, "partitions": 4, **changes})[1]
    assert done.questions == expected.questions == 8 * 2 * len(ring_parts.train)
    assert expected.best_mrr > 0.8 and done.best_mrr > 0.8, (expected.best_mrr, done.best_mrr)


def test_two_workers_learn_as_well(ring_parts, tmp_path):
    assert trained(ring_parts, tmp_path, partitions=4, workers=2, epochs=8)[1].best_mrr > 0.8


def test_the_same_bits_twice(ring_parts, tmp_path):
    first, second = (numbers(trained(ring_parts, tmp_path / name, partitions=4)[0]) for name in "ab")
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


def test_visits_are_told_and_an_epoch_ends_with_none(ring_parts, tmp_path):
    seen = []
    trained(ring_parts, tmp_path, lambda now: seen.append((now.epoch, now.visits)), partitions=4, epochs=2)
    assert seen == [*((0, visit) for visit in range(1, 6)), *((1, visit) for visit in range(6)), (2, 0)]


def test_time_ends_it_within_an_epoch_and_it_is_ranked(ring_parts, tmp_path):
    many = np.tile(np.arange(len(ring_parts.train)), 2_000)
    parts = replace(ring_parts, train=ring_parts.train.take(many))
    done = trained(parts, tmp_path, partitions=4, epochs=50, minutes=0.01, drop_known=False)[1]
    assert done.epoch == 1 and done.best_epoch == 1 and 0 < done.questions < 2 * len(many)
    assert done.seconds < 0.6 + 1.5


def test_a_loss_that_is_no_number_names_the_visit(ring_parts, tmp_path):
    with pytest.raises(Diverged, match=r"in step \d of visit \d of epoch 1\. Lower the learning rate"):
        trained(ring_parts, tmp_path, partitions=4, rate=float("inf"))
