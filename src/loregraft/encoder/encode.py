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
    lengths, offset = tokens.lengths[texts], encoder.position_offset
    if lengths.min() == lengths.max():
        return _embed_equal(encoder, tokens, texts)
    if offset is not None and lengths.max() <= LONGEST:
        packed = pack([tokens.text(text) for text in texts.tolist()], tokens.padding_id)
        hidden = run_packed(encoder.model, packed, offset)
        return packed.mean(hidden) if encoder.pooling == "mean" else packed.first(hidden)
    order, parts = [], []
    for bucket in tokens.buckets(texts):
        output = encoder.model(input_ids=bucket.input_ids, attention_mask=bucket.mask.long())
        parts.append(POOLINGS[encoder.pooling](output.last_hidden_state.float(), bucket.mask))
        order.append(bucket.rows)
    return torch.cat(parts)[torch.from_numpy(np.argsort(np.concatenate(order)))]


def _embed_equal(
    encoder: Encoder, tokens: TokenizedTexts, texts: NDArray[np.int64]
) -> Float[Tensor, "texts hidden"]:
    """Give the vectors of texts that are equally long: nothing to pad, nothing to pack."""
    input_ids = torch.from_numpy(np.stack([tokens.text(text) for text in texts.tolist()]).astype(np.int64))
    mask = torch.ones_like(input_ids)
    output = encoder.model(input_ids=input_ids, attention_mask=mask)
    return POOLINGS[encoder.pooling](output.last_hidden_state.float(), mask.bool())


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
    # Texts of equal length go together: a third faster than packing them (docs/log.md).
    order = np.argsort(tokens.lengths, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(tokens.lengths[order])) + 1)
    training = encoder.model.training
    encoder.model.eval()
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            for group in groups:
                for first in range(0, len(group), TEXTS_AT_ONCE):
                    rows = group[first : first + TEXTS_AT_ONCE]
                    vectors[rows] = embed(encoder, tokens, rows).numpy()
                    progress(len(rows))
    finally:
        encoder.model.train(training)
    return vectors[[place[text] for text in texts]] if len(texts) else vectors
