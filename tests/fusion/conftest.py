"""What tests of methods share: a method with open gates, texts in doubt, and layers in plain loops."""

import math
from types import SimpleNamespace

import pytest
import torch

from loregraft.fusion.method import Gate
from loregraft.fusion.wrap import METHODS, wrap
from loregraft.records import Link


@pytest.fixture
def opened(tiny_encoder):
    """`opened(method, knowledge, **settings)`: the tiny BERT in evaluation, weights random, gates open."""

    def made(method, knowledge, **settings):
        torch.manual_seed(0)
        given = METHODS[method][0](**settings)
        model, tokenizer = tiny_encoder.model, tiny_encoder.tokenizer
        fused = wrap(model, tokenizer, knowledge, method=method, settings=given).eval()
        with torch.no_grad():
            for value in fused.method.parameters():
                value.normal_(std=0.4)
            for module in fused.method.modules():
                if isinstance(module, Gate):
                    module.value.fill_(1.0)
        return fused

    return made


@pytest.fixture
def own():
    """`own(inputs)`: a method's own tensors, by the names that `changes` takes."""
    return lambda inputs: {name[2:]: value for name, value in inputs.tensors.items() if name.startswith("k_")}


@pytest.fixture
def read():
    """`read(fused, texts, links)`: the last hidden states."""

    def states(fused, texts, links):
        with torch.inference_mode():
            return fused(**fused.prepare(texts, links).tensors).last_hidden_state

    return states


@pytest.fixture
def doubtful(linked_texts):
    """The linked texts; two mentions may mean several entities; the priors of one are more than 1."""
    texts, links = linked_texts
    rash, flu = links[0][1].mention, links[2][0].mention
    more = [Link(rash, "P:1", 0.05), Link(flu, "D:1", 0.3), Link(flu, "D:4", 0.02)]
    return texts, [[*links[0], more[0]], links[1], [*links[2], *more[1:]]]


@pytest.fixture
def plain():
    """Layers of torch in plain loops over rows, which are single vectors."""
    parts = (linear, gelu, softmax, mixed, norm, attend, transform)
    return SimpleNamespace(**{part.__name__: part for part in parts})


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


def transform(layer, rows):
    """One transformer layer, norms behind."""
    out = []
    for row in rows:
        row = norm(layer.norm1, row + attend(layer.self_attn, row, rows))
        out.append(norm(layer.norm2, row + linear(layer.linear2, gelu(linear(layer.linear1, row)))))
    return out
