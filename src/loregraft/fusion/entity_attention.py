"""Entity attention: a linker inside the encoder weighs a mention's candidates, and tokens attend to them.

Several links of one place are candidates of one mention; which of them counts is learned with the rest, or
with `linker_loss`, where the right one is known.
"""

import math
import weakref
from collections.abc import Sequence
from contextvars import ContextVar

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from pydantic import Field
from torch import Tensor, nn

from loregraft.corpus.tokens import Tokens
from loregraft.encoder.hooks import Changes
from loregraft.fusion.inputs import Inputs, padded
from loregraft.fusion.knowledge import Knowledge
from loregraft.fusion.method import Gate, Host, MethodSettings, Need

INVALID = -1e4
"""The logit of what is no candidate: as good as -infinity, and no NaN where nothing else is there."""
_LINKER, _INNER = 100, 4  # units of the linker's network; of the inner layers, in widths: as released

_last: ContextVar[tuple[weakref.ref[nn.Module], Tensor] | None] = ContextVar("_last", default=None)


class EntityAttentionSettings(MethodSettings):
    """Where and how wide mentions and entities meet, and which candidates count."""

    layer: int | None = Field(
        None, ge=0, description="layer after which it stands, from 0; none: three quarters up"
    )
    width: int | None = Field(None, ge=1, description="numbers in which both meet; none: as the vectors have")
    heads: int = Field(4, ge=1, description="heads of both attentions")
    candidates: int = Field(8, ge=1, description="candidates of a mention at most, the likeliest first")
    threshold: float | None = Field(
        None, description="logit below which a candidate does not count; none: all count, and NULL with them"
    )
    dropout: float = Field(0.1, ge=0, lt=1, description="share left out of what is added, in training")


