"""Runs of numbers side by side: what lists of different lengths, kept in one column, are read with."""

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


def runs(starts: NDArray[np.integer], ends: NDArray[np.integer]) -> tuple[Rows, Rows]:
    """List the numbers of some runs, one run after another.

    Args:
        starts: Where each run begins.
        ends: One past where it ends.

    Returns:
        Of each number, which run it is of, and the number itself.
    """
    counts = (ends - starts).astype(np.int64)
    owners = np.repeat(np.arange(len(counts)), counts)
    before = np.cumsum(counts) - counts
    return owners, np.arange(len(owners)) + np.repeat(starts - before, counts)
