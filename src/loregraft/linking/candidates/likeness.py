"""How alike are a string and a form? Numbers from 0 to 1 for pairs of them, from letters and from words."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float32, Int64

from loregraft.linking.candidates.rewrites import Rewrites
from loregraft.linking.candidates.wording import LONGEST, Wording, is_mark, split_form

FEATURES = (
    "exact",
    "same_words",
    "letters",
    "letters_rewritten",
    "words_covered",
    "name_covered",
    "words_like",
    "name_like",
    "ratio",
    "last_word",
    "marks_missing",
    "marks_extra",
    "length",
)
"""What is told of a pair, in this order; docs/reference/linking.md says what each is."""

Pairs = Int64[np.ndarray, " pairs"]
Column = Float32[np.ndarray, " pairs"]

_SURE_SHARE = 0.2
_REWRITTEN = 0.9


@dataclass(frozen=True)
class Strings:
    """Strings to be compared, folded as forms are, with their words.

    Attributes:
        numbers: Words of each, filled up with -1; those that no form has from `wording.unknown` on.
        rarity: Of each word, 0 where there is none.
        marks: Of each word: does it say which one of a kind is meant?
        more: Words that no form has.
    """

    keys: tuple[str, ...]
    numbers: Int64[np.ndarray, "strings longest"]
    rarity: Float32[np.ndarray, "strings longest"]
    marks: Bool[np.ndarray, "strings longest"]
    more: tuple[str, ...]

    @classmethod
    def of(cls, keys: Sequence[str], wording: Wording) -> "Strings":
        """Split strings into words."""
        split = [split_form(key)[:LONGEST] for key in keys]
        flat = [word for words in split for word in words]
        numbers = wording.number(flat)
        more: dict[str, int] = {}
        for place in np.flatnonzero(numbers == wording.unknown).tolist():
            numbers[place] = wording.unknown + more.setdefault(flat[place], len(more))
        shape = len(split), max((len(words) for words in split), default=1) or 1
        table, rarity, marks = np.full(shape, -1), np.zeros(shape, np.float32), np.zeros(shape, bool)
        inside = np.arange(shape[1]) < np.array([len(words) for words in split], np.int64)[:, None]
        table[inside] = numbers
        rarity[inside] = wording.rarity[np.minimum(numbers, wording.unknown)]
        marks[inside] = [is_mark(word) for word in flat]
        return cls(tuple(keys), table, rarity, marks, tuple(more))


def likeness(
    strings: Strings,
    forms: pa.LargeStringArray,
    wording: Wording,
    rewrites: Rewrites,
    pairs: tuple[Pairs, Pairs],
    letters: tuple[Column, Column],
) -> Float32[np.ndarray, "pairs features"]:
    """Compare strings with forms.

    Args:
        pairs: The place of the string and the row of the form.
        letters: The cosine of each pair's trigrams, and that with rewrites of the string.
    """
    from rapidfuzz import fuzz, process

    asked, held = pairs
    theirs = wording.padded(held)
    ours = strings.numbers[asked]
    alike, equal = _alike(strings, wording, rewrites, ours, theirs)
    weight = strings.rarity[asked]
    own = np.where(theirs >= 0, wording.rarity[theirs], 0)
    spelled = forms.take(pa.array(held)).to_pylist()
    given = [strings.keys[place] for place in asked.tolist()]
    ratio = process.cpdist(given, spelled, scorer=fuzz.token_sort_ratio, dtype=np.float32) / 100
    marks = np.r_[wording.marks, False][theirs]
    found, held_by = np.asarray(equal.any(2)), np.asarray(equal.any(1))
    last = np.maximum((theirs >= 0).sum(1) - 1, 0), np.maximum((ours >= 0).sum(1) - 1, 0)
    rows = np.arange(len(asked))
    columns = [
        np.array([one == other for one, other in zip(given, spelled, strict=True)], bool),
        (found | (ours < 0)).all(1) & (held_by | (theirs < 0)).all(1),
        *letters,
        _share(found, weight),
        _share(held_by, own),
        _share(alike.max(2), weight),
        _share(alike.max(1), own),
        ratio,
        alike[rows, last[1], last[0]],
        (strings.marks[asked] & ~found).any(1),
        (marks & ~held_by).any(1),
        np.minimum((theirs >= 0).sum(1), 8) / 8,
    ]
    return np.stack([np.asarray(column, np.float32) for column in columns], axis=1)


def _share(found: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return (found * weight).sum(1) / np.maximum(weight.sum(1), 1e-9)


def _alike(
    strings: Strings,
    wording: Wording,
    rewrites: Rewrites,
    ours: Int64[np.ndarray, "pairs longest"],
    theirs: Int64[np.ndarray, "pairs others"],
) -> tuple[Float32[np.ndarray, "pairs longest others"], Bool[np.ndarray, "pairs longest others"]]:
    """Compare each word of a string with each of a form: 0..1, and whether they are the same."""
    a, b = ours[:, :, None], theirs[:, None, :]
    equal = (a == b) & (a >= 0)
    alike = equal.astype(np.float32)
    other = (a >= 0) & (b >= 0) & ~equal
    size = len(wording.words) + len(strings.more)
    codes, back = np.unique((a * size + b)[other], return_inverse=True)
    alike[other] = _words_alike(strings, wording, rewrites, codes // max(1, size), codes % max(1, size))[back]
    return alike, equal


def _words_alike(strings: Strings, wording: Wording, rewrites: Rewrites, one: Pairs, other: Pairs) -> Column:
    """Compare different words: by how often one stands for the other, or by their letters."""
    from rapidfuzz import process
    from rapidfuzz.distance import Levenshtein

    if not len(one):
        return np.zeros(0, np.float32)
    words = pa.concat_arrays([wording.words, pa.array(strings.more, pa.large_string())])
    a, b = words.take(pa.array(one)).to_pylist(), words.take(pa.array(other)).to_pylist()
    ratios = process.cpdist(a, b, scorer=Levenshtein.normalized_similarity, dtype=np.float32)
    long = np.array([min(len(x), len(y)) > 3 for x, y in zip(a, b, strict=True)], bool)
    begins = np.array([x[:4] == y[:4] for x, y in zip(a, b, strict=True)], bool)
    near = np.where(long & (begins | (ratios > 0.85)), 2 * ratios - 1, 0)
    shares = np.maximum(rewritten(rewrites, one, other), rewritten(rewrites, other, one))
    return np.maximum(np.maximum(near, 0), _REWRITTEN * np.sqrt(np.minimum(1, shares / _SURE_SHARE)))


def rewritten(rewrites: Rewrites, one: Pairs, other: Pairs) -> Column:
    """Give how often the first of two words can be replaced by the second; 0 where nothing is known."""
    size, known = len(rewrites.pointers), len(rewrites.pointers) - 2
    if not len(rewrites.others):
        return np.zeros(len(one), np.float32)
    codes = np.repeat(np.arange(size - 1), np.diff(rewrites.pointers)) * size + rewrites.others
    asked = np.where((one < known) & (other < known), one * size + other, -1)
    place = np.minimum(np.searchsorted(codes, asked), len(codes) - 1)
    return np.where(codes[place] == asked, rewrites.shares[place], 0).astype(np.float32)
