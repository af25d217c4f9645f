"""Learn a linker's weights and probabilities: from the graph's names alone, or from labelled texts."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Float32

from loregraft.encoder.load import Encoder
from loregraft.linking.formats.records import Annotated
from loregraft.linking.index import Index
from loregraft.linking.learning.cross import CloseCalls, close_calls_of, teach
from loregraft.linking.learning.examples import GONE, Examples, examples_of_names
from loregraft.linking.learning.held_out import hold_out
from loregraft.linking.lexicon import Lexicon
from loregraft.linking.linker import Judged, Linker
from loregraft.linking.normalize import normalize_name
from loregraft.linking.scoring.calibrate import Calibration, calibrate, log_odds
from loregraft.linking.scoring.cross import CrossEncoder
from loregraft.linking.scoring.features import AROUND
from loregraft.linking.scoring.weights import Weights, best_of, fit_weights, owners_of, shares
from loregraft.training.loop import Progress

HELD_OUT = 0.2
"""Share of labelled texts whose names are not added while weights are learned on them."""

FOLDS = 5
PULL = 1e-3
_NEVER = AROUND


def learn_from_names(linker: Linker, seed: int = 0) -> Linker:
    """Learn from the graph alone: its own names, asked for as if they or their entities were not there.

    What the text around a mention counts stays as it is.
    """
    examples = examples_of_names(linker.index, linker.proposer.known, linker.settings.candidates, seed)
    weights, calibration = _learned(linker.weights, examples, examples, seed, fixed=_NEVER)
    return replace(linker, weights=weights, calibration=calibration)


def learn_from_labels(
    linker: Linker,
    texts: Sequence[Annotated],
    seed: int = 0,
    encoder: Encoder | None = None,
    *,
    checkpoints: Path | None = None,
    report: Callable[[Progress], object] = lambda progress: None,
) -> Linker:
    """Learn from labelled texts: their mentions become names, and say what is usual.

    Weights are learned on each fifth of the texts with the names of the others; then all names are added.
    Probabilities are learned there too, with a fifth of what is meant there taken out of the graph. With an
    encoder, a copy of it learns there to read close calls; the calibration does not know of it.

    Args:
        encoder: None, or where no mention is a close call: nothing reads.
        checkpoints: A folder of this run alone, from which the learning to read resumes; None: it cannot.
        report: Told of each step of it.
    """
    linker = replace(linker, cross=None)
    part = np.random.default_rng(seed).permutation(len(texts)) % FOLDS
    folds, examples, with_nil = list[_Fold](), list[Examples](), list[Examples]()
    for number in np.unique(part).tolist():
        partly = with_labels(linker, [text for text, own in zip(texts, part, strict=True) if own != number])
        fold = _Fold.of(partly, [text for text, own in zip(texts, part, strict=True) if own == number])
        numbers = np.flatnonzero(part == number)
        examples.append(fold.examples.in_groups(numbers))
        with_nil.append(_with_nil(partly, fold.texts, seed * FOLDS + number).in_groups(numbers))
        folds += [fold] if encoder is not None else []
    weights, calibration = _learned(
        linker.weights, Examples.joined(examples), Examples.joined(with_nil), seed
    )
    learned = replace(with_labels(linker, texts), weights=weights, calibration=calibration)
    if encoder is None:
        return learned
    cross = CrossEncoder.start(encoder)
    calls = [close_calls_of(one.linker, one.judged, one.right, one.contents, weights, cross) for one in folds]
    joined = CloseCalls.joined(calls)
    if not len(joined):
        return learned
    teach(cross, joined, seed, checkpoints=checkpoints, report=report)
    return replace(learned, cross=cross, weights=weights.changed(read=1.0))


@dataclass(frozen=True)
class _Fold:
    """Labelled texts as a linker judged them that had not seen them."""

    linker: Linker
    texts: Sequence[Annotated]
    judged: Judged
    right: Bool[np.ndarray, " candidates"]

    @classmethod
    def of(cls, linker: Linker, texts: Sequence[Annotated]) -> "_Fold":
        judged = linker.judge([one.document.text for one in texts], [one.places for one in texts])
        return cls(linker, texts, judged, right_candidates(linker, judged, texts))

    @property
    def contents(self) -> list[str]:
        return [one.document.text for one in self.texts]

    @property
    def examples(self) -> Examples:
        """The mentions, each text a group."""
        return Examples.of(self.judged.pool, self.right, self.judged.spans.texts.astype(np.int64))


def _with_nil(linker: Linker, texts: Sequence[Annotated], seed: int) -> Examples:
    """Take the mentions of labelled texts, as if a fifth of what they mean were not in the graph."""
    entities, lexicon = linker.index.entities, linker.index.lexicon
    meant = [
        entities.numbers[id]
        for one in texts
        for gold in one.gold
        for id in gold.entities
        if id in entities.numbers
    ]
    gone = hold_out(np.array(meant, np.int64), (lexicon.pointers, lexicon.entities), share=GONE, seed=seed)
    return examples_of_texts(linker.remove(entities.id(int(entity)) for entity in gone), texts)


def examples_of_texts(linker: Linker, texts: Sequence[Annotated]) -> Examples:
    """Take the mentions of labelled texts, each text a group."""
    return _Fold.of(linker, texts).examples


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
    numbers, removed = linker.index.entities.numbers, set(linker.index.removed.tolist())
    counts: Counter[tuple[str, int]] = Counter()
    for one in texts:
        for mention in one.gold:
            entity = numbers.get(mention.entities[0], -1) if len(mention.entities) == 1 else -1
            if entity >= 0 and entity not in removed:
                counts[mention.mention.text, entity] += 1
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


def _learned(
    first: Weights, examples: Examples, judged: Examples, seed: int, fixed: Sequence[str] = ()
) -> tuple[Weights, Calibration]:
    """Learn weights from all examples; and probabilities, by weights that have not seen what they judge.

    Args:
        judged: What probabilities are learned from; its groups are those of the examples.
    """

    def fitted(some: Examples) -> Weights:
        return fit_weights(some.matrix, some.right, some.starts, first, pull=PULL, fixed=fixed)

    parts = zip(_folds(examples, seed), _folds(judged, seed), strict=True)
    answers = [_answers(fitted(seen), unseen) for (seen, _), (_, unseen) in parts]
    raw, right, answerable = zip(*answers, strict=True)
    calibration = calibrate(log_odds(np.concatenate(raw)), np.concatenate(right), sum(answerable))
    return fitted(examples), calibration


def _folds(examples: Examples, seed: int) -> Iterator[tuple[Examples, Examples]]:
    """Leave out a part of the mentions, and give the others and these, part by part.

    Those of a group are together; a group is in the same part wherever it comes.
    """
    groups = int(examples.groups.max(initial=-1)) + 1
    part = np.random.default_rng(seed).integers(0, FOLDS, groups)[examples.groups]
    for fold in range(FOLDS):
        yield examples.take(np.flatnonzero(part != fold)), examples.take(np.flatnonzero(part == fold))


def _answers(
    weights: Weights, examples: Examples
) -> tuple[Float[np.ndarray, " mentions"], Bool[np.ndarray, " mentions"], int]:
    """Give the share and the rightness of each mention's best candidate, and how many have a right one."""
    scores = weights.scores(examples.matrix)
    answered, best = best_of(scores, examples.starts)
    raw, right = np.zeros(len(answered)), np.zeros(len(answered), bool)
    raw[answered] = shares(scores, examples.starts, weights.nil)[best]
    right[answered] = examples.right[best]
    return raw, right, len(np.unique(owners_of(examples.starts)[examples.right]))
