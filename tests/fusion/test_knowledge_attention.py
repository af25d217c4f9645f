"""Attention to facts: the formula against plain loops, rows that come and go, and which facts are chosen."""

import dataclasses
import math
from functools import partial

import numpy as np
import pytest
import torch

from loregraft.encoder.encode import encode
from loregraft.fusion import knowledge_attention
from loregraft.fusion.knowledge import Knowledge, choose_facts
from loregraft.fusion.knowledge_attention import KnowledgeAttention, KnowledgeAttentionSettings
from loregraft.kg.edit.change import edited


@pytest.fixture
def fuse(opened):
    return partial(opened, "knowledge_attention")


@pytest.fixture
def fused(knowledge, fuse):
    return fuse(knowledge)


@torch.no_grad()
def test_it_is_the_papers_formula(tiny_encoder, knowledge, linked_texts, plain, own, fuse):
    """From the words of the facts on; the texts have different numbers of them."""
    fused = fuse(knowledge, heads=2, scale=3.0)
    inputs = fused.prepare(*linked_texts)
    states = torch.randn(3, inputs.mask.shape[1], 32)
    changes = fused.method.changes(own(inputs))
    assert len({len(rows) for rows in inputs.triples}) == 3
    for layer, place in zip(fused.method.layers, (0, 1), strict=True):
        after = changes.after[place](states)
        for text in (0, 2):
            seen, _ = in_turn(knowledge, inputs.entities[text])
            rows = [said(knowledge, row, seen[row]) for row in inputs.triples[text]]
            keys, values = (
                list(torch.from_numpy(encode(tiny_encoder, side))) for side in zip(*rows, strict=True)
            )
            for token, state in enumerate(states[text]):
                assert torch.allclose(after[text, token], slow(plain, layer, state, keys, values), atol=1e-5)
        assert torch.equal(after[1], states[1])


def slow(plain, layer, state, keys, values):
    """One token: each head's softmax over nothing and the facts, their logits moved by log C - log M."""
    width = len(state) // layer.heads
    query, read = layer.query.weight @ state + layer.query.bias, []
    for head in range(layer.heads):
        part = slice(head * width, (head + 1) * width)
        weights, rows = [], []
        for key, value in zip(keys, values, strict=True):
            key = plain.norm(layer.key_norm, layer.key.weight @ key + layer.key.bias)
            logit = float(query[part] @ key[part]) / math.sqrt(width)
            weights.append(math.exp(logit + math.log(layer.scale) - math.log(len(keys))))
            rows.append((layer.value.weight @ value + layer.value.bias)[part])
        total = math.exp(float(layer.null[head])) + sum(weights)
        read.append(sum(weight / total * row for weight, row in zip(weights, rows, strict=True)))
    return state + layer.out.weight @ torch.cat(read)


def in_turn(knowledge, entities):
    """The rows that entities come to, the most telling of each in turn, and from which each row is seen."""
    facts = [choose_facts(knowledge.facts(entity), 32) for entity in entities]
    turns = [
        (own[turn].row, entity)
        for turn in range(32)
        for entity, own in zip(entities, facts, strict=True)
        if turn < len(own)
    ]
    return {row: entity for row, entity in reversed(turns)}, [row for row, _ in turns]


def said(knowledge, row, entity):
    """The words of key and value of a triple, seen from one of its ends."""
    graph, names = knowledge.graph, knowledge.names
    head, tail = int(graph.heads[row]), int(graph.tails[row])
    relation = knowledge.relations[int(graph.relation_indexes[row])]
    if entity == head:
        return f"{relation} of {names[head]}", names[tail]
    return f"{relation} {names[tail]}", names[head]


def test_a_removed_row_was_never_there(fused, linked_texts, tiny_encoder, knowledge, own):
    """Without its row, what comes out is what a graph without the triple gives."""
    texts, links = linked_texts
    inputs = fused.prepare(texts, links)
    row = inputs.triples[2][1]
    kept = own(inputs)
    for name in ("keys", "values", "real"):  # the others move up, as if the batch had been made without it
        kept[name] = kept[name].clone()
        kept[name][2, 1:-1] = inputs.tensors[f"k_{name}"][2, 2:]
    kept["real"][2, len(inputs.triples[2]) - 1 :] = False
    states = torch.randn(3, inputs.mask.shape[1], 32)
    graph, _ = edited(knowledge.graph, remove=[knowledge.graph.triple(row)])
    anew = fused.with_knowledge(Knowledge(graph, None, tiny_encoder)).prepare(texts, links)
    assert len(anew.triples[2]) == len(inputs.triples[2]) - 1
    with torch.inference_mode():
        removed = fused.method.changes(kept).after[1](states)[2]
        never = fused.method.changes(own(anew)).after[1](states)[2]
        there = fused.method.changes(own(inputs)).after[1](states)[2]
    assert torch.allclose(removed, never, atol=1e-6)
    assert not torch.allclose(removed, there, atol=1e-3)


