"""Controls: knowledge of the same size that holds none. What a model gains from these is not knowledge.

Names are permuted one by one, never list by list: inside a list that moves as a whole the true
pairs survive, and a model learns from them.
"""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from loregraft.errors import BadInput
from loregraft.kg.names import fold_name
from loregraft.pretrain.views import Views

ROUNDS = 200
RARE = 30


def shuffle_views(views: Views, seed: int) -> Views:
    """Deal every view but each concept's first to other concepts, kind by kind and source by source.

    The result has the same texts of the same kinds and sources, and as many per concept. No two texts that
    shared a concept share one again. Where a kind of a source has fewer than `RARE` such views, which may
    have nowhere to go, they are dealt together with those of the next larger.

    Raises:
        BadInput: There are too few concepts for that.
    """
    generator = np.random.default_rng([seed, 0x5EED])
    moving = np.flatnonzero(np.r_[False, np.diff(views.concepts) == 0])
    groups = _pooled(list(zip(views.kinds, views.sources, strict=True)), moving)
    peers = {
        group: moving[[groups[row] == group for row in moving.tolist()]] for group in sorted(set(groups))
    }
    folded = [fold_name(text) for text in views.texts]
    known = _pairs(views.concepts, folded)
    source = np.arange(len(views))
    for rows in peers.values():
        source[rows] = generator.permutation(rows)
    for _ in range(ROUNDS):
        bad = _reunited(views.concepts, [folded[row] for row in source.tolist()], known)
        if not bad:
            texts, kinds, sources = (
                tuple(column[row] for row in source.tolist())
                for column in (views.texts, views.kinds, views.sources)
            )
            return replace(views, texts=texts, kinds=kinds, sources=sources)
        for row in bad:
            other = generator.choice(peers[groups[row]])
            source[[row, other]] = source[[other, row]]
    found = f"{len(moving)} names of {len(np.unique(views.concepts))} entities cannot be shuffled apart"
    raise BadInput(Path("graph"), 0, found, "Give a graph with more entities; a control needs some hundreds.")


def true_pairs(views: Views) -> set[tuple[str, str]]:
    """List all pairs of folded texts that share a concept; views and their control have none in common."""
    return _pairs(views.concepts, [fold_name(text) for text in views.texts])


def _pooled(groups: Sequence[tuple[str, str]], moving: NDArray[np.int64]) -> list[tuple[str, str]]:
    """Rename groups so that each has at least RARE moving rows: the smallest join the next larger."""
    sizes = Counter(groups[row] for row in moving.tolist())
    renamed = {group: group for group in groups}
    waiting: list[tuple[str, str]] = []
    for group in sorted(sizes, key=lambda group: (sizes[group], group)):
        waiting.append(group)
        renamed.update(dict.fromkeys(waiting, group))
        if sum(sizes[other] for other in waiting) >= RARE:
            waiting = []
    return [renamed[group] for group in groups]


def _pairs(concepts: NDArray[np.int64], folded: list[str]) -> set[tuple[str, str]]:
    return {
        (min(a, b), max(a, b))
        for start, end in _groups(concepts)
        for a, b in itertools.combinations(folded[start:end], 2)
    }


def _reunited(concepts: NDArray[np.int64], folded: list[str], known: set[tuple[str, str]]) -> list[int]:
    """Find the rows to move again: of each surviving pair the later one, which is never a first view."""
    bad = []
    for start, end in _groups(concepts):
        for a, b in itertools.combinations(range(start, end), 2):
            if (min(folded[a], folded[b]), max(folded[a], folded[b])) in known:
                bad.append(b)
    return sorted(set(bad))


def _groups(concepts: NDArray[np.int64]) -> list[tuple[int, int]]:
    """List (first row, row after the last) of each concept."""
    if not len(concepts):
        return []
    starts = np.flatnonzero(np.r_[True, np.diff(concepts) > 0]).tolist()
    return list(zip(starts, [*starts[1:], len(concepts)], strict=True))
