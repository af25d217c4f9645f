"""Places in texts that may be mentions: every name that is looked for, overlapping ones too.

Names with a character of a script without spaces ("CJK") are looked for as substrings, all others as
whole words: with a space before and after, in views where words have just one space between (see
`normalize.py`), so that their boundaries are exact. Which of the overlapping places are kept is
decided later, when they have scores (`lattice.py`).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Int32, Int64, UInt8
from numpy.typing import NDArray

from loregraft.disk import write_json
from loregraft.errors import WrongArtifact
from loregraft.linking.arrays import read_arrays, write_arrays
from loregraft.linking.mentions.automata import ENGINES, Engine, first_engine, installed
from loregraft.linking.mentions.joined import Joined, batches, has_cjk
from loregraft.linking.mentions.patterns import FIX, Patterns, fingerprint_forms, have_cjk, write_automaton
from loregraft.linking.mentions.spelling import Spellings
from loregraft.linking.normalize import View

SOURCES = ("name", "exact_case", "abbreviation", "given", "variant")
"""How a place was found; the index of a source is its rank: of equal places the smaller one stays."""

FORMAT = 1
MANIFEST = "scanner.json"

_NAME, _EXACT_CASE, _GIVEN = (SOURCES.index(source) for source in ("name", "exact_case", "given"))
_SPACE = ord(" ")

Rows = NDArray[np.int64]
Found = tuple[Int64[np.ndarray, " found"], Int64[np.ndarray, " found"], Int32[np.ndarray, " found"]]


@dataclass(frozen=True, eq=False)
class Spans:
    """Places that may be mentions; ascending by text, start and end. Overlapping ones are kept.

    Attributes:
        texts: Number of the text.
        starts: First character, in the text as given.
        ends: One past the last character.
        forms: Row of the form that is there; -1 where the place was found in another way.
        sources: Index into SOURCES.
    """

    texts: Int32[np.ndarray, " spans"]
    starts: Int32[np.ndarray, " spans"]
    ends: Int32[np.ndarray, " spans"]
    forms: Int32[np.ndarray, " spans"]
    sources: UInt8[np.ndarray, " spans"]

    @classmethod
    def of_given(
        cls,
        texts: Sequence[int] | Rows,
        starts: Sequence[int] | Rows,
        ends: Sequence[int] | Rows,
        source: int = _GIVEN,
    ) -> "Spans":
        """Take places that were found elsewhere, by a tagger for example, in any order; each once.

        Args:
            source: Index into SOURCES.

        Raises:
            ValueError: A place is empty or before the text's beginning.
        """
        numbers, firsts, lasts = (np.asarray(column, np.int32) for column in (texts, starts, ends))
        wrong = (firsts < 0) | (lasts <= firsts)
        if wrong.any():
            text, start, end = (int(column[wrong][0]) for column in (numbers, firsts, lasts))
            raise ValueError(f"a mention from {start} to {end} in text {text}: it must have a character")
        places = np.unique(np.stack([numbers, firsts, lasts], axis=1), axis=0)
        size = len(places)
        forms, sources = np.full(size, -1, np.int32), np.full(size, source, np.uint8)
        numbers, firsts, lasts = (column.copy() for column in places.T)
        return cls(numbers, firsts, lasts, forms, sources)

    @classmethod
    def join(cls, parts: Sequence["Spans"]) -> "Spans":
        """Put parts of ascending texts one after another."""
        if not parts:
            none = np.zeros(0, np.int32)
            return cls(none, none, none, none, none.astype(np.uint8))
        return cls(*(np.concatenate(column) for column in zip(*map(_columns, parts), strict=True)))

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: Rows | NDArray[np.bool_]) -> "Spans":
        """Give some of them, by ascending rows or by a mask."""
        return Spans(*(column[rows] for column in _columns(self)))


def merged(parts: Sequence[Spans]) -> Spans:
    """Put together what several scanners found in the same texts."""
    columns = [np.concatenate(column) for column in zip(*map(_columns, parts), strict=True)]
    return Spans(*columns).take(np.lexsort((columns[3], columns[2], columns[1], columns[0])))


class Scanner:
    """Finds forms in views of texts. Texts without a CJK character are not searched for CJK forms.

    A million forms take about 150 MB of memory.
    """

    def __init__(self, words: Patterns, runs: Patterns, spellings: Spellings, forms_hash: str) -> None:
        self._words, self._runs, self._spellings = words, runs, spellings
        self._forms_hash = forms_hash

    @classmethod
    def of(
        cls,
        forms: pa.LargeStringArray,
        cased: tuple[NDArray[np.integer[Any]], pa.LargeStringArray],
        *,
        engine: Engine | None = None,
        single: bool = False,
    ) -> "Scanner":
        """Build the automata; a million forms take about 10 s.

        Args:
            forms: Different ones, none empty; their rows are what spans tell.
            cased: Of every name, the row of its form (-1: it has none), and the name as its entity has it.
                A form counts only in the exact spelling of its names if all of these need that (see
                `spelling.py`); one without a name here counts in any.
            engine: None takes the quickest that is installed.
            single: CJK forms of one character are looked for too; most texts have them inside words.

        Raises:
            MissingExtra: The engine is named and is not installed.
        """
        engine = engine or first_engine()
        cjk = have_cjk(forms)
        sought = cjk & (single | (np.asarray(pc.utf8_length(forms)) > 1))
        words, runs = (
            Patterns(np.flatnonzero(chosen).astype(np.int32), engine, forms).ready()
            for chosen in (~cjk, sought)
        )
        return cls(words, runs, Spellings.of(forms, *cased), fingerprint_forms(forms))

    def with_spellings(
        self, forms: pa.LargeStringArray, rows: NDArray[np.integer[Any]], names: pa.LargeStringArray
    ) -> "Scanner":
        """Give the same with more names of its forms: those that were strict may be no more.

        Args:
            forms: Those it was built of.
            rows: Row of the form of each name; -1: it has none.
        """
        spellings = self._spellings.with_more(forms, rows, names)
        return Scanner(self._words, self._runs, spellings, self._forms_hash)

    @property
    def strict(self) -> NDArray[np.bool_]:
        """Of each form: it counts only as its names are spelled."""
        return self._spellings.strict

    @property
    def engine(self) -> Engine:
        """What finds the forms."""
        return self._words.engine

    def scan(self, views: Sequence[View], first: int = 0) -> Spans:
        """Find all forms in some views.

        Args:
            views: Texts in their folded form.
            first: Number of the first text.
        """
        return Spans.join([self._scan(views[rows], first + rows.start) for rows in batches(views)])

    def save(self, folder: Path) -> None:
        """Write all into a folder that is there, into files whose names begin with "scanner"."""
        facts: dict[str, Any] = {"format": FORMAT, "engine": self.engine, "forms": self._forms_hash}
        for name, patterns in (("words", self._words), ("runs", self._runs)):
            facts[name] = write_automaton(patterns.automaton, _automaton_file(folder, name))
        arrays = {"words": self._words.rows, "runs": self._runs.rows}
        arrays |= {"strict": self._spellings.strict, "keys": self._spellings.keys}
        write_arrays(arrays, folder, "scanner")
        write_json(folder / MANIFEST, facts)

    @classmethod
    def load(cls, folder: Path, forms: pa.LargeStringArray | None = None) -> "Scanner":
        """Read what `save` wrote; the automata themselves only when they are first needed.

        Args:
            folder: Where it was saved.
            forms: Those it was built of. With them an automaton that is damaged, of another version or
                without a saved form is built again; without them that is an error at the first scan.

        Raises:
            WrongArtifact: Files are missing or damaged, or the forms are others.
        """
        facts = _read_manifest(folder)
        if forms is not None and fingerprint_forms(forms) != facts["forms"]:
            raise WrongArtifact(folder, "the scanner was built for other names", FIX)
        arrays = _read_columns(folder)
        engine: Engine = facts["engine"] if installed(facts["engine"]) else first_engine()
        words, runs = (
            Patterns(
                arrays[name],
                engine,
                forms,
                (_automaton_file(folder, name), facts[name]) if facts[name] else None,
            )
            for name in ("words", "runs")
        )
        return cls(words, runs, Spellings(arrays["strict"], arrays["keys"]), facts["forms"])

    def _scan(self, views: Sequence[View], first: int) -> Spans:
        wide = np.array([has_cjk(view.text) for view in views], np.bool_)
        parts = []
        for group in (np.flatnonzero(~wide), np.flatnonzero(wide)):
            if len(group):
                joined = Joined.of([views[row] for row in group.tolist()], group + first)
                find = self._find_wide if wide[group[0]] else self._find_plain
                parts.append(self._checked(joined, *find(joined)))
        found = Spans.join(parts)
        return found if len(parts) < 2 else found.take(np.argsort(found.texts, kind="stable"))

    def _find_plain(self, joined: Joined) -> Found:
        """Find forms where no text has a CJK character."""
        starts, ends, forms = self._words.find(joined.text)
        return starts + 1, ends - 1, forms

    def _find_wide(self, joined: Joined) -> Found:
        """Find forms where all texts have CJK characters."""
        rest, places = joined.without_cjk()
        starts, ends, forms = self._words.find(rest)
        more_starts, more_ends, more_forms = self._runs.find(joined.text)
        more_starts += joined.points[more_starts] == _SPACE
        more_ends -= joined.points[more_ends - 1] == _SPACE
        starts = np.r_[places[starts + 1], more_starts]
        ends = np.r_[places[ends - 2] + 1, more_ends]
        order = np.argsort(starts << 32 | ends, kind="stable")
        return starts[order], ends[order], np.r_[forms, more_forms][order]

    def _checked(self, joined: Joined, starts: Rows, ends: Rows, forms: NDArray[np.int32]) -> Spans:
        """Turn places in joined views into spans of the texts; drop those that only look like a name."""
        cut = joined.cut(starts, ends)
        if cut.any():
            starts, ends, forms = starts[~cut], ends[~cut], forms[~cut]
        views = joined.owners(starts)
        first, last = joined.starts[starts], joined.ends[ends - 1]
        strict = self._spellings.strict[forms]
        sources = np.where(strict, _EXACT_CASE, _NAME).astype(np.uint8)
        found = Spans(joined.numbers[views], first, last, forms, sources)
        if not strict.any():
            return found
        original, pointers = joined.originals
        shift = pointers[views[strict]]
        kept = ~strict
        kept[strict] = self._spellings.agree(
            forms[strict], original, first[strict] + shift, last[strict] + shift
        )
        return found.take(kept)


def _columns(spans: Spans) -> tuple[NDArray[Any], ...]:
    return spans.texts, spans.starts, spans.ends, spans.forms, spans.sources


def _automaton_file(folder: Path, name: str) -> Path:
    return folder / f"scanner.{name}.automaton"


def _read_manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        if facts["format"] == FORMAT and facts["engine"] in ENGINES:
            parts = [{} if facts[name] is None else dict(facts[name]) for name in ("words", "runs")]
            return dict(facts) | dict(zip(("words", "runs"), parts, strict=True))
        found = f"format {facts['format']!r}, engine {facts['engine']!r}; this version reads format {FORMAT}"
    except FileNotFoundError:
        raise WrongArtifact(folder, f"there is no {MANIFEST}", FIX) from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise WrongArtifact(path, f"it cannot be read ({error!r})", FIX) from error
    raise WrongArtifact(path, found, FIX)


def _read_columns(folder: Path) -> dict[str, NDArray[Any]]:
    types = {"words": np.int32, "runs": np.int32, "strict": np.bool_, "keys": np.uint64}
    try:
        arrays = read_arrays(folder, "scanner")
    except (OSError, ValueError, EOFError) as error:
        raise WrongArtifact(folder, f"a column of the scanner cannot be read ({error})", FIX) from error
    for name, kind in types.items():
        if name not in arrays or arrays[name].dtype != kind or arrays[name].ndim != 1:
            raise WrongArtifact(folder / f"scanner.{name}.npy", "it is missing or another column", FIX)
    size = len(arrays["strict"])
    for name in ("words", "runs"):
        if len(arrays[name]) and not 0 <= arrays[name].min() <= arrays[name].max() < size:
            raise WrongArtifact(
                folder / f"scanner.{name}.npy", f"it names forms beyond the {size:,} there are", FIX
            )
    return arrays
