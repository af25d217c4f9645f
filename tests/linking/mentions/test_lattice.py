"""Choosing among mentions that overlap: against all choices tried one by one."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.linking.mentions.lattice import choose

SPAN = st.tuples(st.integers(0, 2), st.integers(0, 8), st.integers(1, 5), st.integers(-2, 6))


def columns(rows):
    table = np.array(sorted({(t, s, s + n, g) for t, s, n, g in rows}), np.int64).reshape(-1, 4)
    texts, starts, ends, gains = table.T
    return texts, starts, ends, gains.astype(float)


def overlap(one, other):
    return one[0] == other[0] and one[1] < other[2] and other[1] < one[2]


@settings(max_examples=50, deadline=None)
@given(st.lists(SPAN, max_size=8))
def test_flat_gains_as_much_as_the_best_of_all_choices(rows):
    texts, starts, ends, gains = columns(rows)
    kept = choose(texts, starts, ends, gains, "flat", np.zeros(len(texts), np.int64))
    spans = list(zip(texts, starts, ends, strict=True))
    chosen = [spans[row] for row in np.flatnonzero(kept)]
    assert not any(overlap(a, b) for a, b in itertools.combinations(chosen, 2))
    best = 0.0
    for picked in itertools.product([False, True], repeat=len(spans)):
        some = [span for span, taken in zip(spans, picked, strict=True) if taken]
        if not any(overlap(a, b) for a, b in itertools.combinations(some, 2)):
            best = max(best, float(gains[np.array(picked, bool)].sum()))
    assert gains[kept].sum() == best


def test_of_equal_gains_the_longer_stays_and_what_is_worth_nothing_goes():
    texts, starts, ends = np.zeros(3, int), np.array([0, 0, 9]), np.array([3, 5, 12])
    kept = choose(texts, starts, ends, np.array([1.0, 1.0, 0.0]), "flat", np.arange(3))
    assert kept.tolist() == [False, True, False]


def test_nested_keeps_what_lies_inside_if_it_means_something_else():
    texts, starts, ends = np.zeros(4, int), np.array([0, 0, 7, 7]), np.array([13, 6, 10, 13])
    gains, entities = np.array([10.0, 2.0, 3.0, 3.0]), np.array([1, 2, 3, 3])
    assert choose(texts, starts, ends, gains, "nested", entities).tolist() == [True, True, False, True]
    assert choose(texts, starts, ends, gains, "flat", entities).tolist() == [True, False, False, False]
    assert choose(texts, starts, ends, gains, "all", entities).all()


def test_nothing_is_chosen_of_nothing():
    none = np.zeros(0, np.int64)
    assert len(choose(none, none, none, np.zeros(0), "nested", none)) == 0
