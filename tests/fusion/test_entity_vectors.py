"""Entity vectors: the map is the least-squares one; from contexts they are what the model makes of a mask."""

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoModelForMaskedLM, AutoTokenizer

from loregraft.encoder.hooks import encoder_of
from loregraft.fusion.entity_vectors import vectors_from_contexts
from loregraft.fusion.knowledge import Knowledge
from loregraft.fusion.wrap import wrap
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.tables.columns import Columns
from loregraft.records import Link, Mention


def fuse(hosted, knowledge):
    return wrap(*hosted, knowledge, method="entity_input").eval()


@pytest.fixture
def hosted_tiny(tiny_encoder):
    return tiny_encoder.model.eval(), tiny_encoder.tokenizer


def least_squares(fused, indexes):
    """By numpy, entity by entity: from the vector to the mean piece of all names."""
    graph, table = fused.knowledge.graph, fused.host.table.numpy().astype(np.float64)
    given, wanted = [], []
    for index in indexes:
        names = [row["name"] for row in graph.rows_of("names", index)]
        ids = [id for name in names for id in fused.tokenizer(name, add_special_tokens=False)["input_ids"]]
        given.append([*fused.knowledge.entity_vectors[index].astype(np.float64), 1.0])
        wanted.append(table[ids].mean(0))
    return np.linalg.lstsq(np.array(given), np.array(wanted), rcond=None)[0].astype(np.float32)


def test_the_map_is_the_least_squares_one(hosted, knowledge):
    """It is as wide as the word embeddings, which may not be the hidden width."""
    fused = fuse(hosted, knowledge)
    found = least_squares(fused, range(len(knowledge.graph)))
    width = encoder_of(fused.model).get_input_embeddings().weight.shape[1]
    assert fused.method.weight.shape == (width, knowledge.entity_vectors.shape[1])
    assert np.allclose(fused.method.weight.numpy(), found[:-1].T, atol=1e-4)
    assert np.allclose(fused.method.bias.numpy(), found[-1], atol=1e-4)


def test_the_map_is_the_same_in_chunks_and_of_entities_with_a_vector(hosted_tiny, knowledge, monkeypatch):
    whole = fuse(hosted_tiny, knowledge).method.weight
    monkeypatch.setattr("loregraft.fusion.entity_vectors.CHUNK", 5)
    assert torch.allclose(fuse(hosted_tiny, knowledge).method.weight, whole, atol=1e-5)
    given = knowledge.vectors
    renamed = type(given)(given.tables, ["gone", *given.ids[1:]], given.relation_ids, given.settings, "")
    some = fuse(hosted_tiny, Knowledge(knowledge.graph, renamed))
    found = least_squares(some, range(1, len(knowledge.graph)))  # the first has only the mean of its type
    assert np.allclose(some.method.weight.numpy(), found[:-1].T, atol=1e-4)


def test_a_map_needs_names(hosted_tiny, knowledge):
    nameless = KnowledgeGraph.gather([Columns("entities", {"id": ["D:1", "D:2"]})], source="test")
    with pytest.raises(ValueError, match="both a vector and a name"):
        fuse(hosted_tiny, Knowledge(nameless, knowledge.vectors))


TEXTS = ["Measles brings a rash", "a rash of the skin", "measles and flu", "the flu"]


def contexts_links(count=4):
    meant = {"Measles": "D:1", "measles": "D:1", "rash": "P:5", "flu": "D:2"}
    rows = []
    for text in TEXTS[:count]:
        found = [(text.index(word), word, id) for word, id in meant.items() if word in text]
        rows.append([Link(Mention(at, at + len(word), word), id, 1.0) for at, word, id in sorted(found)])
    return rows


@pytest.fixture
def masked(family, family_folders):
    torch.manual_seed(0)
    model = AutoModelForMaskedLM.from_pretrained(family_folders[family])
    return model, AutoTokenizer.from_pretrained(family_folders[family])


