"""Learn a linker's weights and probabilities: from the graph's names alone, or from labelled texts."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float32

from loregraft.linking.formats.records import Annotated
from loregraft.linking.index import Index
from loregraft.linking.learning.examples import Examples, examples_of_names
from loregraft.linking.lexicon import Lexicon
from loregraft.linking.linker import Judged, Linker
from loregraft.linking.normalize import normalize_name
from loregraft.linking.scoring.calibrate import calibrate, log_odds
from loregraft.linking.scoring.weights import best_of, fit_weights, owners_of, shares

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
    judged = linker.judge([one.document.text for one in texts], [one.places for one in texts])
    return Examples.of(
        judged.pool, right_candidates(linker, judged, texts), judged.spans.texts.astype(np.int64)
    )


def right_candidates(
    linker: Linker, judged: Judged, texts: Sequence[Annotated]
) -> Bool[np.ndarray, " candidates"]:
    """Mark the candidates that the labels say: of alternatives any."""
    numbers = linker.index.entities.numbers
    gold = {
        (number, mention.mention.start, mention.mention.end, numbers[id])
        for number, one in enumerate(texts)
        for mention in one.gold
        for id in mention.entities
        if id in numbers
    }
    spans, pool = judged.spans, judged.pool
    columns = (column[pool.owners].tolist() for column in (spans.texts, spans.starts, spans.ends))
    rows = zip(*columns, pool.entities.tolist(), strict=True)
    return np.array([row in gold for row in rows], bool)


def with_labels(linker: Linker, texts: Sequence[Annotated]) -> Linker:
    """Add the mentions of labelled texts to the names, with how often each form means what."""
    numbers = linker.index.entities.numbers
    counts: Counter[tuple[str, int]] = Counter()
    for one in texts:
        for mention in one.gold:
            if len(mention.entities) == 1 and mention.entities[0] in numbers:
                counts[mention.mention.text, numbers[mention.entities[0]]] += 1
    index = linker.index.with_names(sorted(counts))
    return replace(linker, index=index, prior=_prior(index, counts))


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
    scores = linker.weights.scores(examples.matrix)
    answered, best = best_of(scores, examples.starts)
    raw, right = np.zeros(len(answered)), np.zeros(len(answered), bool)
    raw[answered] = shares(scores, examples.starts, linker.weights.nil)[best]
    right[answered] = examples.right[best]
    answerable = len(np.unique(owners_of(examples.starts)[examples.right]))
    return replace(linker, calibration=calibrate(log_odds(raw), right, answerable))
