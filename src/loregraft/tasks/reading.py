"""Reading: how the items of any task pass through a model, fused with knowledge or not.

A text is cut to what is read of it once, before anything else sees it, and what was cut is counted. No method
is the method `plain`, over a graph of nothing.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from loregraft.corpus.tokens import Tokens, tokens_of
from loregraft.encoder.hooks import encoder_of
from loregraft.encoder.load import Encoder
from loregraft.errors import BadInput
from loregraft.fusion.inputs import Inputs
from loregraft.fusion.knowledge import Knowledge
from loregraft.fusion.wrap import FusedModel, wrap
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.tables.columns import Columns
from loregraft.records import Link

LINKED_AT_ONCE = 64
"""Texts that a linker is given at once."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Item:
    """What a task reads.

    Attributes:
        label: "": not known.
        spans: Characters start to end that the head looks at; (): the whole text.
        links: None: not known, so that the linker is asked.
    """

    text: str
    label: str = ""
    spans: tuple[tuple[int, int], ...] = ()
    links: tuple[Link, ...] | None = None


@dataclass(frozen=True)
class Window:
    """What is read of an item.

    Attributes:
        text: Without what is beyond the last token.
        tokens: Special tokens included.
        cut: The text lost its end.
        lost: How many links fell with it, or meant nothing that the graph has.
        unseen: How many spans have no token in it; a head sees zeros there.
    """

    text: str
    spans: tuple[tuple[int, int], ...]
    links: tuple[Link, ...]
    tokens: int
    cut: bool
    lost: int
    unseen: int


def no_knowledge() -> Knowledge:
    """Give the knowledge of who has none; a graph has one entity at least."""
    return Knowledge(KnowledgeGraph.gather([Columns("entities", {"id": ["nothing"], "type": ["nothing"]})]))


def fused_of(model: Encoder | FusedModel) -> FusedModel:
    """Give a model that tasks can read with; an encoder alone reads no knowledge.

    Raises:
        ValueError: The model was wrapped together with a head.
    """
    if isinstance(model, Encoder):
        return wrap(model.model, model.tokenizer, no_knowledge(), method="plain")
    if encoder_of(model.model) is not model.model:
        found = f"a task brings its own head, and {type(model.model).__name__} has one"
        raise ValueError(f"{found}: wrap the encoder without head, as load_encoder(folder).model")
    return model


def windows_of(fused: FusedModel, items: Sequence[Item], max_tokens: int) -> list[Window]:
    """Link items and cut their texts to so many tokens, or what the encoder takes.

    Raises:
        BadInput: A text is empty.
        ValueError: The method reads knowledge, an item's links are not known, and there is no linker.
    """
    for number, item in enumerate(items, start=1):
        if not item.text.strip():
            found = f"text {number} of {len(items)} is empty"
            raise BadInput(Path("examples"), 0, found, "Leave it out, or say what it reads.")
    links, most = _links_of(fused, items), min(max_tokens, fused.host.max_tokens)
    tokens = tokens_of(fused.tokenizer, [item.text for item in items], links, fused.knowledge.index, most)
    windows = [_window(*each) for each in zip(items, links, tokens, strict=True)]
    if cut := sum(window.cut for window in windows):
        _log.warning("%d of %d texts lost what is beyond %d tokens", cut, len(windows), most)
    if unseen := sum(window.unseen > 0 for window in windows):
        _log.warning("%d of %d texts lost a whole mention with it", unseen, len(windows))
    return windows


def read(
    fused: FusedModel, head: nn.Module, windows: Sequence[Window]
) -> tuple[Float[Tensor, "batch labels"], Inputs]:
    """Give the logits of a batch, in float32, and what went into it."""
    inputs = fused.prepare([window.text for window in windows], [window.links for window in windows])
    masks = part_masks(inputs, [window.spans for window in windows])
    hidden: Tensor = fused(**inputs.tensors).last_hidden_state
    logits: Tensor = head(hidden.float(), masks)
    return logits.float(), inputs


def part_masks(
    inputs: Inputs, spans: Sequence[tuple[tuple[int, int], ...]]
) -> Bool[Tensor, "batch parts seq"]:
    """Tell which tokens are of each span; without spans, which are no padding: the one part of each text.

    Args:
        spans: As many for each text.
    """
    if not any(spans):
        return inputs.mask[:, None]
    start, end = inputs.offsets[:, None].unbind(-1)  # batch 1 seq
    places = torch.tensor(spans)  # batch parts 2
    return (start < places[..., 1:]) & (end > places[..., :1]) & (start < end)


def _window(item: Item, links: Sequence[Link], tokens: Tokens) -> Window:
    end = max(end for _, end in tokens.offsets) if tokens.cut else len(item.text)
    seen = [any(a < last and b > first and a < b for a, b in tokens.offsets) for first, last in item.spans]
    unseen = len(seen) - sum(seen)
    return Window(item.text[:end], item.spans, tuple(links), len(tokens.ids), tokens.cut, tokens.lost, unseen)


def _links_of(fused: FusedModel, items: Sequence[Item]) -> list[tuple[Link, ...]]:
    """Give each item's links; a method that needs no knowledge gets none."""
    if not fused.method.needs:
        return [() for _ in items]
    asked = list(dict.fromkeys(item.text for item in items if item.links is None))
    found: dict[str, tuple[Link, ...]] = {}
    for first in range(0, len(asked), LINKED_AT_ONCE):
        texts = asked[first : first + LINKED_AT_ONCE]
        found.update(zip(texts, map(tuple, fused.find_links(texts)), strict=True))
    return [found[item.text] if item.links is None else item.links for item in items]
