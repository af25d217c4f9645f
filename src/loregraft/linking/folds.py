"""What each character of a text becomes when names are compared: tables that are made once.

`normalize.py` asks them for whole texts. Characters of the basic plane are in arrays; the others and
characters that join the one before them are folded one by one and remembered.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
from jaxtyping import UInt8, UInt32

from loregraft.errors import MissingExtra
from loregraft.kg.check import chinese

# Scripts without spaces between words: han, kana, bopomofo and hangul, with their iteration and tone marks.
_CJK_RANGES = (
    *((0x1100, 0x11FF), (0x3005, 0x3007), (0x3021, 0x302F), (0x3031, 0x3035), (0x3038, 0x303C)),
    *((0x3040, 0x312F), (0x31A0, 0x31BF), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF)),
    *((0xA960, 0xA97F), (0xAC00, 0xD7FF), (0xF900, 0xFAFF), (0x1AFF0, 0x1B16F), (0x20000, 0x3FFFF)),
)
CJK = "".join(f"{chr(first)}-{chr(last)}" for first, last in _CJK_RANGES)
CJK_CHARACTER = re.compile(f"[{CJK}]")

_CJK_BOUNDS = np.array([(first, last + 1) for first, last in _CJK_RANGES], np.uint32).ravel()

# Marks that several European scripts share; those of other scripts are part of their letters.
_ACCENT = re.compile("[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]")
# They choose a glyph and say nothing; they belong to the character before them.
_VARIATION = re.compile("[\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
# Soft hyphen, joiners, marks of direction: nothing is seen of them, and they end no word.
_INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200c-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]")
_SIGNS = "\u2120\u2122"  # raised SM and TM, which NFKC would glue to the name before them as letters
_VOWELS_AND_FINALS = re.compile("[\u1160-\u11ff\ud7b0-\ud7fb]")  # hangul letters that join a first one

SPACE, OTHER, LETTER, IDEOGRAPH, DROPPED, INVISIBLE, RARE, JOINED = range(8)
"""Kinds of characters. The first four are what remains of a text: white space, whatever else separates
words, letters and digits, and those of CJK. DROPPED belongs to the character before it, INVISIBLE to
none. RARE becomes several characters; JOINED is folded with the one before it."""

BASIC = 0x10000
REMEMBERED = 1 << 17
_WHOLE_BLOCKS = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3))  # folded to themselves
_NO_WORDS = (0xD800, 0xF8FF)  # surrogates and private use


@dataclass(frozen=True)
class Folds:
    """What becomes of characters under some rules.

    Attributes:
        kinds: By code point; the last stands for all beyond the basic plane.
        codes: What a character of one of the first four kinds becomes.
        fold: Gives what a character, with all that joins it, becomes: folded characters of words, " " for
            white space, a line feed for each other separator.
        strings: The same for `str.translate`; NUL for a character that joins the one before it.
    """

    kinds: UInt8[np.ndarray, " codes"]
    codes: UInt32[np.ndarray, " codes"]
    fold: Callable[[str], str]
    strings: "_Strings"

    def look_up(
        self, given: UInt32[np.ndarray, " n"]
    ) -> tuple[UInt8[np.ndarray, " n"], UInt32[np.ndarray, " n"]]:
        """Give kinds and folded characters of a text's code points."""
        kinds = self.kinds.take(given, mode="clip")
        codes = self.codes.take(given, mode="clip")
        beyond = np.flatnonzero(given >= BASIC)
        if len(beyond):
            different, places = np.unique(given[beyond], return_inverse=True)
            found = [_kind_and_code(chr(code), self.strings) for code in different.tolist()]
            kinds[beyond] = np.array([kind for kind, _ in found], np.uint8)[places]
            codes[beyond] = np.array([code for _, code in found], np.uint32)[places]
        return kinds, codes


def kinds_of(folded: UInt32[np.ndarray, " n"]) -> UInt8[np.ndarray, " n"]:
    """Give the kinds of characters that `fold` gave: SPACE, OTHER, LETTER or IDEOGRAPH."""
    inside = np.searchsorted(_CJK_BOUNDS, folded, side="right") % 2 == 1
    kinds = np.where(inside, np.uint8(IDEOGRAPH), np.uint8(LETTER))
    kinds[folded == ord(" ")] = SPACE
    kinds[folded == ord("\n")] = OTHER
    return kinds


