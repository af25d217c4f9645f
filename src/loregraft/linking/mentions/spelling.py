"""Names that need their exact spelling: "WHO" is not "who", and "IT" is not "it".

`mentions.py` looks for folded forms, where capitals are gone. Forms that are too short or too common for
that are compared with the text as it stands, as columns of numbers, since such forms are found often.
"""

import functools
import unicodedata
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Int32, Int64, UInt64
from numpy.typing import NDArray

from loregraft.linking.mentions.automata import CJK_CLASS

MOST_LETTERS = 4
SHORTEST = 3
FUNCTION_WORDS = tuple(
    """a about above across after again against all almost alone along already also although always am among
    an and another any anyone anything are around as at away be became because become been before behind
    being below between both but by came can cannot come could did do does doing done down during each either
    else enough etc even ever every everyone everything few first for from further get given go had has have
    having he hence her here hers herself him himself his how however i if in indeed instead into is it its
    itself just last least less let like made make many may me might mine more most much must my myself
    neither never next no nobody none nor not nothing now of off often on once one only onto or other others
    our ours ourselves out over own per perhaps quite rather same seem seen several shall she should since so
    some such than that the their theirs them themselves then there therefore these they this those though
    three through thus to together too toward two under until up upon us use used using very via was we well
    were what when where whether which while who whole whom whose why will with within without would yet you
    your yours yourself""".split()
)
"""English words that hold a sentence together: as folded forms they would be found in each."""

_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_FORM_FACTOR = np.uint64(0xC2B2AE3D27D4EB4F)
_PLANE = 65_536
_MANY_LETTERS = r"(?:\p{L}\P{L}*){" + str(MOST_LETTERS + 1) + "}"
_ALL_CAPITALS = r"^\P{L}*\p{Lu}\P{L}*$"  # of one letter; those of more have a later capital
_LATER_CAPITAL = r"(?s)\p{L}.*\p{Lu}"


@dataclass(frozen=True, eq=False)
class Spellings:
    """Which forms count only as they are spelled, and their spellings.

    Two spellings are the same if their letters, digits and marks are. Full-width ones count as
    usual ones, and punctuation does not count: "IL-2" is "IL 2".

    Attributes:
        strict: Of each form: it counts only as spelled.
        keys: Hashes of a strict form and a spelling, ascending.
    """

    strict: Bool[np.ndarray, " forms"]
    keys: UInt64[np.ndarray, " spellings"]

    @classmethod
    def of(
        cls, forms: pa.LargeStringArray, rows: NDArray[np.integer[Any]], names: pa.LargeStringArray
    ) -> "Spellings":
        """Choose the strict forms: those that have names, and each of them needs its exact spelling.

        Args:
            forms: The folded forms.
            rows: Row of the form of each name, in any order; -1: it has none.
            names: Names as their entities have them.
        """
        formed = np.flatnonzero(rows >= 0)
        rows, names = rows[formed], names.take(pa.array(formed))
        needs = needs_spelling(forms.take(pa.array(rows)), names)
        strict = np.zeros(len(forms), np.bool_)
        strict[rows] = True
        strict[rows[~needs]] = False  # one harmless spelling makes the form harmless
        kept = np.flatnonzero(strict[rows])
        owners, variants = [], []
        for row, name in zip(rows[kept].tolist(), names.take(pa.array(kept)).to_pylist(), strict=True):
            # An accent is one character or two, as the text was typed.
            for variant in {name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)}:
                owners.append(row)
                variants.append(variant)
        ends = np.cumsum([len(variant) for variant in variants], dtype=np.int64)
        starts = np.r_[0, ends[:-1]] if variants else ends
        keys = _keys(np.array(owners, np.int64), "".join(variants), starts, ends)
        return cls(strict, np.unique(keys))

    def with_more(
        self, forms: pa.LargeStringArray, rows: NDArray[np.integer[Any]], names: pa.LargeStringArray
    ) -> "Spellings":
        """Give spellings with more names of the same forms; a form without a name before keeps its way."""
        other = Spellings.of(forms, rows, names)
        strict = self.strict.copy()
        formed = rows[rows >= 0]
        strict[formed] &= other.strict[formed]
        return Spellings(strict, np.union1d(self.keys, other.keys))

    def agree(
        self,
        forms: Int32[np.ndarray, " found"],
        text: str,
        starts: Int64[np.ndarray, " found"],
        ends: Int64[np.ndarray, " found"],
    ) -> Bool[np.ndarray, " found"]:
        """Tell which places of a text have one of the spellings of a strict form."""
        if not len(self.keys):
            return np.zeros(len(forms), np.bool_)
        keys = _keys(forms, text, starts, ends)
        nearest = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.asarray(self.keys[nearest] == keys)


def needs_spelling(forms: pa.LargeStringArray, names: pa.LargeStringArray) -> Bool[np.ndarray, " names"]:
    """Tell which names count only as they are spelled.

    Those of up to four letters that are all capitals or have a capital after the first letter ("WHO",
    "mTOR"), those shorter than three characters, and those whose form is an English function word. Names
    with a CJK character never do: those scripts know no capitals.
    """
    capitals = pc.or_(
        pc.match_substring_regex(names, _ALL_CAPITALS), pc.match_substring_regex(names, _LATER_CAPITAL)
    )
    few = pc.invert(pc.match_substring_regex(names, _MANY_LETTERS))
    tiny = pc.less(pc.utf8_length(forms), SHORTEST)
    common = pc.is_in(forms, value_set=pa.array(FUNCTION_WORDS, forms.type))
    needs = pc.or_(pc.or_(pc.and_(capitals, few), tiny), common)
    return np.asarray(pc.and_(needs, pc.invert(pc.match_substring_regex(forms, CJK_CLASS))))


def _keys(
    forms: NDArray[Any], text: str, starts: Int64[np.ndarray, " places"], ends: Int64[np.ndarray, " places"]
) -> UInt64[np.ndarray, " places"]:
    """Hash forms with what some places of a text have, all places at once."""
    lengths = ends - starts
    firsts = np.cumsum(lengths) - lengths
    places = np.arange(lengths.sum()) + np.repeat(starts - firsts, lengths)
    codes = _codes(text, places)
    ranks = np.r_[0, np.cumsum(codes > 0)]  # how many counted before
    within = ranks[:-1] - np.repeat(ranks[firsts], lengths)
    powers = np.cumprod(np.full(int(within.max(initial=0)) + 1, _FACTOR))
    sums = np.r_[np.uint64(0), np.cumsum(codes * powers[within])]  # modulo 2**64, so differences are exact
    return np.asarray(sums[firsts + lengths] - sums[firsts] + forms.astype(np.uint64) * _FORM_FACTOR)


def _codes(text: str, places: Int64[np.ndarray, " places"]) -> UInt64[np.ndarray, " places"]:
    if text.isascii():
        return _table()[np.frombuffer(text.encode(), np.uint8)[places]]
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)[places]
    codes = points.astype(np.uint64)
    codes[points < _PLANE] = _table()[points[points < _PLANE]]
    return codes


@functools.cache
def _table() -> UInt64[np.ndarray, " points"]:
    """Give what each code point counts as: itself, its usual width, or nothing (0)."""
    table = np.zeros(_PLANE, np.uint64)
    for point in range(_PLANE):
        sign = chr(point)
        if sign.isalnum() or (unicodedata.category(sign)[0] == "M" and not 0xFE00 <= point <= 0xFE0F):
            usual = unicodedata.normalize("NFKC", sign)
            table[point] = ord(usual) if len(usual) == 1 else point
    return table
