"""The K-Encoder's fusion: the formula against plain loops, what carries over, what must not matter."""

import dataclasses

import pytest
import torch

from loregraft.corpus.tokens import tokens_of
from loregraft.fusion.entity_layer import EntityLayer, EntityLayerSettings
from loregraft.records import Link, Mention


@pytest.fixture
def fused(opened, knowledge):
    return opened("entity_layer", knowledge)


@torch.no_grad()
def test_it_is_the_papers_formula(fused, linked_texts, knowledge, plain, own):
    """Two fused layers, one after the other; hidden states between them are random."""
    inputs = fused.prepare(*linked_texts)
    before = [torch.randn(3, inputs.mask.shape[1], 32) for _ in range(2)]
    changes = fused.method.changes(own(inputs))
    after = [changes.after[layer](before[layer]) for layer in (0, 1)]
    spans = [one.spans for one in tokens_of(fused.tokenizer, *linked_texts, knowledge.index, 160)]
    assert [len(one) for one in spans] == [3, 0, 1]
    for text in (0, 2):
        entities = {span.first: vector(knowledge, span.entities[0]) for span in spans[text]}
        for layer in (0, 1):
            words, entities = slow(plain, fused.method.layers[layer], list(before[layer][text]), entities)
            assert torch.allclose(torch.stack(words), after[layer][text], atol=1e-5)
    assert torch.equal(after[0][1], before[0][1]) and torch.equal(after[1][1], before[1][1])


def slow(plain, layer, words, entities):
    """Eqs. 3 to 6 with the released code's residuals, token by token; entities by token."""
    if layer.attention is not None:
        rows = list(entities.values())
        seen = [plain.attend(layer.attention, row, rows) for row in rows]
        pairs = zip(entities.items(), seen, strict=True)
        entities = {place: plain.norm(layer.attention_norm, old + new) for (place, old), new in pairs}
    new_words, new_entities = [], {}
    for place, word in enumerate(words):
        total = plain.linear(layer.word, word)
        if place in entities:
            total = total + layer.entity.weight @ entities[place]
        mixed = plain.gelu(total)
        new_words.append(plain.norm(layer.word_norm, word + plain.linear(layer.to_word, mixed)))
        if place in entities and layer.to_entity is not None:
            back = plain.linear(layer.to_entity, mixed)
            new_entities[place] = plain.norm(layer.entity_norm, entities[place] + back)
    return new_words, new_entities


def vector(knowledge, entity):
    return torch.from_numpy(knowledge.entity_vectors[entity])


def test_what_else_is_in_the_batch_does_not_matter(fused, linked_texts, read):
    """Neither padding of tokens nor of entities: each text alone reads as in the batch."""
    texts, links = linked_texts
    together = read(fused, texts, links)
    for text in (0, 2):
        alone = read(fused, texts[text : text + 1], links[text : text + 1])[0]
        assert torch.allclose(together[text][: len(alone)], alone, atol=1e-5)


def test_filling_counts_nowhere(fused, linked_texts, own):
    """Whatever stands in the slots that only fill the batch up, the same comes out, bit for bit."""
    inputs = fused.prepare(*linked_texts)
    states = torch.randn(3, inputs.mask.shape[1], 32)
    given = own(inputs)
    other = dict(given)
    other["vectors"] = torch.where(given["real"].unsqueeze(-1), given["vectors"], 7.0)
    assert not torch.equal(other["vectors"], given["vectors"])
    with torch.inference_mode():
        first, second = (fused.method.changes(one).after for one in (given, other))
        for layer in (0, 1):
            assert torch.equal(first[layer](states), second[layer](states))


def test_the_entities_of_a_text_see_each_other_from_the_second_layer_on(fused, linked_texts, own):
    """What the first mention is changes the token of the last one only through the entities' attention."""
    inputs = fused.prepare(*linked_texts)
    given = own(inputs)
    changed = given | {"vectors": given["vectors"].clone()}
    changed["vectors"][0, 0] += 1.0
    states, place = torch.randn(3, inputs.mask.shape[1], 32), int(given["first"][0, 2])
    with torch.inference_mode():
        first, second = (fused.method.changes(one).after for one in (given, changed))
        assert torch.equal(first[0](states)[0, place], second[0](states)[0, place])
        assert not torch.allclose(first[1](states)[0, place], second[1](states)[0, place], atol=1e-4)


def test_one_entity_a_token_the_longest_mention_wins(fused):
    text = "high temperature"
    links = [Link(Mention(0, 4, "high"), "P:2", 1.0), Link(Mention(0, 16, text), "P:1", 0.5)]
    links.append(Link(Mention(5, 16, "temperature"), "P:3", 0.5))
    inputs = fused.prepare([text], [links])
    index = fused.knowledge.index
    assert inputs.entities == ((index("P:1"), index("P:3")),) and inputs.lost == 1
    assert inputs.tensors["k_first"].tolist()[0][0] == 1  # behind [CLS]


def test_fusion_begins_in_the_middle_and_ends_with_the_last_layer(fused, knowledge):
    """As in the paper for twelve layers: five are left alone; the ends lack what nothing would use."""
    host = dataclasses.replace(fused.host, layers=12)
    method = EntityLayer(host, knowledge, EntityLayerSettings())
    assert method.start == 5 and len(method.layers) == 7
    assert [layer.attention is None for layer in method.layers] == [True] + [False] * 6
    assert [layer.to_entity is None for layer in method.layers] == [False] * 6 + [True]
    fewer = EntityLayer(host, knowledge, EntityLayerSettings(layer=2, layers=3, width=5))
    assert fewer.start == 2 and len(fewer.layers) == 3 and fewer.layers[0].word.out_features == 5


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"layer": 2}, "layers 0 to 1"),
        ({"layer": 1, "layers": 2}, "after layers 1 to 2"),
        ({"heads": 3}, "divide the width of the vectors, 8; got 3"),
    ],
)
def test_what_does_not_fit_is_said(fused, knowledge, settings, said):
    with pytest.raises(ValueError, match=said):
        EntityLayer(fused.host, knowledge, EntityLayerSettings(**settings))


def test_one_fused_layer_needs_no_heads(fused, knowledge):
    method = EntityLayer(fused.host, knowledge, EntityLayerSettings(layers=1, heads=3))
    assert len(method.layers) == 1