def test_a_row_that_does_not_count_is_not_there(fused, linked_texts, own):
    """Neither what it holds nor where it stands matters; the number of facts is the number that count."""
    inputs = fused.prepare(*linked_texts)
    states = torch.randn(3, inputs.mask.shape[1], 32)
    given = own(inputs)
    count = len(inputs.triples[2])
    cut = given | {"real": given["real"].clone()}
    cut["real"][2, 0] = False
    other = cut | {"keys": cut["keys"].clone(), "values": cut["values"].clone()}
    other["keys"][2, 0], other["values"][2, 0] = 5.0, -5.0
    short = {name: value[2:, 1:count] for name, value in given.items()}
    with torch.inference_mode():
        first, second, third = (fused.method.changes(one).after[0] for one in (cut, other, short))
        assert torch.equal(first(states), second(states))
        assert torch.allclose(first(states)[2:], third(states[2:]), atol=1e-6)


def test_rows_of_other_texts_do_not_matter(fused, linked_texts, own, read):
    """Bit for bit, and in a batch as alone."""
    texts, links = linked_texts
    inputs = fused.prepare(texts, links)
    states = torch.randn(3, inputs.mask.shape[1], 32)
    given = own(inputs)
    other = {name: value.clone() for name, value in given.items()}
    other["keys"][0], other["values"][0], other["real"][0, 1:] = 3.0, -3.0, False
    with torch.inference_mode():
        first, second = (fused.method.changes(one).after[0](states) for one in (given, other))
    assert torch.equal(first[1:], second[1:]) and not torch.allclose(first[0], second[0], atol=1e-3)
    together, alone = read(fused, texts, links), read(fused, texts[2:], links[2:])[0]
    assert torch.allclose(together[2][: len(alone)], alone, atol=1e-5)


def test_the_order_of_facts_does_not_matter(fused, linked_texts, own):
    inputs = fused.prepare(*linked_texts)
    states = torch.randn(3, inputs.mask.shape[1], 32)
    given = own(inputs)
    turned = {name: value.flip(1) for name, value in given.items()}
    with torch.inference_mode():
        first, second = (fused.method.changes(one).after[0](states) for one in (given, turned))
    assert torch.allclose(first, second, atol=1e-5)


def test_facts_are_taken_from_the_entities_in_turn(knowledge, linked_texts, fuse):
    """Each entity's most telling first; a triple of two entities is one row; what was used is told."""
    texts, links = linked_texts
    index = knowledge.index
    measles, rash, fever = index("D:1"), index("P:5"), index("P:1")
    _, turns = in_turn(knowledge, (measles, rash, fever))
    expected = list(dict.fromkeys(turns))
    assert len(expected) < len(turns)
    full = fuse(knowledge).prepare(texts, links)
    assert full.triples[0] == tuple(expected) and full.entities[0] == (measles, rash, fever)
    two = fuse(knowledge, facts=2).prepare(texts, links)
    assert two.triples[0] == tuple(expected[:2]) and two.tensors["k_keys"].shape[1] == 2


def test_texts_are_encoded_once(fused, linked_texts, monkeypatch):
    asked = []

    def counting(encoder, texts):
        asked.extend(texts)
        return encode(encoder, texts)

    monkeypatch.setattr(knowledge_attention, "encode", counting)
    first = fused.prepare(*linked_texts)
    assert len(asked) == len(set(asked)) > 0
    before = len(asked)
    second = fused.prepare(*linked_texts)
    assert len(asked) == before
    assert torch.equal(first.tensors["k_keys"], second.tensors["k_keys"])


def test_no_more_texts_are_kept_than_said(fused, linked_texts, monkeypatch):
    """The newest stay, and what comes out is the same."""
    whole = fused.prepare(*linked_texts)
    monkeypatch.setattr(knowledge_attention, "CACHED", 3)
    fresh = KnowledgeAttention(fused.host, fused.knowledge, fused.settings)
    texts = ["fever", "rash", "fever", "flu", "measles"]
    found = fresh.encoded(texts, fused.knowledge.encoder)
    assert np.allclose(found, encode(fused.knowledge.encoder, texts), atol=1e-6)
    assert list(fresh._cached) == ["rash", "flu", "measles"]
    assert torch.allclose(fused.prepare(*linked_texts).tensors["k_values"], whole.tensors["k_values"])


def test_another_encoder_encodes_anew(fused):
    method, encoder = fused.method, fused.knowledge.encoder
    before = method.encoded(["fever"], encoder)[0]
    with torch.no_grad():
        for value in encoder.model.parameters():
            value.mul_(1.5)
    assert np.array_equal(method.encoded(["fever"], encoder)[0], before)
    other = dataclasses.replace(encoder, sha256="other")
    assert not np.allclose(method.encoded(["fever"], other)[0], before)


@pytest.mark.parametrize(
    ("layers", "every", "places"),
    [(12, None, [5, 11]), (1, None, [0]), (12, 3, [2, 5, 8, 11]), (5, 2, [1, 3])],
)
def test_which_layers_read(fused, knowledge, layers, every, places):
    host = dataclasses.replace(fused.host, layers=layers)
    method = KnowledgeAttention(host, knowledge, KnowledgeAttentionSettings(every=every))
    assert method.places == places and len(method.layers) == len(places)


@pytest.mark.parametrize(
    ("settings", "said"), [({"heads": 3}, "hidden width, 32; got 3"), ({"every": 3}, "layers, 2; got 3")]
)
def test_what_does_not_fit_is_said(fused, knowledge, settings, said):
    with pytest.raises(ValueError, match=said):
        KnowledgeAttention(fused.host, knowledge, KnowledgeAttentionSettings(**settings))
