"""Wrap: any Hugging Face encoder, with or without a stock head, and a method by which it reads knowledge.

    model = wrap(encoder, tokenizer, Knowledge(graph), method="facts_text", linker=linker)
    output = model(**model.collate(texts).tensors)

Switched off, or for a batch without links, what runs is the bare model, bit for bit.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor, nn

from loregraft.corpus.tokens import Tokens, tokens_of, windows
from loregraft.encoder.hooks import Hooks, encoder_of
from loregraft.encoder.load import longest_text
from loregraft.encoder.soft import soft_offset
from loregraft.errors import did_you_mean
from loregraft.fusion import (
    adapter,
    entity_attention,
    entity_input,
    entity_layer,
    facts_text,
    knowledge_attention,
    lexicon,
    plain,
    sentence_tree,
)
from loregraft.fusion.inputs import KNOWLEDGE, Inputs, padded
from loregraft.fusion.knowledge import Knowledge
from loregraft.fusion.method import Host, Method, MethodSettings
from loregraft.linking.linker import Linker
from loregraft.records import Link

MethodName = Literal[
    "plain",
    "facts_text",
    "sentence_tree",
    "entity_input",
    "lexicon",
    "entity_layer",
    "entity_attention",
    "knowledge_attention",
    "adapter",
]
METHODS: Mapping[str, tuple[type[MethodSettings], type[Any]]] = {
    "plain": (plain.PlainSettings, plain.Plain),
    "facts_text": (facts_text.FactsTextSettings, facts_text.FactsText),
    "sentence_tree": (sentence_tree.SentenceTreeSettings, sentence_tree.SentenceTree),
    "entity_input": (entity_input.EntityInputSettings, entity_input.EntityInput),
    "lexicon": (lexicon.LexiconSettings, lexicon.Lexicon),
    "entity_layer": (entity_layer.EntityLayerSettings, entity_layer.EntityLayer),
    "entity_attention": (entity_attention.EntityAttentionSettings, entity_attention.EntityAttention),
    "knowledge_attention": (
        knowledge_attention.KnowledgeAttentionSettings,
        knowledge_attention.KnowledgeAttention,
    ),
    "adapter": (adapter.AdapterSettings, adapter.Adapter),
}
_TRIED = "An apple a day keeps the doctor away, 红苹果 too. " * 12
LONGEST = 512
"""Tokens of a text at most, where an encoder takes more."""

_log = logging.getLogger(__name__)


class FusedModel(nn.Module):
    """A model that reads knowledge.

    Attributes:
        model: The model that was wrapped; it stays a stock one, and trains and saves as before.
        method: What was added, with its weights.
        enabled: False: the bare model, and batches without knowledge.
    """

    def __init__(
        self,
        model: nn.Module,
        tokenizer: object,
        method: str,
        settings: MethodSettings,
        knowledge: Knowledge,
        linker: Linker | None,
    ) -> None:
        super().__init__()
        self.model, self.tokenizer = model, tokenizer
        self.name, self.settings = method, settings
        self.knowledge, self.linker, self.enabled = knowledge, linker, True
        self.host = host_of(model, tokenizer)
        self.hooks = Hooks(model)
        self.method: Method = METHODS[method][1](self.host, knowledge, settings)

    @property
    def config(self) -> Any:
        """The model's configuration, for transformers' Trainer."""
        return self.model.config

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        labels: Tensor | None = None,
        **others: Tensor,
    ) -> Any:
        """Run the model on a batch of `collate`; gives what the wrapped model gives."""
        given = {"input_ids": input_ids, "attention_mask": attention_mask, "labels": labels}
        inputs = {name: value for name, value in given.items() if value is not None}
        knowledge = {
            name.removeprefix(KNOWLEDGE): value
            for name, value in others.items()
            if name.startswith(KNOWLEDGE)
        }
        inputs |= {name: value for name, value in others.items() if not name.startswith(KNOWLEDGE)}
        if not knowledge or not self.enabled:
            return self.model(**inputs)
        with self.hooks.during(self.method.changes(knowledge)):
            return self.model(**inputs)

    def prepare(
        self, texts: Sequence[str], links: Sequence[Sequence[Link]] | None = None, *, in_windows: bool = False
    ) -> Inputs:
        """Make texts ready.

        Args:
            links: Of each text; None: the linker's.
            in_windows: Texts longer than the encoder takes are read in several rows (`Inputs.texts`); else
                they lose their end, which the log tells.

        Raises:
            ValueError: No links were given, and there is no linker.
        """
        if links is None:
            links = self.find_links(texts)
        if not self.enabled:
            links = [[] for _ in texts]
        tokens = self._tokens(texts, links, in_windows)
        owners = tuple(row for row, parts in enumerate(tokens) for _ in parts) if in_windows else ()
        rows = [part for parts in tokens for part in parts]
        if self.training and self.settings.knowledge_dropout:
            rows = [_without_some(one, self.settings.knowledge_dropout) for one in rows]
        inputs = padded(rows, self.host.padding_id)
        if any(one.spans for one in rows):
            inputs = self.method.prepare(rows, self.knowledge)
        return replace(inputs, texts=owners)

    def _tokens(
        self, texts: Sequence[str], links: Sequence[Sequence[Link]], in_windows: bool
    ) -> list[list[Tokens]]:
        """Tokenize texts: each one's rows."""
        most, index = self.host.max_tokens, self.knowledge.index
        if in_windows:
            whole = tokens_of(self.tokenizer, texts, links, index, max_tokens=10**9)
            return [list(windows(one, most)) or [one] for one in whole]
        tokens = tokens_of(self.tokenizer, texts, links, index, most)
        if cut := sum(one.cut for one in tokens):
            _log.warning("%d of %d texts lost what is beyond %d tokens", cut, len(texts), most)
        return [[one] for one in tokens]

    def find_links(self, texts: Sequence[str]) -> list[list[Link]]:
        """Let the linker find what the texts mention."""
        if self.linker is None:
            raise ValueError("links are needed: pass them, or wrap(..., linker=Linker.build(graph))")
        return self.linker.links(list(texts))

    def collate(self, examples: Sequence[Mapping[str, Any]]) -> dict[str, Tensor]:
        """Make a batch of examples, as transformers' Trainer asks of its `data_collator`.

        Args:
            examples: Each has `text`, may have `links`, and `label` or `labels`.
        """
        texts = [str(example["text"]) for example in examples]
        given = [example.get("links") for example in examples]
        missing = [row for row, one in enumerate(given) if one is None]
        if missing and self.enabled:
            found = self.find_links([texts[row] for row in missing])
            for row, links in zip(missing, found, strict=True):
                given[row] = links
        batch = dict(self.prepare(texts, [one or [] for one in given]).tensors)
        named = next((name for name in ("labels", "label") if name in examples[0]), None)
        if named:
            batch["labels"] = torch.tensor([example[named] for example in examples])
        return batch

    def own_state(self) -> dict[str, Tensor]:
        """Give the method's own weights by name: what is saved beside the stock model."""
        return dict(self.method.state_dict())  # type: ignore[attr-defined]

    def load_own_state(self, weights: Mapping[str, Tensor]) -> None:
        """Take the method's own weights from what `own_state` gave."""
        self.method.load_state_dict(weights)  # type: ignore[attr-defined]

    @contextmanager
    def off(self) -> Iterator[None]:
        """Switch knowledge off for what runs inside."""
        before, self.enabled = self.enabled, False
        try:
            yield
        finally:
            self.enabled = before

    def with_knowledge(self, knowledge: Knowledge, linker: Linker | None = None) -> "FusedModel":
        """Read another state of the graph from now on, without training: facts and links, not weights."""
        self.knowledge = knowledge
        self.linker = linker or self.linker
        return self


