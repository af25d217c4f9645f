"""Precision, recall and F1 of links: over all mentions (micro) and as a mean of documents (macro)."""

from collections.abc import Container, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from loregraft.artifact import Json
from loregraft.linking.formats.records import Gold
from loregraft.linking.judging.intervals import DRAWS, Interval, bootstrap, interval_of, micro_f1
from loregraft.linking.judging.matching import Counts, Match, Part, Protocol, count
from loregraft.records import Link

PARTS: tuple[Part, ...] = ("all", "in_graph", "nil", "detection")
MATCHES: tuple[Match, ...] = ("strong", "weak")
_WIDTH = 22


@dataclass(frozen=True)
class Scores:
    """Precision, recall and F1, each 0..1, higher is better."""

    precision: float
    recall: float
    f1: float

    def as_dict(self) -> dict[str, Json]:
        """Give the three rounded to 5 digits."""
        return {name: round(getattr(self, name), 5) for name in ("precision", "recall", "f1")}


@dataclass(frozen=True)
class Row:
    """The scores of one part of the mentions by one kind of match.

    Attributes:
        f1: The micro F1 with the interval that the choice of documents leaves.
    """

    part: Part
    match: Match
    right: int
    found: int
    gold: int
    micro: Scores
    macro: Scores
    f1: Interval | None


@dataclass(frozen=True)
class Judgement:
    """How good the links of a system are by one protocol."""

    protocol: Protocol
    documents: int
    rows: tuple[Row, ...]

    def row(self, part: Part, match: Match = "strong") -> Row:
        """Give one row."""
        return next(row for row in self.rows if (row.part, row.match) == (part, match))

    def as_dict(self) -> dict[str, Json]:
        """Give it as JSON can hold it."""
        rows: list[Json] = [
            {
                "part": row.part,
                "match": row.match,
                "right": row.right,
                "found": row.found,
                "gold": row.gold,
                "micro": row.micro.as_dict(),
                "macro": row.macro.as_dict(),
                "f1": row.f1.as_dict() if row.f1 else None,
            }
            for row in self.rows
        ]
        return {"protocol": self.protocol.name, "documents": self.documents, "rows": rows}


def judge(
    gold: Sequence[Sequence[Gold]],
    found: Sequence[Sequence[Link]],
    protocol: Protocol | None = None,
    in_graph: Container[str] | None = None,
    draws: int = DRAWS,
) -> Judgement:
    """Judge the links of documents: all mentions, in the graph, NIL, and places alone, strong and weak.

    Args:
        gold: The mentions of each document; nothing is asked of documents without any but that nothing is
            found in them.
        found: The links of each document, in the same order.
        in_graph: The ids of the graph; None: all ids are in it.
        draws: How often documents are drawn anew for the interval; 0: no interval.
    """
    protocol = protocol or Protocol()
    rows = []
    for part in PARTS:
        for match in MATCHES:
            counts = count(gold, found, match, part, protocol, in_graph)
            right, said, wanted = (int(column.sum()) for column in (counts.right, counts.found, counts.gold))
            drawn = draws and len(gold)
            f1 = interval_of(bootstrap(micro_f1, counts.columns, draws)) if drawn else None
            rows.append(Row(part, match, right, said, wanted, micro(counts), macro(counts), f1))
    return Judgement(protocol, len(gold), tuple(rows))


def micro(counts: Counts) -> Scores:
    """Score all mentions together. What nobody asked for and nobody gave is right: 1."""
    totals = counts.columns.sum(axis=0, keepdims=True)
    return Scores(*(float(value) for value in _scores(totals)[0]))


def macro(counts: Counts) -> Scores:
    """Score each document as `micro` would, and give the mean; 1 where there is no document."""
    if not len(counts.right):
        return Scores(1.0, 1.0, 1.0)
    return Scores(*(float(value) for value in _scores(counts.columns).mean(axis=0)))


def told(result: Judgement) -> list[str]:
    """Give the lines of a table, values in percent."""
    lines = [
        f"{result.protocol.name} ({result.documents:,} documents)",
        f"{'':{_WIDTH}}{'gold':>7}{'found':>7}{'right':>7}{'P':>7}{'R':>7}{'F1':>7}"
        f"{'95 %':>14}{'macro F1':>10}",
    ]
    return lines + [line_of(f"{row.part.replace('_', ' ')}, {row.match}", row) for row in result.rows]


def line_of(name: str, row: Row) -> str:
    """Give a line of the table."""
    span = f"{100 * row.f1.low:.1f}-{100 * row.f1.high:.1f}" if row.f1 else ""
    shares = "".join(f"{100 * v:>7.1f}" for v in (row.micro.precision, row.micro.recall, row.micro.f1))
    counts = f"{row.gold:>7,}{row.found:>7,}{row.right:>7,}"
    if not row.gold and not row.found:  # 100 would look like a success
        return f"{name:{_WIDTH}}{counts}{'-':>7}{'-':>7}{'-':>7}{'':>14}{'-':>10}"
    return f"{name:{_WIDTH}}{counts}{shares}{span:>14}{100 * row.macro.f1:>10.1f}"


def _scores(columns: np.ndarray) -> Float64[np.ndarray, "rows 3"]:
    right, found, gold = columns.astype(np.float64).T
    nothing = (found == 0) & (gold == 0)
    precision, recall, f1 = (
        np.where(nothing, 1.0, weight * right / np.maximum(total, 1))
        for weight, total in ((1, found), (1, gold), (2, found + gold))
    )
    return np.stack([precision, recall, f1], axis=1)
