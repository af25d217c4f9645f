"""Negatives where only some entities are in memory: drawn so that these stand for all."""

import numpy as np
import torch
from jaxtyping import Float64

from loregraft.kge.questions import Answers, Ints, Questions
from loregraft.kge.settings import KgeSettings
from loregraft.kge.training.negatives import Negatives, among


class DrawHeld:
    """Draws negatives that are held, as often as it were all; with all held, the same as `negatives.Draw`.

    The partition of the given entity is held whenever the entity is asked about, another one only now
    and then, and most answers are in another one. Would all that are held be drawn alike, the scorer would
    learn that answers are not near. So what is near, the own partition and the hubs, is drawn as often as
    it would be from all entities, and others that are held stand for all others: over the visits each
    entity is drawn for a given one as often as any other.
    """

    def __init__(
        self,
        near: list[slice],
        far: list[slice],
        shares: Float64[np.ndarray, " rows"],
        known: Answers | None,
        entities: int,
        settings: KgeSettings,
    ) -> None:
        """Take the partitions that are held.

        Args:
            near: Rows of the buffer that are held with the given entities always.
            far: Other rows that are held.
            shares: By row of the buffer, how often it is drawn, as a share of all draws.
            entities: Of the graph.
        """
        self._settings, self._known, self._entities = settings, known, entities
        self._near = sum(rows.stop - rows.start for rows in near)
        self._rows = np.concatenate([np.arange(rows.start, rows.stop) for rows in (*near, *far)])
        self._shares, drawn = shares, shares[self._rows]
        own, others = np.cumsum(drawn[: self._near]), np.cumsum(drawn[self._near :])
        stretched = own[-1] + others * ((1 - own[-1]) / others[-1]) if len(others) else others
        self._cumulated = np.concatenate([own, stretched])

    def __call__(self, questions: Questions, generator: np.random.Generator) -> Negatives:
        """Draw for some questions."""
        count = self._settings.negatives
        if self._settings.drawn == "batch":
            chosen = generator.choice(questions.answers, count)
        elif self._settings.drawn == "degree":
            places = np.searchsorted(self._cumulated, generator.random(count))
            chosen = self._rows[np.minimum(places, len(self._rows) - 1)]
        else:
            chosen = self._rows[self._held(generator.integers(0, self._entities, count))]
        log_drawn = torch.from_numpy(np.log(count * self._shares[chosen]).astype(np.float32))
        left_out = None
        if self._known is not None:
            mask = among(questions, chosen, self._known, len(self._shares))
            left_out = torch.from_numpy(mask) if mask.any() else None
        return Negatives(torch.from_numpy(chosen), log_drawn, left_out)

    def _held(self, drawn: Ints) -> Ints:
        """Give places among the held rows: of an own one itself, of another one that stands for it."""
        near, every, held = self._near, self._entities, len(self._rows)
        far = near + (drawn - near) * (held - near) // max(1, every - near)
        return np.where(drawn < near, drawn, far)
