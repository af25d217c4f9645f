"""Judge the candidates of mentions whose places are given: is the right one first, is it there at all?"""

from collections.abc import Container, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from loregraft.artifact import Json
from loregraft.linking.formats.records import Gold
from loregraft.linking.judging.intervals import Interval, bootstrap, by_document, interval_of, share
from loregraft.linking.judging.matching import PROTOCOLS, Protocol, answers
from loregraft.metrics import hits_at, reciprocal

DEPTHS = (1, 5, 20)
"""How many of the first candidates are looked at."""
Candidates = Sequence[str | None]
"""Ids, the best first; None: "not in the graph", at the place where a system gives up."""

_WIDTH = 46


@dataclass(frozen=True)
class Accuracy:
    """How good candidates are by one protocol, over all mentions that it keeps.

    Attributes:
        at: Depth -> share of mentions whose right entity is among the first so many candidates.
        recall: Share of mentions whose right entity is among the candidates.
        mrr: Mean of 1 / rank, 0 where the right one is missing.
        first: The share at depth 1 with the interval that the choice of documents leaves.
    """

    protocol: Protocol
    mentions: int
    at: dict[int, float]
    recall: float
    mrr: float
    first: Interval | None

    def as_dict(self) -> dict[str, Json]:
        """Give it as JSON can hold it."""
        return {
            "protocol": self.protocol.name,
            "mentions": self.mentions,
            "accuracy_at": {str(depth): round(value, 5) for depth, value in self.at.items()},
            "recall": round(self.recall, 5),
            "mrr": round(self.mrr, 5),
            "interval_at_1": self.first.as_dict() if self.first else None,
        }


def ranks(
    gold: Sequence[Gold],
    candidates: Sequence[Candidates],
    protocol: Protocol | None = None,
    in_graph: Container[str] | None = None,
) -> Float64[np.ndarray, " mentions"]:
    """Give for each mention the rank of what is right, from 1; infinite where it is missing.

    A candidate that stands twice counts once. Of a composite mention of n ids the protocol "all" wants
    each: its rank is that of the last of them less n - 1, so that n right candidates at the top are at 1.
    Mentions that the protocol does not keep are ranked too; `Protocol.keeps` tells them.

    Raises:
        ValueError: There are candidates for more or fewer mentions.
    """
    if len(gold) != len(candidates):
        raise ValueError(f"{len(gold)} mentions, candidates of {len(candidates)}")
    protocol = protocol or Protocol()
    found = np.full(len(gold), np.inf)
    for row, (one, ids) in enumerate(zip(gold, candidates, strict=True)):
        rank = {id: place for place, id in enumerate(dict.fromkeys(ids), start=1)}
        wanted = answers(one, protocol, in_graph)
        best = [min(rank.get(id, np.inf) for id in right) for right in wanted]
        found[row] = max(best) - len(wanted) + 1 if len(wanted) > 1 else best[0]
    return np.maximum(found, 1.0)


def accuracy(
    gold: Sequence[Gold],
    candidates: Sequence[Candidates],
    documents: Int64[np.ndarray, " mentions"] | None = None,
    protocol: Protocol | None = None,
    in_graph: Container[str] | None = None,
) -> Accuracy:
    """Judge candidates: accuracy at some depths, recall and MRR; all 0 where no mention is kept.

    Args:
        documents: The number of each mention's document, from 0, for the interval; None: no interval.
        in_graph: The ids of the graph; None: all ids are in it.
    """
    protocol = protocol or Protocol()
    kept = np.array([protocol.keeps(one, in_graph) for one in gold], bool)
    rank = ranks(gold, candidates, protocol, in_graph)[kept]
    hits = {depth: hits_at(rank, depth) for depth in DEPTHS}
    first = None
    if documents is not None and kept.any():
        rows = by_document(documents[kept], hits_at(rank, 1), int(documents.max()) + 1)
        first = interval_of(bootstrap(share, rows))
    size = max(len(rank), 1)
    return Accuracy(
        protocol,
        len(rank),
        {depth: float(values.sum() / size) for depth, values in hits.items()},
        float(np.isfinite(rank).sum() / size),
        float(reciprocal(rank).sum() / size),
        first,
    )


def accuracies(
    gold: Sequence[Gold],
    candidates: Sequence[Candidates],
    documents: Int64[np.ndarray, " mentions"] | None = None,
    in_graph: Container[str] | None = None,
    protocols: Sequence[Protocol] = PROTOCOLS,
) -> list[Accuracy]:
    """Judge candidates by several protocols, so that numbers of others can be compared with like for like."""
    return [accuracy(gold, candidates, documents, protocol, in_graph) for protocol in protocols]


def told(results: Sequence[Accuracy]) -> list[str]:
    """Give the lines of a table, values in percent."""
    head = "".join(f"{f'@{depth}':>7}" for depth in DEPTHS)
    lines = [f"{'':{_WIDTH}}{'mentions':>9}{head}{'recall':>8}{'MRR':>7}{'@1, 95 %':>14}"]
    for result in results:
        shares = "".join(f"{100 * result.at[depth]:>7.1f}" for depth in DEPTHS)
        span = f"{100 * result.first.low:.1f}-{100 * result.first.high:.1f}" if result.first else ""
        last = f"{100 * result.recall:>8.1f}{100 * result.mrr:>7.1f}{span:>14}"
        lines.append(f"{result.protocol.name:{_WIDTH}}{result.mentions:>9,}{shares}{last}")
    return lines
