"""Views of many texts as one string, so that one call searches them all, and the way back to each text.

A view begins and ends with a space and has no two in a row, so no form reaches from one into the next.
"""

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np
from jaxtyping import Bool, Int32, Int64, UInt32

from loregraft.linking.mentions.automata import CJK_CLASS
from loregraft.linking.normalize import View

AT_ONCE = 1_000_000
"""Characters of views that are joined."""

Places = Int64[np.ndarray, " places"]

_SPACE = ord(" ")
_HAS_CJK = re.compile(CJK_CLASS)


@dataclass(frozen=True, eq=False)
class Joined:
    """Views joined into one string.

    Attributes:
        numbers: Number of the text of each view, ascending.
        text: The views' texts.
        pointers: Where each view begins in `text`; one more at the end.
        starts: Of each character of `text`, its first character in its own text as given.
        ends: One past its last.
        views: The views.
    """

    numbers: Int32[np.ndarray, " views"]
    text: str
    pointers: Int64[np.ndarray, " ends"]
    starts: Int32[np.ndarray, " characters"]
    ends: Int32[np.ndarray, " characters"]
    views: Sequence[View]

    @classmethod
    def of(cls, views: Sequence[View], numbers: Places) -> "Joined":
        """Join some views (at least one), of texts with these numbers."""
        return cls(
            numbers.astype(np.int32),
            "".join(view.text for view in views),
            _pointers([len(view.text) for view in views]),
            np.concatenate([view.starts for view in views]),
            np.concatenate([view.ends for view in views]),
            views,
        )

    @cached_property
    def points(self) -> UInt32[np.ndarray, " characters"]:
        """The code points of the text."""
        return np.frombuffer(self.text.encode("utf-32-le"), np.uint32)

    @cached_property
    def originals(self) -> tuple[str, Int64[np.ndarray, " ends"]]:
        """The texts as given, joined, and where each begins."""
        originals = [view.original for view in self.views]
        return "".join(originals), _pointers([len(original) for original in originals])

    def without_cjk(self) -> tuple[str, Places]:
        """Give the text without its CJK characters, and the place of each character that is left.

        Words that stood around them have two spaces between then, as no form has.
        """
        places = np.flatnonzero(~_cjk_table()[self.points])
        return self.points[places].tobytes().decode("utf-32-le"), places

    def cut(self, starts: Places, ends: Places) -> Bool[np.ndarray, " places"]:
        """Tell which places begin or end inside a character of the original, as "kg" does in "㎏s"."""
        if self.text.isascii():
            return np.zeros(len(starts), np.bool_)
        views = self.owners(starts)
        before = starts - 1
        before -= self.points[before] == _SPACE
        cut = (before >= self.pointers[views]) & (self.starts[before] == self.starts[starts])
        after = ends + (self.points[ends] == _SPACE)
        inside = after < self.pointers[views + 1]
        after[~inside] = 0
        return np.asarray(cut | (inside & (self.starts[after] == self.starts[ends - 1])))

    def owners(self, places: Places) -> Places:
        """Give the row of the view of each place."""
        if len(self.views) == 1:
            return np.zeros(len(places), np.int64)
        return np.searchsorted(self.pointers, places, "right") - 1


def has_cjk(text: str) -> bool:
    """Tell whether a text has a character of a script without spaces between words."""
    return not text.isascii() and _HAS_CJK.search(text) is not None


def batches(views: Sequence[View]) -> Iterator[slice]:
    """Cut views into runs of about AT_ONCE characters; a longer view is a run of its own."""
    first = size = 0
    for row, view in enumerate(views):
        if size and size + len(view.text) > AT_ONCE:
            yield slice(first, row)
            first, size = row, 0
        size += len(view.text)
    if size:
        yield slice(first, len(views))


def _pointers(lengths: list[int]) -> Int64[np.ndarray, " ends"]:
    return np.fromiter(accumulate(lengths, initial=0), np.int64, len(lengths) + 1)


@functools.cache
def _cjk_table() -> Bool[np.ndarray, " points"]:
    table = np.zeros(0x110000, np.bool_)
    for first, last in re.findall("(.)-(.)", CJK_CLASS):
        table[ord(first) : ord(last) + 1] = True
    return table
