"""Rows of numbers as text: nine digits give each float32 back as it was."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float
from torch import Tensor

ROWS_AT_ONCE = 4096


def text_rows(values: Float[Tensor, "rows width"], between: str) -> Iterator[str]:
    """Yield each row as numbers with something between them, a block of rows in memory at a time."""
    form = between.join(["%.9g"] * values.shape[1])
    for start in range(0, len(values), ROWS_AT_ONCE):
        block: list[list[float]] = np.asarray(values[start : start + ROWS_AT_ONCE]).tolist()
        for row in block:
            yield form % tuple(row)
