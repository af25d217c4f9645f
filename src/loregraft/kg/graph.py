"""The knowledge graph in memory: columns of integers and text, read by id or by index.

`gather` makes one from the batches of `kg/readers/`; `kg/store.py` keeps it on disk, `kg/join.py`
makes one of two, `kg/check.py` says what is wrong with it.
"""

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from loregraft.errors import BadInput, did_you_mean
from loregraft.kg import gather
from loregraft.kg.columns import Columns
from loregraft.kg.gather import GraphTable
from loregraft.records import Entity, Name, NameKind, Triple

Ints = NDArray[np.int32]
Bools = NDArray[np.bool_]
Pointers = NDArray[np.int64]

_SUGGEST_UP_TO = 5_000


@dataclass(frozen=True)
class Adjacency:
    """Which triples an entity is in: those of entity i are `rows[pointers[i]:pointers[i + 1]]`."""

    pointers: Pointers
    rows: Ints

    @classmethod
    def of(cls, ends: Ints, size: int) -> "Adjacency":
        """Sort the rows of a triple table by one of its ends (heads or tails), for `size` entities."""
        pointers = np.zeros(size + 1, np.int64)
        np.cumsum(np.bincount(ends, minlength=size), out=pointers[1:])
        return cls(pointers, np.argsort(ends, kind="stable").astype(np.int32))

    def of_entity(self, index: int) -> Ints:
        """Give the rows of the triples that one entity is in."""
        return self.rows[self.pointers[index] : self.pointers[index + 1]]


