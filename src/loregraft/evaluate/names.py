"""The name task: find the right concept for a name that no training has seen.

Queries are the synonyms and lay terms of held-out concepts; the dictionary holds the preferred
names of all concepts and the synonyms of the training ones. Each arm is a `NameIndex`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from loregraft.errors import BadInput
from loregraft.evaluate.name_index import Dictionary, NameIndex
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.names import fold_name
from loregraft.kg.split.entities import EntitySplit
from loregraft.metrics import ranks_from_scores
from loregraft.records import SAME_MEANING

TOP = 3


@dataclass(frozen=True)
class NameTask:
    """Names to resolve, the entity each one means, and the dictionary to resolve them with.

    Attributes:
        left_out: Synonyms of held-out concepts that could not be queries, by reason.
    """

    queries: tuple[str, ...]
    kinds: tuple[str, ...]
    gold: NDArray[np.int64]
    dictionary: Dictionary
    left_out: dict[str, int]


@dataclass(frozen=True)
class Answers:
    """What an arm said: the rank of the right concept for each query, and its best names.

    Attributes:
        ranks: From 1; ties take the mean.
        best: Rows of the dictionary of the TOP best concepts, best first.
        scores: Their scores.
    """

    ranks: Float[np.ndarray, " queries"]
    best: NDArray[np.int64]
    scores: Float[np.ndarray, "queries top"]


def make_name_task(
    graph: KnowledgeGraph, split: EntitySplit, held_out: NDArray[np.int64], prefix: str
) -> NameTask:
    """Ask for the synonyms of `held_out` (the split's valid or test part).

    A string that also names another concept has no one right answer and is left out; so is one
    that folds to the concept's preferred name.

    Args:
        prefix: Ids of the entities in the dictionary start with this.

    Raises:
        BadInput: No held-out entity has a second name.
    """
    names = graph.names["name"].to_pylist()
    kinds = graph.names["kind"].to_pylist()
    folded = [fold_name(name) for name in names]
    entities = graph.name_entities.astype(np.int64)
    eligible = np.array([id.startswith(prefix) for id in graph.ids], bool)[entities]
    same = np.isin(kinds, SAME_MEANING)
    preferred = np.array(kinds) == "preferred"
    training = _membership(len(graph), split.train)[entities]
    asked = _membership(len(graph), held_out)[entities]
    dictionary = np.flatnonzero(eligible & (preferred | (training & same)))
    findable = _membership(len(graph), entities[eligible & preferred])[entities]
    rows, left_out = _queries(
        np.flatnonzero(eligible & asked & same & ~preferred), folded, entities, eligible
    )
    left_out["its concept has no preferred name"] = int((~findable[rows]).sum())
    rows = rows[findable[rows]]
    if not len(rows):
        fix = "Give synonyms (kind exact or lay), or hold more entities out with evaluate.held_out."
        raise BadInput(Path("graph"), 0, "no held-out entity has a second name to ask for", fix)
    return NameTask(
        tuple(names[row] for row in rows.tolist()),
        tuple(kinds[row] for row in rows.tolist()),
        entities[rows],
        Dictionary.of([names[row] for row in dictionary.tolist()], entities[dictionary]),
        left_out,
    )


def _queries(
    rows: NDArray[np.int64], folded: list[str], entities: NDArray[np.int64], eligible: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], dict[str, int]]:
    """Keep the rows of names that mean one entity only, each string of it once."""
    owners: dict[str, set[int]] = {}
    for row in np.flatnonzero(eligible).tolist():
        owners.setdefault(folded[row], set()).add(int(entities[row]))
    kept: dict[tuple[int, str], int] = {}
    left_out = {"names another concept too": 0, "differs from another name by case or punctuation": 0}
    first = {(int(entities[row]), folded[row]): row for row in reversed(np.flatnonzero(eligible).tolist())}
    for row in rows.tolist():
        entity = int(entities[row])
        if len(owners[folded[row]]) > 1:
            left_out["names another concept too"] += 1
        elif first[entity, folded[row]] != row:
            left_out["differs from another name by case or punctuation"] += 1
        else:
            kept[entity, folded[row]] = row
    return np.array(sorted(kept.values()), np.int64), left_out


def answer(task: NameTask, index: NameIndex) -> Answers:
    """Let an index, built over the task's dictionary, answer all queries."""
    columns = task.dictionary.distinct
    gold = np.searchsorted(columns, task.gold)
    ranks, best, tops = [], [], []
    done = 0
    for scores in task.dictionary.by_entity(index, task.queries):
        own = gold[done : done + len(scores.best)]
        ranks.append(ranks_from_scores(scores.best, own))
        rows, top_scores = scores.top(TOP)
        best.append(rows)
        tops.append(top_scores)
        done += len(own)
    return Answers(np.concatenate(ranks), np.concatenate(best), np.concatenate(tops))


def overlap(task: NameTask, preferred: Sequence[str]) -> NDArray[np.float64]:
    """Give each query's share of words (0..1) that occur in its concept's preferred name.

    Args:
        preferred: Preferred name by entity index.
    """
    shares = []
    for query, entity in zip(task.queries, task.gold.tolist(), strict=True):
        words = fold_name(query).split()
        target = set(fold_name(preferred[entity]).split())
        shares.append(sum(word in target for word in words) / max(1, len(words)))
    return np.array(shares)


def _membership(size: int, members: NDArray[np.int64]) -> NDArray[np.bool_]:
    mask = np.zeros(size, bool)
    mask[members] = True
    return mask
