"""Pairs: a draw depends on seed and step alone, takes each concept once, and what is alike together."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.errors import BadInput
from loregraft.pretrain.pairs import Pairs
from loregraft.pretrain.views import Views


def views_of(*rows):
    """Make views from (concept, text, kind) or (concept, text, kind, source)."""
    rows = [(*row, "made")[:4] for row in rows]
    concepts, texts, kinds, sources = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Views(np.array(concepts, np.int64), texts, kinds, sources, {})


def many(concepts, names=3):
    kinds = ("preferred", "exact", "lay", "definition")
    return views_of(*((c, f"name {c} {n}", kinds[n]) for c in range(concepts) for n in range(names)))


def circle(count):
    """Unit vectors evenly on a circle: the neighbours of i are i - 1 and i + 1."""
    angles = 2 * np.pi * np.arange(count) / count
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def concepts_of(pairs, drawn):
    return pairs.views.concepts[pairs.first[drawn]]


VIEWS = views_of(
    (0, "Fever", "preferred"),
    (0, "Pyrexia", "exact"),
    (0, "High temperature", "lay"),
    (2, "Rash", "preferred"),
    (5, "Cold", "exact"),
    (5, "Flu", "lay"),
)


def test_each_first_view_is_paired_with_each_other():
    pairs = Pairs.of(VIEWS, {})
    assert list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)) == [(0, 1), (0, 2), (4, 5)]
    assert pairs.starts.tolist() == [0, 2]
    assert pairs.heads == ["Fever", "Cold"]
    assert pairs.log_weights.tolist() == [0, 0, 0]


def test_weights_multiply_and_zero_leaves_out():
    views = views_of(
        (0, "a", "preferred", "x"), (0, "b", "exact", "y"), (0, "c", "lay", "y"), (0, "d", "lay", "z")
    )
    pairs = Pairs.of(views, {"lay": 3.0, "preferred": 0.0}, {"y": 2.0, "z": 0.0})
    assert pairs.second.tolist() == [1, 2]
    assert np.exp(pairs.log_weights) == pytest.approx([2, 6])


@pytest.mark.parametrize(
    ("views", "weights"),
    [(views_of(), {}), (views_of((0, "a", "exact"), (1, "b", "exact")), {}), (VIEWS, {"exact": 0, "lay": 0})],
)
def test_nothing_to_pair(views, weights):
    with pytest.raises(BadInput, match="no entity has two names") as caught:
        Pairs.of(views, weights)
    assert "Give synonyms" in caught.value.fix


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 40),
    st.integers(0, 10**6),
    st.integers(0, 10**4),
    st.integers(2, 50),
    st.integers(1, 10),
)
def test_a_draw_takes_different_concepts_and_is_the_same_again(concepts, seed, step, size, group):
    pairs, vectors = Pairs.of(many(concepts), {}), circle(concepts)
    drawn = pairs.draw(vectors, seed, step, size, group)
    assert len(drawn) == min(size, concepts)
    assert len(set(concepts_of(pairs, drawn).tolist())) == len(drawn)
    assert np.array_equal(drawn, Pairs.of(many(concepts), {}).draw(vectors, seed, step, size, group))


def test_other_steps_and_seeds_draw_others():
    pairs, vectors = Pairs.of(many(60), {}), circle(60)
    draws = [pairs.draw(vectors, seed, step, 8, 4).tolist() for seed in range(3) for step in range(3)]
    assert len({tuple(draw) for draw in draws}) == 9


def test_a_group_is_a_concept_and_its_nearest():
    """On a circle of 40 the nearest of i are i - 1, i + 1, and then i - 2, i + 2."""
    pairs, vectors = Pairs.of(many(40), {}), circle(40)
    for step in range(20):
        drawn = concepts_of(pairs, pairs.draw(vectors, 0, step, 5, 5))
        seed = int(drawn[0])
        assert {(int(c) - seed) % 40 for c in drawn} == {0, 1, 2, 38, 39}


def test_groups_do_not_share_concepts():
    """Of 12 concepts in groups of 4 the later groups must do with what is left; all 12 are drawn once."""
    pairs = Pairs.of(many(12), {})
    drawn = concepts_of(pairs, pairs.draw(circle(12), 0, 0, 12, 4))
    assert sorted(drawn.tolist()) == list(range(12))


def test_what_weighs_nothing_is_never_drawn():
    pairs, vectors = Pairs.of(many(30, names=4), {"definition": 0.0, "lay": 0.0}), circle(30)
    for step in range(50):
        kinds = {pairs.views.kinds[row] for row in pairs.second[pairs.draw(vectors, 0, step, 8, 4)]}
        assert kinds == {"exact"}


def test_a_concepts_views_are_drawn_by_weight():
    """Weights 3 and 1 of a concept that is always drawn: 3/4 of 4000 draws, give or take 3 * 0.0068."""
    views = views_of((0, "a", "preferred"), (0, "b", "lay"), (0, "c", "exact"))
    pairs = Pairs.of(views, {"lay": 3.0})
    drawn = [int(pairs.draw(np.ones((1, 1)), 5, step, 4, 2)[0]) for step in range(4000)]
    assert np.mean(np.array(drawn) == 0) == pytest.approx(0.75, abs=0.0206)


def test_concepts_are_drawn_by_the_weight_of_their_views():
    """One of three concepts at a time, with weights 3, 1 + 1 and 1: shares 1/2, 1/3 and 1/6."""
    views = views_of(
        (0, "a", "preferred"), (0, "b", "lay"),
        (1, "c", "preferred"), (1, "d", "exact"), (1, "e", "exact"),
        (2, "f", "preferred"), (2, "g", "exact"),
    )  # fmt: skip
    pairs = Pairs.of(views, {"lay": 3.0})
    drawn = [int(concepts_of(pairs, pairs.draw(circle(3), 5, step, 1, 1))[0]) for step in range(4000)]
    shares = np.bincount(drawn, minlength=3) / 4000
    assert shares == pytest.approx([1 / 2, 1 / 3, 1 / 6], abs=3 * 0.0079)


def test_same_holds_for_a_concept_and_for_a_string_of_two():
    """Concepts 0 and 1 are both called "cold" (in whatever spelling); 2 stands apart."""
    views = views_of(
        (0, "Common cold", "preferred"), (0, "Cold", "exact"),
        (1, "Chill", "preferred"), (1, "COLD.", "exact"),
        (2, "Heat", "preferred"), (2, "Warmth", "exact"),
    )  # fmt: skip
    same = Pairs.of(views, {}).same(np.arange(6))
    expected = np.kron(np.eye(3, dtype=bool), np.ones((2, 2), bool))
    # "Cold" is also a name of concept 1, so it may mean what "Chill" means, and the other way round.
    for a, b in ((1, 2), (1, 3), (0, 3)):
        expected[a, b] = expected[b, a] = True
    assert np.array_equal(same, expected)
    rows = np.array([5, 1, 2])
    assert np.array_equal(Pairs.of(views, {}).same(rows), expected[np.ix_(rows, rows)])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from("abcdef")), min_size=2, max_size=12, unique=True)
)
def test_same_is_the_naive_loop(rows):
    rows = sorted(rows)
    views = views_of(*((concept, text, "exact") for concept, text in rows))
    if len({concept for concept, _ in rows}) == len(rows):
        return  # no pair at all
    owners = {text: {c for c, t in rows if t == text} for _, text in rows}
    same = Pairs.of(views, {}).same(np.arange(len(rows)))
    for i, (a, text) in enumerate(rows):
        for j, (b, other) in enumerate(rows):
            assert same[i, j] == (b in owners[text] or a in owners[other])
