"""Learn from texts without labels: what the text around a mention counts, and what a name usually means.

Names that mean one entity only are mentions whose meaning is known. They are made ambiguous: another entity
is set beside the right one, as if both had the name, and the weights of what the text around says are
learned from telling the two apart. With these weights the meanings of names that are ambiguous indeed are
weighed in all texts, and how often each comes is its prior (EM: Dempster et al. 1977).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float32, Int64

from loregraft.kg.runs import runs
from loregraft.linking.candidates.generate import LeftOut
from loregraft.linking.learning.examples import Examples
from loregraft.linking.linker import Linker
from loregraft.linking.mentions.scanner import SOURCES, Spans
from loregraft.linking.pipe import in_batches
from loregraft.linking.scoring.features import FEATURES, Pool
from loregraft.linking.scoring.weights import NIL, fit_weights

FROM_TEXTS = ("context", "coherence", "vectors")

FEWEST = 300
"""Mentions of known meaning, below which weights stay as they are."""

MOST = 20_000
"""Mentions of known meaning that weights are learned from."""

ROUNDS = 3
DOUBT = 5.0
"""Mentions of a name that mean nobody knows what: a name that is seldom in the texts has a small prior."""

AT_ONCE = 64
PULL = 1e-2
Prior = Float32[np.ndarray, " meanings"]
_NAMED = [SOURCES.index(source) for source in ("name", "exact_case")]


@dataclass(frozen=True)
class Learned:
    """A linker that has read texts, and what it found in them.

    Attributes:
        known: Mentions of known meaning that weights were learned from; 0: they stayed as they were.
        ambiguous: Mentions of names with several meanings that priors were learned from.
    """

    linker: Linker
    texts: int
    known: int
    ambiguous: int


def learn_from_texts(linker: Linker, texts: Sequence[str], seed: int = 0) -> Learned:
    """Learn weights of the features FROM_TEXTS and priors from texts; what labels taught stays.

    Weights of other features and probabilities are kept. Names whose prior is known already keep it.

    Raises:
        ValueError: There is no text.
    """
    if not len(texts):
        raise ValueError("there is no text to learn from")
    examples = examples_of_ambiguity(linker, texts, seed)
    known = len(examples.starts) - 1
    if known >= FEWEST:
        fixed = [NIL, *(name for name in FEATURES if name not in FROM_TEXTS)]
        weights = fit_weights(
            examples.matrix, examples.right, examples.starts, linker.weights, pull=PULL, fixed=fixed
        )
        linker = replace(linker, weights=weights)
    before, ambiguous = linker.prior, 0
    for _ in range(ROUNDS):
        linker, ambiguous = _with_prior(linker, texts, before)
    return Learned(linker, len(texts), known if known >= FEWEST else 0, ambiguous)


def examples_of_ambiguity(linker: Linker, texts: Sequence[str], seed: int = 0) -> Examples:
    """Make mentions of known meaning ambiguous.

    Half of them, if their entity has other names, are looked up as if it had not this one. Beside the right
    entity of the others stands another one, in all but the text around its equal: one of the texts, or a
    neighbour of the right one in the graph.
    """
    drawn, parts = np.random.default_rng(seed), list[Examples]()
    met = np.zeros(0, np.int64)
    for number, batch in enumerate(in_batches(texts, AT_ONCE)):
        views = linker.proposer.views(batch)
        phrases = linker.proposer.found(views)
        pool = linker.proposer.pool(phrases)
        known = _Known.of(linker, pool, phrases.spans)
        met = np.union1d(met, known.entities)
        if len(met) < 2:
            continue
        unseen = (drawn.random(len(known.rows)) < 0.5) & (linker.proposer.known.names[known.entities] > 1)
        pool = _replaced(pool, known.rows[unseen], _as_unseen(linker, pool, known.take(unseen)))
        pool = _replaced(pool, known.rows[~unseen], _doubled(linker, pool, known.take(~unseen), met, drawn))
        linker.proposer.fill(pool, phrases.spans, views, linker.weights)
        right = np.full(len(pool.texts), -1, np.int64)
        right[known.rows] = known.entities
        marked = pool.entities == right[pool.owners]
        reached = np.bincount(pool.owners, marked, len(pool.texts)) == 1
        parts.append(
            Examples.of(pool, marked, pool.texts + number * AT_ONCE).take(known.rows[reached[known.rows]])
        )
        if sum(len(part.groups) for part in parts) >= MOST:
            break
    return Examples.joined(parts)


@dataclass(frozen=True)
class _Known:
    """Mentions that are a name of one entity and not inside a longer one: their rows, and the entities."""

    rows: Int64[np.ndarray, " mentions"]
    entities: Int64[np.ndarray, " mentions"]
    meanings: Int64[np.ndarray, " mentions"]

    @classmethod
    def of(cls, linker: Linker, pool: Pool, spans: Spans) -> "_Known":
        rows = _outermost(spans) & np.isin(spans.sources, _NAMED) & (np.diff(pool.starts) == 1)
        first = pool.starts[:-1][rows]
        return cls(np.flatnonzero(rows), pool.entities[first], pool.meanings[first])

    def take(self, chosen: Bool[np.ndarray, " mentions"]) -> "_Known":
        return _Known(self.rows[chosen], self.entities[chosen], self.meanings[chosen])


def _outermost(spans: Spans) -> Bool[np.ndarray, " mentions"]:
    """Mark the mentions that are not inside another one."""
    order = np.lexsort((-spans.ends, spans.starts, spans.texts))
    ends = (spans.texts[order].astype(np.int64) << 32) + spans.ends[order]
    before = np.maximum.accumulate(np.r_[-1, ends])[:-1]
    found = np.zeros(len(order), bool)
    found[order] = before < ends
    return found


def _as_unseen(linker: Linker, pool: Pool, known: _Known) -> Pool:
    """Look mentions up as if their entities had not these names."""
    lexicon, index = linker.index.lexicon, linker.index
    meanings, place = np.unique(known.meanings, return_inverse=True)
    forms = np.searchsorted(lexicon.pointers, meanings, side="right") - 1
    keys = lexicon.forms.take(pa.array(forms)).to_pylist()
    gone = np.zeros(len(index.entities), bool)
    found = index.candidates(keys, linker.settings.candidates, LeftOut(meanings, gone))
    return found.deal(place, pool.texts[known.rows], lexicon, index.names, linker.proposer.known)


def _doubled(
    linker: Linker, pool: Pool, known: _Known, met: Int64[np.ndarray, " entities"], drawn: np.random.Generator
) -> Pool:
    """Set another entity beside the right one of each mention."""
    beside = drawn.choice(met, len(known.rows))
    near = linker.index.entities.neighbours
    counts = near.degrees(known.entities)
    places = near.pointers[known.entities] + (drawn.random(len(counts)) * counts).astype(np.int64)
    joined = (drawn.random(len(counts)) < 0.5) & (counts > 0)
    beside[joined] = near.neighbours[places[joined]]
    rows = np.repeat(pool.starts[:-1][known.rows], 2)
    entities = np.stack([known.entities, beside], axis=1).ravel()
    starts = 2 * np.arange(len(known.rows) + 1)
    texts, keys = pool.texts[known.rows], pool.keys[known.rows]
    return Pool(texts, keys, starts, entities, pool.meanings[rows], pool.matrix[rows])


def _replaced(pool: Pool, mentions: Int64[np.ndarray, " some"], other: Pool) -> Pool:
    """Give a pool in which some mentions have the candidates that they have in another one."""
    starts, ends = pool.starts[:-1].copy(), pool.starts[1:].copy()
    starts[mentions], ends[mentions] = (
        len(pool.entities) + at for at in (other.starts[:-1], other.starts[1:])
    )
    owners, rows = runs(starts, ends)
    both = (
        np.concatenate([getattr(one, name) for one in (pool, other)])[rows]
        for name in ("entities", "meanings", "matrix")
    )
    return Pool(pool.texts, pool.keys, np.searchsorted(owners, np.arange(len(starts) + 1)), *both)


def _with_prior(linker: Linker, texts: Sequence[str], before: Prior | None) -> tuple[Linker, int]:
    """Weigh the meanings of ambiguous names in all texts, and take how often each comes as its prior.

    Args:
        before: What was known; it is kept where it is more than 0.
    """
    lexicon = linker.index.lexicon
    several = np.diff(lexicon.pointers) > 1
    owners = np.repeat(np.arange(len(lexicon)), np.diff(lexicon.pointers))
    counts, mentions = np.zeros(len(lexicon.entities)), 0
    for batch in in_batches(texts, AT_ONCE):
        judged = linker.judge(batch)
        pool, spans = judged.pool, judged.spans
        taken = np.isin(spans.sources, _NAMED) & (spans.forms >= 0)
        taken &= several[np.maximum(spans.forms, 0)]
        mentions += int(taken.sum())
        rows = np.flatnonzero(taken[pool.owners])
        np.add.at(counts, pool.meanings[rows], pool.shares(linker.weights)[rows])
    totals = np.bincount(owners, counts, len(lexicon))
    prior = (counts / (totals[owners] + DOUBT)).astype(np.float32)
    if before is not None:
        told = np.bincount(owners, before, len(lexicon))[owners] > 0
        prior = np.where(told, before, prior)
    return replace(linker, prior=prior), mentions
