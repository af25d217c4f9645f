"""Vectors: the numbers of a training with the ids they belong to, as a folder that opens at once.

`vectors.safetensors` is mapped into memory, not read. What vectors are good for is asked of them here:
neighbours, answers to questions, the plausibility of a triple.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from loregraft.artifact import Json, read_card, writing
from loregraft.errors import BadInput, WrongArtifact, did_you_mean
from loregraft.kge.asking import Asked, grouped
from loregraft.kge.measures import pairs
from loregraft.kge.questions import Questions
from loregraft.kge.ranking import all_scores
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Tables

KIND = "vectors"
TENSORS = "vectors.safetensors"
MOST_COMPARED = 200_000
"""Ids that an unknown one is compared with, to suggest the nearest."""


@dataclass(frozen=True)
class Found:
    """An entity that was found, and how well it fits: higher is better."""

    id: str
    score: float


class Vectors:
    """The vectors of a graph's entities and relations.

    Attributes:
        graph_key: Of the card of the graph they were trained on.
    """

    def __init__(
        self,
        tables: Tables,
        ids: Sequence[str],
        relation_ids: Sequence[str],
        settings: KgeSettings,
        graph_key: str,
    ) -> None:
        self.tables, self.ids, self.relation_ids = tables, list(ids), list(relation_ids)
        self.settings, self.graph_key = settings, graph_key

    @cached_property
    def _indexes(self) -> dict[str, int]:
        return {id: index for index, id in enumerate(self.ids)}

    @cached_property
    def _relations(self) -> dict[str, int]:
        return {id: index for index, id in enumerate(self.relation_ids)}

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        width = self.tables.entities.values.shape[1]
        counts = f"{len(self):,} entities of {width} numbers, {len(self.relation_ids):,} relations"
        return f"Vectors({self.settings.model}, {counts})"

    def index(self, id: str) -> int:
        """Give the row of an entity.

        Raises:
            BadInput: There is none of that id.
        """
        return _index(self._indexes, id, "entity")

    def relation_index(self, id: str) -> int:
        """Give the row of a relation.

        Raises:
            BadInput: There is none of that id.
        """
        return _index(self._relations, id, "relation")

    def vector(self, id: str) -> Float[np.ndarray, " width"]:
        """Give the vector of an entity."""
        return np.array(self.tables.entities.values[self.index(id)].numpy())

    def neighbours(self, id: str, count: int = 10) -> list[Found]:
        """Give the entities whose vectors point the same way (cosine, -1..1), best first; exact."""
        values = self.tables.entities.values
        own = torch.nn.functional.normalize(values[self.index(id)], dim=0)
        scores = values @ own / values.norm(dim=1).clamp_min(1e-12)
        scores[self.index(id)] = -torch.inf
        best = scores.topk(min(count, len(self) - 1))
        return [
            Found(self.ids[place], score)
            for place, score in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        ]

    def score(self, triples: Sequence[tuple[str, str, str]]) -> Float[np.ndarray, " triples"]:
        """Give the score of triples by the scorer's formula; higher is better, no fixed range."""
        rows = [(self.index(h), self.relation_index(r), self.index(t)) for h, r, t in triples]
        heads, relations, tails = np.array(rows, np.int64).reshape(-1, 3).T
        return score_triples(self.tables, heads, relations, tails)

    def answers(self, known: str, relation: str, *, heads: bool = False) -> Float[np.ndarray, " entities"]:
        """Give the score of every entity as tail of (known, relation, ?) or head of (?, relation, known)."""
        side = self.relation_index(relation) + (len(self.relation_ids) if heads else 0)
        return all_scores(self.tables, self.index(known), side)


def score_triples(
    tables: Tables, heads: np.ndarray, relations: np.ndarray, tails: np.ndarray
) -> Float[np.ndarray, " triples"]:
    """Give the scores of triples by index; with reciprocal relations, those of their tails."""
    questions = Questions(heads, relations, tails, np.ones(len(heads), np.float32))
    order = np.argsort(relations, kind="stable")
    questions, groups = grouped(tables, questions.take(order))
    values, found = tables.entities.values, []
    for group in groups:
        asked, own = Asked.of(tables, group), group.rows
        queries = asked.query(tables.scorer, values[torch.from_numpy(questions.given[own])])
        answers = values[torch.from_numpy(questions.answers[own])]
        if tables.scorer.candidate is not None:
            answers = tables.scorer.candidate(answers, asked.relation)
        found.append(pairs(tables.scorer.measure, queries, answers))
    scores = np.zeros(len(heads), np.float32)
    if found:
        scores[order] = torch.cat(found).numpy()
    return scores


def save_vectors(
    vectors: Vectors,
    folder: Path,
    key: str,
    facts: Mapping[str, Json],
    write_numbers: Callable[[Path], object] | None = None,
) -> None:
    """Write vectors as a folder, whole or not at all.

    Args:
        write_numbers: Writes the safetensors file, where the tables do not hold all numbers.

    Raises:
        CannotWrite: No permission, or the disk is full.
    """
    settings: dict[str, Json] = vectors.settings.model_dump(mode="json")
    parents, seed = {"graph": vectors.graph_key}, vectors.settings.seed
    with writing(folder, KIND, key, settings=settings, seed=seed, parents=parents) as (target, told):
        told.update(facts)
        if write_numbers is not None:
            write_numbers(target / TENSORS)
        else:
            own = vectors.tables.named() if vectors.tables.gate is not None else {}
            save_file(own | vectors.tables.final().named(), target / TENSORS)
        pq.write_table(pa.table({"id": vectors.ids}), target / "entities.parquet")
        pq.write_table(pa.table({"id": vectors.relation_ids}), target / "relations.parquet")


def open_vectors(folder: Path) -> Vectors:
    """Open a folder of vectors; the numbers are mapped, not read.

    Raises:
        WrongArtifact: The folder is no vectors, or is damaged.
    """
    card = read_card(folder, KIND)
    try:
        settings = KgeSettings.model_validate(dict(card.settings))
        tables = Tables.of(load_file(folder / TENSORS), settings)
        ids, relation_ids = (
            pq.read_table(folder / f"{name}.parquet")["id"].to_pylist() for name in ("entities", "relations")
        )
    except (OSError, ValueError, KeyError, SafetensorError) as error:  # pyarrow's are ValueErrors too
        raise WrongArtifact(folder, f"cannot be read: {error}", "Train the vectors again.") from error
    if len(tables.entities.values) != len(ids) or tables.relation_count != len(relation_ids):
        raise WrongArtifact(folder, "ids and vectors differ in number", "Train the vectors again.")
    return Vectors(tables, ids, relation_ids, settings, card.parents.get("graph", ""))


def _index(indexes: Mapping[str, int], id: str, what: str) -> int:
    if id not in indexes:
        fix = "Look it up with: loregraft kg search"
        near = did_you_mean(id, indexes) if len(indexes) < MOST_COMPARED else fix
        raise BadInput(Path("vectors"), 0, f"there is no {what} {id!r:.60}", near)
    return indexes[id]
