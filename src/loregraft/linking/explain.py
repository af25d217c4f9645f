"""Why this entity? What each feature gave, what else was thought of, and which facts speak for it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from loregraft.linking.linker import Judged, Linker
from loregraft.linking.scoring.coherence import Support, evidence
from loregraft.linking.scoring.support import text_candidates
from loregraft.records import Link

MOST = 3
"""Candidates that are told of a mention."""


@dataclass(frozen=True)
class Thought:
    """A candidate: its score is the sum of what the features gave."""

    entity: str
    label: str
    score: float
    gave: dict[str, float]


@dataclass(frozen=True)
class Explanation:
    """A mention that is linked, or was given, and why.

    Attributes:
        nil: The score that "none of them" had.
        thoughts: The candidates, the best first; that of the link is the first of them.
        facts: Triples of the graph that join it to what other mentions were linked to, in words.
    """

    link: Link
    nil: float
    thoughts: tuple[Thought, ...]
    facts: tuple[str, ...]


def explain(linker: Linker, text: str, given: Sequence[tuple[int, int]] | None = None) -> list[Explanation]:
    """Link a text and say why.

    Args:
        given: Places of mentions; None: those that the linker finds.
    """
    judged = linker.judge([text], None if given is None else [given])
    kept = linker.kept(judged) if given is None else np.ones(len(judged.best), bool)
    linked = [row for row in np.flatnonzero(kept).tolist() if judged.best[row] >= 0 or given is not None]
    facts = _facts(linker, judged, [row for row in linked if judged.best[row] >= 0])
    return [
        Explanation(
            linker.link_at(judged, row, text),
            linker.weights.nil,
            _thoughts(linker, judged, row),
            facts.get(row, ()),
        )
        for row in linked
    ]


def _thoughts(linker: Linker, judged: Judged, mention: int) -> tuple[Thought, ...]:
    pool, entities = judged.pool, linker.index.entities
    rows = np.arange(pool.starts[mention], pool.starts[mention + 1])
    rows = rows[np.lexsort((rows, -judged.scores[rows]))][:MOST]
    return tuple(
        Thought(
            entities.id(int(pool.entities[row])),
            entities.label(int(pool.entities[row])),
            float(judged.scores[row]),
            linker.weights.contributions(pool.matrix[row]),
        )
        for row in rows.tolist()
    )


def _facts(linker: Linker, judged: Judged, mentions: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """Give for each mention the facts that join its entity to those of the others."""
    if not mentions:
        return {}
    pool, window = judged.pool, linker.settings.window
    local = pool.shares(linker.weights)
    rows, candidates = text_candidates(pool, judged.spans, local, 0, window)
    best = judged.best[list(mentions)]
    chosen = np.isin(rows, best)
    wanted = np.flatnonzero(chosen)
    found = evidence(candidates, linker.index.entities.neighbours, wanted, chosen)
    owners = pool.owners[rows[wanted]].tolist()
    return {
        owner: tuple(_in_words(linker, support) for support in supports)
        for owner, supports in zip(owners, found, strict=True)
    }


def _in_words(linker: Linker, support: Support) -> str:
    return "; ".join(linker.index.entities.fact(row) for row in support.triples)
