"""Sentiment: the promises of every objective over two families, parts against plain loops, and zero."""

import math
from collections import Counter

import numpy as np
import pytest
import torch

from loregraft.corpus.corpus import read_corpus
from loregraft.encoder.load import load_encoder
from loregraft.errors import BadInput
from loregraft.fusion.knowledge import Knowledge
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.readers.lexicon import read_lexicon
from loregraft.kg.tables.columns import Columns
from loregraft.pretrain.make import make_objective
from loregraft.pretrain.objectives.sentiment import (
    UNTOLD,
    SentimentSettings,
    mean_of_each,
    pair_loss,
    said_in,
)
from loregraft.pretrain.trunk import Trunk
from loregraft.records import Link, Mention

POLARITIES = {"worse": -2.5, "contagious": -1, "long": 0, "enough": 1.9}
ASPECTS = ("light", "airways", "skin")
TEXTS = [
    "light makes it worse",
    "a contagious disease of the airways",
    "enough air in the airways and enough light",
    "the skin is long",
    "the skin and the light that spreads over the body and makes the pain worse",
]


@pytest.fixture(params=["bert", "albert"])
def trunk(request, family_folders):
    return Trunk(load_encoder(family_folders[request.param]))


@pytest.fixture
def lexicon(tmp_path):
    """A lexicon as it is read, and the aspects that its words are about."""
    path = tmp_path / "lexicon.tsv"
    path.write_text("".join(f"{word}\t{value}\n" for word, value in POLARITIES.items()), encoding="utf-8")
    things = Columns("names", {"entity": list(ASPECTS), "name": list(ASPECTS)})
    return Knowledge(KnowledgeGraph.gather([*read_lexicon(path), things]))


def corpus_of(trunk, lexicon, texts=TEXTS):
    links = []
    for text in texts:
        found = [(text.index(word), word) for word in (*POLARITIES, *ASPECTS) if word in text]
        links.append([Link(Mention(at, at + len(word), word), word, 1.0) for at, word in found])
    return read_corpus(texts, links, trunk.encoder.tokenizer, lexicon.index, 64)


def made(trunk, lexicon, texts=TEXTS, **chosen):
    torch.manual_seed(0)
    settings = SentimentSettings(**chosen)
    return make_objective("sentiment", trunk, corpus_of(trunk, lexicon, texts), lexicon, settings)


STYLES = pytest.mark.parametrize("style", ["skep", "sentilare"])


@STYLES
def test_items_depend_on_seed_and_step_alone(style, trunk, lexicon):
    objective = made(trunk, lexicon, style=style)
    later = [objective.items(0, step) for step in (5, 0, 3)]
    assert repr(later) == repr([objective.items(0, step) for step in (5, 0, 3)])
    assert repr(objective.items(0, 0)) != repr(objective.items(1, 0))
    assert all(item.tokens == len(item.masked.ids) for item in later[0])


@STYLES
def test_the_gradient_reaches_everything(style, trunk, lexicon):
    objective = made(trunk, lexicon, style=style)
    sum(objective.loss(trunk, objective.items(0, step)).mean for step in range(6)).backward()
    own = dict(objective.named_parameters())
    assert ("pair_head.bias" in own) == (style == "skep") and "polarity_head.weight" in own
    assert not [name for name, value in own.items() if value.grad is None or not (value.grad != 0).any()]
    assert any(value.grad is not None and (value.grad != 0).any() for value in trunk.model.parameters())


@STYLES
def test_a_few_steps_make_it_smaller(style, trunk, lexicon):
    objective = made(trunk, lexicon, style=style)
    items = objective.items(0, 0)
    optimizer = torch.optim.Adam([*trunk.parameters(), *objective.parameters()], lr=3e-3)
    losses = []
    for _ in range(12):
        loss = objective.loss(trunk, items).mean
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < 0.9 * losses[0]


