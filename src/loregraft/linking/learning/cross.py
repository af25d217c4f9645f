"""Teach a cross-encoder to tell close calls apart, from the mentions of labelled texts."""

import tempfile
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int64
from torch import nn

from loregraft.artifact import fingerprint
from loregraft.linking.linker import Judged, Linker
from loregraft.linking.scoring.cross import CrossEncoder, close_calls
from loregraft.linking.scoring.weights import Weights
from loregraft.training.loop import Losses, Progress, fit
from loregraft.training.settings import LoopSettings

PASSES = 3
BATCH = 8
"""Mentions in a step, each with all its candidates."""

LOOP = LoopSettings(learning_rate=5e-5, new_learning_rate=1e-2, dropout=True)
"""The first that were tried (docs/log.md)."""


@dataclass(frozen=True)
class CloseCalls:
    """Mentions with several candidates that are close, of which at least one is right and one is not.

    Attributes:
        inputs: What is read of each candidate.
        scores: What it has already, in nats.
        starts: Where the candidates of a mention begin; one more at the end.
    """

    inputs: list[str]
    scores: Float32[np.ndarray, " candidates"]
    right: Bool[np.ndarray, " candidates"]
    starts: Int64[np.ndarray, " ends"]

    @classmethod
    def joined(cls, parts: Sequence["CloseCalls"]) -> "CloseCalls":
        """Put several behind one another."""
        lengths = np.concatenate([np.zeros(1, np.int64), *(np.diff(part.starts) for part in parts)])
        none = np.zeros(0)
        return cls(
            [one for part in parts for one in part.inputs],
            np.concatenate([none, *(part.scores for part in parts)]).astype(np.float32),
            np.concatenate([none, *(part.right for part in parts)]).astype(bool),
            np.cumsum(lengths),
        )

    def __len__(self) -> int:
        return len(self.starts) - 1


def close_calls_of(
    linker: Linker,
    judged: Judged,
    right: Bool[np.ndarray, " candidates"],
    texts: Sequence[str],
    weights: Weights,
    cross: CrossEncoder,
) -> CloseCalls:
    """Take the close calls among judged mentions.

    Args:
        weights: By which they are close.
    """
    pool = judged.pool
    scores = weights.changed(read=0.0).scores(pool.matrix)
    rows = close_calls(pool, scores, linker.settings.narrow)
    owners = pool.owners[rows]
    known = np.bincount(owners, right[rows], len(pool.texts)), np.bincount(owners, minlength=len(pool.texts))
    rows = rows[((known[0] > 0) & (known[0] < known[1]))[owners]]
    _, lengths = np.unique(pool.owners[rows], return_counts=True)
    return CloseCalls(
        cross.inputs_of(rows, pool, judged.spans, texts, linker.index),
        scores[rows].astype(np.float32),
        right[rows],
        np.r_[0, np.cumsum(lengths)].astype(np.int64),
    )


def teach(
    cross: CrossEncoder,
    calls: CloseCalls,
    seed: int = 0,
    *,
    loop: LoopSettings = LOOP,
    checkpoints: Path | None = None,
    report: Callable[[Progress], object] = lambda progress: None,
) -> None:
    """Train a cross-encoder in place; without a close call it stays as it is.

    The loss of a mention is -log of the share of its right candidates, where what is read is added to the
    score that each has.

    Args:
        checkpoints: A folder of this run alone, from which it resumes; None: it cannot.

    Raises:
        Diverged: A loss or a gradient is not finite.
    """
    if not len(calls):
        return
    each = -(-len(calls) // BATCH)
    scores, right = torch.from_numpy(calls.scores), torch.from_numpy(calls.right)

    def step_loss(step: int) -> tuple[Losses, int]:
        epoch, place = divmod(step, each)
        order = np.random.default_rng([seed, epoch]).permutation(len(calls))
        mentions = order[place * len(order) // each : (place + 1) * len(order) // each].tolist()
        rows = [np.arange(calls.starts[one], calls.starts[one + 1]) for one in mentions]
        inputs = [calls.inputs[row] for row in np.concatenate(rows).tolist()]
        said = cross(inputs).split([len(own) for own in rows])
        losses = []
        for own, more in zip(map(torch.from_numpy, rows), said, strict=True):
            total = scores[own] + more
            losses.append(torch.logsumexp(total, 0) - torch.logsumexp(total[right[own]], 0))
        return {"choice": torch.stack(losses).mean()}, sum(map(len, inputs))

    told = [calls.inputs, calls.scores.tolist(), calls.right.tolist(), calls.starts.tolist()]
    key = fingerprint("cross", told, PASSES, BATCH, cross.sha256)
    parts = nn.ModuleDict({"encoder": cross.encoder, "new": nn.ModuleDict({"head": cross.head})})
    with nullcontext(str(checkpoints)) if checkpoints else tempfile.TemporaryDirectory() as folder:
        fit(
            parts, step_loss, PASSES * each, loop, seed=seed, key=key, checkpoints=Path(folder), report=report
        )
