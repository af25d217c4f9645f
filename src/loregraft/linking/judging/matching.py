"""Pair what a system found with what is right, one to one, and count for each document.

Everything is done at once for all documents, in columns: one bipartite matching gives the most pairs that
are possible, so that no order of mentions can change a count.
"""

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Int64
from numpy.typing import NDArray

from loregraft.kg.runs import runs
from loregraft.linking.formats.records import Gold
from loregraft.records import Link, Mention

Match = Literal["strong", "weak"]
"""strong: the same characters; weak: at least one character in common."""
Part = Literal["all", "in_graph", "nil", "detection"]
"""Which mentions count: all; those that mean something in the graph; the others; all, their ids aside."""
Composite = Literal["any", "all"]
"""Of a mention whose ids are all meant together: is one of them enough, or is each to be found?"""

_NIL = ""
"""What stands for "not in the graph" where an id is looked for; no entity has it."""
_Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Protocol:
    """What counts as right.

    Attributes:
        composite: Whether one id of a composite mention is enough. An id more than enough is a false one.
        keep_composite: False: composite mentions do not count, nor what was found at their places.
        keep_out_of_graph: False: neither do mentions whose ids, of which they have some, are not in the
            graph.
    """

    composite: Composite = "any"
    keep_composite: bool = True
    keep_out_of_graph: bool = True

    @property
    def name(self) -> str:
        """Say it in words."""
        left_out = [
            *([] if self.keep_composite else ["composite"]),
            *([] if self.keep_out_of_graph else ["out-of-graph"]),
        ]
        kept = f"without {' and '.join(left_out)}" if left_out else "all mentions"
        ids = {"any": "any id", "all": "all ids"}[self.composite]
        return f"{kept}, {ids}" if self.keep_composite else kept

    def keeps(self, gold: Gold, in_graph: Container[str] | None) -> bool:
        """Tell whether a mention counts."""
        if gold.composite and not self.keep_composite:
            return False
        known = in_graph is None or not gold.entities or any(id in in_graph for id in gold.entities)
        return known or self.keep_out_of_graph


PROTOCOLS = (
    Protocol("any"),
    Protocol("all"),
    Protocol("any", keep_out_of_graph=False),
    Protocol("all", keep_out_of_graph=False),
    Protocol("any", keep_composite=False),
    Protocol("any", keep_composite=False, keep_out_of_graph=False),
)
"""All of them, the strictest reading of a data set first."""


@dataclass(frozen=True)
class Counts:
    """For each document, how many mentions are right, were found, and should have been."""

    right: Int64[np.ndarray, " documents"]
    found: Int64[np.ndarray, " documents"]
    gold: Int64[np.ndarray, " documents"]

    @property
    def columns(self) -> Int64[np.ndarray, "documents 3"]:
        """The three side by side."""
        return np.stack([self.right, self.found, self.gold], axis=1)


@dataclass(frozen=True)
class _Units:
    """Things to pair: document, place, and what each may be called, by codes (a row for each of them)."""

    documents: Int64[np.ndarray, " units"]
    starts: Int64[np.ndarray, " units"]
    ends: Int64[np.ndarray, " units"]
    owners: _Rows
    codes: _Rows


def count(
    gold: Sequence[Sequence[Gold]],
    found: Sequence[Sequence[Link]],
    match: Match = "strong",
    part: Part = "all",
    protocol: Protocol | None = None,
    in_graph: Container[str] | None = None,
) -> Counts:
    """Count for each document what is right, was found and should have been.

    A link is right when a mention of that place has its entity, each mention having at most one link.
    NIL (a link to None) is right where a mention has no id, or none that is in the graph. A link that
    stands twice counts once, and so does a mention.

    Args:
        gold: The mentions of each document.
        found: The links of each document, in the same order of documents.
        in_graph: The ids of the graph; None: all ids are in it.

    Raises:
        ValueError: There are links for more or fewer documents.
    """
    if len(gold) != len(found):
        raise ValueError(f"gold of {len(gold)} documents, links of {len(found)}")
    protocol = protocol or Protocol()
    codes: dict[str, int] = {_NIL: 0}

    def code(id: str) -> int:
        return codes.setdefault(id, len(codes))

    asked = _Asked(part, protocol, in_graph, code)
    right, said = _right_units(gold, asked), _found_units(gold, found, asked)
    paired = _paired(right, said, match)
    size = len(gold)
    return Counts(
        np.bincount(right.documents[paired], minlength=size).astype(np.int64),
        np.bincount(said.documents, minlength=size).astype(np.int64),
        np.bincount(right.documents, minlength=size).astype(np.int64),
    )


def answers(
    gold: Gold, protocol: Protocol, in_graph: Container[str] | None = None
) -> list[tuple[str | None, ...]]:
    """List what is to be found of a mention: for each thing the ids of which any is right; None is NIL.

    A composite mention is several things by the protocol "all". Where none of the ids is in the graph,
    NIL is right too.
    """
    if not gold.entities:
        return [(None,)]
    each = gold.composite and protocol.composite == "all"
    groups = [(id,) for id in gold.entities] if each else [gold.entities]
    return [(*ids, *(() if _any_in(ids, in_graph) else (None,))) for ids in groups]


