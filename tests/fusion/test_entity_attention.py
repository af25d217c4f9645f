"""KnowBERT's attention to entities: the formula against plain loops, the linker, and what must not matter."""

import dataclasses
import math

import pytest
import torch
from torch import nn

from loregraft.fusion.entity_attention import (
    EntityAttention,
    EntityAttentionSettings,
    way_back,
)
from loregraft.fusion.inputs import tokens_of
from loregraft.fusion.method import Gate
from loregraft.fusion.wrap import wrap
from loregraft.records import Link


def fuse(encoder, knowledge, **settings):
    """Around the tiny BERT, in evaluation mode, with all weights random and gates open."""
    torch.manual_seed(0)
    given = EntityAttentionSettings(**settings)
    fused = wrap(
        encoder.model, encoder.tokenizer, knowledge, method="entity_attention", settings=given
    ).eval()
    with torch.no_grad():
        for value in fused.method.parameters():
            value.normal_(std=0.4)
        for module in fused.method.modules():
            if isinstance(module, Gate):
                module.value.fill_(1.0)
    return fused


@pytest.fixture
def doubtful(linked_texts):
    """The linked texts; two mentions may mean several entities; the priors of one are more than 1."""
    texts, links = linked_texts
    rash, flu = links[0][1].mention, links[2][0].mention
    more = [Link(rash, "P:1", 0.05), Link(flu, "D:1", 0.3), Link(flu, "D:4", 0.02)]
    return texts, [[*links[0], more[0]], links[1], [*links[2], *more[1:]]]


def without_prefix(inputs):
    return {name[2:]: value for name, value in inputs.tensors.items() if name.startswith("k_")}


def read(fused, texts, links):
    with torch.inference_mode():
        return fused(**fused.prepare(texts, links).tensors).last_hidden_state


@torch.no_grad()
@pytest.mark.parametrize(
    "settings", [{"heads": 2}, {"width": 12, "threshold": -0.3}, {"width": 12, "candidates": 2}]
)
def test_it_is_the_papers_formula(tiny_encoder, knowledge, doubtful, settings):
    fused = fuse(tiny_encoder, knowledge, **settings)
    inputs = fused.prepare(*doubtful)
    states = torch.randn(3, inputs.mask.shape[1], 32)
    after = fused.method.changes(without_prefix(inputs)).after[1](states)
    logits = fused.method.last_logits()
    for text, one in enumerate(tokens_of(fused.tokenizer, *doubtful, knowledge.index, 160)):
        if not one.spans:
            assert torch.equal(after[text], states[text])
            continue
        new, scores = slow(fused.method, list(states[text]), one.spans, knowledge)
        assert torch.allclose(after[text], torch.stack(new), atol=1e-5)
        for mention, said in enumerate(scores):
            assert torch.allclose(logits[text, mention, : len(said)], torch.tensor(said), atol=1e-5)
            assert (logits[text, mention, len(said) :] == -1e4).all()


def slow(method, states, spans, knowledge):
    """Section 3.3, token by token and mention by mention."""
    projected = [linear(method.project, state) for state in states]
    pooled = []
    for span in spans:
        rows = projected[span.first : span.last]
        weights = softmax([float(method.pool.weight[0] @ row) for row in rows])
        pooled.append(norm(method.pooled_norm, mixed(weights, rows)))
    mentions = transform(method.spans, pooled)
    enhanced, scores = [], []
    for span, mention in zip(spans, mentions, strict=True):
        logits, choices = link(method, mention, span, knowledge)
        weights, threshold = softmax(logits), method.settings.threshold
        if threshold is not None:
            above = [number for number, logit in enumerate(logits) if number and logit >= threshold] or [0]
            weights = softmax([logits[number] for number in above])
            choices = [choices[number] for number in above]
        enhanced.append(norm(method.linked_norm, mention + mixed(weights, choices)))
        scores.append(logits)
    new = []
    for state, row in zip(states, projected, strict=True):
        row = norm(method.attended_norm, row + attend(method.attention, row, enhanced))
        inner = linear(method.inner[2], gelu(linear(method.inner[0], row)))
        row = norm(method.inner_norm, row + inner)
        new.append(norm(method.norm, state + linear(method.back, row)))
    return new, scores


