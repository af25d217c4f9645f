"""Where does it go wrong? Shares of right mentions by ambiguity, zero-shot, kind of name, language, nesting.

A slice is a label for each mention; whatever says right or wrong of each mention can be cut by it.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64, Shaped

from loregraft.artifact import Json
from loregraft.linking.formats.records import Gold
from loregraft.linking.judging.intervals import Interval, bootstrap, by_document, interval_of, share

AMBIGUITY = ("0", "1", "2-5", ">5")
"""Entities that the form of a mention may mean; 0: no name of the graph."""
ZERO_SHOT = ("seen", "zero-shot", "NIL")
NESTED = ("flat", "holds another", "inside another", "crosses another")

_WIDTH = 30


@dataclass(frozen=True)
class Slice:
    """The mentions of one label: how many there are, and the share that is right, 0..1."""

    name: str
    label: str
    mentions: int
    right: int
    share: Interval

    def as_dict(self) -> dict[str, Json]:
        """Give it as JSON can hold it."""
        counts: dict[str, Json] = {"mentions": self.mentions, "right": self.right}
        return {"slice": self.name, "label": self.label, **counts, "share": self.share.as_dict()}


def by_ambiguity(entities: Int64[np.ndarray, " mentions"]) -> list[str]:
    """Label mentions by how many entities have their form as a name."""
    return [AMBIGUITY[place] for place in np.searchsorted([1, 2, 6], entities, side="right").tolist()]


def by_zero_shot(gold: Sequence[Gold], seen: Container[str]) -> list[str]:
    """Label mentions by whether any of their ids was among the training ones.

    Args:
        seen: The ids of all mentions of the training texts.
    """
    return [
        "NIL" if not one.entities else "seen" if any(id in seen for id in one.entities) else "zero-shot"
        for one in gold
    ]


def by_nesting(gold: Sequence[Sequence[Gold]]) -> list[str]:
    """Label the mentions of documents, one after another, by what other mentions share characters with them.

    A mention inside another is called so even if it holds a third. Those of equal places are one.
    """
    return [label for mentions in gold for label in _nesting(mentions)]


def sliced(
    right: Shaped[np.ndarray, " mentions"],
    labels: Mapping[str, Sequence[str]],
    documents: Int64[np.ndarray, " mentions"] | None = None,
) -> list[Slice]:
    """Cut what is right by labels, in the order of the slices, their labels sorted as the constants here.

    Args:
        right: 1 or True for each mention that is right, 0 for others.
        labels: Name of a slice -> the label of each mention.
        documents: The number of each mention's document, from 0; None: each mention is drawn alone.

    Raises:
        ValueError: A slice has more or fewer labels than there are mentions.
    """
    documents = np.arange(len(right)) if documents is None else documents
    found = []
    for name, given in labels.items():
        if len(given) != len(right):
            raise ValueError(f"{len(given)} labels of {name!r} for {len(right)} mentions")
        of = np.array(given, object)
        for label in sorted(set(given), key=_order):
            rows = of == label
            counts = by_document(documents[rows], right[rows], int(documents.max()) + 1)
            counts = counts[counts[:, 1] > 0]  # drawn are the documents that have such mentions
            values = interval_of(bootstrap(share, counts))
            found.append(Slice(name, label, int(rows.sum()), int(right[rows].sum()), values))
    return found


def told(slices: Sequence[Slice]) -> list[str]:
    """Give the lines of a table, values in percent."""
    lines = [f"{'':{_WIDTH}}{'mentions':>9}{'right':>8}{'share':>8}{'95 %':>14}"]
    for one in slices:
        span = f"{100 * one.share.low:.1f}-{100 * one.share.high:.1f}"
        name = f"{one.name}: {one.label}"
        share_text = f"{100 * one.share.value:.1f}"
        lines.append(f"{name:{_WIDTH}}{one.mentions:>9,}{one.right:>8,}{share_text:>8}{span:>14}")
    return lines


def _order(label: str) -> tuple[int, str]:
    known = (*AMBIGUITY, *ZERO_SHOT, *NESTED)
    return (known.index(label) if label in known else len(known), label)


def _nesting(mentions: Sequence[Gold]) -> list[str]:
    places = np.array([(one.mention.start, one.mention.end) for one in mentions], np.int64).reshape(-1, 2)
    labels = []
    for start, end in places.tolist():
        shared = places[(places[:, 0] < end) & (places[:, 1] > start)]
        others = shared[(shared != (start, end)).any(axis=1)]
        inside = ((others[:, 0] <= start) & (others[:, 1] >= end)).any()
        holds = ((others[:, 0] >= start) & (others[:, 1] <= end)).any()
        crosses = len(others) > 0
        labels.append(NESTED[2] if inside else NESTED[1] if holds else NESTED[3] if crosses else NESTED[0])
    return labels
