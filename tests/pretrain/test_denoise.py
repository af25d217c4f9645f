"""Denoised entities: against a plain loop, what mentions carry, and zero."""

from collections import Counter
from functools import partial

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from loregraft.encoder.load import load_encoder
from loregraft.errors import BadInput
from loregraft.fusion.knowledge import Knowledge
from loregraft.pretrain.objectives.denoise import NO_ENTITY, DenoiseItem, DenoiseSettings, EntityHead
from loregraft.pretrain.trunk import Put, Trunk

TEXTS = ["measles brings fever and rash", "flu brings fever", "asthma is no fever"]
MEANT = {"measles": "D:1", "fever": "P:1", "rash": "P:5", "flu": "D:2", "asthma": "D:3"}


@pytest.fixture
def made(objective_on):
    return partial(objective_on, MEANT, "denoised_entities", texts=TEXTS)


@torch.no_grad()
def test_the_head_by_hand():
    head = EntityHead(4, 3)
    rows, entities = torch.randn(2, 4), torch.randn(5, 3)
    for row, logits in zip(rows, head(rows, entities), strict=True):
        put = torch.tensor(
            [sum(w * x for w, x in zip(line, row, strict=True)) for line in head.transform.weight]
        )
        bent = F.gelu(put + head.transform.bias)
        even = (bent - bent.mean()) / (bent.var(unbiased=False) + head.norm.eps).sqrt()
        for entity, logit in zip(entities, logits, strict=True):
            assert float(logit.detach()) == pytest.approx(float((even * entity).sum().detach()), abs=1e-5)


@pytest.mark.parametrize("family", ["bert", "albert"])
@torch.no_grad()
def test_the_loss_is_the_loop_of_the_paper(family, family_folders, knowledge, made):
    """Text by text, mention by mention: -log softmax over the distinct entities of the batch."""
    trunk = Trunk(load_encoder(family_folders[family]))
    objective = made(trunk, knowledge, replaced=0.3, dropped=0.3, negatives=1)
    items, expected, count = objective.items(0, 1), 0.0, 0
    assert {NO_ENTITY, *MEANT} and any(NO_ENTITY in item.carried for item in items)
    table = torch.from_numpy(knowledge.entity_vectors)
    known = sorted({e for item in items for e in (*item.targets, *item.negatives)})
    for item in items:
        put = [(p, e) for p, e in zip(item.places, item.carried, strict=True) if e != NO_ENTITY]
        vectors = [trunk.table[item.ids[p]] + objective.enter.weight @ table[e] for p, e in put]
        width = trunk.table.shape[1]
        given = torch.stack(vectors) if vectors else torch.zeros(0, width)
        hidden = trunk.read([item.ids], Put(torch.tensor([p for p, _ in put], dtype=torch.long), given))
        for place, target in zip(item.places, item.targets, strict=True):
            chances = objective.head(hidden[place : place + 1], table[known])[0].log_softmax(0)
            expected -= float(chances[known.index(target)])
            count += 1
    loss = objective.loss(trunk, items)
    assert loss.count == count == 7
    assert loss.total.item() == pytest.approx(expected, rel=1e-4)


def test_what_mentions_carry(trunk, knowledge, made):
    """5 % another entity of the step, 15 % none, the rest the right one; wrong ones are like it."""
    objective = made(trunk, knowledge, negatives=2)
    told, there = Counter(), {knowledge.index(id) for id in MEANT.values()}
    for step in range(600):
        for item in objective.items(0, step):
            for target, carried in zip(item.targets, item.carried, strict=True):
                told["none" if carried == NO_ENTITY else "right" if carried == target else "other"] += 1
                assert carried in {NO_ENTITY, *there}
                kind = knowledge.types[target]
                wrong = [e for e in item.negatives if knowledge.types[e] == kind and e != target]
                assert len(wrong) >= 2 and item.negatives == sorted(set(item.negatives))
    shares = np.array([told["other"], told["none"], told["right"]]) / sum(told.values())
    assert shares == pytest.approx([0.05, 0.15, 0.80], abs=0.015)


def test_the_entity_reaches_the_encoder(trunk, knowledge, made):
    """The same text with another entity is read otherwise; the vectors themselves are not trained."""
    objective = made(trunk, knowledge)
    item = objective.items(0, 0)[0]
    losses = set()
    for carried in (item.targets, [NO_ENTITY] * len(item.targets), [0] * len(item.targets)):
        changed = DenoiseItem(item.ids, item.places, list(carried), item.targets, item.negatives)
        losses.add(objective.loss(trunk, [changed]).total.item())
    assert len(losses) == 3
    assert "vectors" not in dict(objective.named_parameters()) and not objective.vectors.requires_grad


def test_one_entity_alone_costs_nothing(trunk, knowledge, made):
    objective = made(trunk, knowledge, negatives=0)
    ids = objective.items(0, 0)[0].ids
    assert objective.loss(trunk, [DenoiseItem(ids, [1], [3], [3], [])]).total.item() == 0
    assert objective.loss(trunk, [DenoiseItem(ids, [1], [3], [3], [4])]).total.item() > 0
    assert objective.loss(trunk, []).total.item() == 0


def test_vectors_are_needed(trunk, tiny_graph, made):
    with pytest.raises(BadInput, match="needs vectors of the entities"):
        made(trunk, Knowledge(tiny_graph))


def test_shares_of_mentions_are_no_more_than_all():
    """Else the wrong ones would be fewer than said."""
    assert DenoiseSettings(dropped=0.3, replaced=0.7).replaced == 0.7
    with pytest.raises(ValueError, match=r"dropped=0.5 and replaced=0.6 are shares of the same whole"):
        DenoiseSettings(dropped=0.5, replaced=0.6)
