"""Linked documents: which text comes second, how two become one, and the loss beside one written in loops."""

import math
from collections import Counter

import numpy as np
import pytest
import torch

from loregraft.corpus.corpus import read_corpus
from loregraft.corpus.tokens import NOWHERE, Tokens
from loregraft.errors import BadInput
from loregraft.pretrain.make import word_head
from loregraft.pretrain.objectives.documents import (
    CONTIGUOUS,
    LINKED,
    RANDOM,
    DocumentSettings,
    LinkedDocuments,
    joint,
)
from loregraft.pretrain.objectives.masked import MaskedSettings
from loregraft.pretrain.trunk import Trunk
from loregraft.records import Link, Mention

WORDS = {"measles": "D:1", "fever": "P:1", "flu": "D:2", "asthma": "D:3", "migraine": "P:3", "gene": "G:1"}
TEXTS = [
    ("measles in spring", 0),
    ("a rash is seen", 0),
    ("flu and fever", 1),
    ("no mention here", 1),
    ("fever again", 2),
    ("asthma in autumn", 3),
    ("a gene is read", 4),
    ("nor is one here", 5),
]


def links_of(text: str) -> list[Link]:
    starts = {words: text.find(words) for words in WORDS}
    places = [(words, start, start + len(words)) for words, start in starts.items() if start >= 0]
    return [Link(Mention(start, end, words), WORDS[words], 1.0) for words, start, end in places]


@pytest.fixture
def make(tiny_encoder, knowledge):
    def made(texts=TEXTS, **settings):
        torch.manual_seed(0)
        trunk = Trunk(tiny_encoder)
        words, documents = [text for text, _ in texts], [document for _, document in texts]
        links = [links_of(text) for text in words]
        corpus = read_corpus(words, links, tiny_encoder.tokenizer, knowledge.index, 64, documents)
        head, settings = word_head(trunk), DocumentSettings(**settings)
        return trunk, LinkedDocuments(trunk, corpus, knowledge, settings, head=head)

    return made


def slow_cross_entropy(scores: list[float], target: int) -> float:
    return math.log(sum(math.exp(score) for score in scores)) - scores[target]


@torch.no_grad()
def slow_loss(trunk, objective, items) -> float:
    """Yasunaga et al. 2022: -sum log P(token | h_i) - log P(kind | h_CLS), the former averaged in a pair."""
    total = 0.0
    for item in items:
        hidden = trunk.model(input_ids=torch.tensor([item.masked.ids])).last_hidden_state[0]
        words = 0.0
        for place, target in zip(item.masked.places, item.masked.targets, strict=True):
            scores = objective.head(hidden[place : place + 1], trunk.table)[0].tolist()
            words += slow_cross_entropy(scores, target)
        total += words / len(item.masked.places)
        pooled = []
        weights, biases = objective.pooled.weight.tolist(), objective.pooled.bias.tolist()
        for weight, bias in zip(weights, biases, strict=True):
            pooled.append(
                math.tanh(bias + sum(w * h for w, h in zip(weight, hidden[0].tolist(), strict=True)))
            )
        scores = [
            bias + sum(w * p for w, p in zip(weight, pooled, strict=True))
            for weight, bias in zip(objective.kind.weight.tolist(), objective.kind.bias.tolist(), strict=True)
        ]
        total += slow_cross_entropy(scores, item.kind)
    return total


def test_loss_equals_plain_loops(make):
    trunk, objective = make(share=0.3)
    items = objective.items(0, 0)
    assert len({len(item.masked.places) for item in items}) > 1 and len({item.kind for item in items}) > 1
    loss = objective.loss(trunk, items)
    assert loss.count == len(items)
    assert loss.total.item() == pytest.approx(slow_loss(trunk, objective, items), rel=1e-4)


def test_zero_of_nothing(make):
    trunk, objective = make()
    loss = objective.loss(trunk, [])
    assert loss.count == 0 and loss.total.item() == 0.0


def seconds(objective, first: int, seeds: int = 300) -> Counter[tuple[int, int]]:
    return Counter(objective.second(first, np.random.default_rng(seed)) for seed in range(seeds))


def test_which_text_comes_second(make):
    """Measles shows fever (2, 4), a gene is associated with it (6); other documents' rest is random."""
    _, objective = make()
    found = seconds(objective, 0)
    by_kind = {kind: {text for k, text in found if k == kind} for kind in (CONTIGUOUS, RANDOM, LINKED)}
    assert by_kind == {CONTIGUOUS: {1}, RANDOM: {3, 5, 7}, LINKED: {2, 4, 6}}
    for kind in by_kind:
        assert sum(n for (k, _), n in found.items() if k == kind) / 300 == pytest.approx(1 / 3, abs=0.08)


