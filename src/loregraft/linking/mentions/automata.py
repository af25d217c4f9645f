"""Many patterns in one pass over a text: three engines that find the same, the quickest that is there.

`mentions.py` gives the patterns and knows what they mean; here they are only strings, different ones and
none of them empty. Every occurrence is found, those inside and across others too: of "lung cancer" also
"cancer". A search for the longest first, with word boundaries checked afterwards, would lose names: an
over-long one that fails the check hides a good one inside it (tests/linking/test_automata.py).
"""

import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Int32

from loregraft.errors import MissingExtra
from loregraft.linking.folds import CJK

Engine = Literal["daachorse", "ahocorasick", "python"]
Column = Int32[np.ndarray, " found"]
Found = tuple[Column, Column, Column]
"""Starts, ends (not included) and numbers of patterns; ascending by start, then by end."""

CJK_CLASS = f"[{CJK}]"
"""Characters of scripts without spaces between words, for regular expressions."""

PACKAGES = {"daachorse": "daachorse", "ahocorasick": "ahocorasick-rs", "python": "loregraft"}
"""Engine -> the package whose version its saved form depends on."""

_WINDOW = 4_096
"""Characters that are searched at once: what an engine finds comes as Python objects, which are quickest
while they fit into the processor's cache."""


@runtime_checkable
class Automaton(Protocol):
    """Finds all occurrences of its patterns."""

    def find(self, text: str) -> Found:
        """Give all occurrences; positions are characters of the text."""
        ...


def make_automaton(patterns: pa.LargeStringArray, engine: Engine | None = None) -> Automaton:
    """Build an automaton over different patterns. A million of 17 characters take daachorse about 10 s.

    Args:
        patterns: Their rows are the numbers that `find` gives.
        engine: None takes the first that is installed, in the order of ENGINES.

    Raises:
        MissingExtra: The engine is named and is not installed.
        ValueError: A pattern is empty, or null.
    """
    if patterns.null_count or pc.any(pc.equal(pc.binary_length(patterns), 0)).as_py():
        raise ValueError("a pattern is empty, and would be found everywhere")
    return ENGINES[engine or first_engine()](patterns)


def first_engine() -> Engine:
    """Name the quickest engine that is installed."""
    return next(engine for engine in ENGINES if installed(engine))


def installed(engine: Engine) -> bool:
    """Tell whether an engine can be used here."""
    try:
        _LOADERS[engine]()
    except MissingExtra:
        return False
    return True


def engine_version(engine: Engine) -> str:
    """Give the version that the saved form of an engine depends on; "" where it is not installed."""
    try:
        return importlib.metadata.version(PACKAGES[engine])
    except importlib.metadata.PackageNotFoundError:
        return ""


@dataclass(frozen=True, eq=False)
class Daachorse:
    """The double array of daachorse: over characters where a pattern has CJK, else over bytes.

    Attributes:
        machine: The package's object.
        wide: It runs over characters.
        longest: Characters of the longest pattern.
    """

    machine: Any
    wide: bool
    longest: int

    @classmethod
    def of(cls, patterns: pa.LargeStringArray) -> "Daachorse":
        """See `make_automaton`."""
        package = _load_daachorse()
        wide = bool(pc.any(pc.match_substring_regex(patterns, CJK_CLASS)).as_py())
        if wide:
            machine = package.CharwiseDoubleArrayAhoCorasick(patterns.to_pylist())
        else:
            machine = package.DoubleArrayAhoCorasick(_as_bytes(patterns))
        return cls(machine, wide, _longest(patterns))

    @classmethod
    def restore(cls, content: bytes, wide: bool, longest: int) -> "Daachorse":
        """Read what `to_bytes` gave.

        Only bytes that are known to be whole: the package does not notice every change.

        Raises:
            MissingExtra: daachorse is not installed.
            ValueError: The bytes are of another version, or damaged.
        """
        package = _load_daachorse()
        kind = package.CharwiseDoubleArrayAhoCorasick if wide else package.DoubleArrayAhoCorasick
        return cls(kind.deserialize(content), wide, longest)

    def to_bytes(self) -> bytes:
        """Give all that `restore` needs, as the package lays it out."""
        return bytes(self.machine.serialize())

    def find(self, text: str) -> Found:
        """See Automaton."""
        return _in_windows(self._find_characters if self.wide else self._find_bytes, text, self.longest)

    def _find_characters(self, text: str) -> Found:
        starts, ends, numbers = _columns(self.machine.find_overlapping(text))
        return starts, ends, numbers

    def _find_bytes(self, text: str) -> Found:
        content = text.encode()
        starts, ends, numbers = _columns(self.machine.find_overlapping(content))
        if len(content) > len(text):
            begun = (np.frombuffer(content, np.uint8) & 0xC0) != 0x80  # not inside a character
            places = np.zeros(len(content) + 1, np.int32)
            np.cumsum(begun, out=places[1:])
            starts, ends = places[starts], places[ends]
        return starts, ends, numbers


@dataclass(frozen=True, eq=False)
class AhoCorasick:
    """The automaton of ahocorasick-rs; it has no saved form."""

    machine: Any
    longest: int

    @classmethod
    def of(cls, patterns: pa.LargeStringArray) -> "AhoCorasick":
        """See `make_automaton`."""
        package = _load_ahocorasick()
        return cls(package.AhoCorasick(patterns.to_pylist(), store_patterns=False), _longest(patterns))

    def find(self, text: str) -> Found:
        """See Automaton."""
        return _in_windows(self._find, text, self.longest)

    def _find(self, text: str) -> Found:
        numbers, starts, ends = _columns(self.machine.find_matches_as_indexes(text, overlapping=True))
        return starts, ends, numbers