class EntityAttention(nn.Module):
    """Links mentions to entities inside the encoder, and lets all tokens attend to what was linked.

    As in the paper: hidden states are projected to the entities' width, each mention is pooled by
    self-attention, mentions attend to each other, candidates are weighed by a small network that sees the dot
    product and the prior, the weighted vector is added to the mention, tokens attend to the mentions, and
    W2, the pseudo-inverse of W1 at the start, leads back. Layer norms and the block around the attention are
    the released code's.

    Different from the paper: the pseudo-inverse is by singular values, as W1' W1 has none where the width is
    below the hidden one, and b2 = -W2 b1, so that it leads back (the code adds it); vectors of another width
    than `width` are projected, without bias; the NULL entity is the first of the choices, its prior what the
    others leave of 1; the linker's last bias is left out, as a softmax does not see it; one gate, closed at
    the start; texts without a mention are left alone.

    Reference:
        Peters et al. 2019, Knowledge Enhanced Contextual Word Representations, sec. 3.3 (KAR).

    Raises:
        ValueError: The encoder has no such layer, or heads do not divide the width.
    """

    needs: tuple[Need, ...] = ("graph", "vectors")

    def __init__(self, host: Host, knowledge: Knowledge, settings: EntityAttentionSettings) -> None:
        super().__init__()
        self.host, self.settings = host, settings
        self.layer = host.layers * 3 // 4 if settings.layer is None else settings.layer
        if self.layer >= host.layers:
            raise ValueError(f"the encoder has layers 0 to {host.layers - 1}, not {self.layer}")
        given = knowledge.entity_vectors.shape[1]
        width, heads, dropout = settings.width or given, settings.heads, settings.dropout
        if width % heads:
            raise ValueError(f"heads must divide the width, {width}; got {heads}")
        self.project = nn.Linear(host.hidden, width)
        self.pool, self.pooled_norm = nn.Linear(width, 1, bias=False), nn.LayerNorm(width)
        self.spans = nn.TransformerEncoderLayer(
            width, heads, _INNER * width, dropout, activation="gelu", batch_first=True
        )
        self.entity = nn.Identity() if width == given else nn.Linear(given, width, bias=False)
        self.null = nn.Parameter(torch.randn(width) / math.sqrt(width))
        self.entity_norm = nn.LayerNorm(width)
        self.linker = nn.Sequential(nn.Linear(2, _LINKER), nn.ReLU(), nn.Linear(_LINKER, 1, bias=False))
        self.linked_norm = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, dropout=dropout, batch_first=True)
        self.attended_norm, self.inner_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.inner = nn.Sequential(
            nn.Linear(width, _INNER * width), nn.GELU(), nn.Linear(_INNER * width, width)
        )
        self.back, self.norm = way_back(self.project), nn.LayerNorm(host.hidden)
        self.drop, self.gate = nn.Dropout(dropout), Gate()

    def prepare(self, tokens: Sequence[Tokens], knowledge: Knowledge) -> Inputs:
        """Gather the mentions of each text, and the candidates of each mention with their priors."""
        inputs, most = padded(tokens, self.host.padding_id), self.settings.candidates
        mentions = max((len(one.spans) for one in tokens), default=0)
        widest = max((len(span.entities[:most]) for one in tokens for span in one.spans), default=0)
        shape = len(tokens), mentions, widest
        spans = torch.zeros(len(tokens), mentions, 2, dtype=torch.int64)
        vectors = torch.zeros(*shape, knowledge.entity_vectors.shape[1])
        priors, valid = torch.zeros(shape), torch.zeros(shape, dtype=torch.bool)
        for row, one in enumerate(tokens):
            for place, span in enumerate(one.spans):
                entities = list(span.entities[:most])
                spans[row, place] = torch.tensor((span.first, span.last))
                vectors[row, place, : len(entities)] = torch.from_numpy(knowledge.entity_vectors[entities])
                priors[row, place, : len(entities)] = torch.tensor(span.priors[:most])
                valid[row, place, : len(entities)] = True
        meant = [[entity for span in one.spans for entity in span.entities[:most]] for one in tokens]
        return inputs.with_knowledge(
            {"spans": spans, "vectors": vectors, "priors": priors, "valid": valid},
            entities=[list(dict.fromkeys(one)) for one in meant],
        )

    def changes(self, knowledge: dict[str, Tensor]) -> Changes:
        """Link, and attend to what was linked, after one layer."""
        spans, valid = knowledge["spans"], knowledge["valid"]
        vectors, priors = (knowledge[name].to(self.null.dtype) for name in ("vectors", "priors"))
        real = valid.any(-1)

        def change(hidden: Tensor) -> Tensor:
            projected = self.project(hidden)
            mentions = self._mentions(projected, spans, real)
            logits, choices = self._linked(mentions, vectors, priors, valid)
            _last.set((weakref.ref(self), logits))
            shares = weights_of(logits, valid, self.settings.threshold)
            told = (shares.unsqueeze(-1) * choices).sum(-2)
            enhanced = self.linked_norm(mentions + self.drop(told))
            changed: Tensor = self.gate(
                hidden, self._attended(hidden, projected, enhanced, real), real.any(1)[:, None, None]
            )
            return changed

        return Changes(after={self.layer: change})

    def last_logits(self) -> Float[Tensor, "batch mentions choices"] | None:
        """Give the linker's logits in the last pass of this thread or task; None before the first.

        Choice 0 is NULL, choice k the k-th candidate of the mention; what is no candidate has -1e4. They keep
        their gradient, and the pass's memory until the next pass: read them right after it. Passes without
        knowledge leave them as they were.
        """
        found = _last.get()
        return None if found is None or found[0]() is not self else found[1]

    def _mentions(
        self,
        projected: Float[Tensor, "batch seq width"],
        spans: Int64[Tensor, "batch mentions 2"],
        real: Bool[Tensor, "batch mentions"],
    ) -> Float[Tensor, "batch mentions width"]:
        """Pool each mention, and let those of a text attend to each other."""
        token = torch.arange(projected.shape[1], device=projected.device)
        inside = (token >= spans[..., :1]) & (token < spans[..., 1:])
        logits = self.pool(projected).transpose(1, 2).masked_fill(~inside, INVALID)
        pooled = self.pooled_norm(logits.softmax(-1) @ projected)
        mentions: Tensor = self.spans(pooled, src_key_padding_mask=_ignored(real))
        return mentions

    def _linked(
        self,
        mentions: Float[Tensor, "batch mentions width"],
        vectors: Float[Tensor, "batch mentions candidates given"],
        priors: Float[Tensor, "batch mentions candidates"],
        valid: Bool[Tensor, "batch mentions candidates"],
    ) -> tuple[Float[Tensor, "batch mentions choices"], Float[Tensor, "batch mentions choices width"]]:
        """Give the logit and the vector of each choice: NULL, then the candidates."""
        null = self.null.expand(*mentions.shape[:2], 1, -1)
        choices = self.entity_norm(torch.cat([null, self.entity(vectors)], -2))
        left = (1 - priors.sum(-1, keepdim=True)).clamp(min=0)
        fit = (mentions.unsqueeze(-2) * choices).sum(-1) / math.sqrt(choices.shape[-1])
        seen = torch.stack([fit, torch.cat([left, priors], -1)], -1)
        allowed = F.pad(valid, (1, 0), value=True)
        return self.linker(seen).squeeze(-1).masked_fill(~allowed, INVALID), choices

    def _attended(self, hidden: Tensor, projected: Tensor, enhanced: Tensor, real: Tensor) -> Tensor:
        """Let the tokens attend to the mentions, and lead back to the hidden width."""
        seen, _ = self.attention(
            projected, enhanced, enhanced, key_padding_mask=_ignored(real), need_weights=False
        )
        attended = self.attended_norm(projected + self.drop(seen))
        inner = self.inner_norm(attended + self.drop(self.inner(attended)))
        new: Tensor = self.norm(hidden + self.drop(self.back(inner)))
        return new


