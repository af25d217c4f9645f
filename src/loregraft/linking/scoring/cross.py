"""A second look at close calls: an encoder reads a mention in its text together with each candidate.

What it says is added to the score that a candidate has already, so that it learns only what the other
features lack, and cannot undo their order but where they are unsure.
"""

import copy
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int64
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from loregraft.encoder.encode import embed
from loregraft.encoder.load import Encoder, load_encoder, save_encoder, sha256_weights
from loregraft.errors import WrongArtifact
from loregraft.linking.index import Index
from loregraft.linking.mentions.scanner import Spans
from loregraft.linking.scoring.features import Pool
from loregraft.linking.scoring.weights import best_of

HEAD = "head.safetensors"
MOST = 8
"""Candidates of a mention that are read, at most."""

AROUND = 200
"""Characters of the text on each side of the mention."""

MAX_TOKENS = 128
PAIRS_AT_ONCE = 64


class CrossEncoder(nn.Module):
    """Says in nats how much more a mention means a candidate than the other features knew.

    Its head is zero before it learns: then it says nothing.

    Reference:
        Wu et al. 2020, Scalable Zero-shot Entity Linking with Dense Entity Retrieval, sec. 4.2: mention,
        text around it and candidate in one input, s = w y. There the mention is marked in its text and y is
        the first token's; here it is said before, and y is the encoder's own pooling, of length 1.
    """

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self._encoder = encoder
        self.encoder = encoder.model
        self.head = nn.Linear(encoder.dim, 1, bias=False)
        nn.init.zeros_(self.head.weight)

    @classmethod
    def start(cls, encoder: Encoder) -> "CrossEncoder":
        """Begin with a copy of an encoder, which itself stays as it is."""
        return cls(replace(encoder, model=copy.deepcopy(encoder.model)))

    @cached_property
    def separator(self) -> str:
        """What stands between the parts of an input."""
        found = getattr(self._encoder.tokenizer, "sep_token", None)
        return f" {found} " if found else " | "

    @property
    def sha256(self) -> str:
        """A hash of the weights."""
        return sha256_weights(self.state_dict())

    def forward(self, inputs: Sequence[str]) -> Float[Tensor, " inputs"]:
        """Read inputs, as `inputs_of` makes them."""
        tokens = self._encoder.tokenize(inputs, MAX_TOKENS)
        vectors = embed(self._encoder, tokens, np.arange(len(tokens)))
        said: Tensor = self.head(vectors)[:, 0]
        return said

    def inputs_of(
        self,
        rows: Int64[np.ndarray, " rows"],
        pool: Pool,
        spans: Spans,
        texts: Sequence[str],
        index: Index,
    ) -> list[str]:
        """Put mention, candidate and the text around into words, for some candidates of a pool."""
        inputs, between = [], self.separator
        for row in rows.tolist():
            mention = int(pool.owners[row])
            text = texts[int(spans.texts[mention])]
            start, end = int(spans.starts[mention]), int(spans.ends[mention])
            told = index.in_words(int(pool.entities[row]))
            around = text[max(0, start - AROUND) : end + AROUND]
            inputs.append(f"{text[start:end]}{between}{told}{between}{around}")
        return inputs

    @torch.inference_mode()
    def fill(
        self,
        pool: Pool,
        scores: Float[np.ndarray, " candidates"],
        narrow: float,
        spans: Spans,
        texts: Sequence[str],
        index: Index,
    ) -> None:
        """Read the close calls of a pool, and fill in what that says, less its mean in a mention."""
        rows = close_calls(pool, scores, narrow)
        if not len(rows):
            return
        inputs = self.inputs_of(rows, pool, spans, texts, index)
        firsts = range(0, len(inputs), PAIRS_AT_ONCE)
        said = torch.cat([self(inputs[first : first + PAIRS_AT_ONCE]) for first in firsts]).double().numpy()
        owners = pool.owners[rows]
        _, which = np.unique(owners, return_inverse=True)
        pool.column("read")[rows] = said - (np.bincount(which, said) / np.bincount(which))[which]

    def save(self, folder: Path) -> None:
        """Write it into a folder that exists: a plain encoder folder and a head."""
        save_encoder(self._encoder, folder, MAX_TOKENS)
        save_file({"weight": self.head.weight.detach().contiguous()}, folder / HEAD)

    @classmethod
    def load(cls, folder: Path) -> "CrossEncoder":
        """Open a folder.

        Raises:
            BadInput: The encoder cannot be read.
            WrongArtifact: The head cannot be read, or is of another encoder.
        """
        found = cls(load_encoder(folder))
        try:
            found.head.load_state_dict(load_file(folder / HEAD))
        except (OSError, RuntimeError, SafetensorError) as error:
            fix = "Learn it again: loregraft link fit --cross."
            raise WrongArtifact(folder / HEAD, "it is not the head of this encoder", fix) from error
        return found.eval()


def close_calls(
    pool: Pool, scores: Float[np.ndarray, " candidates"], narrow: float
) -> Int64[np.ndarray, " rows"]:
    """Give the candidates that are close to the best of their mention, ascending; none that are alone.

    Args:
        narrow: How many nats below the best they are at most.
    """
    answered, best = best_of(scores, pool.starts)
    top = np.full(len(answered), np.inf)
    top[answered] = scores[best]
    order = np.lexsort((-scores, pool.owners))
    place = np.empty(len(scores), np.int64)
    place[order] = np.arange(len(scores)) - pool.starts[pool.owners[order]]
    close = (scores >= top[pool.owners] - narrow) & (place < MOST)
    several = np.bincount(pool.owners, close, len(answered)) > 1
    return np.flatnonzero(close & several[pool.owners])
