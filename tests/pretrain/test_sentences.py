"""Continuation for sentence encoders: against plain loops, and what is dropped of a text."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from loregraft.corpus.corpus import read_corpus
from loregraft.corpus.mask import words_of
from loregraft.encoder.encode import embed
from loregraft.encoder.load import load_encoder
from loregraft.pretrain.make import make_objective
from loregraft.pretrain.objectives.sentences import (
    Decoder,
    SimcseItem,
    SimcseSettings,
    TsdaeSettings,
    has_dropout,
    nothing,
    pooled,
    without_words,
)
from loregraft.pretrain.trunk import Trunk

TEXTS = ["A viral disease of the airways", "Pain felt in the head", "Asthma", "A change of the skin"]


def corpus_of(trunk, texts=TEXTS):
    return read_corpus(texts, [[] for _ in texts], trunk.encoder.tokenizer, lambda id: None, 64)


def made(name, trunk, knowledge, chosen=None, texts=TEXTS):
    torch.manual_seed(0)
    return make_objective(name, trunk, corpus_of(trunk, texts), knowledge, chosen)


@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_pooled_is_how_the_encoder_makes_a_vector(pooling, trunk):
    object.__setattr__(trunk.encoder, "pooling", pooling)
    tokens = trunk.encoder.tokenize(TEXTS, 64)
    with torch.no_grad():
        own = F.normalize(pooled(trunk, [tokens.text(place).tolist() for place in range(4)]), dim=-1)
        assert torch.allclose(own, embed(trunk.encoder, tokens, np.arange(4)), atol=1e-5)


def test_no_texts_have_no_vectors_and_nothing_has_a_gradient(trunk):
    assert pooled(trunk, []).shape == (0, trunk.hidden)
    nothing(trunk).backward()
    assert nothing(trunk).item() == 0.0


def test_simcse_is_the_loop_of_the_paper(trunk, knowledge):
    """Equation 4: -log of exp(sim(h_i, h_i+) / t) over the sum over j of exp(sim(h_i, h_j+) / t)."""
    objective = made("simcse", trunk, knowledge)
    items, temperature, expected = objective.items(0, 0), objective.settings.temperature, 0.0
    with torch.no_grad():
        first, second = (
            F.normalize(pooled(trunk, views), dim=-1)
            for views in ([i.first for i in items], [i.second for i in items])
        )
        for i in range(len(items)):
            shares = [math.exp(float(first[i] @ other) / temperature) for other in second]
            expected -= math.log(shares[i] / sum(shares))
        loss = objective.loss(trunk, items)
    assert loss.count == len(items) == 4
    assert loss.total.item() == pytest.approx(expected, rel=1e-4)


def test_equal_texts_of_a_batch_do_not_compete(trunk, knowledge):
    objective = made("simcse", trunk, knowledge, texts=["asthma", "asthma"])
    assert objective.loss(trunk, objective.items(0, 0)).total.item() == 0
    objective = made("simcse", trunk, knowledge, texts=["asthma", "fever"])
    assert objective.loss(trunk, objective.items(0, 0)).total.item() > 0


def test_the_views_are_read_where_there_is_no_dropout_and_the_text_where_there_is(trunk, knowledge):
    objective = made("simcse", trunk, knowledge)
    text, other = ([2, token, 3] for token in (10, 20))
    items = [SimcseItem(text, other, other), SimcseItem(other, text, text)]
    swapped = [SimcseItem(other, other, other), SimcseItem(text, text, text)]
    assert not has_dropout(trunk.model)
    with torch.no_grad():
        quiet = [objective.loss(trunk, one).total.item() for one in (items, swapped)]
    assert quiet[0] == quiet[1]  # the texts are not read
    trunk.model.train()
    assert has_dropout(trunk.model)
    asked = []
    trunk.read = lambda texts: (asked.extend(texts), torch.randn(sum(map(len, texts)), 32))[1]
    objective.loss(trunk, items)
    assert asked == [text, other, text, other]


def test_words_go_whole_by_chance_and_one_stays(trunk):
    text = corpus_of(trunk, ["bronchial asthma of unknownish kinds, long-lasting"]).texts[0]
    words = [tuple(text.ids[slice(*word)]) for word in words_of(text)]
    generator, sizes = np.random.default_rng(0), []
    for _ in range(200):
        rest = without_words(text, 0.6, generator)
        assert (rest[0], rest[-1]) == (text.ids[0], text.ids[-1])
        inner, left = rest[1:-1], 0
        for word in words:
            if tuple(inner[: len(word)]) == word:
                inner, left = inner[len(word) :], left + 1
        assert not inner and left >= 1
        sizes.append(left)
    assert np.mean(sizes) == pytest.approx(0.4 * len(words), rel=0.1)
    assert len(without_words(text, 0.999999, generator)) > 2
    assert without_words(text, 0.0, generator) == text.ids


def plain_decoder(decoder, words, vector):
    """One text, word by word and head by head."""
    rows = [decoder.enter(word) + decoder.positions[place] for place, word in enumerate(words)]
    size = len(vector) // decoder.heads
    parts = [decoder.attention(row).view(3, decoder.heads, size) for row in rows]
    told = []
    for place, row in enumerate(rows):
        seen = []
        for head in range(decoder.heads):
            asked = parts[place][0, head]
            weights = [math.exp(float(asked @ parts[j][1, head]) / math.sqrt(size)) for j in range(place + 1)]
            values = [w / sum(weights) * parts[j][2, head] for j, w in enumerate(weights)]
            seen.append(sum(values))
        one = decoder.norms[0](row + decoder.attended(torch.cat(seen)))
        one = decoder.norms[1](one + decoder.memory(vector))
        told.append(decoder.norms[2](one + decoder.narrow(F.gelu(decoder.wide(one)))))
    return torch.stack(told)


@pytest.mark.parametrize(("hidden", "heads"), [(32, 1), (128, 2), (200, 2)])
def test_the_decoder_is_the_plain_loop(hidden, heads):
    torch.manual_seed(0)
    decoder = Decoder(hidden, 16, 9)
    assert decoder.heads == heads
    words, vectors = torch.randn(2, 5, 16), torch.randn(2, hidden)
    with torch.no_grad():
        for text in range(2):
            expected = plain_decoder(decoder, words[text], vectors[text])
            assert torch.allclose(decoder(words, vectors)[text], expected, atol=1e-4)


def test_no_word_sees_those_after_it():
    decoder, words, vector = Decoder(32, 16, 9), torch.randn(1, 5, 16), torch.randn(1, 32)
    changed = words.clone()
    changed[0, 3] += 1
    before, after = decoder(words, vector)[0], decoder(changed, vector)[0]
    assert torch.equal(before[:3], after[:3]) and not torch.allclose(before[3:], after[3:])


def test_tsdae_is_the_loop_of_the_paper(trunk, knowledge):
    """Equations 1 and 2: the sum over tokens of -log P(token | those before it, what is left)."""
    objective = made("tsdae", trunk, knowledge)
    items = objective.items(0, 0)
    assert sorted(map(len, (item.text for item in items)))[0] < max(len(item.text) for item in items)
    expected, count = 0.0, 0
    with torch.no_grad():
        for item in items:
            vector = trunk.read([item.left]).mean(0)
            states = plain_decoder(objective.decoder, trunk.table[torch.tensor(item.text[:-1])], vector)
            chances = objective.head(states, trunk.table).log_softmax(-1)
            for place, token in enumerate(item.text[1:]):
                expected -= float(chances[place, token])
                count += 1
        loss = objective.loss(trunk, items)
    assert loss.count == count
    assert loss.total.item() == pytest.approx(expected, rel=1e-4)


def test_tsdae_deletes_as_many_words_as_it_is_told(trunk, knowledge):
    objective = made("tsdae", trunk, knowledge, TsdaeSettings(deleted=0.01))
    assert all(item.left == item.text for item in objective.items(0, 0))
    objective = made("tsdae", trunk, knowledge, TsdaeSettings(deleted=0.99))
    assert all(len(words) == 1 for words in map(whole_words(trunk), objective.items(0, 0)))


def whole_words(trunk):
    def count(item):
        return trunk.encoder.tokenizer.decode(item.left[1:-1]).split()

    return count


@pytest.mark.parametrize("name", ["simcse", "tsdae"])
def test_nothing_is_zero_and_a_resting_encoder_can_be_trained_around(name, trunk, knowledge):
    objective = made(name, trunk, knowledge)
    assert objective.loss(trunk, []).total.item() == 0
    trunk.frozen = True
    objective.loss(trunk, objective.items(0, 0)).total.backward()
    gradients = [value.grad for value in trunk.model.parameters() if value.grad is not None]
    if name == "simcse":  # TSDAE's decoder reads the word embeddings
        assert not any((gradient != 0).any() for gradient in gradients)


def test_texts_alone_in_a_batch_are_refused():
    with pytest.raises(ValueError, match="greater than or equal to 2"):
        SimcseSettings(batch=1)


def test_narrow_word_embeddings(family_folders, knowledge):
    trunk = Trunk(load_encoder(family_folders["albert"]))
    objective = made("tsdae", trunk, knowledge)
    assert objective.decoder.enter.in_features == 16
    assert torch.isfinite(objective.loss(trunk, objective.items(0, 0)).total)
