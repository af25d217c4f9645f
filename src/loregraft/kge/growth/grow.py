"""Add entities to vectors without training anew: rows for them alone, all other numbers stay bit for bit.

The rows of new entities start from a closed solution (`first_rows.py`) and are trained by the same step
with the same loss as all vectors, on the triples of train that hold a new entity, against known negatives.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from loregraft.artifact import Json, fingerprint, is_current, read_card
from loregraft.disk import keep_apart
from loregraft.errors import BadInput
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kge.asking import grouped
from loregraft.kge.growth.first_rows import fill_first_rows
from loregraft.kge.growth.older import Matched
from loregraft.kge.parts import Parts, parts_of
from loregraft.kge.questions import Answers, Ints, Questions
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Table, Tables
from loregraft.kge.training.negatives import Negatives, among
from loregraft.kge.training.step import Batch, step
from loregraft.kge.training.train import Diverged
from loregraft.kge.vectors import KIND, Vectors, open_vectors, save_vectors

EPOCHS = 20
SHOWN = 5
"""Ids that are told as examples."""
Mask = Bool[np.ndarray, " entities"]
Report = Callable[[int, float], object]


@dataclass(frozen=True)
class NewRows(Table):
    """A table of which only some rows change, whatever it is told to step."""

    changing: Tensor = field(kw_only=True)

    def step(self, indexes: Tensor, gradients: Tensor, rate: float) -> None:
        """Change those of some rows that may change."""
        own = self.changing[indexes]
        if own.any():
            super().step(indexes[own], gradients[own], rate)


def add_entities(
    folder: Path,
    out: Path,
    graph: KnowledgeGraph,
    graph_key: str,
    epochs: int = EPOCHS,
    report: Report = lambda epoch, loss: None,
) -> Vectors:
    """Write the vectors of a folder with rows for the entities that a newer graph adds.

    What is done and unchanged is not done again. Entities that the graph does not have any more are left out.

    Args:
        graph_key: Of the newer graph's card, which becomes that of the new vectors.
        epochs: Passes over the triples of new entities.
        report: Told after each pass: its number, and its mean loss.

    Raises:
        BadInput: The graph has relations that the vectors do not know, or no entity that they do.
        WrongArtifact: The folder is no vectors.
        Diverged: A number became none.
        CannotWrite: `out` is the folder, no permission, or the disk is full.
    """
    keep_apart(out, [folder])
    if is_grown(out, folder, graph_key, epochs):
        return open_vectors(out)
    older, older_key = open_vectors(folder), read_card(folder, KIND).key
    vectors, facts = grow(older, graph, graph_key, epochs, report)
    facts["from"] = Matched.of(older, graph.ids, graph.relation_ids).facts(older_key)
    save_vectors(vectors, out, _key(older_key, graph_key, epochs), facts)
    return vectors


def is_grown(out: Path, folder: Path, graph_key: str, epochs: int = EPOCHS) -> bool:
    """Tell whether a folder holds just these vectors."""
    return is_current(out, KIND, _key(read_card(folder, KIND).key, graph_key, epochs))


def _key(older_key: str, graph_key: str, epochs: int) -> str:
    return fingerprint("grown vectors", 1, older_key, graph_key, epochs)


def grow(
    older: Vectors,
    graph: KnowledgeGraph,
    graph_key: str,
    epochs: int = EPOCHS,
    report: Report = lambda epoch, loss: None,
) -> tuple[Vectors, dict[str, Json]]:
    """Give the vectors of a newer graph, and what is to be told of it; see `add_entities`.

    An entity without a triple of train gets the mean of the known entities of its type, or of all known ones
    where there is none of its type.
    """
    matched = Matched.of(older, graph.ids, graph.relation_ids)
    _refuse(older, graph, matched)
    parts, new, started = parts_of(graph), matched.entities < 0, time.monotonic()
    tables = _laid_out(older, matched)
    used = np.zeros(len(graph), bool)
    used[parts.train.heads] = used[parts.train.tails] = True
    of_type = _fill_means(tables, graph, new)
    fill_first_rows(tables, parts.train, new)
    loss = _train(tables, parts, new, older.settings, epochs, report)
    lone = np.flatnonzero(new & ~used)
    first: list[Json] = [graph.id_at(index) for index in lone[:SHOWN].tolist()]
    facts: dict[str, Json] = {
        "triples": {"train": int((new[parts.train.heads] | new[parts.train.tails]).sum())},
        "without_triple": {"entities": len(lone), "mean_of_type": int(of_type[lone].sum()), "first": first},
        "epochs": epochs,
        "seconds": round(time.monotonic() - started, 2),
        "loss": None if loss is None else round(loss, 5),
    }
    plain = Tables(
        tables.scorer,
        Table(tables.entities.values, tables.entities.state),
        Table(tables.relations.values, tables.relations.state),
        older.tables.core,
        tables.reciprocal,
    )
    return Vectors(plain, graph.ids, graph.relation_ids, older.settings, graph_key), facts


def _refuse(older: Vectors, graph: KnowledgeGraph, matched: Matched) -> None:
    where = Path("graph")
    missing = np.flatnonzero(matched.relations < 0)
    if len(missing):
        names = ", ".join(repr(graph.relation_ids[index]) for index in missing[:SHOWN].tolist())
        more = " ..." if len(missing) > SHOWN else ""
        found = (
            f"{len(missing):,} relations of the graph have no vector, and none is added here: {names}{more}"
        )
        fix = "Train on with them (loregraft kge train GRAPH OUT --from VECTORS), or leave them out."
        raise BadInput(where, 0, found, fix)
    if not (matched.entities >= 0).any():
        found = f"not one of its {len(graph):,} entities is known to the vectors ({older.ids[0]!r:.40} ...)"
        raise BadInput(where, 0, found, "Give a newer form of the graph that the vectors were trained on.")


def _laid_out(older: Vectors, matched: Matched) -> Tables:
    """Put the known rows where the graph's ids stand; new ones are zeros, and the only ones that change."""

    def table(source: Table, places: np.ndarray, changing: Tensor) -> NewRows:
        rows = torch.from_numpy(places).clamp_min(0)
        values, state = source.values.index_select(0, rows), source.state.index_select(0, rows)
        values[changing] = 0
        state[changing] = 0
        return NewRows(values, state, changing=changing)

    known, core = older.tables, older.tables.core
    sides = matched.sides(older)
    nothing = torch.zeros(len(sides), dtype=torch.bool)
    if core is not None:
        core = NewRows(core.values, core.state, changing=torch.zeros(len(core.values), dtype=torch.bool))
    entities = table(known.entities, matched.entities, torch.from_numpy(matched.entities < 0))
    return Tables(known.scorer, entities, table(known.relations, sides, nothing), core, known.reciprocal)


