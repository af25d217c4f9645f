"""What a linker knows of the entities: ids, labels, types, descriptions and who is whose neighbour.

A linker's folder holds all that linking needs, so that it is used without the graph it was made from.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Int32, Int64

from loregraft.kg.graph import KnowledgeGraph
from loregraft.linking.arrays import read_arrays, read_table, whole, write_arrays, write_table
from loregraft.linking.neighbours import Neighbours

Indexes = Int64[np.ndarray, " entities"]


@dataclass(frozen=True)
class NewEntity:
    """An entity that is added to a linker.

    Attributes:
        names: The first is the preferred one.
    """

    id: str
    names: tuple[str, ...]
    type: str = ""
    description: str = ""


@dataclass(frozen=True)
class Entities:
    """The entities of a graph, by index.

    Attributes:
        table: id, label, type, description ("" where there is none).
        relations: Ids of the relations.
        triples: Head, relation and tail of each triple, as indexes.
        neighbours: Which entities are joined by a triple, and by which.
    """

    table: pa.Table
    relations: tuple[str, ...]
    triples: tuple[
        Int32[np.ndarray, " triples"], Int32[np.ndarray, " triples"], Int32[np.ndarray, " triples"]
    ]
    neighbours: Neighbours

    @classmethod
    def of(cls, graph: KnowledgeGraph) -> "Entities":
        """Copy out of a graph what linking needs."""
        described = pa.array([""] * len(graph), pa.large_string())
        rows = graph.descriptions
        if len(rows):
            entities, first = np.unique(np.asarray(rows["entity"]), return_index=True)
            told = np.zeros(len(graph), bool)
            told[entities] = True
            texts = rows["text"].take(pa.array(first)).combine_chunks().cast(pa.large_string())
            described = pc.replace_with_mask(described, pa.array(told), texts)
        labels = pa.array(graph.preferred_names(), pa.large_string())
        ids, types = (graph.entities[name].cast(pa.large_string()) for name in ("id", "type"))
        table = pa.table({"id": ids, "label": labels, "type": types, "description": described})
        heads, tails = graph.heads.astype(np.int32), graph.tails.astype(np.int32)
        relations = graph.relation_indexes.astype(np.int32)
        neighbours = Neighbours.of(heads, relations, tails, len(graph))
        return cls(table, tuple(graph.relation_ids), (heads, relations, tails), neighbours)

    def with_more(self, new: Sequence["NewEntity"], triples: Sequence[tuple[str, str, str]]) -> "Entities":
        """Give entities with more of them, after the others, and more triples by ids.

        Raises:
            ValueError: An id is there already or comes twice, or a triple names what is not there.
        """
        ids = [one.id for one in new]
        taken = [id for id, times in Counter(ids).items() if times > 1 or id in self.numbers]
        if taken:
            raise ValueError(f"{taken[0]!r} is an entity of this linker already, or comes twice")
        rows = {
            "id": ids,
            "label": [one.names[0] if one.names else one.id for one in new],
            "type": [one.type for one in new],
            "description": [one.description for one in new],
        }
        table = pa.concat_tables([self.table, pa.table(rows, schema=self.table.schema)]).combine_chunks()
        relations = {id: number for number, id in enumerate(self.relations)}
        numbers = self.numbers | {id: len(self) + place for place, id in enumerate(ids)}
        columns: tuple[list[int], list[int], list[int]] = ([], [], [])
        for triple in triples:
            for id in (triple[0], triple[2]):
                if id not in numbers:
                    raise ValueError(f"a triple names {id!r}, which is no entity of this linker")
            relation = relations.setdefault(triple[1], len(relations))
            for column, number in zip(
                columns, (numbers[triple[0]], relation, numbers[triple[2]]), strict=True
            ):
                column.append(number)
        heads, rels, tails = (
            np.r_[old, np.array(more, np.int32)].astype(np.int32)
            for old, more in zip(self.triples, columns, strict=True)
        )
        neighbours = Neighbours.of(heads, rels, tails, len(table))
        return Entities(table, tuple(relations), (heads, rels, tails), neighbours)

    def __len__(self) -> int:
        return len(self.table)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The index of each id."""
        return {id: number for number, id in enumerate(self.table["id"].to_pylist())}

    @cached_property
    def _ids(self) -> pa.LargeStringArray:
        return whole(self.table["id"])

    def id(self, entity: int) -> str:
        """Give the id of an entity."""
        return str(self._ids[entity].as_py())

    def label(self, entity: int) -> str:
        """Give the preferred name of an entity, or its id."""
        return str(self.table["label"][entity].as_py())

    def fact(self, row: int) -> str:
        """Give a triple in words: head -relation-> tail."""
        head, relation, tail = (int(column[row]) for column in self.triples)
        return f"{self.label(head)} -{self.relations[relation]}-> {self.label(tail)}"

    def degrees(self, entities: Indexes) -> Indexes:
        """Give how many neighbours some entities have."""
        return self.neighbours.degrees(entities)

    def save(self, folder: Path) -> None:
        """Write into a folder."""
        write_table(self.table, folder / "entities.arrow")
        write_table(pa.table({"id": pa.array(self.relations, pa.large_string())}), folder / "relations.arrow")
        write_arrays(dict(zip(("heads", "relations", "tails"), self.triples, strict=True)), folder, "triples")
        write_arrays(vars(self.neighbours), folder, "neighbours")

    @classmethod
    def load(cls, folder: Path) -> "Entities":
        """Map into memory."""
        t = read_arrays(folder, "triples")
        relations = tuple(read_table(folder / "relations.arrow")["id"].to_pylist())
        triples = t["heads"], t["relations"], t["tails"]
        neighbours = Neighbours(**read_arrays(folder, "neighbours"))
        return cls(read_table(folder / "entities.arrow"), relations, triples, neighbours)