@pytest.mark.filterwarnings("ignore")
def test_vectors_are_what_the_decoder_reads_at_the_mask(masked, knowledge):
    """One text at a time: what is made of it, times the decoder's weights, is what the model predicts."""
    model, tokenizer = masked
    model.train()
    ids, vectors = vectors_from_contexts(model, tokenizer, TEXTS, contexts_links(), knowledge)
    assert model.training
    graph = knowledge.graph
    assert ids == sorted(["D:1", "P:5", "D:2"], key=graph.index)
    assert torch.allclose(vectors.norm(dim=1), torch.ones(3))
    decoder = model.eval().get_output_embeddings()
    total = torch.zeros(decoder.weight.shape[0])
    with torch.inference_mode():
        for text in ("[MASK] brings a rash", "[MASK] and flu"):
            encoded = tokenizer(text, return_tensors="pt")
            place = encoded["input_ids"][0].tolist().index(tokenizer.mask_token_id)
            given = {name: encoded[name] for name in ("input_ids", "attention_mask")}
            bias = decoder.bias if decoder.bias is not None else 0.0
            total += model(**given).logits[0, place] - bias
    own = vectors[ids.index("D:1")] @ decoder.weight.T
    assert torch.nn.functional.cosine_similarity(own, total, dim=0) > 0.9999


def test_an_encoder_without_head_gives_its_last_hidden_states(hosted_tiny, knowledge):
    ids, vectors = vectors_from_contexts(*hosted_tiny, TEXTS, contexts_links(), knowledge)
    model, tokenizer = hosted_tiny
    total = torch.zeros(32)
    for text in ("measles and [MASK]", "the [MASK]"):
        encoded = tokenizer(text, return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            hidden = model(input_ids=encoded).last_hidden_state[0]
        total += hidden[encoded[0].tolist().index(tokenizer.mask_token_id)]
    assert torch.allclose(vectors[ids.index("D:2")], total / total.norm(), atol=1e-5)


def test_contexts_are_limited_and_those_that_say_nothing_left_out(hosted_tiny, knowledge):
    def form(texts, links, most=256):
        return vectors_from_contexts(*hosted_tiny, texts, links, knowledge, most)

    links = contexts_links()
    ids, first = form(TEXTS, links, most=1)
    only_ids, only = form(TEXTS[:3], [[link for link in links[0]], [], [links[2][1]]], most=1)
    assert ids == only_ids and torch.allclose(first, only, atol=1e-5)
    assert not torch.allclose(form(TEXTS, links)[1], first, atol=1e-3)
    assert (
        form(["x"], [[Link(Mention(0, 1, "x"), None, 1.0), Link(Mention(0, 1, "x"), "D:404", 1.0)]])[0] == []
    )
    far = "rash " * 300 + "flu"
    assert form([far], [[Link(Mention(1500, 1503, "flu"), "D:2", 1.0)]])[0] == []  # beyond the encoder


def test_widths_that_differ_need_the_head(family_folders, knowledge):
    model = AutoModel.from_pretrained(family_folders["albert"])
    tokenizer = AutoTokenizer.from_pretrained(family_folders["albert"])
    with pytest.raises(ValueError, match=r"32 numbers.*16; give the model with its masked-LM head"):
        vectors_from_contexts(model, tokenizer, TEXTS, contexts_links(), knowledge)
    tokenizer.mask_token = None
    with pytest.raises(ValueError, match="no mask token"):
        vectors_from_contexts(model, tokenizer, TEXTS, contexts_links(), knowledge)


def test_another_mask_in_the_text_is_not_the_entitys(hosted_tiny, knowledge):
    model, tokenizer = hosted_tiny
    link = Link(Mention(11, 14, "flu"), "D:2", 1.0)
    vectors = vectors_from_contexts(model, tokenizer, ["[MASK] the flu"], [[link]], knowledge)[1]
    encoded = tokenizer("[MASK] the [MASK]", return_tensors="pt")["input_ids"]
    with torch.inference_mode():
        hidden = model(input_ids=encoded).last_hidden_state[0, -2]
    assert torch.allclose(vectors[0], hidden / hidden.norm(), atol=1e-5)
