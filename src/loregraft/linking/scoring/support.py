"""What the other mentions of a text say for a candidate, filled in for all texts of a batch."""

import numpy as np
from numpy.typing import NDArray

from loregraft.linking.index import Index
from loregraft.linking.mentions.scanner import Spans
from loregraft.linking.scoring.coherence import coherence, vector_coherence
from loregraft.linking.scoring.features import Pool
from loregraft.linking.scoring.weights import Weights
from loregraft.linking.scoring.windows import TextCandidates

LIKELY = 0.02
"""Candidates less likely than this by themselves neither give nor get support."""

Shares = NDArray[np.float64]


def fill_support(pool: Pool, spans: Spans, index: Index, weights: Weights, window: int) -> None:
    """Fill the columns coherence and vectors of texts with a mention that may mean several entities."""
    if not len(pool.entities):
        return
    local = pool.shares(weights)
    unclear = np.bincount(pool.owners[local >= LIKELY], minlength=len(pool.texts)) > 1
    for text in np.unique(pool.texts[unclear]).tolist():
        rows, candidates = text_candidates(pool, spans, local, text, window)
        pool.column("coherence")[rows] = coherence(candidates, index.entities.neighbours)
        if index.vectors is not None:
            pool.column("vectors")[rows] = vector_coherence(index.vectors, candidates)


def text_candidates(
    pool: Pool, spans: Spans, local: Shares, text: int, window: int
) -> tuple[NDArray[np.int64], TextCandidates]:
    """Give the likely candidates of a text: their rows in the pool, and as coherence looks at them.

    Args:
        local: Of each candidate of the pool, its probability by itself.
    """
    first, last = np.searchsorted(pool.texts, [text, text + 1])
    rows = np.arange(pool.starts[first], pool.starts[last])
    rows = rows[local[rows] >= LIKELY]
    starts, ends = (column[first:last].astype(np.int64) for column in (spans.starts, spans.ends))
    mentions = pool.owners[rows] - first
    return rows, TextCandidates(mentions, pool.entities[rows], local[rows], starts, ends, window)
