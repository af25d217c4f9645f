"""Adapters beside the encoder: the formula against plain loops, parts of the graph, and who trains."""

import dataclasses
import math
from functools import partial

import pytest
import torch
from torch import nn

from loregraft.fusion.adapter import START, Adapter, AdapterSettings, SideLayer, freeze_encoder
from loregraft.fusion.knowledge import Knowledge
from loregraft.fusion.wrap import wrap
from loregraft.kg.edit.change import edited
from loregraft.records import Link, Mention, Triple

SMALL = {"width": 8, "heads": 2}


@pytest.fixture
def fuse(opened):
    return partial(opened, "adapter", **SMALL)


@torch.no_grad()
@pytest.mark.parametrize("settings", [{"depth": 2}, {"layers": (0,)}, {"parts": "type"}])
def test_it_is_the_papers_formula(knowledge, linked_texts, settings, plain, own, fuse):
    """Hidden states of the layers are random; with parts, two adapters speak of the first text."""
    fused = fuse(knowledge, **settings)
    method, inputs = fused.method, fused.prepare(*linked_texts)
    states = [torch.randn(3, inputs.mask.shape[1], 32) for _ in range(2)]
    after = method.changes(own(inputs)).after
    assert 0 in after and torch.equal(after[0](states[0]), states[0])
    new = after[1](states[1])
    for text in (0, 2):
        length = int(inputs.mask[text].sum())
        heard = [list(states[place][text, :length]) for place in method.places]
        types = sorted({knowledge.types[entity] for entity in inputs.entities[text]})
        names = [name for name in method.adapters if settings.get("parts") != "type" or name[2:] in types]
        said = [slow(plain, method.adapters[name], heard) for name in names]
        weights = [math.exp(float(method.mixture[int(name[0])])) if len(said) > 1 else 1.0 for name in names]
        for token in range(length):
            spoken = sum(w * rows[token] for w, rows in zip(weights, said, strict=True)) / sum(weights)
            both = torch.cat([states[1][text, token], spoken])
            assert torch.allclose(new[text, token], plain.linear(method.combine, both), atol=1e-5)
    assert torch.equal(new[1], states[1][1])


def slow(plain, network, heard):
    """x_k = h_k + a_(k-1); a_k = x_k + Up(T(Down(x_k))), token by token, without padding."""
    before = [torch.zeros(32) for _ in heard[0]]
    for layer, states in zip(network.layers, heard, strict=True):
        inputs = [state + row for state, row in zip(states, before, strict=True)]
        narrow = [plain.linear(layer.down, row) for row in inputs]
        for inner in layer.inner:
            narrow = plain.transform(inner, narrow)
        before = [row + plain.linear(layer.up, small) for row, small in zip(inputs, narrow, strict=True)]
    return before


@pytest.mark.parametrize("parts", ["one", "type"])
def test_what_else_is_in_the_batch_does_not_matter(knowledge, linked_texts, parts, read, fuse):
    texts, links = linked_texts
    fused = fuse(knowledge, parts=parts)
    together = read(fused, texts, links)
    for text in (0, 2):
        alone = read(fused, texts[text : text + 1], links[text : text + 1])[0]
        assert torch.allclose(together[text][: len(alone)], alone, atol=1e-5)


def test_one_adapter_for_each_type_of_entity(knowledge, linked_texts, read, fuse):
    """A text is changed by the weights of its own types, and by no others."""
    texts, links = linked_texts
    fused = fuse(knowledge, parts="type")
    assert list(fused.method.adapters) == ["0 disease", "1 gene", "2 phenotype"]
    inputs = fused.prepare(texts, links)
    assert inputs.tensors["k_used"].tolist() == [[True, False, True], [False] * 3, [True, False, False]]
    before = read(fused, texts, links)
    with torch.no_grad():
        fused.method.adapters["1 gene"].layers[0].down.weight.add_(1.0)
    assert torch.equal(read(fused, texts, links), before)
    with torch.no_grad():
        fused.method.adapters["2 phenotype"].layers[0].down.weight.add_(torch.randn(8, 32))
    after = read(fused, texts, links)
    assert torch.equal(after[1:], before[1:]) and not torch.allclose(after[0], before[0], atol=1e-3)


def test_an_adapter_runs_on_the_texts_that_use_it_alone(knowledge, linked_texts, read, fuse):
    """Many parts cost no more than one."""
    fused, ran = fuse(knowledge, parts="type"), {}
    for name, adapter in fused.method.adapters.items():
        adapter.register_forward_hook(lambda _, given, out, name=name: ran.update({name: len(out)}))
    read(fused, *linked_texts)
    assert ran == {"0 disease": 2, "2 phenotype": 1}