def weights_of(
    logits: Float[Tensor, "batch mentions choices"],
    valid: Bool[Tensor, "batch mentions candidates"],
    threshold: float | None,
) -> Float[Tensor, "batch mentions choices"]:
    """Give the weight of each choice; they sum to 1.

    Args:
        threshold: Candidates below it do not count, and NULL counts only where no candidate does; None: all
            count, and NULL with them.
    """
    counts = F.pad(valid, (1, 0), value=True)
    if threshold is not None:
        kept = valid & (logits[..., 1:] >= threshold)
        counts = torch.cat([~kept.any(-1, keepdim=True), kept], -1)
    return logits.masked_fill(~counts, -math.inf).softmax(-1)  # one of the choices always counts


def linker_loss(
    logits: Float[Tensor, "batch mentions choices"], gold: Int64[Tensor, "batch mentions"]
) -> Float[Tensor, ""]:
    """Give the mean -log probability of the right choice, in nats.

    Args:
        logits: From `EntityAttention.last_logits`.
        gold: The right choice: 0 is NULL, k the k-th candidate; -100: unknown, does not count. What the
            settings' `candidates` cut off is none of them: its mention is NULL, or unknown.

    Returns:
        A scalar >= 0; exactly 0 where nothing is known.
    """
    total = F.cross_entropy(logits.flatten(0, 1), gold.flatten(), ignore_index=-100, reduction="sum")
    return total / (gold != -100).sum().clamp(min=1)


def way_back(project: nn.Linear) -> nn.Linear:
    """Make the layer that undoes a projection as well as can be: the pseudo-inverse, by singular values."""
    back = nn.Linear(project.out_features, project.in_features)
    with torch.no_grad():
        back.weight.copy_(torch.linalg.pinv(project.weight))
        back.bias.copy_(-(back.weight @ project.bias))
    return back


def _ignored(real: Bool[Tensor, "batch mentions"]) -> Bool[Tensor, "batch mentions"]:
    ignored = ~real
    ignored[:, 0] = False  # real wherever a text has any; where it has none, no softmax may be empty
    return ignored
