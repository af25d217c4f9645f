"""Many texts to a matrix: each different one read once, some thousand at a time, in flat memory."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float32

from loregraft.encoder.encode import encode
from loregraft.encoder.load import Encoder
from loregraft.kge.text.settings import TextKgeSettings
from loregraft.training.device import has_bf16

TEXTS_AT_ONCE = 4096


def encode_texts(
    encoder: Encoder,
    texts: Sequence[str],
    settings: TextKgeSettings,
    progress: Callable[[float], object] = lambda share: None,
) -> Float32[np.ndarray, "texts dim"]:
    """Give the unit vectors of texts; zeros, which fit nothing, for "".

    Takes memory for the result and for the tokens of `TEXTS_AT_ONCE` texts. Equal texts get equal bits.

    Args:
        progress: Told the share that is done, 0..1.
    """
    bf16 = has_bf16() if settings.bf16 is None else settings.bf16
    place: dict[str, int] = {text: -1 for text in texts}
    different = sorted((text for text in place if text), key=lambda text: (len(text), text))
    place |= {text: row for row, text in enumerate(different)}
    rows = np.array([place[text] for text in texts], np.int64)
    found = np.zeros((len(texts), encoder.dim), np.float32)
    order = np.argsort(rows, kind="stable")  # of equal texts, one after another
    bounds = np.searchsorted(rows[order], np.arange(0, len(different) + TEXTS_AT_ONCE, TEXTS_AT_ONCE))
    for number, first in enumerate(range(0, len(different), TEXTS_AT_ONCE)):
        part = different[first : first + TEXTS_AT_ONCE]
        vectors = encode(encoder, part, max_tokens=settings.max_tokens, bf16=bf16)
        own = order[bounds[number] : bounds[number + 1]]
        found[own] = vectors[rows[own] - first]
        progress(min(1.0, (first + len(part)) / len(different)))
    return found