def wrap(
    model: nn.Module,
    tokenizer: object,
    knowledge: Knowledge,
    *,
    method: str = "facts_text",
    settings: MethodSettings | None = None,
    linker: Linker | None = None,
) -> FusedModel:
    """Let a model read knowledge by a method.

    Args:
        model: An encoder of transformers, bare or with a stock head.
        tokenizer: Its fast tokenizer.
        method: One of `METHODS`.
        settings: The method's; None: its defaults.
        linker: Finds what texts mention; None: links are given with each batch.

    Raises:
        ValueError: There is no such method, the settings are another's, the knowledge lacks what the method
            needs, or the encoder's family cannot do it.
    """
    if method not in METHODS:
        raise ValueError(f"there is no method {method!r}. {did_you_mean(method, METHODS)}")
    kind, made = METHODS[method]
    settings = kind() if settings is None else settings
    if not isinstance(settings, kind):
        raise ValueError(f"{method} takes {kind.__name__}, not {type(settings).__name__}")
    for need in made.needs:
        if getattr(knowledge, need) is None:
            raise ValueError(f"{method} needs {need}: give Knowledge(graph, {need}=...)")
    return FusedModel(model, tokenizer, method, settings, knowledge, linker)


def host_of(model: nn.Module, tokenizer: object) -> Host:
    """Tell a method of the encoder."""
    encoder = encoder_of(model)
    config: Any = encoder.config
    table: nn.Module = encoder.get_input_embeddings()  # type: ignore[operator]
    tried: list[int] = tokenizer(_TRIED)["input_ids"]  # type: ignore[operator]
    padding = tokenizer.pad_token_id or 0  # type: ignore[attr-defined]
    room = min(LONGEST, longest_text(config, None)) * 3 // 4
    offset = soft_offset(encoder, tried[:room], padding)
    return Host(
        tokenizer,
        str(config.model_type),
        int(config.hidden_size),
        int(config.num_hidden_layers),
        table.weight.detach(),  # type: ignore[operator]
        min(LONGEST, longest_text(config, offset)),
        offset,
    )


def _without_some(tokens: Tokens, share: float) -> Tokens:
    """Leave out mentions at random; torch's seed decides which."""
    kept = torch.rand(len(tokens.spans)) >= share
    spans = [span for span, stays in zip(tokens.spans, kept.tolist(), strict=True) if stays]
    return Tokens(tokens.ids, tokens.offsets, spans, tokens.cut, tokens.lost)
