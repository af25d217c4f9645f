"""Runs of numbers side by side."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.kg.runs import runs


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5)), max_size=8))
def test_runs_are_the_numbers_of_a_plain_loop(drawn):
    starts = np.array([start for start, _ in drawn], np.int32)
    ends = starts + np.array([count for _, count in drawn], np.int64)
    owners, numbers = runs(starts, ends)
    expected = [
        (owner, number)
        for owner, (start, count) in enumerate(drawn)
        for number in range(start, start + count)
    ]
    assert list(zip(owners.tolist(), numbers.tolist(), strict=True)) == expected
