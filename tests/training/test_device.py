"""Seeds and threads."""

import random

import numpy as np
import torch

from loregraft.training.device import has_bf16, set_seed, use_threads


def drawn():
    return random.random(), np.random.rand(), float(torch.rand(()))  # noqa: NPY002


def test_equal_parts_give_equal_numbers_everywhere():
    set_seed(3, 7)
    first = drawn()
    set_seed(3, 7)
    assert drawn() == first
    for other in ((3, 8), (7, 3), (3,)):
        set_seed(*other)
        assert all(a != b for a, b in zip(drawn(), first, strict=True))


def test_threads():
    before = torch.get_num_threads()
    try:
        assert use_threads(1) == 1 and torch.get_num_threads() == 1
        assert use_threads(None) >= 1
    finally:
        torch.set_num_threads(before)


def test_bf16_is_yes_or_no():
    assert isinstance(has_bf16(), bool)
