"""Hiding parts of a text: a pure function of the seed, of the right size, never of special tokens."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loregraft.corpus.mask import Vocabulary, choose, hide, mentions_of, random_spans, words_of
from loregraft.corpus.tokens import Span, Tokens

VOCABULARY = Vocabulary(mask=4, size=50, special=frozenset(range(5)))


def tokens(words: list[int], spans: list[tuple[int, int]] | None = None) -> Tokens:
    """A text of tokens 10, 11, ... between two special ones."""
    ids = [2, *range(10, 10 + len(words)), 3]
    found = [Span(first, last, (0,), (1.0,)) for first, last in spans or []]
    return Tokens(ids, [(-1, -1)] * len(ids), found, False, 0, [-1, *words, -1])


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_words_are_whole():
    assert words_of(tokens([0, 0, 1, 2, 2, 2])) == [(1, 3), (3, 4), (4, 7)]


def test_mentions_do_not_overlap_and_the_longest_comes_first():
    text = tokens([0, 1, 2, 3, 4, 5], [(2, 3), (2, 5), (4, 6), (6, 7)])
    assert mentions_of(text) == [(2, 5), (6, 7)]


@given(st.integers(0, 1000), st.integers(1, 3), st.integers(4, 30))
def test_random_spans_are_as_many_and_as_long(seed, length, words):
    text = tokens(list(range(words)), [(1, 1 + length), (words - 1, words)])
    found = random_spans(text, rng(seed))
    meant = sorted(last - first for first, last in mentions_of(text))
    assert sorted(last - first for first, last in found) == meant
    assert all(1 <= first and last <= words + 1 for first, last in found)
    taken = [place for unit in found for place in range(*unit)]
    assert len(set(taken)) == len(taken)


def test_random_spans_are_not_where_the_mentions_are():
    """By chance alone; over many seeds every start occurs."""
    text = tokens(list(range(20)), [(1, 3)])
    assert {random_spans(text, rng(seed))[0][0] for seed in range(500)} == set(range(1, 20))


@given(st.integers(0, 10**6), st.integers(1, 20))
def test_the_budget_holds_and_first_units_come_first(seed, budget):
    first, others = [(1, 3), (5, 8)], [(place, place + 1) for place in range(10, 30)]
    chosen = choose(first, others, budget, rng(seed))
    size = sum(b - a for a, b in chosen)
    assert chosen == choose(first, others, budget, rng(seed)) and chosen
    assert size <= max(budget, 3)
    if budget >= 5:
        assert set(first) <= set(chosen) and size == budget


def test_units_that_overlap_are_not_hidden_twice():
    chosen = choose([(1, 4)], [(1, 2), (2, 3), (3, 5), (6, 7)], 100, rng())
    assert chosen == [(1, 4), (6, 7)]


def test_each_unit_is_masked_kept_or_replaced_as_a_whole():
    """80, 10 and 10 % of 3,000 units of two tokens, within three standard deviations."""
    fates = []
    ids = list(range(10, 40))
    for seed in range(3_000):
        masked = hide(ids, [(4, 6)], VOCABULARY, rng(seed))
        assert masked.places == [4, 5] and masked.targets == [14, 15]
        assert [id for place, id in enumerate(masked.ids) if place not in (4, 5)] == ids[:4] + ids[6:]
        now = masked.ids[4:6]
        fates.append("masked" if now == [4, 4] else "kept" if now == [14, 15] else "replaced")
        assert now == [4, 4] or not set(now) & VOCABULARY.special
    for fate, share in (("masked", 0.8), ("kept", 0.1), ("replaced", 0.1)):
        assert fates.count(fate) / 3_000 == pytest.approx(share, abs=0.025)


def test_a_tokenizer_without_a_mask_is_refused(tiny_encoder):
    tiny_encoder.tokenizer.mask_token = None
    with pytest.raises(ValueError, match="no mask token"):
        Vocabulary.of(tiny_encoder.tokenizer)
