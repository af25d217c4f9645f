"""Entity input: where an entity goes, what is recorded, what does not fit, what learns."""

import pytest
import torch

from loregraft.corpus.tokens import NOWHERE, Span, Tokens
from loregraft.encoder.hooks import encoder_of
from loregraft.fusion.entity_input import EntityInputSettings
from loregraft.fusion.folder import load_fused, save_fused
from loregraft.fusion.wrap import wrap
from loregraft.records import Link, Mention

PLACES = ("before", "after", "instead", "add")


def fuse(hosted, knowledge, **settings):
    chosen = EntityInputSettings(**settings)
    return wrap(*hosted, knowledge, method="entity_input", settings=chosen).eval()


@pytest.fixture
def hosted_tiny(tiny_encoder):
    return tiny_encoder.model.eval(), tiny_encoder.tokenizer


@torch.inference_mode()
def read(fused, texts, links):
    return fused(**fused.prepare(texts, links).tensors).last_hidden_state


def seen_words(fused, tensors):
    """The word embeddings as they go into the encoder."""
    kept = []
    table = encoder_of(fused.model).get_input_embeddings()
    handle = table.register_forward_hook(lambda module, inputs, output: kept.append(output))
    with torch.inference_mode():
        fused(**tensors)
    handle.remove()
    return kept[0]


def median_length(fused):
    return fused.host.table.norm(dim=1).median()


@pytest.mark.parametrize("place", PLACES)
def test_where_an_entity_goes(place, hosted, knowledge, linked_texts):
    """Token by token and number by number, over all families."""
    texts, links = linked_texts
    fused = fuse(hosted, knowledge, place=place, norm=1.5)
    if place == "add":
        torch.nn.init.constant_(fused.method.gate.value, 0.5)
    tensors = fused.prepare(texts, links).tensors
    words, table = seen_words(fused, tensors), fused.host.table
    ids = fused.tokenizer("flu")["input_ids"]
    vector = mapped(fused, "D:2") * 1.5
    slash, opens, closes = (fused.host.ids(sign) for sign in "/()")
    surface = [table[id] for id in ids[1:-1]]
    expected = {
        "before": [table[ids[0]], vector, *table[slash], *surface],
        "after": [table[ids[0]], *surface, *table[opens], vector, *table[closes]],
        "instead": [table[ids[0]], vector],
        "add": [table[ids[0]], surface[0] + 0.5 * vector, *surface[1:]],
    }[place] + [table[ids[-1]]]
    assert torch.allclose(words[2, : len(expected)], torch.stack(expected), atol=1e-5)
    assert int(tensors["attention_mask"][2].sum()) == len(expected)
    read_ids = tensors["input_ids"][tensors["attention_mask"].bool()]
    assert not (read_ids == fused.host.padding_id).any()  # some families give padding no position


def mapped(fused, id):
    """A vector of the graph in the space of the word pieces, of the median length."""
    knowledge, method = fused.knowledge, fused.method
    vector = torch.from_numpy(knowledge.entity_vectors[knowledge.graph.index(id)])
    there = method.weight @ vector + method.bias
    return there / there.norm() * median_length(fused)


@pytest.mark.parametrize("place", PLACES)
def test_what_is_of_the_text_and_what_was_added(place, hosted_tiny, knowledge, linked_texts):
    texts, links = linked_texts
    fused = fuse(hosted_tiny, knowledge, place=place)
    inputs = fused.prepare(texts, links)
    bare = fused.tokenizer(texts, return_offsets_mapping=True)
    count = int(inputs.mask.sum()) - sum(map(len, bare["input_ids"]))
    signs = {"before": 2, "after": 3}.get(place, 0)
    assert inputs.added == 4 * signs
    if place == "instead":  # the entity stands for the characters of its mention, of two tokens and more
        assert count < 0 and (0, 3) in map(tuple, inputs.offsets[2].tolist())
        start, end = links[0][2].mention.start, links[0][2].mention.end
        assert (start, end) in map(tuple, inputs.offsets[0].tolist())
    else:
        assert count == inputs.added
        own = [tuple(pair) for pair in inputs.offsets[0].tolist() if pair[0] >= 0]
        assert own == [pair for pair in bare["offset_mapping"][0] if pair[0] < pair[1]]
    assert inputs.entities[0] == tuple(knowledge.graph.index(link.entity) for link in links[0])
    assert not any(inputs.triples)  # no single one is in a vector


def test_added_it_is_the_bare_encoder_until_the_gate_opens(hosted, knowledge, linked_texts):
    texts, links = linked_texts
    fused = fuse(hosted, knowledge, place="add", source="tuned")
    with fused.off():
        bare = read(fused, texts, links)
    assert torch.equal(read(fused, texts, links), bare)
    output = fused(**fused.prepare(texts, links).tensors).last_hidden_state
    torch.manual_seed(0)
    (output * torch.randn_like(output)).sum().backward()
    assert fused.method.gate.value.grad != 0  # at the first step
    with torch.no_grad():
        fused.method.gate.value.fill_(1.0)
    changed = read(fused, texts, links)
    assert not torch.allclose(changed[0], bare[0], atol=1e-4)
    assert torch.allclose(changed[1], bare[1], atol=1e-5)


