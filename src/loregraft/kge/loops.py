"""numba's forms of `kernels.py`: one pass over memory each, without the interpreter's lock.

`no_type_check` keeps run-time type checkers from wrapping what numba compiles. `error_model="numpy"` leaves
out Python's check for a division by zero, which would keep a loop from being vectorised.
"""

from typing import no_type_check

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float32]
SMALLEST = np.float32(1e-6)


@njit(fastmath=True, error_model="numpy", nogil=True, cache=True)
@no_type_check
def l1(queries: Floats, candidates: Floats, out: Floats) -> None:
    """Minus the sums of absolute differences; four candidates to one pass over a query."""
    count, width = candidates.shape
    whole = count - count % 4
    for i in range(queries.shape[0]):
        for j in range(0, whole, 4):
            a = b = c = d = np.float32(0)
            for k in range(width):
                v = queries[i, k]
                a += abs(v - candidates[j, k])
                b += abs(v - candidates[j + 1, k])
                c += abs(v - candidates[j + 2, k])
                d += abs(v - candidates[j + 3, k])
            out[i, j], out[i, j + 1], out[i, j + 2], out[i, j + 3] = -a, -b, -c, -d
        for j in range(whole, count):
            a = np.float32(0)
            for k in range(width):
                a += abs(queries[i, k] - candidates[j, k])
            out[i, j] = -a


@njit(fastmath=True, error_model="numpy", nogil=True, cache=True)
@no_type_check
def l1_backward(
    gradient: Floats, queries: Floats, candidates: Floats, by_queries: Floats, by_candidates: Floats
) -> None:
    """Add the gradients of `l1` to arrays of zeros."""
    for i in range(queries.shape[0]):
        for j in range(candidates.shape[0]):
            g = gradient[i, j]
            if g != 0:
                for k in range(queries.shape[1]):
                    v = queries[i, k] - candidates[j, k]
                    w = g * (np.float32(v > 0) - np.float32(v < 0))
                    by_queries[i, k] -= w
                    by_candidates[j, k] += w


@njit(fastmath=True, error_model="numpy", nogil=True, cache=True)
@no_type_check
def modulus(queries: Floats, candidates: Floats, out: Floats) -> None:
    """Minus the sums of moduli of complex differences; two candidates to one pass over a query."""
    count, half = candidates.shape[0], candidates.shape[1] // 2
    whole = count - count % 2
    for i in range(queries.shape[0]):
        for j in range(0, whole, 2):
            a = b = np.float32(0)
            for k in range(half):
                x, y = queries[i, k], queries[i, k + half]
                u, v = x - candidates[j, k], y - candidates[j, k + half]
                p, q = x - candidates[j + 1, k], y - candidates[j + 1, k + half]
                a += np.sqrt(u * u + v * v)
                b += np.sqrt(p * p + q * q)
            out[i, j], out[i, j + 1] = -a, -b
        for j in range(whole, count):
            a = np.float32(0)
            for k in range(half):
                u, v = queries[i, k] - candidates[j, k], queries[i, k + half] - candidates[j, k + half]
                a += np.sqrt(u * u + v * v)
            out[i, j] = -a


@njit(fastmath=True, error_model="numpy", nogil=True, cache=True)
@no_type_check
def modulus_backward(
    gradient: Floats, queries: Floats, candidates: Floats, by_queries: Floats, by_candidates: Floats
) -> None:
    """Add the gradients of `modulus` to arrays of zeros."""
    half = queries.shape[1] // 2
    for i in range(queries.shape[0]):
        for j in range(candidates.shape[0]):
            g = gradient[i, j]
            if g != 0:
                for k in range(half):
                    u, v = queries[i, k] - candidates[j, k], queries[i, k + half] - candidates[j, k + half]
                    w = g / np.sqrt(max(u * u + v * v, SMALLEST * SMALLEST))
                    by_queries[i, k] -= w * u
                    by_queries[i, k + half] -= w * v
                    by_candidates[j, k] += w * u
                    by_candidates[j, k + half] += w * v


@njit(fastmath=True, error_model="numpy", nogil=True, cache=True)
@no_type_check
def adagrad(table: Floats, state: Floats, rows: NDArray[np.int64], gradients: Floats, rate: float) -> None:
    """Step rows with a state for each number."""
    width = table.shape[1]
    step = np.float32(rate)
    for i in range(rows.shape[0]):
        row = rows[i]
        for k in range(width):
            state[row, k] += gradients[i, k] * gradients[i, k]
    for i in range(rows.shape[0]):
        row = rows[i]
        for k in range(width):
            table[row, k] -= step * gradients[i, k] / (np.sqrt(state[row, k]) + np.float32(1e-10))


@njit(fastmath=True, error_model="numpy", nogil=True, cache=True)
@no_type_check
def adagrad_by_row(
    table: Floats, state: Floats, rows: NDArray[np.int64], gradients: Floats, rate: float
) -> None:
    """Step rows with one state for each row."""
    width = table.shape[1]
    for i in range(rows.shape[0]):
        square = np.float32(0)
        for k in range(width):
            square += gradients[i, k] * gradients[i, k]
        state[rows[i]] += square / np.float32(width)
    for i in range(rows.shape[0]):
        row = rows[i]
        step = np.float32(rate) / (np.sqrt(state[row]) + np.float32(1e-10))
        for k in range(width):
            table[row, k] -= step * gradients[i, k]


@njit(nogil=True, cache=True)
@no_type_check
def among(
    rows: NDArray[np.int64],
    starts: NDArray[np.int64],
    known: NDArray[np.int64],
    chosen: NDArray[np.int64],
    entities: int,
    mask: NDArray[np.bool_],
) -> None:
    """Mark where a chosen entity is a known answer of a question; a question without a row has none."""
    place = np.full(entities, -1, np.int32)
    following = np.full(chosen.shape[0], -1, np.int32)
    for j in range(chosen.shape[0]):
        following[j] = place[chosen[j]]
        place[chosen[j]] = j
    for i in range(rows.shape[0]):
        if rows[i] >= 0:
            for p in range(starts[rows[i]], starts[rows[i] + 1]):
                j = place[known[p]]
                while j >= 0:
                    mask[i, j] = True
                    j = following[j]


@njit(nogil=True, cache=True)
@no_type_check
def leave_out(scores: Floats, first: int, entities: NDArray[np.int64], questions: NDArray[np.int64]) -> None:
    """Put minus infinity where an entity of this tile is left out of a question's ranking."""
    for p in range(entities.shape[0]):
        row = entities[p] - first
        if 0 <= row < scores.shape[0]:
            scores[row, questions[p]] = -np.inf


@njit(nogil=True, cache=True)
@no_type_check
def count(
    scores: Floats,
    low: Floats,
    high: Floats,
    above: NDArray[np.int64],
    near_entities: NDArray[np.int64],
    near_questions: NDArray[np.int64],
) -> int:
    """Count the scores above `high`, and list those from `low` to `high`; gives their number.

    Where the lists are too short they are filled, and the number tells how long they must be.
    """
    near = 0
    for j in range(scores.shape[0]):
        inside = 0
        for i in range(scores.shape[1]):
            above[i] += scores[j, i] > high[i]
            inside += (scores[j, i] >= low[i]) & (scores[j, i] <= high[i])
        if inside:
            for i in range(scores.shape[1]):
                if low[i] <= scores[j, i] <= high[i]:
                    if near < near_entities.shape[0]:
                        near_entities[near], near_questions[near] = j, i
                    near += 1
    return near
