"""The linker inside the entity attention: the weights of candidates, its loss, and its logits."""

import copy
import math
import threading

import pytest
import torch

from loregraft.fusion.entity_attention import linker_loss, weights_of
from loregraft.fusion.wrap import wrap


@pytest.fixture
def fused(tiny_encoder, knowledge):
    torch.manual_seed(0)
    return wrap(tiny_encoder.model, tiny_encoder.tokenizer, knowledge, method="entity_attention").eval()


def test_weights_of_candidates_by_hand():
    """Choices are NULL and two candidates; of the second mention the last one is none."""
    logits = torch.tensor([[[1.0, 2.0, 3.0], [1.0, 2.0, -1e4]]])
    valid = torch.tensor([[[True, True], [True, False]]])
    e = math.e
    soft = [[1 / (1 + e + e**2), e / (1 + e + e**2), e**2 / (1 + e + e**2)], [1 / (1 + e), e / (1 + e), 0]]
    for threshold, expected in (
        (None, soft),
        (1.5, [[0, 1 / (1 + e), e / (1 + e)], [0, 1, 0]]),
        (2.5, [[0, 0, 1], [1, 0, 0]]),
        (9.0, [[1, 0, 0], [1, 0, 0]]),
        (-1e5, [[0, 1 / (1 + e), e / (1 + e)], [0, 1, 0]]),
    ):
        assert torch.allclose(
            weights_of(logits, valid, threshold)[0], torch.tensor(expected, dtype=torch.float)
        )


def test_the_loss_by_hand():
    logits = torch.tensor([[[0.0, 1.0], [2.0, 0.0]]], requires_grad=True)
    e = math.e
    both = linker_loss(logits, torch.tensor([[1, 1]]))
    assert both.item() == pytest.approx((math.log((1 + e) / e) + math.log(1 + e**2)) / 2)
    one = linker_loss(logits, torch.tensor([[0, -100]]))
    assert one.item() == pytest.approx(math.log(1 + e))
    none = linker_loss(logits, torch.tensor([[-100, -100]]))
    none.backward()
    assert none.item() == 0 and torch.equal(logits.grad, torch.zeros_like(logits))


def test_the_linker_learns_from_the_loss_while_the_gate_is_closed(fused, doubtful, read):
    """Told which of the candidates is right, it says so after some steps; the output stays the bare one."""
    texts, links = doubtful
    before, gold = read(fused, texts, links), torch.tensor([[1, 2, 1], [-100] * 3, [3, -100, -100]])
    optimizer = torch.optim.Adam(fused.method.parameters(), 1e-2)
    tensors, losses = fused.prepare(texts, links).tensors, []
    for _ in range(60):
        fused(**tensors)
        loss = linker_loss(fused.method.last_logits(), gold)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.2 * losses[0]
    assert torch.equal(fused.method.last_logits()[gold != -100].argmax(-1), gold[gold != -100])
    assert torch.equal(read(fused, texts, links), before)


def test_the_last_logits_are_of_this_method_and_this_thread(fused, doubtful, read):
    fused(**fused.prepare(*doubtful).tensors)
    own, seen = fused.method.last_logits(), []
    thread = threading.Thread(target=lambda: seen.append(fused.method.last_logits()))
    thread.start()
    thread.join()
    copied = copy.deepcopy(fused)  # a graph of gradients on the module could not be copied
    assert own.requires_grad and seen == [None] and copied.method.last_logits() is None
    read(copied, *doubtful)
    assert torch.allclose(copied.method.last_logits(), own) and fused.method.last_logits() is None
