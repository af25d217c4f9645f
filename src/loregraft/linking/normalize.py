"""Texts as names are looked for in them: folded words, and the way back to the text as given.

Offsets in the original text are the only ones that leave linking, so that a view keeps for each of
its characters where it comes from. `folds.py` says what becomes of a character.
"""

import hashlib
import json
import re
import unicodedata
from dataclasses import asdict, dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Int32, Int64, UInt8, UInt32
from numpy.typing import NDArray

from loregraft.linking.folds import (
    CJK,
    CJK_CHARACTER,
    DROPPED,
    IDEOGRAPH,
    INVISIBLE,
    JOINED,
    LETTER,
    OTHER,
    RARE,
    Folds,
    clusters,
    folds_of,
    kinds_of,
    simplifier,
)

Places = tuple[NDArray[np.int32], NDArray[np.int32]]  # starts and ends
VERSION = 1  # of the rules that no setting tells; changes whenever a form would come out differently

_ASCII = bytes(ord(chr(code).lower()) if code < 128 and chr(code).isalnum() else 32 for code in range(256))
_ASCII_WORD = np.frombuffer(_ASCII, np.uint8) != 32
_SPACE_INSIDE = re.compile(f"(?<=[{CJK}]) +(?=[{CJK}])")
_SCRIPT_CHANGE = re.compile(f"(?<=[{CJK}])(?=[^{CJK} \n])|(?<=[^{CJK} \n])(?=[{CJK}])")


