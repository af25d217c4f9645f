"""Words of a text with their places in it: what names and texts are compared by.

A word is a run of letters and digits, folded as `kg.names.fold_name` does; each Chinese, Japanese
or Korean character is a word of its own, since those scripts leave no space between words.
"""

import re
import unicodedata
from dataclasses import dataclass

from loregraft.kg.names import fold_name
from loregraft.linking.folds import CJK

_MARKS = "\u0300-\u036f"  # accents that are characters of their own, as in decomposed (NFD) text
_WORD = re.compile(rf"[{CJK}]|(?:[^\W_{CJK}][{_MARKS}]*)+")


@dataclass(frozen=True, slots=True)
class Word:
    """A folded word and the characters of the text that it stands for, end not included."""

    text: str
    start: int
    end: int


def split_words(text: str) -> list[Word]:
    """List the words of a text; offsets are those of the text as given."""
    words = []
    for match in _WORD.finditer(text):
        folded = fold_name(match[0]) if not match[0].isascii() else match[0].lower()
        if folded:
            words.append(Word(folded, match.start(), match.end()))
    return words


def name_key(name: str) -> str:
    """Give the words of a name with one space between: equal keys, same name."""
    return " ".join(word.text for word in split_words(unicodedata.normalize("NFKC", name)))