@STYLES
@torch.no_grad()
def test_shares_of_the_items_add_up(style, trunk, lexicon):
    objective = made(trunk, lexicon, style=style)
    items = objective.items(0, 1)
    whole, halves = objective.loss(trunk, items), [objective.loss(trunk, items[rank::2]) for rank in (0, 1)]
    assert sum(half.count for half in halves) == whole.count == 5
    assert float(sum(half.total for half in halves)) == pytest.approx(whole.total.item(), rel=1e-4)


@STYLES
@torch.no_grad()
def test_the_loss_is_the_sum_of_the_parts(style, trunk, lexicon):
    """Text by text and token by token: words, polarity, and pairs from the first token."""
    objective = made(trunk, lexicon, style=style, polarity=0.5, pair=0.25)
    items, expected = objective.items(0, 2), 0.0
    for item in items:
        hidden, count = trunk.read([item.masked.ids]), len(item.masked.places)
        asked = sum(kind != UNTOLD for kind in item.polarity)
        rows = zip(item.masked.places, item.masked.targets, item.polarity, strict=True)
        for place, target, kind in rows:
            words = objective.head(hidden[place : place + 1], trunk.table)[0].log_softmax(0)
            expected -= float(words[target]) / count
            if kind != UNTOLD:
                expected -= 0.5 * float(objective.polarity_head(hidden[place]).log_softmax(0)[kind]) / asked
        if item.pairs:
            expected += 0.25 * plain_pairs(objective.pair_head(hidden[:1], trunk.table)[0], item.pairs)
    assert any(item.pairs for item in items) == (style == "skep")
    assert objective.loss(trunk, items).total.item() == pytest.approx(expected, rel=1e-4)


def plain_pairs(logits, pairs):
    """One word of the vocabulary after another."""
    chance = [1 / (1 + math.exp(-float(logit))) for logit in logits]
    right = [sum(-math.log(chance[token]) for token in pair) / len(pair) for pair in pairs]
    others = [-math.log(1 - chance[t]) for t in range(len(chance)) if not any(t in pair for pair in pairs)]
    return sum(right) / len(pairs) + sum(others) / len(others)


@torch.no_grad()
def test_pairs_of_a_text_are_averaged_once(trunk, lexicon):
    """Two pairs weigh as much as one: the mean over them is taken in `pair_loss`, and not again."""
    objective = made(trunk, lexicon, ["light makes it worse and the skin is long"], polarity=0.0)
    (item,) = objective.items(0, 0)
    assert len(item.pairs) == 2
    hidden = trunk.read([item.masked.ids])
    logits = objective.head(hidden[torch.tensor(item.masked.places)], trunk.table).log_softmax(-1)
    words = -logits[torch.arange(len(logits)), torch.tensor(item.masked.targets)].mean()
    expected = float(words) + plain_pairs(objective.pair_head(hidden[:1], trunk.table)[0], item.pairs)
    assert objective.loss(trunk, [item]).total.item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_polarity_that_is_no_number_is_none(value, trunk, lexicon):
    odd = Columns("attributes", {"entity": ["skin"], "property": ["polarity"], "value": [value]})
    names = Columns("names", {"entity": list(ASPECTS), "name": list(ASPECTS)})
    worse = Columns("attributes", {"entity": ["light"], "property": ["polarity"], "value": ["-1"]})
    objective = made(trunk, Knowledge(KnowledgeGraph.gather([odd, names, worse])), ["the skin in the light"])
    (_, said) = objective.texts[0]
    assert list(said.words.values()) == [0] and len(said.pairs) == 1


def test_parts_are_zero_where_all_is_sure():
    logits = torch.full((6,), -200.0)
    logits[[1, 4]] = 200.0
    assert pair_loss(logits, [[1, 4]]).item() == 0
    assert pair_loss(-logits, [[1, 4]]).item() == pytest.approx(400)
    sure = torch.tensor([[200.0, 0, 0]])
    owners = torch.tensor([0])
    assert mean_of_each(sure, torch.tensor([0]), owners).item() == 0
    assert mean_of_each(sure, torch.tensor([UNTOLD]), owners).item() == 0