@lru_cache(maxsize=4)
def folds_of(marks: bool, simplify: bool) -> Folds:
    """Make the tables of some rules; takes about 0.1 s, once.

    Args:
        marks: Accents are dropped.
        simplify: Traditional Chinese characters become simplified ones, one by one.

    Raises:
        MissingExtra: Simplifying needs OpenCC.
    """
    simple = simple_characters() if simplify else {}
    fold = lru_cache(maxsize=REMEMBERED)(partial(_fold, marks=marks, simple=simple))
    strings = _Strings(fold, marks)
    kinds, codes = np.full(BASIC + 1, OTHER, np.uint8), np.arange(BASIC + 1, dtype=np.uint32)
    for first, last in _WHOLE_BLOCKS:
        kinds[first : last + 1] = IDEOGRAPH
        codes[first : last + 1] = [simple.get(code, code) for code in range(first, last + 1)]
    left = np.ones(BASIC, bool)
    for first, last in (*_WHOLE_BLOCKS, _NO_WORDS):
        left[first : last + 1] = False
    for code in np.flatnonzero(left).tolist():
        kinds[code], codes[code] = _kind_and_code(chr(code), strings)
    return Folds(kinds, codes, fold, strings)


class _Strings(dict[int, str]):
    """What a character becomes, by code point; made when first asked for, at most REMEMBERED kept."""

    def __init__(self, fold: Callable[[str], str], marks: bool) -> None:
        super().__init__()
        self.fold, self.marks = fold, marks

    def __repr__(self) -> str:
        return f"<what {len(self)} characters become>"

    def __missing__(self, code: int) -> str:
        char = chr(code)
        if _VARIATION.match(char) or _INVISIBLE.match(char) or (self.marks and _ACCENT.match(char)):
            string = ""
        else:
            string = "\0" if _joins(char) else self.fold(char)
        if len(self) < REMEMBERED:
            self[code] = string
        return string


def _kind_and_code(char: str, strings: _Strings) -> tuple[int, int]:
    string = strings[ord(char)]
    if not string:
        return (INVISIBLE if _INVISIBLE.match(char) else DROPPED), 0
    if string == "\0":
        return JOINED, 0
    if len(string) > 1:
        return RARE, 0
    kind = {" ": SPACE, "\n": OTHER}.get(string)
    if kind is None:
        kind = IDEOGRAPH if CJK_CHARACTER.match(string) else LETTER
    return kind, ord(string)


def _joins(char: str) -> bool:
    """Tell whether a character may melt into the one before it, or is written on it."""
    first = unicodedata.normalize("NFKC", char)[:1]
    return unicodedata.category(first)[0] == "M" or bool(_VOWELS_AND_FINALS.match(first))


@lru_cache(maxsize=1)
def clusters() -> re.Pattern[str]:
    """Give a pattern of characters with what is written on them or joins them, as one group."""
    planes = (range(0x300, 0x3400), range(0xA000, 0xAC00), range(0xD7B0, 0xD800), range(0xF900, 0x20000))
    chars = [chr(code) for plane in (range(0xAD, 0xAE), *planes, range(0xE0100, 0xE01F0)) for code in plane]
    marks = "".join(char for char in chars if _INVISIBLE.match(char) or _ACCENT.match(char) or _joins(char))
    return re.compile(f"([^{marks}]?[{marks}]+)")


def _fold(piece: str, marks: bool, simple: dict[int, int]) -> str:
    piece = _VARIATION.sub("", _INVISIBLE.sub("", piece))
    if piece[:1] and piece[0] in _SIGNS:
        return "\n"
    folded = _without_accents(piece, marks).casefold()
    folded = _without_accents(folded, marks).translate(simple)
    kept: list[str] = []
    for char in folded:
        in_word = bool(kept) and kept[-1] not in " \n"
        if char.isalnum() or (in_word and unicodedata.category(char)[0] == "M"):
            kept.append(char)
        else:
            kept.append(" " if char.isspace() or char == "\u200b" else "\n")  # a space of no width
    string = "".join(kept)
    return string if string.strip() else ("\n" if "\n" in string else string[:1])


def _without_accents(text: str, marks: bool) -> str:
    if marks:
        text = _ACCENT.sub("", unicodedata.normalize("NFKD", text))
    return unicodedata.normalize("NFKC", text)


@lru_cache(maxsize=1)
def simplifier() -> Callable[[str], str]:
    """Give OpenCC's conversion of traditional Chinese to simplified.

    Raises:
        MissingExtra: OpenCC is not installed.
    """
    found = chinese.simplifier()
    if found is None:
        raise MissingExtra("opencc", "zh")
    return found


@lru_cache(maxsize=1)
def simple_characters() -> dict[int, int]:
    """Give the simplified character of each traditional one that has another.

    Raises:
        MissingExtra: OpenCC is not installed.
    """
    blocks = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0x20000, 0x323AF))
    traditional = [chr(code) for first, last in blocks for code in range(first, last + 1)]
    # The line feeds keep characters apart, so that none is converted as part of a phrase.
    simplified = simplifier()("\n".join(traditional)).split("\n")
    pairs = zip(traditional, simplified, strict=True)
    simple = {ord(old): ord(new) for old, new in pairs if old != new and len(new) == 1}
    return {old: simple.get(new, new) for old, new in simple.items()}


def spaced(text: str) -> str:
    """Put a space on both sides of each CJK character."""
    return text if text.isascii() else CJK_CHARACTER.sub(r" \g<0> ", text)
