"""Texts to vectors: `embed` for training, with gradients; `encode` for everything else."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from loregraft.encoder.load import Encoder
from loregraft.encoder.packing import LONGEST, pack, run_packed
from loregraft.encoder.pool import POOLINGS
from loregraft.encoder.tokenize import TokenizedTexts

TEXTS_AT_ONCE = 256


def embed(
    encoder: Encoder, tokens: TokenizedTexts, texts: NDArray[np.int64]
) -> Float[Tensor, "texts hidden"]:
    """Give the unit vectors of some texts, in their order, with gradients, in float32."""
    if not len(texts):
        return torch.zeros(0, encoder.dim)
    offset = encoder.position_offset
    if offset is not None and tokens.lengths[texts].max() <= LONGEST:
        packed = pack([tokens.text(text) for text in texts.tolist()], tokens.padding_id)
        hidden = run_packed(encoder.model, packed, offset)
        return packed.mean(hidden) if encoder.pooling == "mean" else packed.first(hidden)
    order, parts = [], []
    for bucket in tokens.buckets(texts):
        output = encoder.model(input_ids=bucket.input_ids, attention_mask=bucket.mask.long())
        parts.append(POOLINGS[encoder.pooling](output.last_hidden_state.float(), bucket.mask))
        order.append(bucket.rows)
    return torch.cat(parts)[torch.from_numpy(np.argsort(np.concatenate(order)))]


@torch.inference_mode()
def encode(
    encoder: Encoder,
    texts: Sequence[str],
    *,
    max_tokens: int = 64,
    bf16: bool = False,
    progress: Callable[[int], object] = lambda done: None,
) -> Float[np.ndarray, "texts hidden"]:
    """Give the unit vectors of texts as float32. Equal texts are encoded once.

    Args:
        max_tokens: Longer texts lose their end.
        bf16: Multiply matrices in bfloat16: about twice as fast where the processor can, and
            vectors that differ by about 1e-2.
        progress: Told the number of different texts just done.
    """
    unique = sorted(set(texts))
    place = {text: index for index, text in enumerate(unique)}
    tokens = encoder.tokenize(unique, max_tokens)
    vectors = np.zeros((len(unique), encoder.dim), np.float32)
    # Texts of like length go together, so that a long one does not widen many.
    order = np.argsort(tokens.lengths, kind="stable")
    training = encoder.model.training
    encoder.model.eval()
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            for first in range(0, len(order), TEXTS_AT_ONCE):
                rows = order[first : first + TEXTS_AT_ONCE]
                vectors[rows] = embed(encoder, tokens, rows).numpy()
                progress(len(rows))
    finally:
        encoder.model.train(training)
    return vectors[[place[text] for text in texts]] if len(texts) else vectors
