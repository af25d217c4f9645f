"""Pre-training: an encoder and the views of a graph in, a better encoder out.

The budget is given in minutes and turned into a number of steps once (`plan_steps`); every arm,
seed and resume then does that number, so that all do equal work and results repeat.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from loregraft.artifact import fingerprint
from loregraft.encoder.encode import embed, encode
from loregraft.encoder.load import Encoder
from loregraft.pretrain.objectives.alignment import alignment, anchor
from loregraft.pretrain.pairs import Pairs
from loregraft.pretrain.settings import PretrainSettings
from loregraft.pretrain.views import Views
from loregraft.training.device import has_bf16
from loregraft.training.loop import (
    Losses,
    Progress,
    StepLoss,
    Trained,
    fit,
    seconds_per_step,
)


@dataclass(frozen=True)
class Preparation:
    """What the untouched encoder says once for all arms and seeds.

    Attributes:
        heads: Vectors of each paired concept's first view: which concepts it takes for alike.
        sentences: Plain sentences to stay near on.
        anchors: Their vectors.
    """

    heads: Float[np.ndarray, "heads dim"]
    sentences: tuple[str, ...]
    anchors: Float[np.ndarray, "sentences dim"]


def prepare(
    encoder: Encoder,
    views: Views,
    sentences: Sequence[str],
    settings: PretrainSettings,
    progress: Callable[[float], object] = lambda share: None,
) -> Preparation:
    """Ask the untouched encoder for the vectors that training needs.

    Args:
        sentences: Plain sentences that hold general similarity in place; some are chosen.

    Raises:
        BadInput: No concept has two views.
    """
    heads = Pairs.of(views, settings.weights, settings.source_weights).heads
    chosen = _anchor_pool(sentences, settings)
    done = 0

    def count(texts: int) -> None:
        nonlocal done
        done += texts
        progress(done / (len(heads) + len(chosen)))

    vectors, anchors = (
        encode(encoder, texts, max_tokens=settings.max_tokens, bf16=has_bf16(), progress=count)
        for texts in (heads, chosen)
    )
    return Preparation(vectors, tuple(chosen), anchors)


def pretrain(
    encoder: Encoder,
    views: Views,
    preparation: Preparation,
    settings: PretrainSettings,
    *,
    steps: int,
    seed: int,
    checkpoints: Path,
    report: Callable[[Progress], object] = lambda progress: None,
) -> Trained:
    """Train an encoder in place so that the views of one concept lie together.

    Args:
        preparation: Of the same concepts' first views; those of a control are the same.
        checkpoints: A folder of this arm alone, from which a cut-off run resumes. It is left in
            place: remove it with `remove_checkpoints` once the result is safe.

    Raises:
        CannotWrite: A checkpoint could not be written.
    """
    step_loss = make_step_loss(encoder, views, preparation, settings, seed)
    content = [
        views.texts,
        views.kinds,
        views.sources,
        views.concepts.tolist(),
        preparation.sentences,
        settings.model_dump(),
    ]
    key = fingerprint("pretrain", content, encoder.sha256)
    return fit(
        encoder.model,
        step_loss,
        steps,
        settings.loop,
        seed=seed,
        key=key,
        checkpoints=checkpoints,
        report=report,
    )


def plan_steps(encoder: Encoder, views: Views, preparation: Preparation, settings: PretrainSettings) -> int:
    """Turn the minutes into a number of steps, by timing a dozen on a copy of the encoder."""
    copied = replace(encoder, model=copy.deepcopy(encoder.model))
    step_loss = make_step_loss(copied, views, preparation, settings, seed=0)
    return max(1, int(settings.minutes * 60 / seconds_per_step(copied.model, step_loss, settings.loop)))


def make_step_loss(
    encoder: Encoder, views: Views, preparation: Preparation, settings: PretrainSettings, seed: int
) -> StepLoss:
    """Tokenize once and give the function from a step's number to its losses."""
    pairs = Pairs.of(views, settings.weights, settings.source_weights)
    tokens = encoder.tokenize([*views.texts, *preparation.sentences], settings.max_tokens)
    lengths, anchors = tokens.lengths, torch.from_numpy(preparation.anchors)

    def step_loss(step: int) -> tuple[Losses, int]:
        drawn = pairs.draw(preparation.heads, seed, step, settings.batch, settings.group)
        rows = np.concatenate([pairs.first[drawn], pairs.second[drawn]])
        kept = np.random.default_rng([seed, step, 1]).choice(
            len(anchors), min(settings.anchor_texts, len(anchors)), replace=False
        )
        used = np.concatenate([rows, kept + len(views)]).astype(np.int64)
        vectors = embed(encoder, tokens, used)
        first, second = vectors[: len(drawn)], vectors[len(drawn) : len(rows)]
        same = torch.from_numpy(pairs.same(rows))
        losses = {"alignment": alignment(first, second, same, settings.temperature)}
        if len(kept):
            losses["anchor"] = settings.anchor * anchor(vectors[len(rows) :], anchors[torch.from_numpy(kept)])
        return losses, int(lengths[used].sum())

    return step_loss


def _anchor_pool(sentences: Sequence[str], settings: PretrainSettings) -> list[str]:
    """Choose evenly among the sorted sentences, so that their vectors are made in seconds."""
    if not settings.anchor or not settings.anchor_texts:
        return []
    unique = sorted(set(sentences))
    step = max(1, len(unique) // settings.anchor_pool)
    return unique[::step][: settings.anchor_pool]
