"""The forgetting check: does the encoder still know which everyday sentences mean the same?

The pairs in `general_pairs.tsv` were written for this project: general language, graded 0 (no
relation) to 5 (same meaning). A drop of the rank correlation tells what training has cost.
"""

from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata

from loregraft.encoder.encode import encode
from loregraft.encoder.load import Encoder


@dataclass(frozen=True)
class SentencePairs:
    """Pairs of sentences and how similar people should find them, 0..5."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    similarity: Float[np.ndarray, " pairs"]


def general_pairs() -> SentencePairs:
    """Read the pairs that come with the package."""
    text = (files("loregraft.evaluate") / "general_pairs.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines()[1:] if line.strip()]
    return SentencePairs(
        tuple(row[1] for row in rows),
        tuple(row[2] for row in rows),
        np.array([float(row[0]) for row in rows]),
    )


def cosines(encoder: Encoder, pairs: SentencePairs) -> Float[np.ndarray, " pairs"]:
    """Give the cosine of each pair's vectors."""
    return np.asarray((encode(encoder, pairs.first) * encode(encoder, pairs.second)).sum(axis=1))


def resample_spearman(
    predictions: Float[np.ndarray, "arms pairs"],
    gold: Float[np.ndarray, " pairs"],
    seed: int,
    resamples: int = 2000,
) -> Float[np.ndarray, "resamples arms"]:
    """Give each arm's Spearman correlation with the gold in resampled sets of pairs (paired)."""
    drawn = np.random.default_rng(seed).integers(0, len(gold), (resamples, len(gold)))
    ranks = rankdata(predictions[:, drawn], axis=2)  # (arms, resamples, pairs)
    target = rankdata(gold[drawn], axis=1)
    ranks -= ranks.mean(axis=2, keepdims=True)
    target -= target.mean(axis=1, keepdims=True)
    norms = np.sqrt((ranks**2).sum(axis=2) * (target**2).sum(axis=1))
    return np.asarray(((ranks * target).sum(axis=2) / np.where(norms == 0, 1.0, norms)).T)
