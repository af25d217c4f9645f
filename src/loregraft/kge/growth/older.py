"""Older vectors for a newer graph: their rows, matched by id, where the rows of the graph stand.

`learn.py` trains on from them; `grow.py` adds entities and leaves all else as it is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from loregraft.artifact import Json
from loregraft.errors import BadInput
from loregraft.kge.questions import Ints
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Table, Tables
from loregraft.kge.vectors import Vectors

ALIKE = ("model", "dim", "reciprocal", "optimizer", "by_row")
"""Settings without which rows and states do not fit."""


@dataclass(frozen=True)
class Matched:
    """Where the ids of a graph stand in older vectors.

    Attributes:
        entities: For each entity of the graph its row in the vectors, or -1; so is `relations`.
        gone: Entities of the vectors that the graph does not have; so is `gone_relations`.
    """

    entities: Ints
    relations: Ints
    gone: int
    gone_relations: int

    @classmethod
    def of(cls, older: Vectors, ids: Sequence[str], relation_ids: Sequence[str]) -> "Matched":
        """Look all ids up."""
        entities, relations = _places(older.ids, ids), _places(older.relation_ids, relation_ids)
        gone = len(older.ids) - int((entities >= 0).sum())
        return cls(entities, relations, gone, len(older.relation_ids) - int((relations >= 0).sum()))

    def sides(self, older: Vectors) -> Ints:
        """Give the row of each relation of the graph, and then of each asked backwards, if they have rows."""
        if not older.tables.reciprocal:
            return self.relations
        backwards = np.where(self.relations >= 0, self.relations + len(older.relation_ids), -1)
        return np.concatenate([self.relations, backwards])

    def facts(self, key: str) -> dict[str, Json]:
        """Say what was taken over, for a card.

        Args:
            key: Of the card of the older vectors.
        """
        kept, kept_relations = int((self.entities >= 0).sum()), int((self.relations >= 0).sum())
        return {
            "key": key,
            "entities": kept,
            "new_entities": len(self.entities) - kept,
            "left_out_entities": self.gone,
            "relations": kept_relations,
            "new_relations": len(self.relations) - kept_relations,
            "left_out_relations": self.gone_relations,
        }


def take_over(tables: Tables, older: Vectors, matched: Matched) -> None:
    """Put the older rows, with the optimizer's state, into tables that hold the first numbers of all ids."""
    _copy(older.tables.entities, tables.entities, matched.entities)
    _copy(older.tables.relations, tables.relations, matched.sides(older))
    if tables.core is not None and older.tables.core is not None:
        _copy(older.tables.core, tables.core, np.arange(len(tables.core.values)))


def check_alike(older: KgeSettings, settings: KgeSettings, folder: Path) -> None:
    """Refuse older vectors whose rows or states are of another kind.

    Raises:
        BadInput: They are.
    """
    for name in ALIKE:
        had, wanted = getattr(older, name), getattr(settings, name)
        if had != wanted:
            had, wanted = (
                str(value).lower() if isinstance(value, bool) else value for value in (had, wanted)
            )
            found = f"these vectors were trained with {name} {had}, and {name} {wanted} is asked for"
            raise BadInput(folder, 0, found, f"Set {name} to {had}, or train without older vectors.")


def _places(known: Sequence[str], wanted: Sequence[str]) -> Ints:
    rows = {id: row for row, id in enumerate(known)}
    return np.array([rows.get(id, -1) for id in wanted], np.int64)


def _copy(source: Table, target: Table, places: Ints) -> None:
    rows = torch.from_numpy(np.flatnonzero(places >= 0))
    from_rows = torch.from_numpy(places[places >= 0])
    pairs: list[tuple[Tensor, Tensor]] = [(source.values, target.values), (source.state, target.state)]
    for had, has in pairs:
        has[rows] = had[from_rows]
