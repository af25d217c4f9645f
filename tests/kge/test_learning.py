"""Every scorer, loss and way of drawing negatives learns what it is shown."""

from dataclasses import replace

import pytest

from loregraft.kge.scorers import SCORERS
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Tables
from loregraft.kge.training.train import train


@pytest.fixture(scope="module")
def parts(ring_parts):
    """Train as valid too: what is learnt, not what is concluded. Chance has an MRR of 0.11."""
    return replace(ring_parts, valid=ring_parts.train)


def best_mrr(parts, **changes):
    small = {"dim": 16, "batch": 64, "negatives": 16, "patience": 1000, "workers": 1}
    settings = KgeSettings(**{**small, **changes})
    tables = Tables.start(parts.entities, parts.relations, settings)
    return train(tables, parts, settings).best_mrr


@pytest.mark.parametrize("name", sorted(SCORERS))
def test_every_scorer_learns(name, parts):
    assert best_mrr(parts, model=name, epochs=40) > 0.5


@pytest.mark.parametrize("drawn", ["uniform", "degree", "batch", "typed"])
@pytest.mark.parametrize("loss", ["softmax", "self_adversarial", "margin", "logistic"])
def test_every_loss_and_way_of_drawing_learns(loss, drawn, parts):
    assert best_mrr(parts, model="transe", loss=loss, drawn=drawn, epochs=30, margin=2.0, scale=1.0) > 0.28
