"""The knowledge graph in memory: columns of integers and text, read by id or by index.

`KnowledgeGraph.gather` makes one from the batches of `kg/readers/`; `kg/store.py` keeps it on disk,
`kg/join.py` makes one of two, `kg/check/checks.py` says what is wrong with it, `kg/walk.py` goes from entity
to entity and `kg/search.py` finds names.
"""

import html
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from loregraft.errors import BadInput, did_you_mean
from loregraft.kg.identity import Hashes, hash_ids, hash_triples
from loregraft.kg.indexes import Array, ArrayName, compute
from loregraft.kg.show.printable import printable
from loregraft.kg.tables.assemble import GraphTable, assemble
from loregraft.kg.tables.columns import REFERENCE_MARK, Bools, Columns, Ints
from loregraft.kg.tables.gather import gather
from loregraft.records import Attribute, Entity, Name, NameKind, Triple

_SUGGEST_UP_TO = 5_000
_CALLED = {"negated": "negated (known to be false)"}


class KnowledgeGraph:
    """Entities with names, descriptions and attributes, and the triples between them.

    The tables are pyarrow tables with the columns of `kg/tables/assemble.py`: `entities` and `relations` hold
    the ids, all others refer to them by index. What is known to be false is in `negated` only: neither
    `triples` nor any array has it. Nothing changes a graph once it is made.
    """

    def __init__(
        self,
        tables: Mapping[GraphTable, pa.Table],
        tally: Mapping[str, int] | None = None,
        arrays: Mapping[ArrayName, Array] | None = None,
        counts: Mapping[str, int] | None = None,
    ) -> None:
        self.tables = tables
        self.tally = dict(tally or {})
        self._arrays: dict[ArrayName, Array] = dict(arrays or {})
        self._counts = counts

    @classmethod
    def gather(cls, batches: Iterable[Columns], source: str = "") -> "KnowledgeGraph":
        """Make a graph from readers' batches; what is exactly the same twice is merged and counted.

        An id that only a triple names becomes an entity without a name. Takes memory for each id once,
        and about 90 bytes for each triple while it is made.

        Args:
            source: What rows are marked with that come without a source.

        Raises:
            BadInput: There is not a single entity.
        """
        gathered = gather(batches, source)
        if not len(gathered.entities):
            fix = "Give a file with triples or entities; see the formats in loregraft.kg.readers.READERS."
            raise BadInput(Path(source or "graph"), 0, "the source holds no entity", fix)
        entities, relations = gathered.entities.texts(), gathered.relations.texts()
        return cls(*assemble(entities, relations, gathered.tables(), gathered.tally))

    def __deepcopy__(self, memo: object) -> "KnowledgeGraph":
        """Give the graph itself: nothing changes it, and its tables may lie on disk."""
        return self

    def __len__(self) -> int:
        return len(self.array("out_pointers")) - 1

    def __repr__(self) -> str:
        counts = self.counts()
        shown = ("entities", "relations", "triples", "names", "descriptions")
        return f"KnowledgeGraph({', '.join(f'{counts[name]:,} {name}' for name in shown)})"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{html.escape(printable(_CALLED.get(name, name.replace('_', ' '))))}</td>"
            f"<td>{count:,}</td></tr>"
            for name, count in self.counts().items()
            if count
        )
        first = (self.entity(id).name for id in self.entities["id"][:3].to_pylist())
        example = html.escape(printable(", ".join(first)))
        return f"<table><caption>KnowledgeGraph: {example} ...</caption>{rows}</table>"

    @property
    def entities(self) -> pa.Table:
        """id, type (the first one), source."""
        return self.tables["entities"]

    @property
    def relations(self) -> pa.Table:
        """id, inverse, symmetric, domain, range."""
        return self.tables["relations"]

    @property
    def names(self) -> pa.Table:
        """entity, name, kind, language, source; an entity's preferred name comes first."""
        return self.tables["names"]

    @property
    def descriptions(self) -> pa.Table:
        """entity, text, language, source."""
        return self.tables["descriptions"]

    @property
    def triples(self) -> pa.Table:
        """What is true: head, relation, tail, and who says so."""
        return self.tables["triples"]

    @property
    def negated(self) -> pa.Table:
        """What is known to be false, with the columns of `triples`."""
        return self.tables["negated"]

    @property
    def attributes(self) -> pa.Table:
        """entity, property, value, datatype, unit, language, source."""
        return self.tables["attributes"]

    def counts(self) -> dict[str, int]:
        """Count the rows of each table, and what was merged or left out on the way in."""
        if self._counts is None:
            counted = {str(table): len(rows) for table, rows in self.tables.items()}
            self._counts = counted | dict(sorted(self.tally.items()))
        return dict(self._counts)

    def array(self, name: ArrayName) -> Array:
        """Give one of the arrays of `kg/indexes.py`, from its file or computed once."""
        if name not in self._arrays:
            self._arrays.update(compute(name, self.tables, self.array))
        return self._arrays[name]

    @cached_property
    def ids(self) -> list[str]:
        """The ids of the entities, by index."""
        return list(self.entities["id"].to_pylist())

    @cached_property
    def relation_ids(self) -> list[str]:
        """The ids of the relations, by index."""
        return list(self.relations["id"].to_pylist())

    def id_at(self, index: int) -> str:
        """Give the id of one entity, without making a list of all."""
        return str(self.entities["id"][index].as_py())

    @property
    def heads(self) -> Ints:
        """The head of each triple, as an entity index; ascending."""
        return self.array("heads")

    @property
    def relation_indexes(self) -> Array:
        """The relation of each triple, as a relation index."""
        return self.array("relations")

    @property
    def tails(self) -> Ints:
        """The tail of each triple, as an entity index."""
        return self.array("tails")

    @cached_property
    def name_entities(self) -> Ints:
        """The entity of each name, ascending."""
        return _column(self.names, "entity")

    @cached_property
    def entity_hashes(self) -> Hashes:
        """The hash of each entity's id, by index."""
        hashes, order = self.array("id_index")
        by_index = np.empty(len(self), np.uint64)
        by_index[order.astype(np.int64)] = hashes
        return by_index

    @cached_property
    def relation_hashes(self) -> Hashes:
        """The hash of each relation's id, by index."""
        return hash_ids(self.relation_ids)

    @cached_property
    def triple_hashes(self) -> Hashes:
        """The triple id of each triple, as a number; statements of one fact have the same."""
        return self.hash_rows(self.triples, negated=False)

    @cached_property
    def negated_hashes(self) -> Hashes:
        """The triple id of each negated fact, as a number."""
        return self.hash_rows(self.negated, negated=True)

    def outgoing(self, index: int) -> slice:
        """Give the rows of the triples that an entity is the head of."""
        start, end = self.array("out_pointers")[index : index + 2].tolist()
        return slice(start, end)

    def incoming(self, index: int) -> Ints:
        """Give the rows of the triples that an entity is the tail of."""
        start, end = self.array("in_pointers")[index : index + 2].tolist()
        return self.array("in_rows")[start:end]

    def index(self, id: str) -> int:
        """Give the row number of an entity.

        Raises:
            ValueError: No entity has this id.
        """
        found = self.find(id)
        if found is None:
            few = len(self) <= _SUGGEST_UP_TO
            hint = did_you_mean(id, self.ids) if few else f"Ids look like {self.id_at(0)!r}."
            raise ValueError(f"no entity of the graph has the id {id!r}. {hint}")
        return found

    def find(self, id: str) -> int | None:
        """Give the row number of an entity, or None where there is no such id."""
        try:
            wanted = hash_ids([id])[0]
        except UnicodeEncodeError:  # half of a character, which is in no id
            return None
        hashes, entities = self.array("id_index")
        for place in range(int(np.searchsorted(hashes, wanted)), len(hashes)):
            if hashes[place] != wanted:
                break
            index = int(entities[place])
            if self.id_at(index) == id:
                return index
        return None

    def entity(self, id: str) -> Entity:
        """Give an entity with all its names, preferred first, and its first description.

        Raises:
            ValueError: No entity has this id.
        """
        index = self.index(id)
        names = [Name(row["name"], row["kind"], row["language"]) for row in self.rows_of("names", index)]
        descriptions = self.rows_of("descriptions", index)
        text = descriptions[0]["text"] if descriptions else ""
        return Entity(id, tuple(names), text, self.entities["type"][index].as_py())

    def attributes_of(self, id: str) -> list[Attribute]:
        """Give the attributes of an entity.

        Raises:
            ValueError: No entity has this id.
        """
        rows = self.rows_of("attributes", self.index(id))
        return [
            Attribute(row["property"], row["value"], row["datatype"], row["unit"], row["language"])
            for row in rows
        ]

    def facts(self, id: str) -> list[Triple]:
        """Give the triples an entity is in: as head, then as tail, then those known to be false.

        Raises:
            ValueError: No entity has this id.
        """
        index = self.index(id)
        incoming = self.incoming(index)
        rows = np.concatenate([np.arange(*self.outgoing(index).indices(len(self.tails))), incoming])
        rows[len(rows) - len(incoming) :][self.heads[incoming] == index] = -1  # a loop is told once
        ends = [np.asarray(self.negated[end]) == index for end in ("head", "tail")]
        false = np.flatnonzero(ends[0] | ends[1])
        return [*self.statements(rows[rows >= 0]), *self.statements(false, negated=True)]

    def triple(self, row: int) -> Triple:
        """Give one triple by its row number."""
        return next(self.statements([row]))

    def statements(
        self, rows: Sequence[int] | NDArray[np.integer[Any]], negated: bool = False
    ) -> Iterator[Triple]:
        """Yield triples by row number, with all that is said of them."""
        table = self.negated if negated else self.triples
        for row in table.take(pa.array(rows, pa.int64())).to_pylist():
            yield Triple(
                self.id_at(row["head"]),
                self.relation_ids[row["relation"]],
                self.id_at(row["tail"]),
                negated,
                row["source"],
                row["confidence"],
                row["licence"],
                tuple(part for part in row["references"].split(REFERENCE_MARK) if part),
                row["valid_from"],
                row["valid_to"],
                tuple(json.loads(row["qualifiers"] or "{}").items()),
                row["split"],
            )

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

    def rows_of(self, table: GraphTable, index: int) -> list[dict[str, Any]]:
        """Give the rows of a table that is sorted by entity (not triples) for one entity."""
        start, end = np.searchsorted(_column(self.tables[table], "entity"), [index, index + 1])
        return list(self.tables[table].slice(start, end - start).to_pylist())

    def hash_rows(self, rows: pa.Table, negated: bool) -> Hashes:
        """Give the triple id of each row of a table with the columns head, relation and tail."""
        head, relation, tail = (np.asarray(rows[name]) for name in ("head", "relation", "tail"))
        entities, relations = self.entity_hashes, self.relation_hashes
        return hash_triples(entities[head], relations[relation], entities[tail], negated)


def _column(table: pa.Table, name: str) -> Ints:
    return np.asarray(table[name].to_numpy(), dtype=np.int32)
