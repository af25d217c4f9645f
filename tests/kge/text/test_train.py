"""A batch: every question once a pass, every true answer left out, the gradient reaching both readers."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.encoder.load import load_encoder
from loregraft.kge.parts import parts_of
from loregraft.kge.questions import Answers, Questions, Triples
from loregraft.kge.text.readers import Readers
from loregraft.kge.text.settings import TextKgeSettings
from loregraft.kge.text.texts import texts_of
from loregraft.kge.text.train import (
    Lesson,
    draw,
    left_out_of,
    make_step_loss,
    plan_steps,
    readable,
    steps_per_epoch,
)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.integers(2, 70), st.integers(0, 9), st.integers(0, 3))
def test_each_pass_draws_every_question_once(questions, batch, seed, epoch):
    each = steps_per_epoch(questions, batch)
    drawn = [draw(questions, batch, seed, epoch * each + step) for step in range(each)]
    assert sorted(np.concatenate(drawn).tolist()) == list(range(questions))
    sizes = [len(rows) for rows in drawn]
    assert max(sizes) - min(sizes) <= 1 and max(sizes) <= batch


@pytest.mark.parametrize("drop_known", [True, False])
@pytest.mark.parametrize("self_negatives", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_what_is_true_does_not_compete(drop_known, self_negatives, seed):
    generator = np.random.default_rng(seed)
    triples = Triples.of(*(generator.integers(0, size, 40) for size in (6, 2, 6)))
    questions = Questions.of(triples, 2)
    batch = questions.take(generator.permutation(80)[:12])
    chosen = TextKgeSettings(drop_known=drop_known, self_negatives=self_negatives)
    mask = left_out_of(batch, Answers.of(questions, 2), 6, chosen)
    facts = {
        *zip(questions.given.tolist(), questions.sides.tolist(), questions.answers.tolist(), strict=True)
    }
    assert mask.shape == (12, 12 + self_negatives)
    asked = list(zip(batch.given.tolist(), batch.sides.tolist(), batch.answers.tolist(), strict=True))
    for i, (given_, side, answer) in enumerate(asked):
        for j, (_, _, other) in enumerate(asked):
            known = drop_known and (given_, side, other) in facts
            assert mask[i, j] == (i != j and (other == answer or known))
        if self_negatives:
            assert mask[i, 12] == ((given_, side, given_) in facts)


def lesson_of(graph, **changes):
    texts, parts = texts_of(graph), parts_of(graph)
    chosen = TextKgeSettings(batch=16, bf16=False, max_tokens=16, **changes)
    return Lesson(readable(parts.train, texts), texts, parts.entities, chosen)


def test_triples_without_text_are_not_trained_on(words):
    lesson = lesson_of(words)
    silent = words.ids.index("Z:silent")
    assert len(lesson.triples) == len(parts_of(words).train) - 1
    assert silent not in lesson.triples.heads and silent not in lesson.triples.tails


@pytest.mark.parametrize("self_negatives", [True, False])
def test_the_gradient_is_that_of_a_plain_pass_over_the_batch(words, tiny_encoder_folder, self_negatives):
    """Text by text, with no batching, no reading once of what is equal: loss and gradients agree."""
    lesson = lesson_of(words, self_negatives=self_negatives)
    texts, questions = lesson.texts, Questions.of(lesson.triples, 2)
    readers, naive = (Readers(load_encoder(tiny_encoder_folder), 0.05) for _ in range(2))
    losses, tokens = make_step_loss(readers, lesson)(3)
    losses["contrast"].backward()
    batch = questions.take(draw(len(questions), 16, 0, 3))
    rows = range(len(batch))

    def read(encoder, text):
        tokens = encoder.tokenizer([text], return_tensors="pt")
        hidden = encoder.model(**tokens).last_hidden_state[0].mean(0)
        return hidden / hidden.norm()

    asked = [read(naive.questions, texts.question(key)) for key in texts.key(batch).tolist()]
    answers = [read(naive.entities, texts.entities[entity]) for entity in batch.answers.tolist()]
    own = [read(naive.entities, texts.entities[entity]) for entity in batch.given.tolist()]
    mask = left_out_of(batch, Answers.of(questions, 2), lesson.entities, lesson.settings)
    total = torch.zeros(())
    for i in rows:
        right = (asked[i] @ answers[i] - 0.02) / 0.05
        row = [asked[i] @ answers[j] / 0.05 for j in rows if j != i and not mask[i, j]]
        column = [asked[j] @ answers[i] / 0.05 for j in rows if j != i and not mask[j, i]]
        if self_negatives and not mask[i, -1]:
            row.append(asked[i] @ own[i] / 0.05)
        for others in (row, column):
            total = total + torch.logsumexp(torch.stack([right, *others]), 0) - right
    (total / len(batch)).backward()
    assert losses["contrast"].item() == pytest.approx(total.item() / len(batch), rel=1e-5)
    assert tokens > 0
    for (name, one), (_, other) in zip(readers.named_parameters(), naive.named_parameters(), strict=True):
        if "pooler" in name:  # which nobody asks
            assert one.grad is None
        elif name != "log_sharpness":  # above, the temperature is a plain number
            assert one.grad.abs().max() > 0 or "key.bias" in name, name
            assert torch.allclose(one.grad, other.grad, atol=2e-5, rtol=1e-3), name
    assert readers.log_sharpness.grad.abs() > 0


def test_the_readers_start_alike_and_learn_apart(tiny_encoder_folder):
    readers = Readers(load_encoder(tiny_encoder_folder), 0.05)
    assert readers.temperature() == pytest.approx(0.05)
    pairs = list(zip(readers.question_model.parameters(), readers.entity_model.parameters(), strict=True))
    assert all(torch.equal(a, b) and a.data_ptr() != b.data_ptr() for a, b in pairs)
    assert readers.questions.model is readers.question_model
    assert readers.entities.model is readers.entity_model


def test_minutes_end_before_the_epochs_do(words, tiny_encoder_folder):
    readers = Readers(load_encoder(tiny_encoder_folder), 0.05)
    before = [parameter.clone() for parameter in readers.parameters()]
    few, all_ = (plan_steps(readers, lesson_of(words, epochs=10**4, minutes=m)) for m in (1e-9, None))
    assert few == 1 and all_ == 10**4 * 13  # 102 triples, both sides, 16 a step
    assert plan_steps(readers, lesson_of(words, epochs=1, minutes=1e6)) == 13
    assert all(torch.equal(*pair) for pair in zip(before, readers.parameters(), strict=True))
