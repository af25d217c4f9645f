"""Entity prediction: against a plain loop, what is hidden, and zero."""

import math
from functools import partial

import pytest
import torch

from loregraft.pretrain.objectives.entities import EntityItem

TEXTS = ["high temperature and rash", "rash", "measles brings high temperature and rash"]
MEANT = {"measles": "D:1", "high temperature": "P:1", "temperature": "P:2", "rash": "P:5"}


@pytest.fixture
def made(objective_on):
    return partial(objective_on, MEANT, "entity_prediction", texts=TEXTS)


@torch.no_grad()
def test_the_loss_is_the_loop_of_the_paper(trunk, knowledge, made):
    """-log of e^(LN(GELU(W h)) . B_e + b_e) over its sum over all entities of the corpus."""
    objective = made(trunk, knowledge, share=1.0, width=8)
    objective.bias.data.normal_()
    items, expected, count = objective.items(0, 0), 0.0, 0
    for item in items:
        hidden = trunk.read([item.ids])
        for (first, last), target in zip(item.mentions, item.targets, strict=True):
            mean = sum(hidden[place] for place in range(first, last)) / (last - first)
            state = objective.head.norm(torch.nn.functional.gelu(objective.head.transform(mean)))
            scores = [float(state @ row + b) for row, b in zip(objective.table, objective.bias, strict=True)]
            expected += math.log(sum(math.exp(score - scores[target]) for score in scores))
            count += 1
    loss = objective.loss(trunk, items)
    assert loss.count == count == 6
    assert loss.total.item() == pytest.approx(expected, rel=1e-4)


def test_all_tokens_of_a_chosen_mention_are_hidden_and_no_others(trunk, knowledge, made):
    objective = made(trunk, knowledge, share=0.5)
    mask = trunk.encoder.tokenizer.mask_token_id
    whole = {tuple(text.ids[:2]): text for text in objective.texts}
    by_length = {len(text.ids): text for text in whole.values()}
    seen = set()
    for step in range(10):
        for item in objective.items(0, step):
            text = by_length[len(item.ids)]
            inside = {place for mention in item.mentions for place in range(*mention)}
            for place, (now, before) in enumerate(zip(item.ids, text.ids, strict=True)):
                assert now == (mask if place in inside else before)
            names = {(s.first, s.last): s.entities[0] for s in text.spans}
            for mention, target in zip(item.mentions, item.targets, strict=True):
                assert objective.entities[target] == names[mention]
                seen.add(objective.entities[target])
            mentions = 3 if len(names) == 4 else 2 if len(names) == 3 else 1
            assert len(item.mentions) == max(1, round(0.5 * mentions))
    assert seen == {knowledge.index(id) for id in ("D:1", "P:1", "P:5")}  # P:2 lies inside P:1


def test_one_entity_alone_costs_nothing(trunk, knowledge, made):
    objective = made(trunk, knowledge, texts=["rash", "the rash"])
    assert objective.table.shape == (1, 64)
    assert objective.loss(trunk, objective.items(0, 0)).total.item() == 0
    assert made(trunk, knowledge).loss(trunk, []).total.item() == 0


def test_where_the_mention_is_decides(trunk, knowledge, made):
    """The same text, another mention: another loss."""
    objective = made(trunk, knowledge)
    ids = objective.texts[2].ids
    losses = {objective.loss(trunk, [EntityItem(ids, [span], [0])]).total.item() for span in ((1, 2), (3, 5))}
    assert len(losses) == 2
