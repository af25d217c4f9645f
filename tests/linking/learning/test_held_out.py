"""Entities held out: those that share names go together, and the share is kept."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.linking.learning.held_out import hold_out


def forms(*entities):
    """Forms by the entities that each may mean."""
    pointers = np.cumsum([0, *map(len, entities)]).astype(np.int64)
    return pointers, np.array([one for meant in entities for one in meant], np.int32)


def test_groups_by_hand():
    """0-1 and 1-2 share a form each: one group of three; 3 and 4 are near by a coarser form only."""
    exact, coarse = forms([0, 1], [1, 2], [3], [4], [5]), forms([3, 4], [0])
    seen = {tuple(hold_out(np.arange(6), exact, coarse, share=0.5, seed=seed).tolist()) for seed in range(60)}
    assert seen == {(0, 1, 2), (3, 4, 5)}
    loose = {tuple(hold_out(np.arange(6), exact, share=0.17, seed=seed).tolist()) for seed in range(60)}
    assert loose == {(3,), (4,), (5,)}


def test_what_is_nearly_the_same_goes_though_it_was_not_asked_about():
    names = forms([0, 7], [1], [2], [9])
    found = hold_out(np.array([0, 1]), names, share=0.5, seed=0), hold_out(np.array([0]), names, share=0.9)
    assert found[0].tolist() in ([0, 7], [1])
    assert found[1].tolist() == [0, 7]


def test_a_group_above_the_share_stays():
    names = forms(list(range(60)), *([n] for n in range(60, 100)))
    found = hold_out(np.arange(100), names)
    assert len(found) == 20
    assert found.min() >= 60


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_no_form_is_parted_and_the_share_is_kept(seed):
    generator = np.random.default_rng(seed)
    size = int(generator.integers(1, 200))
    meant = [
        np.unique(generator.integers(0, size, generator.choice([1, 1, 1, 2]))).tolist() for _ in range(size)
    ]
    asked = generator.permutation(size)[: int(generator.integers(1, size + 1))]
    found = hold_out(asked, forms(*meant), share=0.3, seed=seed)
    assert (found == hold_out(asked[::-1], forms(*meant), share=0.3, seed=seed)).all()
    assert (np.diff(found) > 0).all()
    removed = set(found.tolist())
    for entities in meant:
        assert len(removed & set(entities)) in (0, len(entities))
    assert len(removed & set(asked.tolist())) <= round(0.3 * len(asked))


def test_singles_are_removed_to_the_share_exactly_and_by_the_seed():
    first, second = hold_out(np.arange(100), forms(), seed=1), hold_out(np.arange(100), forms(), seed=2)
    assert len(first) == len(second) == 20
    assert first.tolist() != second.tolist()
    assert len(hold_out(np.arange(100))) == 20, "without names"


def test_nothing_and_wrong_shares():
    assert hold_out(np.zeros(0, np.int64), forms([0])).tolist() == []
    assert hold_out(np.array([4]), forms()).tolist() == [], "a fifth of one is none"
    for share in (0.0, 1.0):
        with pytest.raises(ValueError, match="share must be between 0 and 1"):
            hold_out(np.arange(3), share=share)