@pytest.mark.parametrize("place", PLACES)
def test_tuned_the_map_alone_can_learn(place, hosted, knowledge, linked_texts):
    texts, links = linked_texts
    fused = fuse(hosted, knowledge, source="tuned", place=place)
    fitted = fuse(hosted, knowledge, source="map", place=place)
    assert torch.equal(read(fused, texts, links), read(fitted, texts, links))  # where it starts
    assert not [name for name, _ in fitted.method.named_parameters() if "gate" not in name]
    fused.model.requires_grad_(False)
    if place == "add":
        torch.nn.init.ones_(fused.method.gate.value)
    output = fused(**fused.prepare(texts, links).tensors).last_hidden_state
    torch.manual_seed(0)
    (output * torch.randn_like(output)).sum().backward()
    assert all((value.grad != 0).any() for value in fused.method.parameters())
    assert all(value.grad is None for value in fused.model.parameters())


def test_the_text_is_never_cut_for_an_entity(hosted_tiny, knowledge):
    """`/` is a token, so `before` takes two; the second mention finds no room."""
    fused = fuse(hosted_tiny, knowledge)
    most = fused.host.max_tokens
    for free, fit in ((0, 0), (1, 0), (2, 1), (3, 1), (4, 2)):
        text = "Measles flu " + "rash " * (most - 4 - free)
        links = [Link(Mention(0, 7, "Measles"), "D:1", 1.0), Link(Mention(8, 11, "flu"), "D:2", 1.0)]
        ids = fused.tokenizer(text)["input_ids"]
        assert len(ids) == most - free
        inputs = fused.prepare([text], [links])
        assert len(inputs.entities[0]) == fit and inputs.added == 2 * fit
        assert inputs.entities[0] == tuple(knowledge.graph.index(id) for id in ("D:1", "D:2")[:fit])
        kept = inputs.tensors["input_ids"][0][inputs.offsets[0, :, 0] >= 0]
        assert kept.tolist() == ids[1:-1]
        assert read(fused, [text], [links]).isfinite().all()


def test_mentions_that_overlap(hosted_tiny, knowledge):
    """The first is replaced; beside the text, and added to it, both go in."""
    spans = [Span(1, 3, (0,), (1.0,)), Span(2, 4, (1,), (1.0,))]
    tokens = [Tokens([2, 10, 11, 12, 3], [NOWHERE, (0, 1), (1, 2), (2, 3), NOWHERE], spans)]
    for place, entities in (("instead", (0,)), ("before", (0, 1)), ("after", (0, 1)), ("add", (0, 1))):
        inputs = fuse(hosted_tiny, knowledge, place=place).method.prepare(tokens, knowledge)
        assert inputs.entities == (entities,)
    same = [
        Tokens([2, 10, 3], [NOWHERE, (0, 1), NOWHERE], [Span(1, 2, (0,), (1.0,)), Span(1, 2, (1,), (1.0,))])
    ]
    fused = fuse(hosted_tiny, knowledge, place="add")
    torch.nn.init.ones_(fused.method.gate.value)
    words = seen_words(fused, fused.method.prepare(same, knowledge).tensors)
    both = [mapped(fused, knowledge.graph.id_at(index)) for index in (0, 1)]
    assert torch.allclose(words[0, 1], fused.host.table[10] + both[0] + both[1], atol=1e-5)


def test_an_entity_at_the_end_of_a_text_without_closing_token(hosted_tiny, knowledge):
    fused = fuse(hosted_tiny, knowledge, place="after")
    one = Tokens([10, 11], [(0, 1), (1, 2)], [Span(1, 2, (0,), (1.0,))])
    inputs = fused.method.prepare([one], knowledge)
    assert inputs.entities == ((0,),) and inputs.tensors["input_ids"].shape == (1, 5)


def test_vectors_from_contexts_go_in_and_are_saved(hosted_tiny, knowledge, linked_texts, tmp_path):
    texts, links = linked_texts
    fused = fuse(hosted_tiny, knowledge, source="contexts", place="after", norm=2.0)
    with pytest.raises(ValueError, match="set_vectors"):
        fused.prepare(texts, links)
    torch.manual_seed(0)
    vectors = torch.randn(2, 32)
    fused.method.set_vectors(["D:2", "P:5"], vectors)
    inputs = fused.prepare(texts, links)
    graph = knowledge.graph
    assert inputs.entities == ((graph.index("P:5"),), (), (graph.index("D:2"),))  # D:1 and P:1 have none
    expected = vectors[0] / vectors[0].norm() * 2 * median_length(fused)
    assert torch.allclose(seen_words(fused, inputs.tensors)[2, 3], expected, atol=1e-5)
    save_fused(fused, tmp_path / "fused")
    opened = load_fused(tmp_path / "fused", knowledge)
    assert torch.allclose(read(opened, texts, links), read(fused, texts, links), atol=1e-5)
    assert torch.equal(opened.method.own, vectors)
    fused.method.set_vectors(["D:1"], vectors[:1])  # the others are gone
    assert fused.prepare(texts, links).entities == ((graph.index("D:1"),), (), ())


def test_vectors_that_do_not_fit_are_refused(hosted_tiny, knowledge):
    fused = fuse(hosted_tiny, knowledge, source="contexts")
    for ids, shape in ((["D:1"], (2, 32)), (["D:1"], (1, 31)), (["D:1", "D:1"], (2, 32))):
        with pytest.raises(ValueError, match="must be"):
            fused.method.set_vectors(ids, torch.zeros(shape))
    with pytest.raises(ValueError, match="'map'"):
        fuse(hosted_tiny, knowledge).method.set_vectors(["D:1"], torch.zeros(1, 32))