@dataclass(frozen=True)
class Rules:
    """How strings are folded.

    Attributes:
        marks: Accents are dropped (Latin, Greek, Cyrillic; the marks of other scripts are letters).
        simplify: Traditional Chinese becomes simplified; needs OpenCC.
    """

    marks: bool = True
    simplify: bool = False

    def fingerprint(self) -> str:
        """Give a hash of whatever decides how a string is folded: equal ones, equal forms.

        Raises:
            MissingExtra: The rules simplify and OpenCC is not installed.
        """
        decisive = {**asdict(self), "version": VERSION, "unicode": unicodedata.unidata_version}
        if self.simplify:
            from importlib.metadata import version

            simplifier()
            decisive["opencc"] = version("opencc")
        return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class View:
    """A text as names are looked for in it.

    Attributes:
        original: The text as given.
        text: " word word ": folded words with one space between, before and after. A run of characters
            of scripts without spaces (CJK) is one word, and ends where other letters begin. A text
            without words gives " ".
    """

    original: str
    text: str
    _read: Places | None = field(default=None, repr=False, compare=False)

    @cached_property
    def _places(self) -> Places:
        return self._read or _places_of_ascii(self.original)

    @property
    def starts(self) -> Int32[np.ndarray, " n"]:
        """For each character of `text` the first of the original that it stands for; never falls."""
        return self._places[0]

    @property
    def ends(self) -> Int32[np.ndarray, " n"]:
        """For each character of `text` one past the last that it stands for; never falls."""
        return self._places[1]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Give the place in `original` of a place in `text`, given without the spaces around it."""
        return int(self.starts[start]), int(self.ends[end - 1])


def normalize(text: str, rules: Rules = Rules()) -> View:
    """Fold a text into its words. Takes about 0.1 s, once, to make the tables of the rules.

    A word is a run of letters and digits after NFKC and case folding; one character may become several
    ("ß", "ﬁ", even "½": two words). Accents are dropped as the rules say; other combining marks are part
    of their word. Everything else separates words, except white space between two CJK characters.

    Raises:
        MissingExtra: The rules simplify and OpenCC is not installed.
    """
    if text.isascii():
        folded = b" ".join(text.encode().translate(_ASCII).split()).decode()
        return View(text, f" {folded} " if folded else " ")
    kinds, codes, (starts, ends) = _read(text, folds_of(rules.marks, rules.simplify))
    words = np.flatnonzero((kinds == LETTER) | (kinds == IDEOGRAPH))
    if not len(words):
        return View(text, " ", _lay_out(words > 0, starts[words], ends[words], len(text)))
    breaks = _breaks(words, kinds)
    places = _lay_out(breaks, starts[words], ends[words], len(text))
    signs = np.full(len(places[0]), ord(" "), np.uint32)
    signs[_seats(breaks)] = codes[words]
    return View(text, signs.tobytes().decode("utf-32-le"), places)


def normalize_name(name: str, rules: Rules = Rules()) -> str:
    """Give the key of a name: its words, folded as `normalize` folds a text; "" if it has no letter or digit.

    Chinese is simplified character by character, as in texts, though some phrases keep a traditional one
    ("乾隆"): a key by phrase would not be found where the characters are converted one by one.

    Raises:
        MissingExtra: The rules simplify and OpenCC is not installed.
    """
    if name.isascii():
        return b" ".join(name.encode().translate(_ASCII).split()).decode()
    return _key(name, rules)


def _key(name: str, rules: Rules) -> str:
    """Fold a short string; much faster than numpy is there, and `normalize` agrees (tested)."""
    folds = folds_of(rules.marks, rules.simplify)
    folded = name.translate(folds.strings)
    if "\0" in folded:  # a character that joins the one before it
        pieces = clusters().split(name)
        pieces[::2] = [piece.translate(folds.strings) for piece in pieces[::2]]
        pieces[1::2] = [folds.fold(piece) for piece in pieces[1::2]]
        folded = "".join(pieces)
    if CJK_CHARACTER.search(folded):
        folded = _SCRIPT_CHANGE.sub(" ", _SPACE_INSIDE.sub("", folded))
    return " ".join(folded.split())


def _read(text: str, folds: Folds) -> tuple[UInt8[np.ndarray, " m"], UInt32[np.ndarray, " m"], Places]:
    """Fold characters; give kinds (of the first four), code points, and which of the text they stand for."""
    given = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    kinds, codes = folds.look_up(given)
    most = int(kinds.max())
    if most >= RARE:
        kinds, codes, (starts, ends) = _expand(text, kinds, codes, folds)
    else:
        starts = np.arange(len(kinds), dtype=np.int32)
        ends = starts + np.int32(1)
    if most < DROPPED:
        return kinds, codes, (starts, ends)
    kept = kinds < DROPPED
    bases = np.cumsum(kept) - 1
    marks = np.flatnonzero((kinds == DROPPED) & (bases >= 0))
    reach = ends[kept]
    reach[bases[marks]] = ends[marks]  # of several marks on one character the last stays
    return kinds[kept], codes[kept], (starts[kept], reach)


def _expand(
    text: str, kinds: UInt8[np.ndarray, " n"], codes: UInt32[np.ndarray, " n"], folds: Folds
) -> tuple[UInt8[np.ndarray, " m"], UInt32[np.ndarray, " m"], Places]:
    """Fold the characters that become several or join the one before, each with all that joins it."""
    pieces = _pieces(kinds)
    strings = [folds.fold(text[start:end]) for start, end in pieces]
    begins, stops = np.array(pieces, np.int32).T
    sizes = np.array([len(string) for string in strings])
    turns = np.zeros(len(kinds) + 1, np.int8)
    turns[begins] += 1
    turns[stops] -= 1
    inside = np.cumsum(turns[:-1], dtype=np.int8) > 0
    counts = np.where(inside, 0, 1)
    counts[begins] = sizes
    rows = np.repeat(np.arange(len(kinds), dtype=np.int32), counts)
    ends = rows + np.int32(1)
    several = np.flatnonzero(inside[rows])
    new = np.frombuffer("".join(strings).encode("utf-32-le"), np.uint32)
    kinds, codes = kinds[rows], codes[rows]
    kinds[several], codes[several] = kinds_of(new), new
    ends[several] = np.repeat(stops, sizes)
    return kinds, codes, (rows, ends)


def _pieces(kinds: UInt8[np.ndarray, " n"]) -> list[tuple[int, int]]:
    """List the places of characters that are RARE or JOINED, each with its base and all its marks."""
    signs = kinds.tobytes()
    marks = (DROPPED, INVISIBLE, JOINED)
    pieces, end = [], 0
    for start in np.flatnonzero(kinds >= RARE).tolist():
        if start < end:
            continue
        floor, end = end, start + 1
        while start > floor and signs[start] in marks:
            start -= 1
        while end < len(signs) and signs[end] in marks:
            end += 1
        while signs[end - 1] == INVISIBLE:
            end -= 1
        pieces.append((start, end))
    return pieces


def _breaks(words: Int64[np.ndarray, " w"], kinds: UInt8[np.ndarray, " n"]) -> Bool[np.ndarray, " gaps"]:
    """Tell for each two characters of words that follow each other whether they are of two words."""
    own = kinds[words]
    gaps = words[1:] - words[:-1] > 1
    changes = own[1:] != own[:-1]
    if not (own == IDEOGRAPH).any():
        return gaps
    others = np.cumsum(kinds == OTHER)[words]
    only_space = (own[1:] == IDEOGRAPH) & (others[1:] == others[:-1])
    return np.asarray(changes | (gaps & ~only_space))


def _seats(breaks: Bool[np.ndarray, " gaps"]) -> Int64[np.ndarray, " w"]:
    """Give the places in a view of the characters of its words; the first is 1."""
    seats = np.arange(1, len(breaks) + 2)
    seats[1:] += np.cumsum(breaks)
    return seats


def _lay_out(
    breaks: Bool[np.ndarray, " gaps"],
    starts: Int32[np.ndarray, " w"],
    ends: Int32[np.ndarray, " w"],
    size: int,
) -> Places:
    """Give the places of all characters of a view; a space stands for what is between its words."""
    if not len(starts):
        return np.zeros(1, np.int32), np.full(1, size, np.int32)
    seats = _seats(breaks)
    firsts, lasts = np.empty((2, seats[-1] + 2), np.int32)
    firsts[seats], lasts[seats] = starts, ends
    spaces = np.flatnonzero(breaks)
    before, after = ends[spaces], starts[spaces + 1]
    # Both words may be of one character, as those of "½".
    firsts[seats[spaces] + 1], lasts[seats[spaces] + 1] = np.minimum(before, after), np.maximum(before, after)
    firsts[0], lasts[0], firsts[-1], lasts[-1] = 0, starts[0], ends[-1], size
    return firsts, lasts


def _places_of_ascii(text: str) -> Places:
    words = np.flatnonzero(_ASCII_WORD[np.frombuffer(text.encode(), np.uint8)])
    starts = words.astype(np.int32)
    return _lay_out(words[1:] - words[:-1] > 1, starts, starts + np.int32(1), len(text))
