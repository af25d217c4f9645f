"""KnowBERT's attention to entities: the formula against plain loops, the linker, and what must not matter."""

import dataclasses
import math
from functools import partial

import pytest
import torch
from torch import nn

from loregraft.corpus.tokens import tokens_of
from loregraft.fusion.entity_attention import (
    EntityAttention,
    EntityAttentionSettings,
    way_back,
)
from loregraft.fusion.wrap import wrap


@pytest.fixture
def fuse(opened):
    return partial(opened, "entity_attention")


@torch.no_grad()
@pytest.mark.parametrize(
    "settings", [{"heads": 2}, {"width": 12, "threshold": -0.3}, {"width": 12, "candidates": 2}]
)
def test_it_is_the_papers_formula(knowledge, doubtful, settings, plain, own, fuse):
    fused = fuse(knowledge, **settings)
    inputs = fused.prepare(*doubtful)
    states = torch.randn(3, inputs.mask.shape[1], 32)
    after = fused.method.changes(own(inputs)).after[1](states)
    logits = fused.method.last_logits()
    for text, one in enumerate(tokens_of(fused.tokenizer, *doubtful, knowledge.index, 160)):
        if not one.spans:
            assert torch.equal(after[text], states[text])
            continue
        new, scores = slow(plain, fused.method, list(states[text]), one.spans, knowledge)
        assert torch.allclose(after[text], torch.stack(new), atol=1e-5)
        for mention, said in enumerate(scores):
            assert torch.allclose(logits[text, mention, : len(said)], torch.tensor(said), atol=1e-5)
            assert (logits[text, mention, len(said) :] == -1e4).all()


def slow(plain, method, states, spans, knowledge):
    """Section 3.3, token by token and mention by mention."""
    projected = [plain.linear(method.project, state) for state in states]
    pooled = []
    for span in spans:
        rows = projected[span.first : span.last]
        weights = plain.softmax([float(method.pool.weight[0] @ row) for row in rows])
        pooled.append(plain.norm(method.pooled_norm, plain.mixed(weights, rows)))
    mentions = plain.transform(method.spans, pooled)
    enhanced, scores = [], []
    for span, mention in zip(spans, mentions, strict=True):
        logits, choices = link(plain, method, mention, span, knowledge)
        weights, threshold = plain.softmax(logits), method.settings.threshold
        if threshold is not None:
            above = [number for number, logit in enumerate(logits) if number and logit >= threshold] or [0]
            weights = plain.softmax([logits[number] for number in above])
            choices = [choices[number] for number in above]
        enhanced.append(plain.norm(method.linked_norm, mention + plain.mixed(weights, choices)))
        scores.append(logits)
    new = []
    for state, row in zip(states, projected, strict=True):
        row = plain.norm(method.attended_norm, row + plain.attend(method.attention, row, enhanced))
        inner = plain.linear(method.inner[2], plain.gelu(plain.linear(method.inner[0], row)))
        row = plain.norm(method.inner_norm, row + inner)
        new.append(plain.norm(method.norm, state + plain.linear(method.back, row)))
    return new, scores


def link(plain, method, mention, span, knowledge):
    """The logit and the vector of NULL and of each candidate."""
    most = method.settings.candidates
    vectors = [torch.from_numpy(knowledge.entity_vectors[entity]) for entity in span.entities[:most]]
    if isinstance(method.entity, nn.Linear):
        vectors = [method.entity.weight @ vector for vector in vectors]
    choices = [plain.norm(method.entity_norm, vector) for vector in [method.null, *vectors]]
    priors = [max(0.0, 1 - sum(span.priors[:most])), *span.priors[:most]]
    logits = []
    for vector, prior in zip(choices, priors, strict=True):
        fit = float(mention @ vector) / math.sqrt(len(vector))
        inner = plain.linear(method.linker[0], torch.tensor([fit, prior])).clamp(min=0)
        logits.append(float(method.linker[2].weight[0] @ inner))
    return logits, choices


