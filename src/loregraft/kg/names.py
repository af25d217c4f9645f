"""One spelling for all: fold a name so that case, width, dashes and spacing do not tell names apart.

Everything that asks whether two strings are the same name (joins, leak removal, exact linking)
asks it through `fold_name`, so that no two rooms disagree.
"""

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+")


def fold_name(text: str) -> str:
    """Give the words of a name in lower case, Unicode-normalised (NFKC), with one space between.

    Punctuation and underscores separate words. A name without letters or digits (such as "+")
    keeps its case-folded characters, so that it does not become equal to every other such name.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(_WORD.findall(folded)) or folded.strip()