@dataclass(frozen=True, eq=False)
class WordRuns:
    """Patterns that begin and end with a space, looked up by runs of words; plain Python.

    Attributes:
        numbers: Number of each pattern.
        most: First word -> words of the longest pattern that begins with it.
    """

    numbers: dict[str, int]
    most: dict[str, int]

    @classmethod
    def of(cls, patterns: list[str]) -> "WordRuns":
        """Take patterns of at least two characters, a space at both ends."""
        most: dict[str, int] = {}
        for pattern in patterns:
            first, words = pattern[1 : pattern.index(" ", 1)], pattern.count(" ") - 1
            most[first] = max(words, most.get(first, 0))
        return cls({pattern: number for number, pattern in enumerate(patterns)}, most)

    def find(self, text: str) -> Found:
        """See Automaton."""
        spaces = [place for place, sign in enumerate(text) if sign == " "]
        found = []
        for at, (start, next_space) in enumerate(pairwise(spaces)):
            words = self.most.get(text[start + 1 : next_space], 0)
            for end in spaces[at + 1 : at + 1 + words]:
                number = self.numbers.get(text[start : end + 1])
                if number is not None:
                    found.append((start, end + 1, number))
        return _columns(found)


@dataclass(frozen=True, eq=False)
class Substrings:
    """Patterns of any kind, looked up by the lengths that occur for a first character; plain Python.

    Attributes:
        numbers: Number of each pattern.
        lengths: First character -> lengths of the patterns that begin with it, ascending.
    """

    numbers: dict[str, int]
    lengths: dict[str, tuple[int, ...]]

    @classmethod
    def of(cls, patterns: list[str]) -> "Substrings":
        """Take any patterns."""
        lengths: dict[str, set[int]] = {}
        for pattern in patterns:
            lengths.setdefault(pattern[0], set()).add(len(pattern))
        numbers = {pattern: number for number, pattern in enumerate(patterns)}
        return cls(numbers, {first: tuple(sorted(sizes)) for first, sizes in lengths.items()})

    def find(self, text: str) -> Found:
        """See Automaton."""
        found = []
        for start, first in enumerate(text):
            for length in self.lengths.get(first, ()):
                number = self.numbers.get(text[start : start + length])
                # A text that ends early gives a shorter piece, which was looked up already.
                if number is not None and start + length <= len(text):
                    found.append((start, start + length, number))
        return _columns(found)


def in_python(patterns: pa.LargeStringArray) -> WordRuns | Substrings:
    """Choose the dictionary that fits the patterns."""
    strings = patterns.to_pylist()
    padded = all(len(one) > 1 and one[0] == " " and one[-1] == " " for one in strings)
    return WordRuns.of(strings) if padded else Substrings.of(strings)


ENGINES: dict[Engine, Callable[[pa.LargeStringArray], Automaton]] = {
    "daachorse": Daachorse.of,
    "ahocorasick": AhoCorasick.of,
    "python": in_python,
}
"""Quickest first: over a million patterns daachorse reads 7 MB of English a second, ahocorasick-rs 4,
plain Python 2."""


def _load_daachorse() -> Any:
    try:
        import daachorse
    except ImportError as error:
        raise MissingExtra("daachorse", "link") from error
    return daachorse


def _load_ahocorasick() -> Any:
    try:
        import ahocorasick_rs
    except ImportError as error:
        raise MissingExtra("ahocorasick-rs", "link") from error
    return ahocorasick_rs


_LOADERS: dict[Engine, Callable[[], Any]] = {
    "daachorse": _load_daachorse,
    "ahocorasick": _load_ahocorasick,
    "python": dict,  # needs nothing
}


def _in_windows(find: Callable[[str], Found], text: str, longest: int) -> Found:
    """Search a long text piece by piece; a piece begins so early that no pattern is cut."""
    step = max(_WINDOW, 4 * longest)
    if len(text) <= step:
        return _sorted(*find(text))
    parts = []
    for first in range(0, len(text), step):
        begin = max(0, first - longest + 1)
        starts, ends, numbers = find(text[begin : first + step])
        new = ends > first - begin  # the others were found in the piece before
        parts.append((starts[new] + np.int32(begin), ends[new] + np.int32(begin), numbers[new]))
    starts, ends, numbers = (np.concatenate(column) for column in zip(*parts, strict=True))
    return _sorted(starts, ends, numbers)


def _columns(found: list[tuple[int, int, int]]) -> Found:
    flat = np.fromiter(chain.from_iterable(found), np.int32, 3 * len(found)).reshape(-1, 3)
    return flat[:, 0], flat[:, 1], flat[:, 2]


def _sorted(starts: Column, ends: Column, numbers: Column) -> Found:
    # Stable, because that is quick where most is in order already; no two are equal.
    order = np.argsort(starts.astype(np.int64) << 32 | ends, kind="stable")
    return starts[order], ends[order], numbers[order]


def _longest(patterns: pa.LargeStringArray) -> int:
    return int(pc.max(pc.utf8_length(patterns)).as_py() or 0)


def _as_bytes(patterns: pa.LargeStringArray) -> list[bytes]:
    """List the patterns as bytes; faster than Arrow's own way by far."""
    if not len(patterns):
        return []
    _, offsets, content = patterns.buffers()
    places = np.frombuffer(offsets, np.int64)[patterns.offset : patterns.offset + len(patterns) + 1].tolist()
    whole = memoryview(content)
    return [bytes(whole[start:end]) for start, end in pairwise(places)]
