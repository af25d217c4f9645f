"""The numbers that training changes: a row for each entity and relation, with the state of the optimizer."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from loregraft.errors import BadInput
from loregraft.kge.kernels import add_adagrad, add_adam
from loregraft.kge.scorers import SCORERS
from loregraft.kge.scorers.scorer import Scorer
from loregraft.kge.settings import KgeSettings

LENGTH_SCALE = 4.0
"""Times which scores enter the loss where they are lengths, unless the settings say otherwise."""


@dataclass(frozen=True)
class Table:
    """Rows of numbers with the optimizer's state.

    Attributes:
        state: Of Adagrad: as large, or one number a row. Of Adam: two numbers for each, and a count of steps.
    """

    values: Tensor
    state: Tensor

    @classmethod
    def of(cls, values: Tensor, settings: KgeSettings) -> "Table":
        """Begin with a state of zeros."""
        rows, width = values.shape
        adagrad = (rows,) if settings.by_row else (rows, width)
        shape = (rows, 2 * width + 1) if settings.optimizer == "adam" else adagrad
        return cls(values, values.new_zeros(shape))

    def rows(self, indexes: Tensor) -> Tensor:
        """Copy some rows out."""
        return self.values.index_select(0, indexes)

    def step(self, indexes: Tensor, gradients: Tensor, rate: float) -> None:
        """Change some rows in place."""
        adam = self.state.shape[1:] > self.values.shape[1:]
        change = add_adam if adam else add_adagrad
        change(self.values, self.state, indexes, gradients, rate)


@dataclass(frozen=True)
class Tables:
    """All tables of a scorer.

    Attributes:
        relations: With reciprocal relations, those asked backwards stand after those asked forwards.
        core: Of scorers that have one.
    """

    scorer: Scorer
    entities: Table
    relations: Table
    core: Table | None
    reciprocal: bool

    @classmethod
    def start(cls, entities: int, relations: int, settings: KgeSettings) -> "Tables":
        """Draw the first numbers from the seed.

        Raises:
            BadInput: The scorer cannot have so many dimensions, or cannot ask for heads.
        """
        scorer, dim = SCORERS[settings.model], settings.dim
        if dim % scorer.multiple:
            found = f"dim is {dim}, and {scorer.name} needs a multiple of {scorer.multiple}"
            more = dim + scorer.multiple - dim % scorer.multiple
            raise BadInput(Path("settings"), 0, found, f"Set dim to {more}.")
        if not settings.reciprocal and scorer.inverse is None and scorer.head_query is None:
            found = f"{scorer.name} cannot ask for heads without reciprocal relations"
            raise BadInput(Path("settings"), 0, found, "Set reciprocal to true.")
        generator = torch.Generator().manual_seed(settings.seed)
        first = scorer.entity_start.draw(entities, scorer.entity_width(dim), generator)
        sides = relations * (2 if settings.reciprocal else 1)
        width = scorer.relation_width(dim)
        second = scorer.relation_start(sides, width, generator)
        core = None
        if scorer.core_width:
            core = Table.of(scorer.core_start(width, scorer.core_width(dim), generator), settings)
        tables = Table.of(first, settings), Table.of(second, settings)
        return cls(scorer, *tables, core, settings.reciprocal)

    @classmethod
    def of(cls, named: Mapping[str, Tensor], settings: KgeSettings) -> "Tables":
        """Make tables of the tensors that `named` gave."""

        def table(name: str) -> Table:
            return Table(named[name], named[f"{name}_state"])

        core = table("core") if "core" in named else None
        tables = table("entities"), table("relations")
        return cls(SCORERS[settings.model], *tables, core, settings.reciprocal)

    @property
    def relation_count(self) -> int:
        """Relations of the graph."""
        return len(self.relations.values) // (2 if self.reciprocal else 1)

    def named(self) -> dict[str, Tensor]:
        """Give all tensors by name, states too."""
        tables = {"entities": self.entities, "relations": self.relations, "core": self.core}
        found: dict[str, Tensor] = {}
        for name, table in tables.items():
            if table is not None:
                found |= {name: table.values, f"{name}_state": table.state}
        return found


def default_scale(scorer: Scorer) -> float:
    """Give the factor of scores in the loss where the settings say nothing."""
    return LENGTH_SCALE if scorer.measure == "l2" else 1.0
