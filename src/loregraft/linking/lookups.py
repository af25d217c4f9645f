"""Strings looked up: the candidates of each, gathered once and dealt out to all mentions that have it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int64
from numpy.typing import NDArray

from loregraft.kg.runs import runs
from loregraft.linking.candidates.generate import Candidates
from loregraft.linking.candidates.likeness import FEATURES as LIKENESS
from loregraft.linking.lexicon import LOOSE, Lexicon, Names
from loregraft.linking.scoring.features import FEATURES, Pool

Rows = NDArray[np.int64]
Part = tuple[Rows, NDArray[np.float32], NDArray[np.float32]]
"""Meanings, likeness and cosines of the candidates of a string."""

_SAME = {"exact", "same_words", "letters", "letters_rewritten", "words_covered", "name_covered", "words_like"}
_SAME |= {"name_like", "ratio", "last_word"}


@dataclass(frozen=True)
class Lookups:
    """Candidates by string.

    Attributes:
        starts: Where the candidates of a string begin; one more at the end.
        meanings: Of each candidate, its row in the lexicon.
        likeness: How well string and form fit.
        cosines: Of vectors of string and entity; 0 without an encoder.
    """

    starts: Rows
    meanings: Rows
    likeness: Float32[np.ndarray, "candidates features"]
    cosines: Float32[np.ndarray, " candidates"]

    @classmethod
    def of_forms(cls, forms: Rows, lexicon: Lexicon, dense: bool) -> "Lookups":
        """Look up strings that are forms: all that they mean, and nothing that is only like them."""
        asked, meanings = lexicon.meanings(forms)
        same = np.array([name in _SAME for name in LIKENESS], np.float32)
        alike = np.repeat(same[None], len(meanings), 0)
        alike[:, LIKENESS.index("length")] = np.minimum(lexicon.lengths[forms][asked], 8) / 8
        starts = np.searchsorted(asked, np.arange(len(forms) + 1))
        return cls(starts, meanings, alike, np.full(len(meanings), float(dense), np.float32))

    @classmethod
    def of_candidates(
        cls, found: Candidates, strings: int, cosines: Float32[np.ndarray, " candidates"]
    ) -> "Lookups":
        """Take what a generator found for so many strings."""
        starts = np.searchsorted(found.strings, np.arange(strings + 1))
        return cls(starts, found.meanings, found.likeness, cosines)

    @classmethod
    def of_parts(cls, parts: Sequence[Part]) -> "Lookups":
        """Put together the meanings, likeness and cosines of each of some strings."""
        none = np.zeros(0, np.int64), np.zeros((0, len(LIKENESS)), np.float32), np.zeros(0, np.float32)
        starts = np.cumsum([0, *(len(part[0]) for part in parts)])
        return cls(starts, *(np.concatenate(columns) for columns in zip(none, *parts, strict=True)))

    def part(self, string: int) -> Part:
        """Give meanings, likeness and cosines of one string."""
        rows = slice(*self.starts[string : string + 2].tolist())
        return self.meanings[rows], self.likeness[rows], self.cosines[rows]

    @classmethod
    def joined(cls, parts: Sequence["Lookups"]) -> "Lookups":
        """Put the strings of several behind one another."""
        shifts = np.cumsum([0, *(len(part.meanings) for part in parts)])
        starts = [part.starts[:-1] + shift for part, shift in zip(parts, shifts[:-1], strict=True)]
        columns = ([getattr(p, name) for p in parts] for name in ("meanings", "likeness", "cosines"))
        return cls(np.r_[np.concatenate(starts), shifts[-1]], *(np.concatenate(c) for c in columns))

    def deal(self, keys: Rows, texts: Rows, lexicon: Lexicon, names: Names, known: "Known") -> Pool:
        """Give every mention the candidates of its string.

        Args:
            keys: Of each mention, the place of its string.
            texts: Of each mention, the number of its text.
        """
        owners, rows = runs(self.starts[keys], self.starts[keys + 1])
        starts = np.searchsorted(owners, np.arange(len(keys) + 1))
        meanings = self.meanings[rows]
        entities = lexicon.entities[meanings].astype(np.int64)
        matrix = np.zeros((len(rows), len(FEATURES)), np.float32)
        matrix[:, : len(LIKENESS)] = self.likeness[rows]
        pool = Pool(texts, keys, starts, entities, meanings, matrix)
        kinds = names.kinds[lexicon.names[meanings]]
        pool.column("preferred")[:] = kinds == 0
        pool.column("loose")[:] = kinds >= LOOSE
        pool.column("names")[:] = np.log(np.maximum(known.names[entities], 1))
        pool.column("prior")[:] = known.prior[meanings]
        pool.column("popular")[:] = np.log1p(known.degrees[entities])
        pool.column("meaning")[:] = self.cosines[rows]
        return pool


@dataclass(frozen=True)
class Known:
    """What is known of entities and meanings before a text is read.

    Attributes:
        names: Names of each entity.
        degrees: Neighbours of each entity.
        prior: Of each meaning, how often its form means it; 0..1, all 0 where nothing is known.
    """

    names: Int64[np.ndarray, " entities"]
    degrees: Int64[np.ndarray, " entities"]
    prior: Float32[np.ndarray, " meanings"]
