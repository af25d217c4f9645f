"""Token ids prepared once, and length buckets: batches of few distinct shapes with little padding.

A processor builds its kernels anew for each shape of a batch, and padding costs as much as words;
so texts of like length go together and each bucket's length is a multiple of `LENGTH_STEP`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Int
from numpy.typing import NDArray
from torch import Tensor

LENGTH_STEP = 4
ROWS = 64


@dataclass(frozen=True)
class Bucket:
    """Some texts as one padded batch.

    Attributes:
        rows: Which texts, as positions in the list that was bucketed.
        mask: True for a token, False for padding.
    """

    rows: NDArray[np.int64]
    input_ids: Int[Tensor, "batch seq"]
    mask: Bool[Tensor, "batch seq"]


@dataclass(frozen=True)
class TokenizedTexts:
    """Token ids of many texts, end to end in one array.

    Attributes:
        ids: All token ids; text i is ids[starts[i]:starts[i + 1]].
        padding_id: What fills a batch up.
        cut: How many texts were longer than allowed and lost their end.
    """

    ids: NDArray[np.int32]
    starts: NDArray[np.int64]
    padding_id: int
    cut: int

    @classmethod
    def of(cls, tokenizer: object, texts: Sequence[str], max_tokens: int) -> "TokenizedTexts":
        """Tokenize texts in one pass; see `Encoder.tokenize`."""
        if not texts:
            return cls(np.zeros(0, np.int32), np.zeros(1, np.int64), 0, 0)
        encoded = tokenizer(  # type: ignore[operator]
            list(texts), truncation=True, max_length=max_tokens, return_overflowing_tokens=False
        )
        lengths = np.array([len(ids) for ids in encoded["input_ids"]], dtype=np.int64)
        flat = np.fromiter((i for ids in encoded["input_ids"] for i in ids), np.int32, int(lengths.sum()))
        starts = np.concatenate([[0], np.cumsum(lengths)])
        # A fast tokenizer keeps what it cut off in the encoding's `overflowing` list.
        overflowing = [getattr(encoding, "overflowing", ()) for encoding in encoded.encodings or ()]
        padding = tokenizer.pad_token_id  # type: ignore[attr-defined]
        return cls(flat, starts, 0 if padding is None else int(padding), sum(map(bool, overflowing)))

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> NDArray[np.int64]:
        """The number of tokens of each text."""
        return np.diff(self.starts)

    def text(self, text: int) -> NDArray[np.int32]:
        """Give the token ids of one text."""
        return self.ids[self.starts[text] : self.starts[text + 1]]

    def buckets(self, texts: NDArray[np.int64], rows: int = ROWS) -> Iterator[Bucket]:
        """Yield padded batches of at most `rows` texts that together hold `texts` once, shortest first.

        Args:
            texts: Positions of texts; `Bucket.rows` counts within this array.
        """
        lengths = self.lengths[texts]
        order = np.argsort(lengths, kind="stable")
        for first in range(0, len(order), rows):
            chosen = order[first : first + rows]
            width = -(-int(lengths[chosen[-1]]) // LENGTH_STEP) * LENGTH_STEP
            columns = np.arange(width)
            mask = columns[None, :] < lengths[chosen][:, None]
            places = np.where(mask, self.starts[texts[chosen]][:, None] + columns, 0)
            ids = np.where(mask, self.ids[places], self.padding_id)
            yield Bucket(chosen, torch.from_numpy(ids.astype(np.int64)), torch.from_numpy(mask))