def test_kinds_that_a_text_has_no_second_of_are_not_drawn(make):
    """The last of a document has no next; one without mentions is linked to none."""
    _, objective = make()
    assert {kind for kind, _ in seconds(objective, 1)} == {RANDOM}
    assert {kind for kind, _ in seconds(objective, 2)} == {CONTIGUOUS, RANDOM, LINKED}
    assert {kind for kind, _ in seconds(objective, 4)} == {RANDOM, LINKED}
    assert {kind for kind, _ in seconds(objective, 3)} == {RANDOM}


def test_linked_by_the_same_entity(make):
    """No triple has migraine and anything of the others."""
    _, objective = make([("migraine", 0), ("migraine again", 1), ("asthma", 2)])
    assert set(seconds(objective, 0)) == {(LINKED, 1), (RANDOM, 2)}


def test_an_entity_that_many_texts_name_does_not_take_all(make):
    """Drawn by entity first: one text with the gene weighs as much as eight with fever."""
    _, objective = make([("measles", 0), ("gene", 1), *[("fever", 2 + number) for number in range(8)]])
    found = seconds(objective, 0)
    assert found[LINKED, 1] / sum(found.values()) == pytest.approx(0.5, abs=0.1)


def test_without_documents_of_two_texts_there_are_two_kinds(make):
    _, objective = make([(text, number) for number, (text, _) in enumerate(TEXTS)])
    kinds = {item.kind for step in range(20) for item in objective.items(0, step)}
    assert kinds == {RANDOM, LINKED}


def test_a_text_is_never_random_where_all_others_are_linked(make):
    _, objective = make([("fever", 0), ("fever", 1), ("flu", 2)])
    assert {kind for kind, _ in seconds(objective, 0, 50)} == {LINKED}


def test_words_of_both_are_hidden(make):
    """About the share; put back, they give the first text, a separator and the second."""
    _, objective = make(share=0.3, kept=0.0, replaced=0.0)
    own = [text.ids[1:-1] for text in objective.corpus.texts]
    halves = Counter()
    for step in range(10):
        for item in objective.items(0, step):
            ids = list(item.masked.ids)
            for place, target in zip(item.masked.places, item.masked.targets, strict=True):
                assert ids[place] == objective.vocabulary.mask
                ids[place] = target
            middle = ids.index(3)
            assert ids[0] == 2 and ids[-1] == 3
            assert ids[1:middle] in own and ids[middle + 1 : -1] in own
            halves.update(place > middle for place in item.masked.places)
            assert 0 < len(item.masked.places) <= max(6, 0.4 * len(ids))
    assert halves[True] > 50 and halves[False] > 50


def tokens(*inner: int) -> Tokens:
    ids = [2, *inner, 3]
    words = [-1, *[place // 2 for place in range(len(inner))], -1]
    return Tokens(ids, [NOWHERE] * len(ids), words=words)


def test_two_texts_are_cut_where_they_do_not_touch():
    """The first loses its beginning, the second its end; words go on counting."""
    first, second = tokens(10, 11, 12, 13, 14, 15), tokens(20, 21, 22, 23, 24, 25)
    whole = joint(first, second, [3], 15)
    assert whole.ids == [2, 10, 11, 12, 13, 14, 15, 3, 20, 21, 22, 23, 24, 25, 3]
    assert whole.words == [-1, 0, 0, 1, 1, 2, 2, -1, 3, 3, 4, 4, 5, 5, -1]
    cut = joint(first, second, [3], 11)
    assert cut.ids == [2, 12, 13, 14, 15, 3, 20, 21, 22, 23, 3]
    assert joint(first, tokens(20, 21), [3], 11).ids == [2, *range(10, 16), 3, 20, 21, 3]
    assert joint(tokens(10), second, [], 8).ids == [2, 10, 20, 21, 22, 23, 24, 3]


def test_no_context_is_longer_than_allowed(make):
    _, objective = make([(" ".join(["fever"] * 40), number) for number in range(3)], max_tokens=30)
    assert {item.tokens for item in objective.items(0, 0)} == {30}


def test_what_the_encoder_cannot_read_is_cut_too(make):
    """The tiny encoder has 160 positions."""
    _, objective = make([(" ".join(["fever"] * 300), number) for number in range(2)], max_tokens=1000)
    assert objective.longest == 160


def test_texts_of_one_document_are_refused(make):
    with pytest.raises(BadInput, match="all 2 texts are of one document"):
        make([("fever", 0), ("flu", 0)])


@pytest.mark.parametrize("kind", [DocumentSettings, MaskedSettings])
def test_shares_of_hidden_words_are_no_more_than_all(kind):
    with pytest.raises(ValueError, match=r"kept=0.4 and replaced=0.7 are shares of the same whole"):
        kind(kept=0.4, replaced=0.7)
