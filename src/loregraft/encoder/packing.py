"""Packing: several short texts in one row, each blind to the others, so that padding costs nothing.

Rows of one width hold texts end to end; a mask keeps attention inside each text and positions start
anew. An encoder that cannot do this (it has relative positions, or ignores such a mask) is found out
by `position_offset` before anything relies on it, and gets padded batches instead.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor, nn

WIDTH = 64
LONGEST = 128
ROW_STEP = 4
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Packed:
    """Texts packed into rows.

    Attributes:
        segments: Which text each token is of, counted within this pack; -1 is padding.
        positions: Place of each token in its text, from 0.
    """

    input_ids: Int[Tensor, "rows width"]
    segments: Int[Tensor, "rows width"]
    positions: Int[Tensor, "rows width"]
    texts: int

    def attention(self) -> Float[Tensor, "rows 1 width width"]:
        """Give what is added to attention scores: 0 inside a text, the minimum between two."""
        same = self.segments[:, :, None] == self.segments[:, None, :]
        return torch.where(same, 0.0, torch.finfo(torch.float32).min)[:, None]

    def mean(self, hidden: Float[Tensor, "rows width hidden"]) -> Float[Tensor, "texts hidden"]:
        """Average each text's token vectors, to unit length."""
        kept = self.segments.flatten() >= 0
        segments = self.segments.flatten()[kept]
        sums = hidden.new_zeros(self.texts, hidden.shape[-1]).index_add(
            0, segments, hidden.flatten(0, 1)[kept]
        )
        counts = torch.bincount(segments, minlength=self.texts).clamp(min=1)
        return F.normalize(sums / counts[:, None], dim=-1)

    def first(self, hidden: Float[Tensor, "rows width hidden"]) -> Float[Tensor, "texts hidden"]:
        """Take each text's first token vector, to unit length."""
        starts = torch.nonzero((self.positions.flatten() == 0) & (self.segments.flatten() >= 0)).squeeze(1)
        order = torch.argsort(self.segments.flatten()[starts])
        return F.normalize(hidden.flatten(0, 1)[starts[order]], dim=-1)


def pack(ids: Sequence[NDArray[np.int32]], padding_id: int) -> Packed:
    """Pack texts, given as token ids of at most `LONGEST`: longest first, each where it fits best."""
    longest = max((len(text) for text in ids), default=1)
    width = max(WIDTH, -(-longest // 16) * 16)
    used: list[int] = []
    by_room: list[list[int]] = [[] for _ in range(width + 1)]
    place = np.zeros((len(ids), 2), np.int64)
    for text in sorted(range(len(ids)), key=lambda text: -len(ids[text])):
        need = len(ids[text])
        room = next((room for room in range(need, width + 1) if by_room[room]), None)
        if room is None:
            used.append(0)
            row, room = len(used) - 1, width
        else:
            row = by_room[room].pop()
        place[text] = row, used[row]
        used[row] += need
        by_room[room - need].append(row)
    rows = -(-max(1, len(used)) // ROW_STEP) * ROW_STEP  # few distinct shapes: kernels are built for each
    input_ids = np.full((rows, width), padding_id, np.int64)
    segments, positions = np.full((rows, width), -1, np.int64), np.zeros((rows, width), np.int64)
    for text, (row, start) in enumerate(place.tolist()):
        stop = start + len(ids[text])
        input_ids[row, start:stop] = ids[text]
        segments[row, start:stop] = text
        positions[row, start:stop] = np.arange(stop - start)
    return Packed(
        torch.from_numpy(input_ids), torch.from_numpy(segments), torch.from_numpy(positions), len(ids)
    )


def run_packed(model: nn.Module, packed: Packed, offset: int) -> Float[Tensor, "rows width hidden"]:
    """Give the last hidden states of packed texts."""
    output = model(
        input_ids=packed.input_ids, attention_mask=packed.attention(), position_ids=packed.positions + offset
    )
    hidden: Tensor = output.last_hidden_state
    return hidden.float()


@torch.inference_mode()
def position_offset(model: nn.Module, ids: Sequence[NDArray[np.int32]], padding_id: int) -> int | None:
    """Find at which number an encoder's positions start, by trying; None where packing changes what it says.

    Args:
        ids: Token ids of a few texts of different lengths, two short ones and one of `LONGEST` at
            least: some encoders differ only where a text is longer than they look to either side.
    """
    packed = pack(ids, padding_id)
    try:
        alone = [
            model(input_ids=torch.from_numpy(text[None].astype(np.int64))).last_hidden_state[0]
            for text in ids
        ]
        for offset in (0, padding_id + 1):
            hidden = run_packed(model, packed, offset)
            together = [hidden[packed.segments == text] for text in range(len(ids))]
            if all(torch.allclose(a, b, atol=TOLERANCE) for a, b in zip(alone, together, strict=True)):
                return offset
    except (TypeError, ValueError, RuntimeError, IndexError, NotImplementedError):
        pass  # this kind of encoder takes no such mask, no positions, or no text as long
    return None
