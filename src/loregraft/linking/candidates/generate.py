"""Strings to candidates: the entities that each may mean, and how alike it is to their names.

Several ways lead to a form: it is the string itself; it has the same words in another order, or one of
them rewritten; its letters are near, those of the string's rewrites are near. All that is found is
compared in full (`likeness.py`), and the best entities are kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
from jaxtyping import Bool, Float32, Int64
from numpy.typing import NDArray

from loregraft.kg.runs import runs
from loregraft.linking.arrays import read_arrays, write_arrays
from loregraft.linking.candidates.likeness import FEATURES, Strings, likeness
from loregraft.linking.candidates.ngrams import Ngrams
from loregraft.linking.candidates.rewrites import Rewrites
from loregraft.linking.candidates.wording import LONGEST, Wording, hashes
from loregraft.linking.lexicon import Lexicon
from loregraft.linking.tfidf import unit

Rows = NDArray[np.int64]

MOST = 30
"""Candidates of a string."""

NEAR = 60
_REWRITE_WEIGHT = 0.7
_FIRST_LOOK = {"exact": 2.0, "same_words": 1.0, "letters": 1.0, "letters_rewritten": 1.0}
_FIRST_LOOK |= {"words_like": 1.0, "name_like": 1.0, "marks_missing": -0.3, "marks_extra": -0.3}


@dataclass(frozen=True)
class Candidates:
    """Candidates of strings, by string, the best at first look first.

    Attributes:
        strings: The place of the string.
        entities: What it may mean.
        meanings: Row of the meaning of the form that fits best, in the lexicon.
        likeness: How well it fits: the columns of `likeness.FEATURES`.
    """

    strings: Int64[np.ndarray, " candidates"]
    entities: Int64[np.ndarray, " candidates"]
    meanings: Int64[np.ndarray, " candidates"]
    likeness: Float32[np.ndarray, "candidates features"]

    @classmethod
    def merged(cls, parts: Sequence["Candidates"], most: int) -> "Candidates":
        """Put together what several generators found; of an entity that several found the best stays."""
        if len(parts) == 1:
            return parts[0]
        columns = ("strings", "entities", "meanings", "likeness")
        strings, entities, meanings, alike = (
            np.concatenate([getattr(part, name) for part in parts]) for name in columns
        )
        kept = _best_rows(strings, entities, meanings, _first_look(alike), most)
        return cls(strings[kept], entities[kept], meanings[kept], alike[kept])


@dataclass(frozen=True)
class LeftOut:
    """What may not be found, so that names can be asked for as if the graph had them not.

    Attributes:
        names: Of each string, the row of a meaning that is passed over; -1 for none.
        gone: Of each entity, whether it is passed over for all strings.
    """

    names: Int64[np.ndarray, " strings"]
    gone: Bool[np.ndarray, " entities"]


class Generator:
    """Finds candidates among the forms of a lexicon."""

    def __init__(self, lexicon: Lexicon, wording: Wording, rewrites: Rewrites, ngrams: Ngrams) -> None:
        self.lexicon, self.wording, self.rewrites, self.ngrams = lexicon, wording, rewrites, ngrams
        self._bag_order = np.argsort(wording.bags, kind="stable")
        self._bags = wording.bags[self._bag_order]

    @classmethod
    def of(cls, lexicon: Lexicon) -> "Generator":
        """Index the forms of a lexicon."""
        forms = lexicon.forms.to_pylist()
        wording = Wording.of(forms)
        named = np.repeat(np.arange(len(lexicon)), np.diff(lexicon.pointers))
        meanings = lexicon.entities[lexicon.pointers[0] : lexicon.pointers[-1]]
        rewrites = Rewrites.of(wording, named, meanings)
        return cls(lexicon, wording, rewrites, Ngrams.of(forms))

    def with_lexicon(self, lexicon: Lexicon) -> "Generator":
        """Give the same for a lexicon whose forms mean something else."""
        return Generator(lexicon, self.wording, self.rewrites, self.ngrams)

    def save(self, folder: Path) -> None:
        """Write into a folder."""
        self.wording.save(folder)
        write_arrays(vars(self.rewrites), folder, "rewrites")
        self.ngrams.save(folder)

    @classmethod
    def load(cls, folder: Path, lexicon: Lexicon) -> "Generator":
        """Map into memory."""
        rewrites = Rewrites(**read_arrays(folder, "rewrites"))
        return cls(lexicon, Wording.load(folder), rewrites, Ngrams.load(folder))

    def find(
        self,
        keys: Sequence[str],
        most: int = MOST,
        *,
        more: tuple[Rows, Rows] | None = None,
        left_out: LeftOut | None = None,
        only: tuple[Rows, Rows] | None = None,
    ) -> Candidates:
        """Give the candidates of different folded strings.

        Args:
            more: Forms to consider beside those that are found here: places of strings, and rows of forms.
            only: Forms to consider and no others.
        """
        strings = Strings.of(keys, self.wording)
        plain = self.ngrams.vectors(keys)
        rewritten = self._rewritten_vectors(strings, plain)
        if only is not None:
            return self._compared(strings, plain, rewritten, only, most, left_out)
        near, far = self.ngrams.nearest(plain, NEAR), self.ngrams.nearest(rewritten, NEAR)
        exact = self.lexicon.find(keys)
        same = self._same_words(strings)
        extra = more or (np.zeros(0, np.int64), np.zeros(0, np.int64))
        asked = np.concatenate([near.strings, far.strings, np.flatnonzero(exact >= 0), same[0], extra[0]])
        forms = np.concatenate([near.forms, far.forms, exact[exact >= 0], same[1], extra[1]])
        return self._compared(strings, plain, rewritten, (asked, forms), most, left_out)

    def _compared(
        self,
        strings: Strings,
        plain: sp.csr_matrix,
        rewritten: sp.csr_matrix,
        pairs: tuple[Rows, Rows],
        most: int,
        left_out: LeftOut | None,
    ) -> Candidates:
        codes = np.unique(pairs[0] * max(1, len(self.lexicon)) + pairs[1])
        asked, forms = codes // max(1, len(self.lexicon)), codes % max(1, len(self.lexicon))
        cosines = [self.ngrams.forms.cosines(vectors, asked, forms) for vectors in (plain, rewritten)]
        letters = cosines[0], np.maximum(*cosines)
        table = self.lexicon.forms, self.wording, self.rewrites
        return self._best(asked, forms, likeness(strings, *table, (asked, forms), letters), most, left_out)

    def _best(
        self,
        asked: Int64[np.ndarray, " pairs"],
        forms: Int64[np.ndarray, " pairs"],
        alike: Float32[np.ndarray, "pairs features"],
        most: int,
        left_out: LeftOut | None,
    ) -> Candidates:
        """Take the best form of each entity, and the best entities of each string."""
        pairs, meanings = self.lexicon.meanings(forms)
        if left_out is not None:
            out = left_out.gone[self.lexicon.entities[meanings]]
            out |= left_out.names[asked[pairs]] == meanings
            pairs, meanings = pairs[~out], meanings[~out]
        entities = self.lexicon.entities[meanings].astype(np.int64)
        kept = _best_rows(asked[pairs], entities, meanings, _first_look(alike)[pairs], most)
        rows = pairs[kept]
        return Candidates(asked[rows], entities[kept], meanings[kept], alike[rows])

    def _rewritten_vectors(self, strings: Strings, plain: sp.csr_matrix) -> sp.csr_matrix:
        """Add to the vector of each string the letters of what its words can be replaced by."""
        known = (strings.numbers >= 0) & (strings.numbers < self.wording.unknown)
        rows, columns = np.nonzero(known)
        words = strings.numbers[rows, columns]
        asked, places = self.rewrites.of_words(words)
        rows = rows[asked]
        others, back = np.unique(self.rewrites.others[places], return_inverse=True)
        vectors = self.ngrams.vectors(self.wording.words.take(pa.array(others.astype(np.int64))).to_pylist())
        weights = _REWRITE_WEIGHT * np.sqrt(self.rewrites.shares[places])
        mix = sp.csr_matrix((weights, (rows, back)), shape=(plain.shape[0], len(others)), dtype=np.float32)
        mixed = (plain + mix @ vectors).tocsr()
        return unit(mixed)

    def _same_words(
        self, strings: Strings
    ) -> tuple[Int64[np.ndarray, " found"], Int64[np.ndarray, " found"]]:
        """Find forms with a string's words in whatever order, or with one of them rewritten."""
        each = hashes(len(self.wording.words) + 1)
        inside, numbers = strings.numbers >= 0, strings.numbers
        known = (numbers < self.wording.unknown).all(1) & inside.any(1)
        with np.errstate(over="ignore"):
            bags = np.where(inside, each[np.minimum(numbers, self.wording.unknown)], 0).sum(
                1, dtype=np.uint64
            )
        asked, sought = [np.flatnonzero(known)], [bags[known]]
        for column in range(min(LONGEST, numbers.shape[1])):
            rows = np.flatnonzero(known & inside[:, column])
            words = numbers[rows, column]
            replaced, places = self.rewrites.of_words(words)
            rows, others = rows[replaced], self.rewrites.others[places]
            with np.errstate(over="ignore"):
                sought.append(bags[rows] - each[numbers[rows, column]] + each[others])
            asked.append(rows)
        rows, wanted = np.concatenate(asked), np.concatenate(sought)
        first, last = (np.searchsorted(self._bags, wanted, side) for side in ("left", "right"))
        found, places = runs(first, last)
        return rows[found], self._bag_order[places]


def _first_look(alike: Float32[np.ndarray, "pairs features"]) -> Float32[np.ndarray, " pairs"]:
    """Score candidates at first look, to keep the best."""
    weights = np.array([_FIRST_LOOK.get(name, 0.0) for name in FEATURES], np.float32)
    return alike @ weights


def _best_rows(
    strings: Int64[np.ndarray, " pairs"],
    entities: Int64[np.ndarray, " pairs"],
    meanings: Int64[np.ndarray, " pairs"],
    scores: Float32[np.ndarray, " pairs"],
    most: int,
) -> Rows:
    """Give the rows of the best form of each entity, and of the best entities of each string."""
    order = np.lexsort((meanings, -scores, entities, strings))
    first = np.ones(len(order), bool)
    first[1:] = (np.diff(strings[order]) != 0) | (np.diff(entities[order]) != 0)
    kept = order[first]
    kept = kept[np.lexsort((entities[kept], -scores[kept], strings[kept]))]
    starts = np.searchsorted(strings[kept], strings[kept])
    return kept[np.arange(len(kept)) - starts < most]