def test_no_items_are_zero(trunk, lexicon):
    loss = made(trunk, lexicon).loss(trunk, [])
    assert loss.count == 0 and loss.total.item() == 0


def words_at(trunk, text, units):
    return [trunk.encoder.tokenizer.decode(text.ids[slice(*unit)]) for unit in units]


def test_a_pair_is_a_sentiment_word_and_the_nearest_aspect_within_three_words(trunk, lexicon):
    objective = made(trunk, lexicon)
    told = {}
    for text, said in objective.texts:
        key = trunk.encoder.tokenizer.decode(text.ids[1:-1])
        told[key] = [tuple(words_at(trunk, text, pair)) for pair in said.pairs]
    assert told == {
        "light makes it worse": [("light", "worse")],
        "a contagious disease of the airways": [("airways", "contagious")],
        "enough air in the airways and enough light": [("airways", "enough")],
        "the skin is long": [("skin", "long")],
        TEXTS[4]: [],
    }
    text = objective.texts[0][0]  # two words lie between light and worse
    kinds = {lexicon.index("worse"): 0}
    assert said_in(text, kinds, 2).pairs and not said_in(text, kinds, 1).pairs


def test_skep_hides_pairs_then_sentiment_words_then_others(trunk, lexicon):
    """A pair is hidden even beyond the budget; polarities are asked of the lexicon's words."""
    objective = made(trunk, lexicon, share=0.15)
    for step in range(5):
        for item in objective.items(0, step):
            text, said = next(one for one in objective.texts if len(one[0].ids) == len(item.masked.ids))
            hidden = dict(zip(item.masked.places, item.polarity, strict=True))
            for unit, kind in said.words.items():
                assert [hidden[place] for place in range(*unit)] == [kind] * (unit[1] - unit[0])
            inside = {place for unit in said.words for place in range(*unit)}
            assert all(kind == UNTOLD for place, kind in hidden.items() if place not in inside)
            whole = [[t for unit in pair for t in text.ids[slice(*unit)]] for pair in said.pairs]
            assert item.pairs == whole
            for pair in said.pairs:
                assert {place for unit in pair for place in range(*unit)} <= set(hidden)
    classes = {
        words_at(trunk, t, [u])[0]: kind for t, said in objective.texts for u, kind in said.words.items()
    }
    assert classes == {"worse": 0, "contagious": 0, "long": 1, "enough": 2}


def test_skep_fills_up_with_other_words(trunk, lexicon):
    objective = made(trunk, lexicon, share=0.5, pairs=0)
    assert not objective.paired
    for item in objective.items(0, 0):
        words = len(item.masked.ids) - 2
        assert 0.25 * words <= len(item.masked.places) <= 0.5 * words + 1


def test_sentilare_hides_sentiment_words_twice_as_often_and_asks_for_all(trunk, lexicon):
    objective = made(trunk, lexicon, style="sentilare", share=0.3, texts=TEXTS[4:])
    (text, said), told = objective.texts[0], Counter()
    inside = {place for unit in said.words for place in range(*unit)}
    for step in range(600):
        item = objective.items(0, step)[0]
        assert not item.pairs
        for place, kind in zip(item.masked.places, item.polarity, strict=True):
            told["word" if place in inside else "other"] += 1
            assert kind == (0 if place in inside else 1)
    others = len(text.ids) - 2 - len(inside)
    shares = np.array([told["word"] / len(inside), told["other"] / others]) / 600
    assert shares == pytest.approx([0.6, 0.3], abs=0.06)


def test_texts_without_sentiment_are_left_out(trunk, lexicon):
    assert made(trunk, lexicon, ["the skin", "light makes it worse"]).size == 1


def test_a_graph_without_polarities_is_refused(trunk, lexicon):
    with pytest.raises(
        BadInput, match="none of the 2 entities that the texts mention has a polarity"
    ) as told:
        made(trunk, lexicon, ["the skin and the light"])
    assert "Import a lexicon" in str(told.value)
