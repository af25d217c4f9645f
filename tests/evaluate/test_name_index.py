"""Dictionaries and indexes: the best name of each entity, and how near strings are to names."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.evaluate import name_index
from loregraft.evaluate.name_index import DenseIndex, Dictionary, ExactIndex, NgramIndex


class Given:
    """An index whose scores are made up: string "3" gets row 3."""

    def __init__(self, table):
        self.table = table

    def scores(self, strings):
        return self.table[[int(string) for string in strings]]


def test_rows_are_sorted_by_entity_and_keep_their_order():
    dictionary = Dictionary.of(["c", "a", "d", "b"], np.array([7, 2, 7, 5]))
    assert dictionary.names == ("a", "b", "c", "d")
    assert dictionary.entities.tolist() == [2, 5, 7, 7]
    assert dictionary.distinct.tolist() == [2, 5, 7]


def test_best_name_of_each_entity():
    """Entity 7 has the names c (0.1) and d (0.9); of equal scores the first name is told."""
    dictionary = Dictionary.of(["a", "b", "c", "d"], np.array([2, 5, 7, 7]))
    table = np.array([[0.3, 0.2, 0.1, 0.9], [0.0, 0.0, 0.5, 0.5]], np.float32)
    (scores,) = dictionary.by_entity(Given(table), ["0", "1"])
    assert scores.best.tolist() == pytest.approx(np.array([[0.3, 0.2, 0.9], [0, 0, 0.5]]))
    rows, best = scores.top(2)
    assert rows.tolist() == [[3, 0], [2, 0]]
    assert best.tolist() == pytest.approx(np.array([[0.9, 0.3], [0.5, 0.0]]))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=15), st.integers(0, 12), st.integers(0, 10**6))
def test_by_entity_is_the_naive_loop(entities, strings, seed):
    dictionary = Dictionary.of([str(row) for row in range(len(entities))], np.array(entities))
    table = np.random.default_rng(seed).integers(0, 4, (max(1, strings), len(entities))).astype(np.float32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(name_index, "TILE", 5)
        parts = list(dictionary.by_entity(Given(table), [str(row) for row in range(strings)]))
    assert [len(part.best) for part in parts] == [min(5, strings - done) for done in range(0, strings, 5)]
    best = [row for part in parts for row in part.best.tolist()]
    tops = [pair for part in parts for pair in zip(*(found.tolist() for found in part.top(3)), strict=True)]
    for string in range(strings):
        winners = []
        for column, entity in enumerate(sorted(set(entities))):
            own = [row for row in range(len(entities)) if dictionary.entities[row] == entity]
            winners.append(max(own, key=lambda row: (table[string, row], -row)))
            assert best[string][column] == table[string, winners[-1]]
        winners = sorted(winners, key=lambda row: (-table[string, row], row))[:3]
        assert tops[string] == (winners, table[string, winners].tolist())


def test_exact_is_one_where_folded_strings_are_equal():
    index = ExactIndex(["Type-2 fever", "rash", "TYPE 2 FEVER"])
    assert index.scores(["type 2 fever", "rashes", "Rash"]).tolist() == [[1, 0, 1], [0, 0, 0], [0, 1, 0]]


def test_ngram_worked_example():
    """ "abcd" has the trigrams " ab", "abc", "bcd", "cd "; "abce" has two of its four in common, and each
    trigram that both names have is log(3 / 3) + 1 = 1, the others log(3 / 2) + 1 = 1.405.
    """
    index = NgramIndex(["abcd", "abce"])
    shared, rare = 2 * 1.0**2, 2 * (1 + np.log(3 / 2)) ** 2
    assert index.scores(["abcd"])[0].tolist() == pytest.approx([1, shared / (shared + rare)], abs=1e-6)
    assert index.scores(["ABCD"])[0].tolist() == index.scores(["abcd"])[0].tolist()
    assert index.scores(["xyz", ""]).tolist() == [[0, 0], [0, 0]]


def test_dense_is_the_cosine(tiny_encoder):
    index = DenseIndex(tiny_encoder, ["fever", "rash"])
    assert index.scores(["fever"])[0] == pytest.approx([1, index.vectors[0] @ index.vectors[1]], abs=1e-6)
