"""Pairs: which two views of which concepts a step brings together, and what may not be pushed apart.

A step takes groups of concepts that the untouched encoder takes for alike: what it confuses is what
it has to learn. The pairs of a step are a pure function of the seed and the step's number, so that
a resumed run draws what an uninterrupted one would have drawn.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from loregraft.errors import BadInput
from loregraft.kg.names import fold_name
from loregraft.pretrain.views import Views


@dataclass(frozen=True)
class Pairs:
    """All pairs of views of one concept that may be drawn, and how often.

    Attributes:
        first: Row of `views` of the concept's first view (its preferred name where that is allowed).
        second: Row of another view of the same concept; ascending.
        starts: Where the pairs of each concept begin.
        log_weights: Logarithm of how often each pair is drawn.
        owners: For each row of views, the concepts that have a view with the same folded text.
    """

    views: Views
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    starts: NDArray[np.int64]
    log_weights: NDArray[np.float64]
    owners: csr_matrix

    @classmethod
    def of(
        cls,
        views: Views,
        kind_weights: Mapping[str, float],
        source_weights: Mapping[str, float] | None = None,
    ) -> "Pairs":
        """Pair each concept's first view with each of its others.

        Args:
            kind_weights: How often a pair is drawn, by the kind of its second view; 0 leaves it
                out, a kind not named counts 1.
            source_weights: The same by the source of its second view; the two multiply.

        Raises:
            BadInput: No concept has two views.
        """
        opens = np.r_[True, np.diff(views.concepts) > 0] if len(views) else np.zeros(0, bool)
        weight = np.array([kind_weights.get(kind, 1.0) for kind in views.kinds], np.float64)
        weight *= [(source_weights or {}).get(source, 1.0) for source in views.sources]
        second = np.flatnonzero(~opens & (weight > 0))
        if not len(second):
            fix = "Give synonyms or descriptions, or hold fewer entities out."
            raise BadInput(Path("graph"), 0, "no entity has two names, or a name and a description", fix)
        first = np.flatnonzero(opens)[np.cumsum(opens) - 1][second]
        starts = np.flatnonzero(np.r_[True, np.diff(first) > 0])
        return cls(views, first, second, starts, np.log(weight[second]), _owners(views))

    def __len__(self) -> int:
        return len(self.second)

    @property
    def heads(self) -> list[str]:
        """The first view of each concept that has a pair, in the order of `starts`."""
        return [self.views.texts[row] for row in self.first[self.starts].tolist()]

    def draw(
        self, vectors: Float[np.ndarray, "heads dim"], seed: int, step: int, size: int, group: int
    ) -> NDArray[np.int64]:
        """Choose pairs of `size` different concepts (of all, if there are fewer), as positions of pairs.

        Args:
            vectors: Unit vectors of `heads`; a group is a drawn concept and its nearest by cosine.
            group: Concepts in a group; 1 draws all by their weights alone.
        """
        generator = np.random.default_rng([seed, step])
        # The largest of weights with Gumbel noise are a weighted draw without replacement (Gumbel-max).
        noisy = self.log_weights + generator.gumbel(size=len(self))
        best = np.maximum.reduceat(noisy, self.starts)
        sizes = np.diff(np.r_[self.starts, len(self)])
        chosen_pair = np.flatnonzero(noisy == np.repeat(best, sizes))
        order = np.argsort(-best, kind="stable")
        concepts = order[:size] if group == 1 else _grouped(order, vectors, size, group)
        return chosen_pair[concepts]

    def same(self, rows: NDArray[np.int64]) -> Bool[np.ndarray, "rows rows"]:
        """Tell which rows of views may mean the same: one concept, or one string of two concepts."""
        concepts, index = np.unique(self.views.concepts[rows], return_inverse=True)
        owned = self.owners[rows][:, concepts].toarray()[:, index]
        return np.asarray(owned | owned.T, dtype=bool)


def _grouped(
    order: NDArray[np.int64], vectors: Float[np.ndarray, "heads dim"], size: int, group: int
) -> NDArray[np.int64]:
    """Take concepts in the drawn order, each with its nearest that are still free, until there are `size`."""
    size = min(size, len(order))
    seeds = order[: -(-size // group) * 2]
    near_count = min(len(order), 4 * group)
    similar = vectors[seeds] @ vectors.T
    near = np.argpartition(-similar, near_count - 1, axis=1)[:, :near_count]
    free = np.ones(len(order), bool)
    taken: list[int] = []
    for place, seed in enumerate(seeds.tolist()):
        if not free[seed]:
            continue
        neighbours = near[place][np.argsort(-similar[place, near[place]], kind="stable")]
        members = [seed, *neighbours[free[neighbours] & (neighbours != seed)][: group - 1].tolist()]
        free[members] = False
        taken += members
        if len(taken) >= size:
            break
    taken += order[free[order]][: max(0, size - len(taken))].tolist()
    return np.array(taken[:size], np.int64)


def _owners(views: Views) -> csr_matrix:
    folded = [fold_name(text) for text in views.texts]
    number = {text: index for index, text in enumerate(dict.fromkeys(folded))}
    strings = np.array([number[text] for text in folded], np.int64)
    shape = (len(number), int(views.concepts.max(initial=0)) + 1)
    by_string = csr_matrix((np.ones(len(strings), bool), (strings, views.concepts)), shape=shape)
    return by_string[strings]