def link(method, mention, span, knowledge):
    """The logit and the vector of NULL and of each candidate."""
    most = method.settings.candidates
    vectors = [torch.from_numpy(knowledge.entity_vectors[entity]) for entity in span.entities[:most]]
    if isinstance(method.entity, nn.Linear):
        vectors = [method.entity.weight @ vector for vector in vectors]
    choices = [norm(method.entity_norm, vector) for vector in [method.null, *vectors]]
    priors = [max(0.0, 1 - sum(span.priors[:most])), *span.priors[:most]]
    logits = []
    for vector, prior in zip(choices, priors, strict=True):
        fit = float(mention @ vector) / math.sqrt(len(vector))
        inner = linear(method.linker[0], torch.tensor([fit, prior])).clamp(min=0)
        logits.append(float(method.linker[2].weight[0] @ inner))
    return logits, choices


def transform(layer, rows):
    """One transformer layer, norms behind."""
    out = []
    for row in rows:
        row = norm(layer.norm1, row + attend(layer.self_attn, row, rows))
        out.append(norm(layer.norm2, row + linear(layer.linear2, gelu(linear(layer.linear1, row)))))
    return out


def attend(module, row, rows):
    """Let one row attend to others, head by head."""
    width = module.head_dim
    weights, biases = module.in_proj_weight.chunk(3), module.in_proj_bias.chunk(3)
    heads = []
    for head in range(module.num_heads):
        part = slice(head * width, (head + 1) * width)
        (query,), keys, values = (
            [weight[part] @ one + bias[part] for one in asked]
            for weight, bias, asked in zip(weights, biases, ([row], rows, rows), strict=True)
        )
        heads.append(mixed(softmax([float(query @ key) / math.sqrt(width) for key in keys]), values))
    return linear(module.out_proj, torch.cat(heads))


def linear(module, row):
    return module.weight @ row + module.bias


def gelu(row):
    return torch.stack([x * (1 + math.erf(x / math.sqrt(2))) / 2 for x in row])


def softmax(logits):
    total = sum(math.exp(logit) for logit in logits)
    return [math.exp(logit) / total for logit in logits]


def mixed(weights, rows):
    return sum(weight * row for weight, row in zip(weights, rows, strict=True))


def norm(module, row):
    spread = ((row - row.mean()) ** 2).mean()
    return (row - row.mean()) / (spread + module.eps).sqrt() * module.weight + module.bias


def test_what_else_is_in_the_batch_does_not_matter(tiny_encoder, knowledge, doubtful):
    """Neither padding of tokens nor of mentions nor of candidates."""
    texts, links = doubtful
    fused = fuse(tiny_encoder, knowledge)
    together = read(fused, texts, links)
    for text in (0, 2):
        alone = read(fused, texts[text : text + 1], links[text : text + 1])[0]
        assert torch.allclose(together[text][: len(alone)], alone, atol=1e-5)


def test_filling_counts_nowhere(tiny_encoder, knowledge, doubtful):
    """Whatever stands where there is no candidate or no mention, the same comes out, bit for bit."""
    fused = fuse(tiny_encoder, knowledge)
    inputs = fused.prepare(*doubtful)
    given = without_prefix(inputs)
    other = given | {"vectors": torch.where(given["valid"].unsqueeze(-1), given["vectors"], 7.0)}
    real = given["valid"].any(-1, keepdim=True)
    other["spans"] = torch.where(real, given["spans"], torch.tensor([2, 5]))
    states = torch.randn(3, inputs.mask.shape[1], 32)
    with torch.inference_mode():
        first, second = (fused.method.changes(one).after[1](states) for one in (given, other))
    assert torch.equal(first, second)


def test_candidates_are_the_likeliest(tiny_encoder, knowledge, doubtful):
    index = knowledge.index
    few = fuse(tiny_encoder, knowledge, candidates=2).prepare(*doubtful)
    assert few.entities[2] == (index("D:2"), index("D:1"))
    assert few.tensors["k_priors"][2, 0].tolist() == pytest.approx([0.9, 0.3])
    all_of_them = fuse(tiny_encoder, knowledge).prepare(*doubtful)
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
def test_it_stands_three_quarters_up(tiny_encoder, knowledge, layers, place):
    host = dataclasses.replace(fuse(tiny_encoder, knowledge).host, layers=layers)
    assert EntityAttention(host, knowledge, EntityAttentionSettings()).layer == place
    assert EntityAttention(host, knowledge, EntityAttentionSettings(layer=0)).layer == 0


@pytest.mark.parametrize(
    ("settings", "said"), [({"layer": 2}, "layers 0 to 1, not 2"), ({"heads": 3}, "width, 8; got 3")]
)
def test_what_does_not_fit_is_said(tiny_encoder, knowledge, settings, said):
    with pytest.raises(ValueError, match=said):
        fuse(tiny_encoder, knowledge, **settings)
