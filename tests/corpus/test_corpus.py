"""Linked texts in windows: nothing is lost, and what is not used is counted."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.corpus.corpus import read_corpus
from loregraft.errors import BadInput
from loregraft.records import Link, Mention

INDEX = {"A": 0, "B": 1}.get


def find(text: str, words: str, entity: str) -> Link:
    start = text.rindex(words)
    return Link(Mention(start, start + len(words), words), entity, 1.0)


def test_a_long_text_is_read_in_windows_and_keeps_its_mentions(tiny_encoder):
    text = "fever and rash and headache " * 10 + "measles"
    corpus = read_corpus([text], [[find(text, "measles", "A")]], tiny_encoder.tokenizer, INDEX, 16)
    assert len(corpus) > 3 and corpus.windows == len(corpus) - 1 and corpus.lost == 0
    assert corpus.documents.tolist() == [0] * len(corpus)
    assert all(len(one.ids) <= 16 for one in corpus.texts)
    (span,) = corpus.texts[-1].spans
    a, b = corpus.texts[-1].offsets[span.first][0], corpus.texts[-1].offsets[span.last - 1][1]
    assert text[a:b] == "measles"


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(["fever", "headache", "发热", "xyzzyq", "rash"]), min_size=1, max_size=40))
def test_windows_hold_each_word_once(shared_tokenizer, words):
    text = " ".join(words)
    corpus = read_corpus([text], [[]], shared_tokenizer, INDEX, 12)
    whole = read_corpus([text], [[]], shared_tokenizer, INDEX, 10_000)
    inner = [id for one in corpus.texts for id in one.ids[1:-1]]
    assert inner == whole.texts[0].ids[1:-1]


@pytest.fixture(scope="module")
def shared_tokenizer(tiny_encoder_folder):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(tiny_encoder_folder)


def test_coverage_and_counts(tiny_encoder):
    texts = ["fever", "rash and fever", "nothing"]
    links = [[find(texts[0], "fever", "A")], [find(texts[1], "rash", "B"), find(texts[1], "fever", "A")], []]
    corpus = read_corpus(texts, links, tiny_encoder.tokenizer, INDEX)
    assert corpus.coverage == pytest.approx(2 / 3) and corpus.links == 3 and corpus.counts() == {0: 2, 1: 1}
    assert corpus.linked().tolist() == [0, 1] and corpus.linked(2).tolist() == [1]
    assert corpus.tokens == sum(len(one.ids) for one in corpus.texts)


def test_a_corpus_with_too_few_links_says_how_many(tiny_encoder):
    corpus = read_corpus(["fever", "rash"], [[], []], tiny_encoder.tokenizer, INDEX)
    with pytest.raises(BadInput, match=r"of 2 texts none has 1 linked mention \(0% have any\). Link with"):
        corpus.linked()


@pytest.mark.parametrize("texts", [[], [""], ["  ", "\n"]])
def test_no_text_is_refused(tiny_encoder, texts):
    with pytest.raises(BadInput, match="there is no text"):
        read_corpus(texts, [[] for _ in texts], tiny_encoder.tokenizer, INDEX)
