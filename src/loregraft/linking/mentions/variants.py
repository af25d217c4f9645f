"""Names in other words: a plural, another order, a word that stands for another.

"degeneration of axons" is no name, "axonal degeneration" is. Runs of words of a text are compared with the
names by a hash of their stems that does not depend on the order, so that a text costs the same whatever
the number of names.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt64
from numpy.typing import NDArray

from loregraft.kg.runs import runs
from loregraft.linking.candidates.rewrites import Rewrites
from loregraft.linking.candidates.wording import Wording, hashes, is_stop, stem
from loregraft.linking.folds import CJK_CHARACTER
from loregraft.linking.normalize import View

LONGEST = 6
"""Words that carry meaning, of the longest run that is compared."""

BETWEEN = 3
"""Words without meaning that may stand between two of them."""

SURE = 0.1
"""Share from which on a rewrite of a word is looked for in texts."""

_BITS = 22
_STOP, _UNKNOWN = -2, -1
_REMEMBERED = 500_000

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Variant:
    """Runs of words that are a name in other words; one row for each such name.

    Attributes:
        texts: Number of the view.
        starts: First character, in the view's text.
        ends: One past the last.
        forms: Row of the form.
    """

    texts: Rows
    starts: Rows
    ends: Rows
    forms: Rows


class Variants:
    """Finds forms in other words; those that are in a text as they are it finds too."""

    def __init__(self, wording: Wording, rewrites: Rewrites) -> None:
        bags, forms = _rewritten_bags(wording, rewrites)
        order = np.argsort(bags, kind="stable")
        self._bags, self._forms = bags[order], forms[order]
        self._hashes = hashes(len(wording.words) + 1)
        self._maybe = np.zeros(1 << _BITS, bool)
        self._maybe[self._bags & np.uint64((1 << _BITS) - 1)] = True
        self._stems = wording.known()
        self._seen: dict[str, int] = {}

    def find(self, views: Sequence[View]) -> Variant:
        """Find all runs of words that have the words of a form."""
        tokens, texts, starts = _tokens(views)
        numbers = self._numbers(tokens)
        content = np.flatnonzero(numbers != _STOP)
        owners, ids = texts[content], numbers[content]
        sums = np.zeros(len(ids) + 1, np.uint64)
        np.cumsum(np.where(ids >= 0, self._hashes[ids], 0), out=sums[1:])
        breaks = np.r_[True, (np.diff(owners) != 0) | (np.diff(content) > BETWEEN + 1), True]
        known = ids >= 0
        none = np.zeros(0, np.int64)
        found: list[tuple[Rows, Rows, Rows]] = [(none, none, none)]
        whole = known.copy()
        for length in range(1, min(LONGEST, len(ids)) + 1):
            if length > 1:  # a run of so many goes on from one that is shorter by a word
                whole = whole[:-1] & known[length - 1 :] & ~breaks[length - 1 : len(ids)]
            bags = sums[length:] - sums[: len(sums) - length]
            rows = np.flatnonzero(whole & self._maybe[bags & np.uint64((1 << _BITS) - 1)])
            found.append(self._matched(rows, bags[rows], length))
        first, last, forms = (np.concatenate(column) for column in zip(*found, strict=True))
        lengths = np.array([len(token) for token in tokens], np.int64)
        begin, end = content[first], content[last]
        return Variant(texts[begin], starts[begin], starts[end] + lengths[end], forms)

    def _matched(self, rows: Rows, bags: UInt64[np.ndarray, " rows"], length: int) -> tuple[Rows, Rows, Rows]:
        low, high = (np.searchsorted(self._bags, bags, side) for side in ("left", "right"))
        found, places = runs(low, high)
        return rows[found], rows[found] + length - 1, self._forms[places]

    def _numbers(self, tokens: Sequence[str]) -> Rows:
        """Give the number of each token's stem."""
        seen = self._seen
        if len(seen) > _REMEMBERED:
            seen.clear()
        for token in set(tokens).difference(seen):
            if CJK_CHARACTER.match(token):
                seen[token] = _UNKNOWN
            else:
                seen[token] = _STOP if is_stop(token) else self._stems.get(stem(token), _UNKNOWN)
        return np.array([seen[token] for token in tokens], np.int64)


def _tokens(views: Sequence[View]) -> tuple[list[str], Rows, Rows]:
    """List the words of all views, the number of each one's view and where it begins there."""
    split = [view.text.split() for view in views]
    tokens = [token for words in split for token in words]
    texts = np.repeat(np.arange(len(split)), [len(words) for words in split])
    ends = np.cumsum([len(token) + 1 for token in tokens]) if tokens else np.zeros(0, np.int64)
    starts = np.r_[0, ends[:-1]] if tokens else ends
    firsts = np.searchsorted(texts, np.arange(len(split)))
    before = np.r_[starts, 0][firsts]
    return tokens, texts, starts - before[texts] + 1


def _rewritten_bags(wording: Wording, rewrites: Rewrites) -> tuple[UInt64[np.ndarray, " bags"], Rows]:
    """Give the bags of all forms, as they are and with a word put in for one that it can stand for."""
    counts = np.diff(wording.pointers)
    owners = np.repeat(np.arange(len(counts)), counts)
    # Turned around: by the word of the name, the words of a text that may stand in its place.
    words = np.repeat(np.arange(len(rewrites.pointers) - 1), np.diff(rewrites.pointers))
    sure = rewrites.shares >= SURE
    order = np.argsort(rewrites.others[sure], kind="stable")
    inside, outside = rewrites.others[sure][order], words[sure][order]
    first, last = (np.searchsorted(inside, wording.numbers, side) for side in ("left", "right"))
    places, rows = runs(first, last)
    replaced = outside[rows]
    each = hashes(len(wording.words) + 1)
    with np.errstate(over="ignore"):
        more = wording.bags[owners[places]] - each[wording.numbers[places]] + each[replaced]
    return np.r_[wording.bags, more], np.r_[np.arange(len(counts)), owners[places]]
