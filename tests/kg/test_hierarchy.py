"""Heights and circles equal a plain search, whatever the graph."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.kg.hierarchy import heights, in_circles

EDGES = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=16)


def arrays(edges):
    pairs = np.array([edge for edge in edges if edge[0] != edge[1]], np.int32).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1], {(int(head), int(tail)) for head, tail in pairs}


@settings(max_examples=50, deadline=None)
@given(EDGES)
def test_heights_are_the_longest_chains_up(edges):
    heads, tails, pairs = arrays(edges)

    def longest(node, path=()):
        if node in path:
            return None
        above = [longest(tail, (*path, node)) for head, tail in pairs if head == node]
        return None if None in above else 1 + max(above, default=-1)

    expected = [longest(node) for node in range(8)]
    assert heights(heads, tails, 8).tolist() == [-1 if height is None else height for height in expected]


@settings(max_examples=50, deadline=None)
@given(EDGES)
def test_circles_hold_what_reaches_itself_and_nothing_that_only_leads_there(edges):
    heads, tails, pairs = arrays(edges)
    reach = np.zeros((8, 8), bool)
    for head, tail in pairs:
        reach[head, tail] = True
    for _ in range(8):
        reach |= (reach.astype(int) @ reach.astype(int)) > 0
    circling = np.diag(reach)
    between = (reach[:, circling].any(axis=1) | circling) & (reach[circling].any(axis=0) | circling)
    assert in_circles(heads, tails, 8).tolist() == between.tolist()
