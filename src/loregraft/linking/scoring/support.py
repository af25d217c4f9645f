"""What the other mentions of a text say for a candidate, filled in for all texts of a batch."""

import numpy as np

from loregraft.linking.coherence import coherence, vector_coherence
from loregraft.linking.index import Index
from loregraft.linking.mentions import Spans
from loregraft.linking.scoring.features import Pool
from loregraft.linking.scoring.weights import Weights
from loregraft.linking.windows import TextCandidates

LIKELY = 0.02
"""Candidates less likely than this by themselves neither give nor get support."""


def fill_support(pool: Pool, spans: Spans, index: Index, weights: Weights, window: int) -> None:
    """Fill the columns coherence and vectors of texts with a mention that may mean several entities."""
    if not len(pool.entities):
        return
    local, owners = pool.shares(weights), pool.owners
    taken = local >= LIKELY
    unclear = np.bincount(owners[taken], minlength=len(pool.texts)) > 1
    for text in np.unique(pool.texts[unclear]).tolist():
        first, last = np.searchsorted(pool.texts, [text, text + 1])
        rows = np.arange(pool.starts[first], pool.starts[last])
        rows = rows[taken[rows]]
        candidates = TextCandidates(
            owners[rows] - first,
            pool.entities[rows],
            local[rows],
            spans.starts[first:last].astype(np.int64),
            spans.ends[first:last].astype(np.int64),
            window,
        )
        pool.column("coherence")[rows] = coherence(candidates, index.entities.neighbours)
        if index.vectors is not None:
            pool.column("vectors")[rows] = vector_coherence(index.vectors, candidates)
