"""Trunk: the encoder in training, as objectives see it: token ids in, one hidden state a token out.

Texts of a batch are packed into rows where the encoder can be packed, else put into length buckets; either
way the hidden states come back text after text, so that a place in a batch is one number.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from loregraft.encoder.hooks import Changes, Hooks
from loregraft.encoder.load import Encoder
from loregraft.encoder.packing import LONGEST, pack, run_packed
from loregraft.encoder.tokenize import TokenizedTexts


@dataclass(frozen=True)
class Put:
    """Vectors that stand in for word embeddings.

    Attributes:
        places: Of tokens, counted over all texts of the batch.
        vectors: In the space of the word embeddings.
    """

    places: Int64[Tensor, " put"]
    vectors: Float[Tensor, "put width"]


class Trunk(nn.Module):
    """An encoder in training.

    Attributes:
        frozen: Reading gives no gradient to the encoder, as while a new head warms up.
    """

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder, self.model = encoder, encoder.model
        self.hooks = Hooks(encoder.model)
        self.frozen = False
        padding = encoder.tokenizer.pad_token_id  # type: ignore[attr-defined]
        self.padding_id = 0 if padding is None else int(padding)

    @property
    def table(self) -> Float[Tensor, "vocab width"]:
        """The word embeddings; without a gradient while the encoder is frozen."""
        table: nn.Module = self.model.get_input_embeddings()  # type: ignore[operator]
        weight: Tensor = table.weight  # type: ignore[assignment]
        return weight.detach() if self.frozen else weight

    @property
    def hidden(self) -> int:
        """The width of hidden states."""
        return self.encoder.dim

    def read(self, texts: Sequence[Sequence[int]], put: Put | None = None) -> Float[Tensor, "tokens hidden"]:
        """Give the hidden states of all tokens, text after text, in float32.

        Args:
            texts: Token ids, special tokens included.
            put: What replaces word embeddings.
        """
        if not texts:
            return self.table.new_zeros(0, self.hidden)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            arrays = [np.asarray(ids, np.int32) for ids in texts]
            offset = self.encoder.position_offset
            if offset is not None and max(map(len, arrays)) <= LONGEST:
                packed = pack(arrays, self.padding_id)
                order = _in_order(packed.segments, packed.positions)
                with self._putting(put, order):
                    hidden = run_packed(self.model, packed, offset)
                return hidden.flatten(0, 1)[order]
            return self._read_buckets(arrays, put)

    def first(self, texts: Sequence[Sequence[int]]) -> Int64[Tensor, " texts"]:
        """Give the place of each text's first token among all tokens of the batch."""
        return starts_of(texts)

    def _read_buckets(self, arrays: list[np.ndarray], put: Put | None) -> Tensor:
        lengths = np.array([len(ids) for ids in arrays])
        starts = np.concatenate([[0], np.cumsum(lengths)])
        tokens = TokenizedTexts(np.concatenate(arrays), starts, self.padding_id, 0)
        parts, places = [], []
        for bucket in tokens.buckets(np.arange(len(arrays))):
            columns = np.arange(bucket.mask.shape[1])
            own = torch.from_numpy(starts[bucket.rows][:, None] + columns)
            with self._putting(put, own.flatten(), bucket.mask.flatten()):
                output = self.model(input_ids=bucket.input_ids, attention_mask=bucket.mask.long())
            parts.append(output.last_hidden_state.float()[bucket.mask])
            places.append(own[bucket.mask])
        return torch.cat(parts)[torch.argsort(torch.cat(places))]

    @contextmanager
    def _putting(self, put: Put | None, places: Tensor, real: Tensor | None = None) -> Iterator[None]:
        """Put vectors into one pass.

        Args:
            places: Without `real`, where in the flattened grid each token of the batch lies; with it, which
                token each cell of the grid holds, where it holds one.
        """
        if put is None:
            yield
            return
        if real is None:
            cells, vectors = places[put.places], put.vectors
        else:
            at = {int(place): row for row, place in enumerate(put.places)}
            found = [
                (cell, at[place])
                for cell, (place, held) in enumerate(zip(places.tolist(), real.tolist(), strict=True))
                if held and place in at
            ]
            cells = torch.tensor([cell for cell, _ in found], dtype=torch.long)
            vectors = put.vectors[torch.tensor([row for _, row in found], dtype=torch.long)]

        def words(embedded: Tensor) -> Tensor:
            flat = embedded.flatten(0, 1).index_copy(0, cells, vectors.to(embedded.dtype))
            return flat.view_as(embedded)

        with self.hooks.during(Changes(words=words)):
            yield


def starts_of(texts: Sequence[Sequence[int]]) -> Int64[Tensor, " texts"]:
    """Give where each text begins among all tokens of a batch."""
    lengths = [len(ids) for ids in texts]
    return torch.tensor([0, *np.cumsum(lengths)[:-1].tolist()][: len(lengths)], dtype=torch.long)


def _in_order(segments: Tensor, positions: Tensor) -> Tensor:
    """Give the cells of packed rows that hold tokens, text after text."""
    flat, place = segments.flatten(), positions.flatten()
    cells = torch.nonzero(flat >= 0).squeeze(1)
    return cells[torch.argsort(flat[cells] * (int(place.max()) + 1) + place[cells])]
