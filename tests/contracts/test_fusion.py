"""What every method of fusion promises, over all methods and nine families of encoders."""

import copy
from dataclasses import replace

import pytest
import torch

from loregraft.fusion.folder import load_fused, save_fused
from loregraft.fusion.wrap import METHODS, wrap

IN_TEXT = {"facts_text", "sentence_tree"}
"""Methods that put tokens into the text: the bare encoder only without links, or switched off."""
REFUSED = {"sentence_tree": {"mpnet", "deberta-v2", "modernbert"}}
"""Families that a method cannot do."""
LONGER = {*IN_TEXT, "entity_input"}


@pytest.fixture(params=sorted(METHODS))
def method(request) -> str:
    return request.param


@pytest.fixture
def knowledge(knowledge, method, polar_graph):
    """What the tiny graph knows; for the lexicon, some of its words have a polarity."""
    return replace(knowledge, graph=polar_graph, _facts={}) if method == "lexicon" else knowledge


@pytest.fixture
def fused(method, family, hosted, knowledge):
    """A method around a family's model; those that are refused are tested apart."""
    if family in REFUSED.get(method, ()):
        pytest.skip(f"{method} refuses {family}, as test_families_that_cannot_are_refused_by_name shows")
    torch.manual_seed(0)
    return wrap(*hosted, knowledge, method=method).eval()


@torch.inference_mode()
def bare(fused, texts):
    encoded = fused.tokenizer(texts, padding=True, return_tensors="pt")
    return fused.model(
        input_ids=encoded["input_ids"], attention_mask=encoded["attention_mask"]
    ).last_hidden_state


@torch.inference_mode()
def read(fused, texts, links):
    return fused(**fused.prepare(texts, links).tensors).last_hidden_state


def test_switched_off_it_is_the_bare_encoder(fused, linked_texts):
    texts, links = linked_texts
    with fused.off():
        assert torch.equal(read(fused, texts, links), bare(fused, texts))


def test_without_links_it_is_the_bare_encoder(fused, linked_texts):
    texts, links = linked_texts
    inputs = fused.prepare(texts, [[] for _ in links])
    assert set(inputs.tensors) == {"input_ids", "attention_mask"}  # nothing extra to compute
    assert not any(inputs.triples) and not any(inputs.entities)
    assert torch.equal(read(fused, texts, [[] for _ in links]), bare(fused, texts))


def test_at_the_start_it_is_the_bare_encoder(fused, method, linked_texts):
    """For methods that put nothing into the text."""
    texts, links = linked_texts
    if method in LONGER:
        pytest.skip("this method changes the input from the start")
    assert torch.equal(read(fused, texts, links), bare(fused, texts))


def test_with_links_it_differs(fused, method, linked_texts):
    """Once the gates are open; the text without a link stays."""
    texts, links = linked_texts
    open_gates(fused)
    if method == "plain":
        pytest.skip("plain reads nothing")
    inputs = fused.prepare(texts, links)
    with torch.inference_mode():
        output = fused(**inputs.tensors).last_hidden_state
        first = bare(fused, texts[:1])[0]
    assert not torch.allclose(output[0, :2], first[:2], atol=1e-4)  # what opens the text, or the mention
    alone = bare(fused, texts[1:2])[0]
    own = inputs.offsets[1, :, 0] > -2
    assert torch.allclose(output[1][own], alone, atol=1e-4)


def test_what_went_in_is_recorded(fused, method, linked_texts):
    texts, links = linked_texts
    inputs = fused.prepare(texts, links)
    assert inputs.entities[1] == () and inputs.triples[1] == ()
    if method == "plain":
        return
    graph = fused.knowledge.graph
    assert graph.index("D:1") in inputs.entities[0] and inputs.entities[2] == (graph.index("D:2"),)
    for row, entities in zip(inputs.triples, inputs.entities, strict=True):
        assert all(graph.heads[triple] in entities or graph.tails[triple] in entities for triple in row)


def test_gradient_reaches_every_new_part(fused, linked_texts):
    """The gate at once, what is behind it once it is open."""
    texts, links = linked_texts
    own = dict(fused.method.named_parameters())
    if not own:
        pytest.skip("this method has no weights")
    fused.train()
    open_gates(fused)
    output = fused(**fused.prepare(texts, links).tensors).last_hidden_state
    torch.manual_seed(1)
    (output * torch.randn_like(output)).sum().backward()
    without = [name for name, value in own.items() if value.requires_grad and not reached(value)]
    assert not without


def test_it_is_saved_and_opened(fused, tmp_path, linked_texts):
    texts, links = linked_texts
    open_gates(fused)
    save_fused(fused, tmp_path / "fused")
    opened = load_fused(tmp_path / "fused", fused.knowledge)
    assert torch.equal(read(opened, texts, links), read(fused, texts, links))


def test_knowledge_that_is_gone_is_read_no_more(fused, method, linked_texts):
    """An entity that the graph has no more is a link that is not used, and is counted."""
    texts, _ = linked_texts
    from loregraft.records import Link, Mention

    inputs = fused.prepare(texts[:1], [[Link(Mention(0, 7, "Measles"), "D:404", 1.0)]])
    assert inputs.lost == 1 and not any(inputs.entities)


def test_dropout_leaves_links_out_in_training_only(fused, method, hosted, knowledge, linked_texts):
    if method == "plain":
        pytest.skip("plain reads nothing")
    texts, links = linked_texts
    settings = METHODS[method][0](knowledge_dropout=0.999)
    dropping = wrap(*hosted, knowledge, method=method, settings=settings)
    torch.manual_seed(0)
    assert any(dropping.eval().prepare(texts, links).entities)
    assert not any(dropping.train().prepare(texts, links).entities)


def test_a_copy_is_its_own(fused, linked_texts):
    """Changing the copy leaves the first as it was."""
    texts, links = linked_texts
    before = read(fused, texts, links)
    copied = copy.deepcopy(fused)
    with torch.no_grad():
        for value in copied.parameters():
            value.add_(1.0)
    assert torch.equal(read(fused, texts, links), before)


def test_families_that_cannot_are_refused_by_name(method, family, hosted, knowledge):
    if family not in REFUSED.get(method, ()):
        pytest.skip(f"{method} can do {family}, as the other tests show")
    with pytest.raises(ValueError, match=family):
        wrap(*hosted, knowledge, method=method)


def test_what_a_method_needs_is_asked_for(method, hosted, knowledge):
    from loregraft.fusion.knowledge import Knowledge

    for need in METHODS[method][1].needs:
        if need != "graph":
            with pytest.raises(ValueError, match=f"{method} needs {need}"):
                wrap(*hosted, Knowledge(knowledge.graph), method=method)


def open_gates(fused) -> None:
    """Let all that is new count in full."""
    from loregraft.fusion.method import Gate

    with torch.no_grad():
        for module in fused.method.modules():
            if isinstance(module, Gate):
                module.value.fill_(1.0)


def reached(value) -> bool:
    return value.grad is not None and bool((value.grad != 0).any())