def test_what_else_is_in_the_batch_does_not_matter(knowledge, doubtful, read, fuse):
    """Neither padding of tokens nor of mentions nor of candidates."""
    texts, links = doubtful
    fused = fuse(knowledge)
    together = read(fused, texts, links)
    for text in (0, 2):
        alone = read(fused, texts[text : text + 1], links[text : text + 1])[0]
        assert torch.allclose(together[text][: len(alone)], alone, atol=1e-5)


def test_filling_counts_nowhere(knowledge, doubtful, own, fuse):
    """Whatever stands where there is no candidate or no mention, the same comes out, bit for bit."""
    fused = fuse(knowledge)
    inputs = fused.prepare(*doubtful)
    given = own(inputs)
    other = given | {"vectors": torch.where(given["valid"].unsqueeze(-1), given["vectors"], 7.0)}
    real = given["valid"].any(-1, keepdim=True)
    other["spans"] = torch.where(real, given["spans"], torch.tensor([2, 5]))
    states = torch.randn(3, inputs.mask.shape[1], 32)
    with torch.inference_mode():
        first, second = (fused.method.changes(one).after[1](states) for one in (given, other))
    assert torch.equal(first, second)


def test_candidates_are_the_likeliest(knowledge, doubtful, fuse):
    index = knowledge.index
    few = fuse(knowledge, candidates=2).prepare(*doubtful)
    assert few.entities[2] == (index("D:2"), index("D:1"))
    assert few.tensors["k_priors"][2, 0].tolist() == pytest.approx([0.9, 0.3])
    all_of_them = fuse(knowledge).prepare(*doubtful)
    assert all_of_them.entities[2] == (index("D:2"), index("D:1"), index("D:4"))
    counts = all_of_them.tensors["k_valid"].sum(-1)
    assert counts.tolist() == [[1, 2, 1], [0, 0, 0], [3, 0, 0]]


@pytest.mark.parametrize("width", [8, 32, 48])
def test_the_way_back_undoes_the_projection(width):
    """Whole where the width allows, else the least of what it may have been."""
    torch.manual_seed(0)
    project, state = nn.Linear(32, width), torch.randn(5, 32)
    back = way_back(project)
    with torch.no_grad():
        again = back(project(state))
        nearest = torch.linalg.lstsq(project.weight, (project(state) - project.bias).T, driver="gelsd")
    assert torch.allclose(again, nearest.solution.T, atol=1e-3)
    assert width < 32 or torch.allclose(again, state, atol=1e-3)


def test_it_starts_with_the_way_back(tiny_encoder, knowledge):
    torch.manual_seed(0)
    method = wrap(tiny_encoder.model, tiny_encoder.tokenizer, knowledge, method="entity_attention").method
    assert torch.equal(method.back.weight, torch.linalg.pinv(method.project.weight))


@pytest.mark.parametrize(("layers", "place"), [(1, 0), (2, 1), (6, 4), (12, 9)])
def test_it_stands_three_quarters_up(knowledge, layers, place, fuse):
    host = dataclasses.replace(fuse(knowledge).host, layers=layers)
    assert EntityAttention(host, knowledge, EntityAttentionSettings()).layer == place
    assert EntityAttention(host, knowledge, EntityAttentionSettings(layer=0)).layer == 0


@pytest.mark.parametrize(
    ("settings", "said"), [({"layer": 2}, "layers 0 to 1, not 2"), ({"heads": 3}, "width, 8; got 3")]
)
def test_what_does_not_fit_is_said(knowledge, settings, said, fuse):
    with pytest.raises(ValueError, match=said):
        fuse(knowledge, **settings)


def test_it_reads_in_bfloat16(knowledge, doubtful, read, fuse):
    """Vectors and priors come as float32, whatever the weights are."""
    exact = read(fuse(knowledge), *doubtful)
    half = read(fuse(knowledge).to(torch.bfloat16), *doubtful)
    assert (
        half.dtype == torch.bfloat16
        and torch.nn.functional.cosine_similarity(half.float().flatten(), exact.flatten(), dim=0) > 0.99
    )
