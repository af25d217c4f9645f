"""Abbreviations that a text defines itself: "Wilms tumour (WT)" lets a later WT be looked up as Wilms tumour.

Schwartz and Hearst 2003, A simple algorithm for identifying abbreviation definitions in biomedical text: the
letters of the short form are found from right to left in the words before the bracket, the first of them at
the start of a word. Where that fails, the initials of as many words may be in another order ("myotonic
dystrophy (DM)").
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

FARTHEST = 200
"""Characters before a bracket in which the long form begins."""

_BRACKETS = re.compile(r"[(\[（【]\s*([^()\[\]（）【】\n]{1,120}?)\s*[)\]）】]")
_SHORT = re.compile(r"[^\W_][\w./\-+ ]{0,9}")
_WORDS = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Abbreviation:
    """A short form, what it stands for, and where the text says so."""

    short: str
    long: str
    short_at: tuple[int, int]
    long_at: tuple[int, int]


def abbreviations(text: str) -> list[Abbreviation]:
    """List the abbreviations that a text defines, by place; the first definition of a short form counts."""
    found: dict[str, Abbreviation] = {}
    for bracket in _BRACKETS.finditer(text):
        inside = re.split(r"[;,；，]", bracket[1])[0].strip()
        start = text.index(inside, bracket.start()) if inside else bracket.start()
        made = _defined(text, bracket.start(), inside, start)
        if made is not None:
            found.setdefault(made.short, made)
    return list(found.values())


def later(text: str, one: Abbreviation) -> Iterator[tuple[int, int]]:
    """Yield the places of a short form in its text, as a word and in its own capitals; a plural s may follow.

    The place of its definition is one of them.
    """
    if one.short in text:
        for match in re.finditer(rf"(?<![^\W_]){re.escape(one.short)}(?=s?(?![^\W_]))", text):
            yield match.span()


def _defined(text: str, bracket: int, inside: str, start: int) -> Abbreviation | None:
    """Try "long form (SF)", then "SF (long form)"."""
    if _is_short(inside):
        long = _long_form(text, bracket, inside)
        if long is not None:
            return Abbreviation(inside, text[long[0] : long[1]], (start, start + len(inside)), long)
    before = re.search(r"[^\s(]{2,10}[ \t]*$", text[max(0, bracket - 14) : bracket])
    if before and _is_short(before[0].strip()) and len(inside) > len(before[0]):
        short = before[0].strip()
        first = max(0, bracket - 14) + before.start()
        place = _aligned(inside, short)
        if place == 0:
            return Abbreviation(short, inside, (first, first + len(short)), (start, start + len(inside)))
    return None


def _is_short(text: str) -> bool:
    """Tell whether a string may be a short form: two to ten characters, a capital, at most two words."""
    return (
        2 <= len(text) <= 10
        and _SHORT.fullmatch(text) is not None
        and any(sign.isupper() for sign in text)
        and len(text.split()) <= 2
    )


def _long_form(text: str, bracket: int, short: str) -> tuple[int, int] | None:
    """Find the long form before a bracket, on the same line."""
    end = len(text[:bracket].rstrip(" \t"))
    begin = max(text.rfind("\n", 0, end) + 1, end - FARTHEST)
    words = list(re.finditer(r"\S+", text[begin:end]))
    most = min(len(short) + 5, 2 * len(short))
    if not words:
        return None
    first = begin + words[-most:][0].start()
    place = _aligned(text[first:end], short)
    if place is not None and end - first - place > len(short):
        return first + place, end
    return _initials(text, begin, end, short)


def _aligned(long: str, short: str) -> int | None:
    """Give where in a string the letters of the short form begin, found from right to left."""
    place = len(long)
    letters = [sign for sign in short.casefold() if sign.isalnum()]
    folded = long.casefold()
    if len(folded) != len(long):
        folded = long.lower() if len(long.lower()) == len(long) else long
    for number in range(len(letters) - 1, -1, -1):
        place -= 1
        while place >= 0 and (
            folded[place] != letters[number] or (number == 0 and place > 0 and folded[place - 1].isalnum())
        ):
            place -= 1
        if place < 0:
            return None
    return place


def _initials(text: str, first: int, end: int, short: str) -> tuple[int, int] | None:
    """Find as many words as the short form has letters, whose initials these are in whatever order."""
    letters = sorted(sign for sign in short.casefold() if sign.isalpha())
    words = list(_WORDS.finditer(text[first:end]))[-len(letters) :]
    if len(letters) < 2 or len(words) < len(letters):
        return None
    if sorted(word[0][0].casefold()[0] for word in words) != letters:
        return None
    return first + words[0].start(), end
