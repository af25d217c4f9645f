"""Of mentions that overlap, keep the best: weighted interval scheduling, text by text, exact."""

from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Integer

Column = Integer[np.ndarray, " spans"]
Kept = Bool[np.ndarray, " spans"]


def choose(
    texts: Column,
    starts: Column,
    ends: Column,
    gains: Float[np.ndarray, " spans"],
    mode: Literal["flat", "nested", "all"],
    entities: Column,
) -> Kept:
    """Choose among spans that are sorted by text, start and end.

    Args:
        gains: What keeping a span is worth; spans of 0 or less are never kept.
        mode: flat: none overlap, and the sum of gains is the largest; nested: spans inside a kept one, of
            another entity, are kept too, the best of them, and so on inside these; all: all worth something.
        entities: What each span means; nested alone asks for it.
    """
    kept = gains > 0
    if mode == "all" or not len(texts):
        return kept
    rows = np.flatnonzero(kept)
    kept = np.zeros(len(texts), bool)
    columns = texts.astype(np.int64), starts.astype(np.int64), ends.astype(np.int64), gains
    kept[_flat(rows, *columns)] = True
    if mode == "nested":
        _add_nested(kept, rows, columns, entities)
    return kept


def _flat(
    rows: np.ndarray, texts: np.ndarray, starts: np.ndarray, ends: np.ndarray, gains: np.ndarray
) -> np.ndarray:
    """Give the rows of the best spans that do not overlap; ties go to the longer, then to the earlier."""
    if not len(rows):
        return rows
    reach = int(ends[rows].max()) + 1
    first, last = texts[rows] * reach + starts[rows], texts[rows] * reach + ends[rows]
    order = np.lexsort((last, first))
    rows, first, last = rows[order], first[order], last[order]
    until = np.maximum.accumulate(last)
    alone = np.r_[True, first[1:] >= until[:-1]] & np.r_[first[1:] >= until[:-1], True]
    chosen = [rows[alone]]
    begins = np.flatnonzero(np.r_[True, first[1:] >= until[:-1]])
    sizes = np.diff(np.r_[begins, len(rows)])
    for begin, size in zip(begins[sizes > 1].tolist(), sizes[sizes > 1].tolist(), strict=True):
        group = slice(begin, begin + size)
        picked = _best(first[group].tolist(), last[group].tolist(), gains[rows[group]].tolist())
        chosen.append(rows[group][picked])
    return np.concatenate(chosen)


def _best(starts: list[int], ends: list[int], gains: list[float]) -> list[int]:
    """Solve one cluster of overlapping spans, which are sorted by start."""
    by_end = sorted(range(len(ends)), key=lambda row: (ends[row], -starts[row]))
    finished = [ends[row] for row in by_end]
    # Of the first n spans by end: (gain, characters) of the best choice, and whether the nth is in it.
    best, taken, before = [(0.0, 0)], [False], [0]
    for place, row in enumerate(by_end):
        low, high = 0, place
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if finished[middle] <= starts[row] else (low, middle)
        with_it = best[low][0] + gains[row], best[low][1] + ends[row] - starts[row]
        take = with_it > best[-1]
        best.append(with_it if take else best[-1])
        taken.append(take)
        before.append(low)
    picked, place = [], len(by_end)
    while place:
        if taken[place]:
            picked.append(by_end[place - 1])
            place = before[place]
        else:
            place -= 1
    return sorted(picked)


def _add_nested(kept: Kept, rows: np.ndarray, columns: tuple[np.ndarray, ...], entities: np.ndarray) -> None:
    """Keep what lies inside a kept span, of another entity, level by level."""
    texts, starts, ends, _ = columns
    parents = np.flatnonzero(kept)
    while len(parents):
        inside = []
        for parent in parents.tolist():
            low = np.searchsorted(rows, parent)
            children = _within(rows, int(low), parent, texts, starts, ends)
            children = children[(entities[children] != entities[parent]) & ~kept[children]]
            inside.append(_flat(children, *columns))
        parents = np.concatenate(inside)
        kept[parents] = True


def _within(
    rows: np.ndarray, near: int, parent: int, texts: np.ndarray, starts: np.ndarray, ends: np.ndarray
) -> np.ndarray:
    """Give the rows of the spans inside one, which may stand a little before or behind it."""
    low, high = near, near
    while low > 0 and texts[rows[low - 1]] == texts[parent] and starts[rows[low - 1]] >= starts[parent]:
        low -= 1
    while high < len(rows) and texts[rows[high]] == texts[parent] and starts[rows[high]] < ends[parent]:
        high += 1
    some = rows[low:high]
    inner = (ends[some] <= ends[parent]) & (some != parent)
    shorter = (ends[some] - starts[some]) < ends[parent] - starts[parent]
    return some[inner & shorter]