class KnowledgeGraph:
    """Entities with names, descriptions and attributes, and the triples between them.

    The tables are pyarrow tables with the columns of `kg/gather.py`: `entities` and `relations` hold
    the ids, all others refer to them by index. Nothing changes a graph once it is made.
    """

    def __init__(
        self,
        tables: Mapping[GraphTable, pa.Table],
        tally: Mapping[str, int] | None = None,
        adjacency: tuple[Adjacency, Adjacency] | None = None,
    ) -> None:
        self.tables = dict(tables)
        self.entities, self.relations = tables["entities"], tables["relations"]
        self.names, self.descriptions = tables["names"], tables["descriptions"]
        self.triples, self.attributes = tables["triples"], tables["attributes"]
        self.tally = dict(tally or {})
        self._adjacency = adjacency

    @classmethod
    def gather(cls, batches: Iterable[Columns], source: str = "") -> "KnowledgeGraph":
        """Make a graph from readers' batches; what is exactly the same twice is merged and counted.

        An id that only a triple names becomes an entity without a name. Takes memory for each id once,
        and for each triple 13 bytes and the text of its reference, qualifiers and source.

        Args:
            source: What rows are marked with that come without a source.

        Raises:
            BadInput: There is not a single entity.
        """
        tables, tally = gather.gather(batches, source)
        if not len(tables["entities"]):
            fix = "Give a file with triples or entities; see the formats in loregraft.kg.readers.READERS."
            raise BadInput(Path(source or "graph"), 0, "the source holds no entity", fix)
        return cls(tables, tally)

    def __len__(self) -> int:
        return len(self.entities)

    def __repr__(self) -> str:
        counts: tuple[GraphTable, ...] = ("relations", "triples", "names", "descriptions")
        parts = [f"{len(self):,} entities"] + [f"{len(self.tables[table]):,} {table}" for table in counts]
        return f"KnowledgeGraph({', '.join(parts)})"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(name.replace('_', ' '))}</td><td>{count:,}</td></tr>"
            for name, count in self.counts().items()
        )
        example = html.escape(", ".join(self.preferred_names()[:3]))
        return f"<table><caption>KnowledgeGraph: {example} ...</caption>{rows}</table>"

    def counts(self) -> dict[str, int]:
        """Count the rows of each table, negated triples, and what was merged or left out on the way in."""
        tables = {str(table): len(rows) for table, rows in self.tables.items()}
        return tables | {"negated": int(self.negated.sum())} | dict(sorted(self.tally.items()))

    @cached_property
    def ids(self) -> list[str]:
        """The ids of the entities, by index."""
        return list(self.entities["id"].to_pylist())

    @cached_property
    def relation_ids(self) -> list[str]:
        """The ids of the relations, by index."""
        return list(self.relations["id"].to_pylist())

    @cached_property
    def heads(self) -> Ints:
        """The head of each triple, as an entity index."""
        return _column(self.triples, "head")

    @cached_property
    def relation_indexes(self) -> Ints:
        """The relation of each triple, as a relation index."""
        return _column(self.triples, "relation")

    @cached_property
    def tails(self) -> Ints:
        """The tail of each triple, as an entity index."""
        return _column(self.triples, "tail")

    @cached_property
    def negated(self) -> Bools:
        """For each triple: is it known to be false?"""
        return np.asarray(self.triples["negated"].to_numpy(), dtype=np.bool_)

    @cached_property
    def name_entities(self) -> Ints:
        """The entity of each name, ascending."""
        return _column(self.names, "entity")

    @cached_property
    def outgoing(self) -> Adjacency:
        """The triples by head."""
        return self._adjacency[0] if self._adjacency else Adjacency.of(self.heads, len(self))

    @cached_property
    def incoming(self) -> Adjacency:
        """The triples by tail."""
        return self._adjacency[1] if self._adjacency else Adjacency.of(self.tails, len(self))

    def index(self, id: str) -> int:
        """Give the row number of an entity.

        Raises:
            ValueError: No entity has this id.
        """
        found = self._indexes.get(id)
        if found is None:
            known = self.ids
            hint = did_you_mean(id, known) if len(known) <= _SUGGEST_UP_TO else f"Ids look like {known[0]!r}."
            raise ValueError(f"no entity of the graph has the id {id!r}. {hint}")
        return found

    def entity(self, id: str) -> Entity:
        """Give an entity with all its names, preferred first, and its first description.

        Raises:
            ValueError: No entity has this id.
        """
        index = self.index(id)
        names = [Name(row["name"], row["kind"], row["language"]) for row in self._rows("names", index)]
        descriptions = self._rows("descriptions", index)
        text = descriptions[0]["text"] if descriptions else ""
        return Entity(id, tuple(names), text, self.entities["type"][index].as_py())

    def facts(self, id: str) -> list[Triple]:
        """Give the triples an entity is in: first those it is the head of, then those it is the tail of.

        Raises:
            ValueError: No entity has this id.
        """
        index = self.index(id)
        incoming = self.incoming.of_entity(index)
        rows = np.concatenate([self.outgoing.of_entity(index), incoming[self.heads[incoming] != index]])
        return [self.triple(int(row)) for row in rows]

    def triple(self, row: int) -> Triple:
        """Give one triple by its row number."""
        head, tail = self.ids[self.heads[row]], self.ids[self.tails[row]]
        return Triple(head, self.relation_ids[self.relation_indexes[row]], tail, bool(self.negated[row]))

    def preferred_names(self) -> list[str]:
        """Give a name for each entity, by index: the preferred one, else its first, else its id."""
        entities, first = np.unique(self.name_entities, return_index=True)
        found = list(self.ids)
        for entity, name in zip(entities.tolist(), self.names["name"].take(first).to_pylist(), strict=True):
            found[entity] = name
        return found

    def kind_mask(self, kinds: Sequence[NameKind]) -> Bools:
        """For each name: is it of one of these kinds?"""
        wanted = pa.array(kinds, pa.large_string())
        return np.asarray(pc.is_in(self.names["kind"], value_set=wanted), dtype=np.bool_)

    @cached_property
    def _indexes(self) -> dict[str, int]:
        return {id: index for index, id in enumerate(self.ids)}

    def _rows(self, table: GraphTable, index: int) -> list[dict[str, Any]]:
        start, end = np.searchsorted(_column(self.tables[table], "entity"), [index, index + 1])
        return list(self.tables[table].slice(start, end - start).to_pylist())


def _column(table: pa.Table, name: str) -> Ints:
    return np.asarray(table[name].to_numpy(), dtype=np.int32)
