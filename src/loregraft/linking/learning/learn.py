"""Learn a linker's weights and probabilities: from the graph's names alone, or from labelled texts."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float32

from loregraft.linking.calibrate import calibrate, log_odds
from loregraft.linking.formats.records import Annotated
from loregraft.linking.index import Index
from loregraft.linking.learning.examples import Examples, examples_of_names
from loregraft.linking.lexicon import KINDS, Lexicon, Names
from loregraft.linking.linker import Judged, Linker
from loregraft.linking.normalize import normalize_name
from loregraft.linking.scoring.weights import fit_weights, shares

HELD_OUT = 0.2
"""Share of labelled texts whose names are not added while weights are learned on them."""

PULL = 1e-3
_NEVER = ("context", "repeated", "coherence", "vectors")


def learn_from_names(linker: Linker, seed: int = 0) -> Linker:
    """Learn from the graph alone: its own names, asked for as if they or their entities were not there.

    What the text around a mention counts stays as it is.
    """
    examples = examples_of_names(linker.index, linker.known, linker.settings.candidates, seed)
    seen, unseen = _halves(examples, seed)
    weights = fit_weights(seen.matrix, seen.right, seen.starts, linker.weights, pull=PULL, fixed=_NEVER)
    return _calibrated(replace(linker, weights=weights), unseen)


def learn_from_labels(linker: Linker, texts: Sequence[Annotated], seed: int = 0) -> Linker:
    """Learn from labelled texts: their mentions become names, and say what is usual.

    Weights are learned on a fifth of the texts with the names of the others; then all names are added.
    """
    order = np.random.default_rng(seed).permutation(len(texts))
    held = [texts[place] for place in order[: max(1, round(HELD_OUT * len(texts)))]]
    rest = [texts[place] for place in order[len(held) :]]
    partly = with_labels(linker, rest)
    examples = examples_of_texts(partly, held)
    seen, unseen = _halves(examples, seed)
    weights = fit_weights(seen.matrix, seen.right, seen.starts, linker.weights, pull=PULL)
    known = _calibrated(replace(partly, weights=weights), unseen)
    weights = fit_weights(examples.matrix, examples.right, examples.starts, linker.weights, pull=PULL)
    return replace(with_labels(linker, texts), weights=weights, calibration=known.calibration)


def examples_of_texts(linker: Linker, texts: Sequence[Annotated]) -> Examples:
    """Take the mentions of labelled texts, each text a group."""
    judged = linker.judge([one.document.text for one in texts], [_places(one) for one in texts])
    return Examples.of(
        judged.pool, right_candidates(linker, judged, texts), judged.spans.texts.astype(np.int64)
    )


def right_candidates(
    linker: Linker, judged: Judged, texts: Sequence[Annotated]
) -> Bool[np.ndarray, " candidates"]:
    """Mark the candidates that the labels say: of alternatives any."""
    gold = {
        (number, mention.mention.start, mention.mention.end): frozenset(mention.entities)
        for number, one in enumerate(texts)
        for mention in one.gold
    }
    spans, entities = judged.spans, linker.index.entities
    places = zip(spans.texts.tolist(), spans.starts.tolist(), spans.ends.tolist(), strict=True)
    said = [gold.get(place, frozenset()) for place in places]
    owners = judged.pool.owners.tolist()
    found = zip(owners, judged.pool.entities.tolist(), strict=True)
    return np.array([entities.id(entity) in said[owner] for owner, entity in found], bool)


def with_labels(linker: Linker, texts: Sequence[Annotated]) -> Linker:
    """Add the mentions of labelled texts to the names, with how often each form means what."""
    ids = {id: row for row, id in enumerate(linker.index.entities.table["id"].to_pylist())}
    counts: Counter[tuple[str, int]] = Counter()
    for one in texts:
        for mention in one.gold:
            if len(mention.entities) == 1 and mention.entities[0] in ids:
                counts[mention.mention.text, ids[mention.entities[0]]] += 1
    index = _with_names(linker.index, sorted(counts))
    return replace(linker, index=index, prior=_prior(index, counts))


def _places(one: Annotated) -> list[tuple[int, int]]:
    return [(gold.mention.start, gold.mention.end) for gold in one.gold]


def _with_names(index: Index, names: Sequence[tuple[str, int]]) -> Index:
    more = Names(
        pa.array([name for name, _ in names], pa.large_string()),
        np.array([entity for _, entity in names], np.int32),
        np.full(len(names), KINDS.index("exact"), np.uint8),
        pa.array([""] * len(names), pa.large_string()),
    )
    both = index.names.with_more(more)
    both = both.take(np.argsort(both.entities, kind="stable"))
    encoder = None if index.dense is None else index.dense.encoder
    return Index.of_names(index.entities, both, index.rules, encoder=encoder, vectors=index.vectors)


def _prior(index: Index, counts: Counter[tuple[str, int]]) -> Float32[np.ndarray, " meanings"]:
    """Give for each meaning the share of its form's labels, half a label being nobody's."""
    lexicon: Lexicon = index.lexicon
    pairs = list(counts)
    forms = lexicon.find([normalize_name(name, index.rules) for name, _ in pairs])
    prior = np.zeros(len(lexicon.entities))
    for form, (_, entity), times in zip(forms.tolist(), pairs, counts.values(), strict=True):
        if form >= 0:
            rows = slice(*lexicon.pointers[form : form + 2].tolist())
            prior[rows.start + int(np.searchsorted(lexicon.entities[rows], entity))] += times
    owners = np.repeat(np.arange(len(lexicon)), np.diff(lexicon.pointers))
    total = np.bincount(owners, prior, len(lexicon))
    return (prior / (total[owners] + 0.5)).astype(np.float32)


def _halves(examples: Examples, seed: int) -> tuple[Examples, Examples]:
    """Part mentions in two, those of a group together: to learn weights from, and probabilities."""
    different, numbers = np.unique(examples.groups, return_inverse=True)
    half = np.random.default_rng(seed).permutation(len(different))[numbers] % 2 == 0
    return examples.take(np.flatnonzero(half)), examples.take(np.flatnonzero(~half))


def _calibrated(linker: Linker, examples: Examples) -> Linker:
    """Calibrate on some mentions."""
    p = shares(linker.weights.scores(examples.matrix), examples.starts, linker.weights.nil)
    owners = np.repeat(np.arange(len(examples.starts) - 1), np.diff(examples.starts))
    order = np.lexsort((-p, owners))
    filled = np.diff(examples.starts) > 0
    best = order[examples.starts[:-1][filled]]
    raw, right = np.zeros(len(filled)), np.zeros(len(filled), bool)
    raw[filled], right[filled] = p[best], examples.right[best]
    answerable = int((np.bincount(owners, examples.right, len(filled)) > 0).sum())
    return replace(linker, calibration=calibrate(log_odds(raw), right, answerable))
