"""Inputs: linked texts as tokens, with the tokens of each mention, and a batch made of them.

What every method needs and none should do twice: where a mention lies among the tokens, which links fell
to the encoder's length, padding, and the record of which facts went in.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from loregraft.records import Link

KNOWLEDGE = "k_"
"""What the names of a method's own tensors begin with."""
NOWHERE = (-1, -1)
"""The characters of a token that is not of the text."""


@dataclass(frozen=True)
class Span:
    """The tokens of a mention, first to last (not included), and what it may mean.

    Attributes:
        entities: Indexes in the graph, the likeliest first.
        priors: How likely each is, 0..1.
    """

    first: int
    last: int
    entities: tuple[int, ...]
    priors: tuple[float, ...]


@dataclass(frozen=True)
class Tokens:
    """One text as an encoder reads it, special tokens included, with its mentions.

    Attributes:
        offsets: The characters of each token; `NOWHERE` where it is not of the text.
        spans: By place; they may overlap.
        cut: The text lost its end.
        lost: How many links fell with it, or meant nothing that the graph has.
    """

    ids: list[int]
    offsets: list[tuple[int, int]]
    spans: list[Span] = field(default_factory=list)
    cut: bool = False
    lost: int = 0


@dataclass(frozen=True)
class Inputs:
    """A batch, ready for the model.

    Attributes:
        tensors: What the model is called with. Names of a method's own begin with `k_`; without any, the
            pass is the bare encoder's.
        offsets: The characters of its text that each token stands for; -1, -1: not of the text.
        triples: For each text, the rows of the graph's triples that went in, in order.
        entities: For each text, the indexes of the entities that went in, in order.
        cut: How many texts lost their end.
        lost: How many links went unused, as they lay beyond it or the graph has no such entity.
        added: How many tokens were added to the texts.
    """

    tensors: dict[str, Tensor]
    offsets: Int64[Tensor, "batch seq 2"]
    triples: tuple[tuple[int, ...], ...]
    entities: tuple[tuple[int, ...], ...]
    cut: int = 0
    lost: int = 0
    added: int = 0

    @property
    def mask(self) -> Bool[Tensor, "batch seq"]:
        """Where there is a token of any kind."""
        return self.offsets[..., 0] > PADDED

    def with_knowledge(
        self,
        tensors: dict[str, Tensor],
        *,
        entities: Sequence[Sequence[int]],
        triples: Sequence[Sequence[int]] | None = None,
    ) -> "Inputs":
        """Add what a method reads; where no text has an entity, nothing is added."""
        if not any(entities):
            return self
        named = {KNOWLEDGE + name: tensor for name, tensor in tensors.items()}
        told = triples if triples is not None else [()] * len(entities)
        return replace(
            self,
            tensors=self.tensors | named,
            entities=tuple(map(tuple, entities)),
            triples=tuple(map(tuple, told)),
        )


PADDED = -2
"""What stands for the characters of padding."""


def tokens_of(
    tokenizer: object,
    texts: Sequence[str],
    links: Sequence[Sequence[Link]],
    index: Callable[[str], int | None],
    max_tokens: int,
) -> list[Tokens]:
    """Tokenize texts and find the tokens of their mentions.

    Several links of one place are candidates of one mention; their scores are its priors.

    Args:
        index: Gives the index of an entity by its id; None where the graph has none.
        max_tokens: Special tokens included; longer texts lose their end.
    """
    if not texts:
        return []
    encoded = tokenizer(  # type: ignore[operator]
        list(texts), truncation=True, max_length=max_tokens, return_offsets_mapping=True
    )
    rows = zip(encoded["input_ids"], encoded["offset_mapping"], encoded.encodings, links, strict=True)
    return [_tokens(ids, offsets, encoding, found, index) for ids, offsets, encoding, found in rows]


def _tokens(
    ids: list[int],
    offsets: list[tuple[int, int]],
    encoding: object,
    links: Sequence[Link],
    index: Callable[[str], int | None],
) -> Tokens:
    special: list[int] = encoding.special_tokens_mask  # type: ignore[attr-defined]
    own = [NOWHERE if marked else (int(a), int(b)) for (a, b), marked in zip(offsets, special, strict=True)]
    by_place: dict[tuple[int, int], dict[int, float]] = {}
    lost = 0
    for link in links:
        entity = None if link.entity is None else index(link.entity)
        place = (link.mention.start, link.mention.end)
        if entity is not None:
            by_place.setdefault(place, {}).setdefault(entity, link.score)
        elif link.entity is not None:
            lost += 1
    spans = []
    for (start, end), meant in sorted(by_place.items()):
        inside = [token for token, (a, b) in enumerate(own) if a < end and b > start and a < b]
        if not inside:
            lost += len(meant)
            continue
        ordered = sorted(meant.items(), key=lambda pair: (-pair[1], pair[0]))
        entities, priors = zip(*ordered, strict=True)
        spans.append(Span(inside[0], inside[-1] + 1, entities, priors))
    return Tokens(ids, own, spans, bool(encoding.overflowing), lost)  # type: ignore[attr-defined]


def padded(
    tokens: Sequence[Tokens],
    padding_id: int,
    *,
    positions: Sequence[Sequence[int]] | None = None,
    added: int = 0,
) -> Inputs:
    """Make a batch of tokenized texts.

    Args:
        positions: Of each token of each text, where they are not 0, 1, 2 and so on.
        added: How many of the tokens are not of the texts.
    """
    width = max((len(one.ids) for one in tokens), default=0)
    input_ids = np.full((len(tokens), width), padding_id, np.int64)
    offsets = np.full((len(tokens), width, 2), PADDED, np.int64)
    for row, one in enumerate(tokens):
        input_ids[row, : len(one.ids)] = one.ids
        offsets[row, : len(one.ids)] = one.offsets
    mask = offsets[..., 0] > PADDED
    tensors = {"input_ids": torch.from_numpy(input_ids), "attention_mask": torch.from_numpy(mask).long()}
    if positions is not None:
        placed = np.zeros((len(tokens), width), np.int64)
        for row, one_text in enumerate(positions):
            placed[row, : len(one_text)] = one_text
        tensors["position_ids"] = torch.from_numpy(placed)
    nothing: tuple[tuple[int, ...], ...] = ((),) * len(tokens)
    cut, lost = sum(one.cut for one in tokens), sum(one.lost for one in tokens)
    return Inputs(tensors, torch.from_numpy(offsets), nothing, nothing, cut, lost, added)
