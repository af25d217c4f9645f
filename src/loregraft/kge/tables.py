"""The numbers that training changes: a row for each entity and relation, with the state of the optimizer."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from loregraft.errors import BadInput
from loregraft.kge.kernels import add_adagrad, add_adam
from loregraft.kge.literals.gate import Mixed, start_gate
from loregraft.kge.own import known_scorer, scorer_of
from loregraft.kge.scorers.scorer import Scorer
from loregraft.kge.settings import KgeSettings

LENGTH_SCALE = 4.0
"""Times which scores enter the loss where they are lengths, unless the settings say otherwise."""

GATED_AT_ONCE = 16_384


@dataclass(frozen=True)
class Table:
    """Rows of numbers with the optimizer's state.

    Attributes:
        state: Of Adagrad: as large, or one number a row. Of Adam: two numbers for each, and a count of steps.
        mean: Of the values at the ends of the last epochs, where the settings ask for it.
    """

    values: Tensor
    state: Tensor
    mean: Tensor | None = None

    @classmethod
    def of(cls, values: Tensor, settings: KgeSettings) -> "Table":
        """Begin with a state of zeros."""
        rows, width = values.shape
        adagrad = (rows,) if settings.by_row else (rows, width)
        shape = (rows, 2 * width + 1) if settings.optimizer == "adam" else adagrad
        mean = values.clone() if settings.average > 1 else None
        return cls(values, values.new_zeros(shape), mean)

    def averaged(self) -> "Table":
        """Give the mean in the place of the values."""
        assert self.mean is not None
        return Table(self.mean, self.state)

    def rows(self, indexes: Tensor) -> Tensor:
        """Copy some rows out."""
        return self.values.index_select(0, indexes)

    def step(self, indexes: Tensor, gradients: Tensor, rate: float) -> None:
        """Change some rows in place."""
        adam = self.state.shape[1:] > self.values.shape[1:]
        change = add_adam if adam else add_adagrad
        change(self.values, self.state, indexes, gradients, rate)


@dataclass(frozen=True)
class Gate:
    """What mixes the numbers of entities into their vectors; see `literals.gate`.

    Attributes:
        literals: The numbers, a row for each entity; nothing changes them.
    """

    z: Table
    h: Table
    literals: Tensor

    def mix(self, own: Tensor, indexes: Tensor) -> Mixed:
        """Run the gate on some entities' own rows."""
        return Mixed.of(own, self.literals.index_select(0, indexes), self.z.values, self.h.values)

    def step(self, own: Tensor, indexes: Tensor, gradients: Tensor, rate: float) -> Tensor:
        """Change the gate by the gradients of what it made, and give those by the own rows."""
        by_own, *by = self.mix(own, indexes).backward(gradients, self.z.values, self.h.values)
        for table, gradient in zip((self.z, self.h), by, strict=True):
            table.step(torch.arange(len(gradient)), gradient, rate)
        return by_own


@dataclass(frozen=True)
class Tables:
    """All tables of a scorer.

    Attributes:
        entities: With a gate, what goes into it; `final` has what comes out.
        relations: With reciprocal relations, those asked backwards stand after those asked forwards.
        core: Of scorers that have one.
        gate: Of a training with literals; vectors that are saved went through it and have none.
    """

    scorer: Scorer
    entities: Table
    relations: Table
    core: Table | None
    reciprocal: bool
    gate: Gate | None = None

    @classmethod
    def start(
        cls, entities: int, relations: int, settings: KgeSettings, literals: Tensor | None = None
    ) -> "Tables":
        """Draw the first numbers from the seed.

        Args:
            literals: Numbers of each entity (`literals.gate`); the other first numbers are the same without.

        Raises:
            BadInput: The scorer cannot have so many dimensions, or cannot ask for heads.
        """
        scorer, dim = scorer_of(settings), settings.dim
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
        gate = None
        if literals is not None:
            spread = scorer.entity_start.spread
            z, h = start_gate(first.shape[1], literals.shape[1], spread, generator)
            gate = Gate(Table.of(z, settings), Table.of(h, settings), literals)
        return cls(scorer, *tables, core, settings.reciprocal, gate)

    @classmethod
    def of(cls, named: Mapping[str, Tensor], settings: KgeSettings) -> "Tables":
        """Make tables of the tensors that `named` gave; of a folder of vectors, those without a gate."""

        def table(name: str) -> Table:
            return Table(named[name], named[f"{name}_state"], named.get(f"{name}_mean"))

        core = table("core") if "core" in named else None
        if "entities" in named:
            tables = table("entities"), table("relations")
            return cls(known_scorer(settings), *tables, core, settings.reciprocal)
        own = Table(named["ungated"], named["entities_state"])
        gate = Gate(table("gate_z"), table("gate_h"), named["literals"])
        return cls(known_scorer(settings), own, table("relations"), core, settings.reciprocal, gate)

    @property
    def relation_count(self) -> int:
        """Relations of the graph."""
        return len(self.relations.values) // (2 if self.reciprocal else 1)

    def entity_rows(self, indexes: Tensor) -> Tensor:
        """Give the vectors of some entities, through the gate where there is one."""
        rows = self.entities.rows(indexes)
        return rows if self.gate is None else self.gate.mix(rows, indexes).vectors

    def step_entities(self, indexes: Tensor, gradients: Tensor, rate: float) -> None:
        """Change what made the vectors of some entities, by the gradients of these."""
        if self.gate is not None:
            gradients = self.gate.step(self.entities.rows(indexes), indexes, gradients, rate)
        self.entities.step(indexes, gradients, rate)

    def average(self, epoch: int, window: int) -> None:
        """Let the means follow the values at the end of an epoch, from 1."""
        for table in self._tables().values():
            if table.mean is not None:
                table.mean.add_((table.values - table.mean) / min(epoch, window))

    def final(self) -> "Tables":
        """Give tables of what counts: the means where there are some, entities out of the gate.

        Where there is neither, these are the same tables.
        """
        if self.entities.mean is not None:
            core = None if self.core is None else self.core.averaged()
            return replace(
                self, entities=self.entities.averaged(), relations=self.relations.averaged(), core=core
            )
        if self.gate is None:
            return self
        tiles = torch.split(torch.arange(len(self.entities.values)), GATED_AT_ONCE)
        made = Table(torch.cat([self.entity_rows(tile) for tile in tiles]), self.entities.state)
        return replace(self, entities=made, gate=None)

    def named(self) -> dict[str, Tensor]:
        """Give all tensors by name, states and means too; entities that a gate is for are `ungated`."""
        tables = self._tables()
        if self.gate is not None:
            tables |= {"gate_z": self.gate.z, "gate_h": self.gate.h}
        found: dict[str, Tensor] = {}
        for name, table in tables.items():
            found |= {name: table.values, f"{name}_state": table.state}
            if table.mean is not None:
                found[f"{name}_mean"] = table.mean
        if self.gate is not None:
            found |= {"ungated": found.pop("entities"), "literals": self.gate.literals}
        return found

    def _tables(self) -> dict[str, Table]:
        named = {"entities": self.entities, "relations": self.relations, "core": self.core}
        return {name: table for name, table in named.items() if table is not None}


def default_scale(scorer: Scorer) -> float:
    """Give the factor of scores in the loss where the settings say nothing."""
    return LENGTH_SCALE if scorer.measure == "l2" else 1.0