def test_the_mixture_is_even_at_the_start_and_learns(tiny_encoder, knowledge, linked_texts):
    """Of the types of a text; the weight of one that is in no text gets no gradient."""
    torch.manual_seed(0)
    settings = AdapterSettings(parts="type", **SMALL)
    fused = wrap(
        tiny_encoder.model, tiny_encoder.tokenizer, knowledge, method="adapter", settings=settings
    ).eval()
    assert torch.equal(fused.method.mixture, torch.zeros(3))
    with torch.no_grad():
        fused.method.gate.value.fill_(1.0)
    output = fused(**fused.prepare(*linked_texts).tensors).last_hidden_state
    (output * torch.randn_like(output)).sum().backward()
    assert [bool(value) for value in fused.method.mixture.grad] == [True, False, True]


def test_weights_of_one_type_do_not_open_as_those_of_another(tiny_encoder, knowledge, fuse):
    fused = fuse(knowledge, parts="type")
    renamed = Knowledge(knowledge.graph, None, tiny_encoder)
    renamed.__dict__["types"] = [type.replace("gene", "drug") for type in knowledge.types]
    other = fuse(renamed, parts="type")
    with pytest.raises(RuntimeError, match="1 gene"):
        other.load_own_state(fused.own_state())


def test_an_entity_of_a_new_type_uses_no_adapter_and_is_counted(tiny_encoder, knowledge, fuse):
    fused = fuse(knowledge, parts="type")
    graph, _ = edited(knowledge.graph, add=[Triple("N:1", "is_a", "D:4")])
    fused.with_knowledge(Knowledge(graph, None, tiny_encoder))
    link = Link(Mention(0, 3, "flu"), "N:1", 1.0)
    inputs = fused.prepare(["flu"], [[link]])
    assert inputs.lost == 1 and not any(inputs.entities) and "k_used" not in inputs.tensors
    one = fuse(fused.knowledge).prepare(["flu"], [[link]])
    assert one.entities == ((graph.index("N:1"),),) and one.lost == 0


def test_the_encoder_is_frozen_its_head_is_not(tiny_encoder_folder, tiny_encoder, knowledge):
    from transformers import BertForSequenceClassification

    model = BertForSequenceClassification.from_pretrained(tiny_encoder_folder)
    fused = wrap(model, tiny_encoder.tokenizer, knowledge, method="adapter")
    assert all(value.requires_grad for value in fused.parameters())  # until it is asked for
    assert freeze_encoder(fused) == len(list(model.bert.parameters()))
    assert not any(value.requires_grad for value in model.bert.parameters())
    assert all(value.requires_grad for value in [*model.classifier.parameters(), *fused.method.parameters()])


def test_the_encoder_trains_where_the_settings_say_so(knowledge, fuse):
    fused = fuse(knowledge, freeze=False)
    assert freeze_encoder(fused) == 0 and all(value.requires_grad for value in fused.model.parameters())


def test_a_frozen_encoder_stays_while_the_adapters_learn(knowledge, linked_texts, fuse):
    fused = fuse(knowledge, dropout=0.0)
    freeze_encoder(fused)
    before = {name: value.clone() for name, value in fused.state_dict().items()}
    optimizer = torch.optim.SGD(fused.parameters(), 0.01)
    fused(**fused.prepare(*linked_texts).tensors).last_hidden_state.square().mean().backward()
    optimizer.step()
    moved = {
        name.split(".")[0] for name, value in fused.state_dict().items() if (value != before[name]).any()
    }
    assert moved == {"method"}


def test_adapters_start_near_nothing():
    torch.manual_seed(0)
    layer = SideLayer(64, AdapterSettings(width=32, heads=4))
    for linear_ in (layer.down, layer.up):
        assert linear_.weight.std().item() == pytest.approx(START, rel=0.1) and not linear_.bias.any()
    states = torch.randn(2, 3, 64)
    said = layer(states, torch.zeros(2, 3, dtype=torch.bool))
    assert 0 < (said - states).abs().max() < 0.01


@pytest.mark.parametrize(
    ("layers", "given", "places"),
    [(1, (), [0]), (2, (), [0, 1]), (24, (), [0, 11, 23]), (12, (7, 3), [3, 7])],
)
def test_which_layers_are_listened_to(knowledge, layers, given, places, fuse):
    host = dataclasses.replace(fuse(knowledge).host, layers=layers)
    method = Adapter(host, knowledge, AdapterSettings(layers=given))
    changes = method.changes(
        {"used": torch.ones(1, 1, dtype=torch.bool), "tokens": torch.ones(1, 2, dtype=torch.bool)}
    )
    assert method.places == places and sorted(changes.after) == sorted({*places, layers - 1})


@pytest.mark.parametrize(
    ("settings", "said"), [({"layers": (0, 2)}, "layers 0 to 1, not 2"), ({"heads": 3}, "width, 8; got 3")]
)
def test_what_does_not_fit_is_said(knowledge, settings, said, fuse):
    with pytest.raises(ValueError, match=said):
        fuse(knowledge, **settings)


def test_a_type_may_have_a_dot_in_its_name(knowledge, fuse):
    """Names of modules may not."""
    renamed = Knowledge(knowledge.graph)
    renamed.__dict__["types"] = [f"{type}.x" for type in knowledge.types]
    assert isinstance(fuse(renamed, parts="type").method.adapters, nn.ModuleDict)
