"""Pooling: by hand, and padding counts for nothing."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.encoder.pool import POOLINGS, first_pool, mean_pool

HIDDEN = torch.tensor([[[3.0, 0.0], [3.0, 8.0], [50.0, 50.0]], [[0.0, 2.0], [7.0, 7.0], [7.0, 7.0]]])
MASK = torch.tensor([[True, True, False], [True, False, False]])


def test_mean_worked_example():
    """(3, 0) and (3, 8) have the mean (3, 4), of length 5."""
    assert torch.allclose(mean_pool(HIDDEN, MASK), torch.tensor([[0.6, 0.8], [0.0, 1.0]]))


def test_first_worked_example():
    assert torch.allclose(first_pool(HIDDEN, MASK), torch.tensor([[1.0, 0.0], [0.0, 1.0]]))


def test_mean_of_nothing_is_zero():
    assert mean_pool(HIDDEN, torch.zeros_like(MASK)).tolist() == [[0, 0], [0, 0]]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(sorted(POOLINGS)))
def test_vectors_have_unit_length_and_do_not_see_padding(seed, pooling):
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(3, 5, 4, generator=generator)
    mask = torch.arange(5) < torch.tensor([[1], [3], [5]])
    vectors = POOLINGS[pooling](hidden, mask)
    assert torch.allclose(vectors.norm(dim=-1), torch.ones(3))
    spoiled = torch.where(mask[:, :, None], hidden, torch.randn(3, 5, 4, generator=generator) * 100)
    assert torch.equal(POOLINGS[pooling](spoiled, mask), vectors)