def _fill_means(tables: Tables, graph: KnowledgeGraph, new: Mask) -> Mask:
    """Give new entities the mean of the known ones of their type, else of all; tell who had one of a type."""
    values, found = tables.entities.values, np.zeros(len(new), bool)
    values[torch.from_numpy(new)] = values[torch.from_numpy(~new)].mean(0)
    types = graph.entities["type"].combine_chunks().dictionary_encode()
    names, codes = types.dictionary.to_pylist(), types.indices.fill_null(-1).to_numpy()
    for code in np.unique(codes[new]).tolist():
        own = codes == code
        if code >= 0 and names[code] and (own & ~new).any():
            values[torch.from_numpy(own & new)] = values[torch.from_numpy(own & ~new)].mean(0)
            found |= own & new
    return found


def _train(
    tables: Tables, parts: Parts, new: Mask, settings: KgeSettings, epochs: int, report: Report
) -> float | None:
    """Train the rows of new entities, and give the mean loss of the last pass."""
    lot = _Lot(parts, new, settings)
    mean = None
    for epoch in range(epochs if lot.count else 0):
        order = np.random.default_rng((settings.seed, epoch)).permutation(lot.count)
        total = 0.0
        for number, start in enumerate(range(0, len(order), settings.batch)):
            rows = order[start : start + settings.batch]
            generator = np.random.default_rng((settings.seed, epoch, number))
            questions, groups = grouped(tables, lot.questions(rows, generator))
            batch = Batch(
                questions, groups, lot.negatives(questions, generator), int(generator.integers(2**31))
            )
            with torch.no_grad():
                loss = step(tables, batch, settings, bf16=False)
            if not np.isfinite(loss):
                raise Diverged(number + 1, epoch + 1, f"the loss is {loss}")
            total += loss * len(rows)
        mean = total / len(order)
        report(epoch + 1, mean)
    return mean


class _Lot:
    """The questions that new rows learn from, and negatives for them.

    Each question about a new entity comes with one drawn from the others, which stands for its share of them:
    there a new entity is a wrong answer only. Without these it would learn to be right for every question.
    Half of the negatives are new, half are known; each counts as often as it is drawn too seldom.
    """

    def __init__(self, parts: Parts, new: Mask, settings: KgeSettings) -> None:
        questions = Questions.of(parts.train, parts.relations)
        self._answers, self._settings = Answers.of(questions, parts.relations), settings
        touching = new[questions.given] | new[questions.answers]
        self._own, self._others = (questions.take(np.flatnonzero(mask)) for mask in (touching, ~touching))
        used = np.zeros(len(new), bool)
        used[self._own.answers] = True  # every triple is asked from both ends
        self._entities, self.count = len(new), len(self._own)
        self._sets = np.flatnonzero(~new), np.flatnonzero(new & used)  # one without a triple learns nothing

    def questions(self, rows: Ints, generator: np.random.Generator) -> Questions:
        """Give some questions about new entities, and as many of the others, weighted."""
        own = self._own.take(rows)
        if not len(self._others):
            return own
        drawn = self._others.take(generator.integers(0, len(self._others), len(rows)))
        share = np.float32(len(self._others) / self.count)
        columns = zip(vars(own).values(), vars(drawn).values(), (1, 1, 1, share), strict=True)
        return Questions(*(np.concatenate([left, right * times]) for left, right, times in columns))

    def negatives(self, questions: Questions, generator: np.random.Generator) -> Negatives:
        """Draw negatives for some questions, all alike within new and known ones."""
        half = max(1, self._settings.negatives // 2)
        chosen = np.concatenate([one[generator.integers(0, len(one), half)] for one in self._sets])
        log_drawn = np.repeat([np.log(half / len(one)) for one in self._sets], half).astype(np.float32)
        mask = None
        if self._settings.drop_known:
            found = among(questions, chosen, self._answers, self._entities)
            mask = torch.from_numpy(found) if found.any() else None
        return Negatives(torch.from_numpy(chosen), torch.from_numpy(log_drawn), mask)
