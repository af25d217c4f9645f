# ruff: noqa: RUF001 -- the letters that look alike are what this file is about
"""Letters of one script that look like those of another: words that mix scripts, and what names look like."""

import unicodedata

_CYRILLIC = ("АВЕЅІЈКМНОРСТХУЗаеѕіјорсхуһԁԛԝкмнтв", "ABESIJKMHOPCTXY3aesijopcxyhdqwkmhtb")
_GREEK = ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧοϲϳνι", "ABEZHIKMNOPTYXocjvi")
_LIKE_LATIN = str.maketrans("".join((_CYRILLIC[0], _GREEK[0])), "".join((_CYRILLIC[1], _GREEK[1])))

_GREEK_CAPITALS = _GREEK[0][:17]
MIXED = "|".join(
    (
        r"\p{Latin}\p{M}*\p{Cyrillic}|\p{Cyrillic}\p{M}*\p{Latin}",
        rf"\p{{Latin}}[{_GREEK_CAPITALS}]|[{_GREEK_CAPITALS}]\p{{Latin}}",
        r"[α-λν-ω][a-z][a-z]",
    )
)
"""A pattern (RE2) of words of two scripts. Greek letters are a part of scientific names (TNFα, NFκB, μmol),
so they count only where they look just like a Latin letter, or begin a Latin word."""


def look(name: str) -> str:
    """Give what a name looks like: compatible characters (NFKC), case and script put aside.

    Two names that look alike by it need not do so in every font.
    """
    return unicodedata.normalize("NFKC", name).translate(_LIKE_LATIN).casefold().translate(_LIKE_LATIN)


def case_folded(name: str) -> str:
    """Give a name with compatible characters (NFKC) and case put aside, and nothing else."""
    return unicodedata.normalize("NFKC", name).casefold()


def is_disguised(name: str) -> bool:
    """Tell whether a name has letters that look like Latin ones and are none."""
    return name.translate(_LIKE_LATIN) != name
