"""Which entities to take out of a graph, so that it is known of some mentions that they mean none of it.

`calibrate.py` learns from such mentions when to say "not in the graph".
"""

import numpy as np
import scipy.sparse as sp
from jaxtyping import Int, Int64
from numpy.typing import NDArray

Forms = tuple[NDArray[np.int64], NDArray[np.int32]]
"""Names: where the entities of each form begin, with one more at the end; and the entities."""


def hold_out(
    entities: Int[np.ndarray, " entities"], *names: Forms, share: float = 0.2, seed: int = 0
) -> Int64[np.ndarray, " removed"]:
    """Choose entities to remove, those that are nearly the same together.

    Nearly the same are entities that share a form, and what is nearly the same as these: were one of them
    left, a mention of the other would still find its name. A group drawn that would be too much is passed
    over; one that is larger than the share always is, so that fewer may be removed.

    Args:
        entities: The share is one of these: say, those that the mentions are of.
        names: `pointers` and `entities` of a Lexicon; and of others with coarser forms (words in order,
            stems), if names that are near shall count as shared.

    Returns:
        Ascending; with them what of the graph is nearly the same, though not among `entities`.

    Raises:
        ValueError: The share is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise ValueError(f"share must be between 0 and 1, got {share}")
    asked = np.unique(entities).astype(np.int64)
    if not len(asked):
        return asked
    size = 1 + max(int(asked[-1]), *(int(meant.max(initial=0)) for _, meant in names), 0)
    group = _groups(names, size)
    counts = np.bincount(group[asked])
    drawn = np.random.default_rng(seed).permutation(np.unique(group[asked]))
    left, taken = round(share * len(asked)), []
    for number in drawn.tolist():
        if counts[number] <= left:
            taken.append(number)
            left -= int(counts[number])
    return np.flatnonzero(np.isin(group, taken)).astype(np.int64)


def _groups(names: tuple[Forms, ...], size: int) -> NDArray[np.int64]:
    """Give each entity the number of its group: those that a chain of shared forms joins."""
    from scipy.sparse.csgraph import connected_components

    ends = [np.zeros((2, 0), np.int64)]
    for pointers, meant in names:
        form = np.repeat(np.arange(len(pointers) - 1), np.diff(pointers))
        same = np.flatnonzero(form[1:] == form[:-1])
        ends.append(np.stack([meant[same], meant[same + 1]]).astype(np.int64))
    one, other = np.concatenate(ends, axis=1)
    shared = sp.csr_matrix((np.ones(len(one), np.int8), (one, other)), shape=(size, size))
    return np.asarray(connected_components(shared, directed=False)[1], np.int64)
