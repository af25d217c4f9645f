"""What is read of an item: links, the cut, the tokens of each span, whatever a method puts into the text."""

import logging

import pytest
import torch

from loregraft.errors import BadInput
from loregraft.fusion.entity_input import EntityInputSettings
from loregraft.fusion.wrap import METHODS, wrap
from loregraft.linking.linker import Linker
from loregraft.tasks.reading import Item, fused_of, part_masks, windows_of

TEXT = "Measles comes with a rash and a high temperature"
SPANS = ((0, 7), (21, 25))
"""Measles, rash."""


def decoded(fused, inputs, masks):
    """The words under each mask of the first text."""
    ids = inputs.tensors["input_ids"][0]
    return [fused.tokenizer.decode(ids[mask]).strip().lower() for mask in masks[0]]


def test_an_encoder_alone_reads_as_it_always_does(hosted, linked_texts):
    """No knowledge is the bare encoder, bit for bit."""
    from loregraft.fusion.knowledge import Knowledge
    from loregraft.tasks.reading import no_knowledge

    assert isinstance(no_knowledge(), Knowledge)
    texts, _ = linked_texts
    fused = wrap(*hosted, no_knowledge(), method="plain").eval()
    encoded = fused.tokenizer(texts, padding=True, return_tensors="pt")
    given = {name: encoded[name] for name in ("input_ids", "attention_mask")}
    with torch.inference_mode():
        read = fused(**fused.prepare(texts, [[], [], []]).tensors).last_hidden_state
        assert torch.equal(read, fused.model(**given).last_hidden_state)


def test_the_whole_text_is_all_that_is_no_padding(tiny_encoder):
    fused = fused_of(tiny_encoder)
    inputs = fused.prepare([TEXT, "flu"], [[], []])
    masks = part_masks(inputs, [(), ()])
    assert torch.equal(masks[:, 0], inputs.tensors["attention_mask"].bool())


@pytest.mark.parametrize("method", sorted(METHODS))
def test_a_span_is_found_whatever_a_method_adds(method, tiny_encoder, knowledge, linked_texts):
    texts, links = linked_texts
    fused = wrap(tiny_encoder.model, tiny_encoder.tokenizer, knowledge, method=method).eval()
    inputs = fused.prepare(texts[:1], links[:1])
    assert decoded(fused, inputs, part_masks(inputs, [SPANS])) == ["measles", "rash"]


def test_what_stands_for_a_mention_is_its_token(tiny_encoder, knowledge, linked_texts):
    texts, links = linked_texts
    settings = EntityInputSettings(place="instead")
    host = tiny_encoder.model, tiny_encoder.tokenizer, knowledge
    fused = wrap(*host, method="entity_input", settings=settings).eval()
    inputs = fused.prepare(texts[:1], links[:1])
    masks = part_masks(inputs, [SPANS])
    placed = inputs.tensors["k_places"][0, :2].tolist()
    assert [mask.nonzero()[:, 0].tolist() for mask in masks[0]] == [[place] for place in placed]


def test_a_longer_text_is_cut_and_counted(tiny_encoder, knowledge, linked_texts, caplog):
    texts, links = linked_texts
    fused = wrap(tiny_encoder.model, tiny_encoder.tokenizer, knowledge)
    spans = ((0, 7), (32, 48))  # Measles, high temperature
    items = [Item(texts[0], "x", spans, tuple(links[0])), Item("flu", "x", SPANS[:1] * 2, ())]
    with caplog.at_level(logging.WARNING):
        cut, whole = windows_of(fused, items, max_tokens=8)
    assert cut.text == "Measles comes with a rash an" and cut.cut and cut.tokens == 8
    assert cut.unseen == 1 and cut.lost == 1  # high temperature, as a mention and as a link
    assert (whole.text, whole.cut, whole.unseen, whole.lost) == ("flu", False, 0, 0)
    assert "1 of 2 texts lost what is beyond 8 tokens" in caplog.text
    assert "1 of 2 texts lost a whole mention" in caplog.text
    caplog.clear()
    again = fused.prepare([cut.text], [cut.links])
    assert again.cut == 0 and "lost" not in caplog.text  # nothing is cut twice


def test_the_encoder_may_take_less(tiny_encoder):
    (window,) = windows_of(fused_of(tiny_encoder), [Item("fever " * 500)], max_tokens=10_000)
    assert window.tokens == 160 and window.cut


def test_links_given_or_found_or_none(tiny_encoder, knowledge, tiny_graph, linked_texts):
    texts, links = linked_texts
    host = tiny_encoder.model, tiny_encoder.tokenizer, knowledge
    given = [Item(texts[0], links=tuple(links[0])), Item(texts[0])]
    with pytest.raises(ValueError, match="links are needed"):
        windows_of(wrap(*host), given, 64)
    linking = wrap(*host, linker=Linker.build(tiny_graph))
    first, found = windows_of(linking, given, 64)
    assert first.links == tuple(links[0])
    assert {link.entity for link in found.links} == {"D:1", "P:5", "P:1"}
    assert [window.links for window in windows_of(wrap(*host, method="plain"), given, 64)] == [(), ()]


def test_more_texts_than_are_linked_at_once(tiny_encoder, knowledge, tiny_graph):
    fused = wrap(tiny_encoder.model, tiny_encoder.tokenizer, knowledge, linker=Linker.build(tiny_graph))
    names = ("Rubeola", "Asthma", "Fatigue")
    items = [Item(f"{names[number % 3]}, {number}") for number in range(130)]
    found = [window.links[0].entity for window in windows_of(fused, items, 64)]
    assert found == [("D:1", "D:3", "P:6")[number % 3] for number in range(130)]


def test_what_is_wrong_is_said(tiny_encoder, tiny_encoder_folder, knowledge):
    from transformers import AutoModelForSequenceClassification

    with pytest.raises(BadInput, match="text 2 of 2 is empty"):
        windows_of(fused_of(tiny_encoder), [Item("a"), Item(" \n")], 64)
    stock = AutoModelForSequenceClassification.from_pretrained(tiny_encoder_folder, num_labels=2)
    with pytest.raises(ValueError, match="BertForSequenceClassification has one: wrap the encoder without"):
        fused_of(wrap(stock, tiny_encoder.tokenizer, knowledge))