def _any_in(ids: Sequence[str], in_graph: Container[str] | None) -> bool:
    return in_graph is None or any(id in in_graph for id in ids)


@dataclass(frozen=True)
class _Asked:
    """What is counted, and what number an id has."""

    part: Part
    protocol: Protocol
    in_graph: Container[str] | None
    code: Callable[[str], int]

    def keeps(self, mention: Gold) -> bool:
        return self.protocol.keeps(mention, self.in_graph)

    def counts(self, nil: bool) -> bool:
        """Tell whether something that is NIL, or is not, is of the part that is counted."""
        return self.part == "all" or (self.part == "nil") == nil


def _right_units(gold: Sequence[Sequence[Gold]], asked: _Asked) -> _Units:
    seen: dict[tuple[int, int, int, tuple[int, ...]], None] = {}
    for document, mentions in enumerate(gold):
        for one in mentions:
            if not asked.keeps(one):
                continue
            place = (document, one.mention.start, one.mention.end)
            if asked.part == "detection":
                seen[*place, (0,)] = None
                continue
            for ids in answers(one, asked.protocol, asked.in_graph):
                if asked.counts(None in ids):
                    seen[*place, tuple(sorted(asked.code(_NIL if id is None else id) for id in ids))] = None
    return _units(list(seen))


def _found_units(gold: Sequence[Sequence[Gold]], found: Sequence[Sequence[Link]], asked: _Asked) -> _Units:
    seen: dict[tuple[int, int, int, tuple[int, ...]], None] = {}
    for document, links in enumerate(found):
        kept: set[tuple[int, int]] = set()
        left_out: set[tuple[int, int]] = set()
        for one in gold[document]:
            (kept if asked.keeps(one) else left_out).add(_place(one.mention))
        for link in links:
            place = _place(link.mention)
            if place in left_out - kept:
                continue
            if asked.part == "detection":
                seen[document, *place, (0,)] = None
            elif asked.counts(link.entity is None):
                seen[document, *place, (asked.code(_NIL if link.entity is None else link.entity),)] = None
    return _units(list(seen))


def _place(mention: Mention) -> tuple[int, int]:
    return mention.start, mention.end


def _units(rows: list[tuple[int, int, int, tuple[int, ...]]]) -> _Units:
    table = np.array([row[:3] for row in rows], np.int64).reshape(-1, 3)
    sizes = np.array([len(row[3]) for row in rows], np.int64)
    codes = np.array([code for row in rows for code in row[3]], np.int64)
    owners = np.repeat(np.arange(len(rows), dtype=np.int64), sizes)
    return _Units(table[:, 0], table[:, 1], table[:, 2], owners, codes)


def _paired(right: _Units, said: _Units, match: Match) -> NDArray[np.bool_]:
    """For each thing to be found: does it have a partner when as many as possible have one?"""
    if not len(right.documents) or not len(said.documents):
        return np.zeros(len(right.documents), bool)
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    rows, columns = _edges(right, said, match)
    shape = (len(right.documents), len(said.documents))
    graph = csr_array((np.ones(len(rows), np.int8), (rows, columns)), shape=shape)
    return np.asarray(maximum_bipartite_matching(graph, perm_type="column")) >= 0


def _edges(right: _Units, said: _Units, match: Match) -> tuple[_Rows, _Rows]:
    """Give the pairs of the same document and code whose places fit, as rows of both sides."""
    groups = np.concatenate(
        [
            np.stack([right.documents[right.owners], right.codes], 1),
            np.stack([said.documents[said.owners], said.codes], 1),
        ]
    )
    _, group = np.unique(groups, axis=0, return_inverse=True)
    group = group.reshape(-1).astype(np.int64)
    ours, theirs = group[: len(right.owners)], group[len(right.owners) :]
    longest = int((said.ends - said.starts).max(initial=0))
    step = int(max(right.ends.max(), said.ends.max())) + longest + 1
    # Sorted by group and start, all that may overlap a mention are neighbours: none starts more than the
    # longest length before it.
    keys = theirs * step + said.starts[said.owners]
    order = np.argsort(keys, kind="stable")
    first = ours * step + np.maximum(right.starts[right.owners] - longest, 0)
    low = np.searchsorted(keys[order], first, "left")
    high = np.searchsorted(keys[order], ours * step + right.ends[right.owners], "left")
    asked, places = runs(low, np.maximum(high, low))
    rows, columns = right.owners[asked], said.owners[order[places]]
    if match == "strong":
        fits = (right.starts[rows] == said.starts[columns]) & (right.ends[rows] == said.ends[columns])
    else:
        fits = (said.ends[columns] > right.starts[rows]) & (said.starts[columns] < right.ends[rows])
    return rows[fits], columns[fits]
