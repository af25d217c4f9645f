"""Pilot: would this knowledge help with these labels? Asked in two minutes, of an untrained encoder.

The texts are encoded as they are, with the facts of their entities written after them, and with the facts of
other entities of the same type; a linear classifier on each is judged by cross-validation on the same folds.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64

from loregraft.encoder.encode import encode
from loregraft.encoder.load import Encoder
from loregraft.errors import LoregraftError
from loregraft.evaluate.significance import Interval, Verdict, interval, resample, verdict
from loregraft.fusion.knowledge import Knowledge
from loregraft.linking.linker import Linker
from loregraft.tasks.examples import Example

FOLDS, REPEATS = 5, 3
FEWEST = 10
"""Examples of a label below which it is left out of the pilot."""
ARMS = ("text", "shuffled", "facts")


class TooFewLabels(LoregraftError):
    """A pilot needs two labels with some examples each."""


@dataclass(frozen=True)
class Pilot:
    """What a pilot found.

    Attributes:
        accuracy: 0..1 of each arm: the text alone, with shuffled facts, with facts.
        over_text: What facts add to the text alone.
        over_shuffled: What facts add to those of other entities.
        linked: 0..1 of the texts with a link.
        left_out: Examples that were not used: of rare labels, or for want of time.
    """

    accuracy: dict[str, float]
    over_text: Interval
    over_shuffled: Interval
    linked: float
    examples: int
    left_out: int
    seconds: float

    @property
    def verdict(self) -> Verdict:
        """Helped only where facts beat both the text alone and the facts of other entities."""
        both = {verdict(self.over_text), verdict(self.over_shuffled)}
        if both == {"helped"}:
            return "helped"
        return "hurt" if verdict(self.over_text) == "hurt" else "no evidence"


def run_pilot(
    examples: Sequence[Example],
    knowledge: Knowledge,
    linker: Linker,
    encoder: Encoder,
    *,
    minutes: float = 2.0,
    seed: int = 0,
    progress: Callable[[float], object] = lambda share: None,
) -> Pilot:
    """Ask whether facts written after the texts would help a classifier.

    Args:
        minutes: So many texts are taken as are encoded three times in it.

    Raises:
        TooFewLabels: Fewer than two labels have ten examples.
    """
    started = time.monotonic()
    texts, labels = _usable(examples, seed)
    most = _affordable(texts, encoder, minutes)
    texts, labels = texts[:most], labels[:most]
    links = linker.links(texts)
    entities = [list(dict.fromkeys(one.entity for one in found if one.entity)) for found in links]
    indexes = [[index for id in ids if (index := knowledge.index(id)) is not None] for ids in entities]
    other = _others(knowledge, seed)
    written = {
        "text": texts,
        "shuffled": _with_facts(texts, [[int(other[one]) for one in found] for found in indexes], knowledge),
        "facts": _with_facts(texts, indexes, knowledge),
    }
    done = 0
    right = []
    for arm in ARMS:

        def count(number: int) -> None:
            nonlocal done
            done += number
            progress(min(1.0, done / (len(ARMS) * len(texts))))

        vectors = encode(encoder, written[arm], max_tokens=128, progress=count)
        right.append(_cross_validated(vectors, labels, seed))
    scores = np.stack(right)
    means = resample(scores, np.arange(len(texts)), seed)
    accuracy = {arm: float(scores[row].mean()) for row, arm in enumerate(ARMS)}
    over_text, over_shuffled = (
        interval(accuracy["facts"] - accuracy[arm], means[:, 2] - means[:, row])
        for row, arm in enumerate(ARMS[:2])
    )
    linked = sum(bool(found) for found in indexes) / len(texts)
    seconds = time.monotonic() - started
    left_out = len(examples) - len(texts)
    return Pilot(accuracy, over_text, over_shuffled, linked, len(texts), left_out, round(seconds, 1))


def _usable(examples: Sequence[Example], seed: int) -> tuple[list[str], Int64[np.ndarray, " examples"]]:
    names, counts = np.unique([one.label for one in examples], return_counts=True)
    kept = {str(name): row for row, name in enumerate(names[counts >= FEWEST])}
    if len(kept) < 2:
        told = ", ".join(f"{name} {count}" for name, count in zip(names[:10], counts[:10], strict=True))
        raise TooFewLabels(f"a pilot needs two labels with {FEWEST} examples each; there are: {told}")
    used = [one for one in examples if one.label in kept]
    order = np.random.default_rng(seed).permutation(len(used)).tolist()
    return [used[row].text for row in order], np.array([kept[used[row].label] for row in order], np.int64)


def _affordable(texts: Sequence[str], encoder: Encoder, minutes: float) -> int:
    """Tell how many texts can be encoded three times, by encoding a few."""
    tried = texts[:32]
    started = time.monotonic()
    encode(encoder, tried, max_tokens=128)
    each = (time.monotonic() - started) / len(tried)
    return max(10 * FOLDS, int(minutes * 60 * 0.8 / (each * (len(ARMS) + 2))))


def _others(knowledge: Knowledge, seed: int) -> Int64[np.ndarray, " entities"]:
    """Give each entity another one of its type: knowledge of the same size that holds none."""
    generator, other = np.random.default_rng(seed), np.arange(len(knowledge.graph))
    types = np.unique(knowledge.types, return_inverse=True)[1]
    for number in np.unique(types).tolist():
        own = generator.permutation(np.flatnonzero(types == number))
        other[own] = np.roll(own, 1)
    return other


def _with_facts(texts: Sequence[str], entities: Sequence[Sequence[int]], knowledge: Knowledge) -> list[str]:
    """Write what the graph says of each entity; its name stays the text's, whoever's facts they are."""
    written = []
    for text, found in zip(texts, entities, strict=True):
        said = []
        for entity in found:
            parts = [part for part, _ in knowledge.said(entity)]
            said.append(f"{knowledge.names[entity]}: " + "; ".join(parts))
        written.append(" ".join([text, *said]))
    return written


def _cross_validated(
    vectors: Float[np.ndarray, "examples dim"], labels: Int64[np.ndarray, " examples"], seed: int
) -> Float[np.ndarray, "repeats examples"]:
    """Give which examples are right when their fold was not learned from, for some splits into folds."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold

    right = np.zeros((REPEATS, len(labels)))
    for repeat in range(REPEATS):
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed + repeat)
        for train, test in folds.split(vectors, labels):
            model = LogisticRegression(C=10.0, max_iter=500).fit(vectors[train], labels[train])
            right[repeat, test] = model.predict(vectors[test]) == labels[test]
    return right
