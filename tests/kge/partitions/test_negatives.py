"""Negatives of what is held: each entity as often as from all, or as often as it must stand for others."""

import numpy as np
import pytest
import torch

from loregraft.kge.partitions.negatives import DrawHeld
from loregraft.kge.questions import Answers, Questions
from loregraft.kge.settings import KgeSettings
from loregraft.kge.training.negatives import Draw, drawn_shares


@pytest.mark.parametrize("drawn", ["uniform", "degree", "batch"])
def test_with_all_held_negatives_are_those_of_draw(ring_parts, drawn):
    settings = KgeSettings(negatives=50, drawn=drawn)
    questions = Questions.of(ring_parts.train, ring_parts.relations)
    known = Answers.of(questions, ring_parts.relations)
    shares = drawn_shares(ring_parts.train, 40, settings)
    draw = DrawHeld([slice(0, 40)], [], shares, known, 40, settings)
    other = Draw(ring_parts.train, 40, ring_parts.relations, settings)
    own, expected = (one(questions, np.random.default_rng(5)) for one in (draw, other))
    for one, same in zip(vars(own).values(), vars(expected).values(), strict=True):
        assert torch.equal(one, same)


@pytest.mark.parametrize("drawn", ["uniform", "degree"])
def test_the_own_partition_is_drawn_as_often_as_from_all_and_another_one_stands_for_the_rest(drawn):
    """Of 40 entities 10 are near; 6 more are held and stand for the 30 others."""
    settings = KgeSettings(negatives=1000, drawn=drawn, drop_known=False)
    shares = np.full(64, 1 / 40) if drawn == "uniform" else np.linspace(1, 3, 64) / 80
    shares[30:] = 0  # not held
    draw = DrawHeld([slice(20, 30)], [slice(4, 10)], shares, None, 40, settings)
    generator, asked = (
        np.random.default_rng(0),
        Questions(*np.zeros((3, 1), np.int64), np.ones(1, np.float32)),
    )
    found = [draw(asked, generator) for _ in range(200)]
    often = np.bincount(torch.cat([one.entities for one in found]).numpy(), minlength=64) / 200_000
    near = shares[20:30].sum()
    assert often[20:30] == pytest.approx(shares[20:30], rel=0.1)
    assert often[4:10] == pytest.approx(shares[4:10] * (1 - near) / shares[4:10].sum(), rel=0.1)
    assert often[20:30].sum() + often[4:10].sum() == pytest.approx(1)
    first = found[0]  # for the loss, each is drawn as often as it would be from all
    assert first.log_drawn.exp().numpy() == pytest.approx(1000 * shares[first.entities.numpy()], rel=1e-5)
