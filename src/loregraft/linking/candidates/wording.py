"""The words of all forms, as numbers: stems, how rare each is, and which say which one of a kind is meant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Float32, Int32, Int64, UInt64

from loregraft.linking.arrays import read_arrays, read_table, write_arrays, write_table
from loregraft.linking.folds import CJK_CHARACTER, spaced

LONGEST = 12
"""Words of a string that are compared; what comes after is left to the letters."""

_STOP = frozenset("a an and by due for from in of on or the to with without".split())
_ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6, "vii": 7, "viii": 8, "ix": 9, "x": 10}


def stem(word: str) -> str:
    """Take an English plural back to its singular, about; numbers of Rome become ours.

    Both sides of a comparison are stemmed alike, so that a stem need not be a word.
    """
    if word in _ROMAN:
        return str(_ROMAN[word])
    if len(word) > 3 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("yses", "oses")):
        return word[:-2] + "is"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def is_stop(word: str) -> bool:
    """Tell whether a word carries no meaning of its own."""
    return word in _STOP


def is_mark(word: str) -> bool:
    """Tell whether a word says which one of a kind is meant: a number, a letter, a code."""
    return (len(word) == 1 and not CJK_CHARACTER.match(word)) or any(sign.isdigit() for sign in word)


def split_form(form: str) -> list[str]:
    """Give the stems of a form's words that carry meaning; of all words, where none does."""
    words = spaced(form).split()
    return [stem(word) for word in words if word not in _STOP] or [stem(word) for word in words]


@dataclass(frozen=True)
class Wording:
    """The words of forms.

    Attributes:
        words: Each stem once, by number.
        pointers: Where the words of a form begin; one more at the end.
        numbers: Words of the forms, in their order, at most LONGEST of each.
        rarity: Of each word, the log of forms a form that has it; the last is for unknown words.
    """

    words: pa.LargeStringArray
    pointers: Int64[np.ndarray, " ends"]
    numbers: Int32[np.ndarray, " places"]
    rarity: Float32[np.ndarray, " weighed"]
    _known: dict[str, int] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, forms: Sequence[str]) -> "Wording":
        """Split forms into words."""
        split = [split_form(form)[:LONGEST] for form in forms]
        pointers = np.zeros(len(split) + 1, np.int64)
        np.cumsum([len(words) for words in split], out=pointers[1:])
        flat = pa.array([word for words in split for word in words], pa.large_string())
        encoded = pc.dictionary_encode(flat)
        numbers = np.asarray(encoded.indices).astype(np.int32)
        owners = np.repeat(np.arange(len(split)), np.diff(pointers))
        once = np.unique(owners * max(1, len(encoded.dictionary)) + numbers)
        having = np.bincount(once % max(1, len(encoded.dictionary)), minlength=len(encoded.dictionary))
        rarity = np.log((len(split) + 1) / np.r_[having, 0.5]).astype(np.float32)
        return cls(encoded.dictionary, pointers, numbers, rarity)

    def save(self, folder: Path) -> None:
        """Write into a folder."""
        write_table(pa.table({"word": self.words}), folder / "words.arrow")
        arrays = {"pointers": self.pointers, "numbers": self.numbers, "rarity": self.rarity}
        write_arrays(arrays, folder, "wording")

    @classmethod
    def load(cls, folder: Path) -> "Wording":
        """Map into memory."""
        words = read_table(folder / "words.arrow")["word"].combine_chunks()
        a = read_arrays(folder, "wording")
        return cls(words.cast(pa.large_string()), a["pointers"], a["numbers"], a["rarity"])

    @property
    def unknown(self) -> int:
        """The number of words that no form has."""
        return len(self.words)

    def number(self, words: Sequence[str]) -> Int64[np.ndarray, " words"]:
        """Give the numbers of some words, `unknown` for those that no form has."""
        known = self.known()
        return np.array([known.get(word, self.unknown) for word in words], np.int64)

    def known(self) -> Mapping[str, int]:
        """Give the number of each word."""
        if not self._known:
            self._known.update((word, place) for place, word in enumerate(self.words.to_pylist()))
        return self._known

    def padded(self, forms: Int64[np.ndarray, " rows"]) -> Int64[np.ndarray, "rows longest"]:
        """Give the words of some forms, one form a row, filled up with -1."""
        starts, ends = self.pointers[forms], self.pointers[forms + 1]
        longest = int((ends - starts).max(initial=1))
        places = starts[:, None] + np.arange(longest)
        inside = places < ends[:, None]
        found = self.numbers[np.where(inside, places, 0)] if len(self.numbers) else -1
        return np.where(inside, found, -1).astype(np.int64)

    @cached_property
    def marks(self) -> Bool[np.ndarray, " words"]:
        """Of each word: does it say which one of a kind is meant?"""
        return np.array([is_mark(word) for word in self.words.to_pylist()], bool)

    @cached_property
    def bags(self) -> UInt64[np.ndarray, " forms"]:
        """A hash of the words of each form, whatever their order."""
        each = hashes(len(self.words) + 1)[self.numbers]
        sums = np.zeros(len(self.numbers) + 1, np.uint64)
        np.cumsum(each, out=sums[1:])
        return sums[self.pointers[1:]] - sums[self.pointers[:-1]]


def hashes(count: int) -> UInt64[np.ndarray, " words"]:
    """Give a random number for each word, the same in each process (SplitMix64, Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        z = (np.arange(1, count + 1, dtype=np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))
