"""Pseudo-tokens: against a plain loop, what stands for whom, which entities are rare, and zero."""

from functools import partial

import pytest
import torch
import torch.nn.functional as F

from loregraft.encoder.load import load_encoder
from loregraft.errors import BadInput
from loregraft.fusion.knowledge import Knowledge
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.tables.columns import Columns
from loregraft.pretrain.objectives.longtail import PseudoItem, Told, pseudo_tokens
from loregraft.pretrain.trunk import Put, Trunk

TEXTS = ["trouble breathing and fever", "bronchial asthma brings fever", "fever", "viral infection"]
MEANT = {"fever": "P:1", "trouble breathing": "P:4", "bronchial asthma": "D:3", "viral infection": "D:4"}


@pytest.fixture
def made(objective_on):
    return partial(objective_on, MEANT, "pseudo_tokens", texts=TEXTS)


def plain_tokens(trunk, words):
    return trunk.encoder.tokenizer(words, add_special_tokens=False)["input_ids"]


def test_tail_less_relation_for_a_head_and_head_plus_relation_for_a_tail():
    """Means (2, 0) and (0, 1) give (2, -1) and (2, 1), then as long as the median row: 3."""
    table = torch.tensor([[1.0, 0], [3, 0], [0, 1], [0, 3], [4, 0], [5, 0]])
    facts = [Told([2], [0, 1], True, []), Told([2], [0, 1], False, [])]
    expected = 3 * torch.tensor([[2, -1], [2, 1]]) / 5**0.5
    assert torch.allclose(pseudo_tokens(table, facts), expected)


@pytest.mark.parametrize("family", ["bert", "albert"])
@torch.no_grad()
def test_the_loss_is_the_loop_of_the_paper(family, family_folders, knowledge, made):
    """Fact by fact and token by token: -log P(token | those before it, the hidden state of the mention)."""
    trunk = Trunk(load_encoder(family_folders[family]))
    objective = made(trunk, knowledge)
    items, expected, count = objective.items(0, 0), 0.0, 0
    for item in items:
        vectors = pseudo_tokens(trunk.table, item.facts)
        hidden = trunk.read([item.ids], Put(torch.tensor(item.places), vectors))
        for place, fact in zip(item.places, item.facts, strict=True):
            for length in range(1, len(fact.words)):
                before = trunk.table[torch.tensor(fact.words[:length])]
                state = objective.decoder(before[None], hidden[place : place + 1])[0, -1:]
                chances = objective.head(state, trunk.table)[0].log_softmax(0)
                expected -= float(chances[fact.words[length]])
                count += 1
    loss = objective.loss(trunk, items)
    assert loss.count == count > 10
    assert loss.total.item() == pytest.approx(expected, rel=1e-4)


def test_a_rare_mention_is_one_token_and_its_fact_a_true_one(trunk, knowledge, made):
    objective = made(trunk, knowledge)
    tokenizer, seen = trunk.encoder.tokenizer, set()
    entities = {"[MASK] and fever": "P:4", "[MASK] brings fever": "D:3", "[MASK]": "D:4"}
    for step in range(20):
        for item in objective.items(0, step):
            masks = [place for place, token in enumerate(item.ids) if token == tokenizer.mask_token_id]
            assert item.places == masks and len(masks) == 1
            text, (fact,) = tokenizer.decode(item.ids[1:-1]), item.facts
            seen.add(text)
            told = [
                (plain_tokens(trunk, one.relation), plain_tokens(trunk, one.other), one.outgoing)
                for one in knowledge.facts(knowledge.index(entities[text]))
                if tokenizer(one.words)["input_ids"] == fact.words
            ]
            assert told == [(fact.relation, fact.other, fact.outgoing)]
    assert seen == set(entities)


@pytest.mark.parametrize(("rare", "entities"), [(0.5, {"P:4", "D:3", "D:4"}), (1.0, set(MEANT.values()))])
def test_rare_is_a_share_of_the_entities(rare, entities, trunk, knowledge, made):
    """Fever is mentioned three times, the others once."""
    objective = made(trunk, knowledge, rare=rare)
    assert set(objective.facts) == {knowledge.index(id) for id in entities}


def test_few_facts_and_short_ones(trunk, knowledge, made):
    objective = made(trunk, knowledge, facts=1, max_tokens=4)
    assert {len(facts) for facts in objective.facts.values()} == {1}
    told = [fact for item in objective.items(0, 0) for fact in item.facts]
    assert max(len(fact.words) for fact in told) == 4 and max(len(fact.other) for fact in told) <= 4


def test_the_fact_reaches_the_encoder(trunk, knowledge, made):
    """Another fact in the mention's place, the same words to tell: another loss."""
    objective = made(trunk, knowledge)
    item = objective.items(0, 0)[0]
    fact, losses = item.facts[0], set()
    for outgoing in (True, False):
        other = Told(fact.relation, fact.other, outgoing, fact.words)
        losses.add(objective.loss(trunk, [PseudoItem(item.ids, item.places, [other])]).total.item())
    assert len(losses) == 2


def test_nothing_is_zero(trunk, knowledge, made):
    loss = made(trunk, knowledge).loss(trunk, [])
    assert loss.total.item() == 0 and loss.count == 0


@torch.no_grad()
def test_it_is_zero_where_every_word_is_sure(trunk, knowledge, made):
    """A head that scores the wanted tokens only."""
    objective = made(trunk, knowledge)
    items = objective.items(0, 0)[:1]
    wanted = torch.tensor(items[0].facts[0].words[1:])
    objective.head.forward = lambda rows, table: 100.0 * F.one_hot(wanted, len(table))
    assert objective.loss(trunk, items).total.item() == 0


@pytest.mark.parametrize("part", ["valid", "test", "train"])
def test_facts_of_valid_and_test_are_not_told(part, trunk, made):
    names = Columns("names", {"entity": ["P:4", "D:3"], "name": ["Dyspnea", "Asthma"]})
    fact = Columns("triples", {"head": ["D:3"], "relation": ["r"], "tail": ["P:4"], "split": [part]})
    knowledge = Knowledge(KnowledgeGraph.gather([names, fact]))
    if part == "train":
        assert made(trunk, knowledge).size == 2
        return
    with pytest.raises(BadInput, match=r"seldom \(rare=0.5\) has a fact") as told:
        made(trunk, knowledge)
    assert "Import triples of them" in str(told.value)


def test_an_end_without_tokens_adds_nothing():
    """A name of characters that the tokenizer drops; the mean of no rows would be no number."""
    table = torch.tensor([[1.0, 0], [0, 3]])
    facts = [Told([1], [], True, []), Told([], [0], False, []), Told([], [], True, [])]
    expected = torch.tensor([[0, -1.0], [1, 0], [0, 0]])  # the median length is 1
    assert torch.allclose(pseudo_tokens(table, facts), expected)
