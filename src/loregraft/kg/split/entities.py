"""Hold entities out: a part of the graph whose names no training may see."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from loregraft.errors import BadInput
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.names import fold_name


@dataclass(frozen=True)
class EntitySplit:
    """Entity indexes, sorted: `train` may be learned from, `valid` chooses settings, `test` is reported."""

    train: NDArray[np.int64]
    valid: NDArray[np.int64]
    test: NDArray[np.int64]


def split_entities(
    graph: KnowledgeGraph, prefix: str, test_share: float, valid_share: float, seed: int
) -> EntitySplit:
    """Draw test and valid entities among those whose id starts with `prefix`; all others are for training.

    Args:
        test_share: 0..1 of the entities with the prefix.
        valid_share: 0..1 likewise; the two add to less than 1.

    Raises:
        BadInput: No entity has the prefix, or a share is too small to hold out one.
    """
    ids = graph.ids
    eligible = np.array([i for i, entity_id in enumerate(ids) if entity_id.startswith(prefix)], np.int64)
    if not len(eligible):
        kinds = sorted({entity_id.split(":")[0] + ":" for entity_id in ids if ":" in entity_id})[:8]
        fix = f"Set evaluate.prefix to the start of some ids, such as {', '.join(kinds) or repr('')}."
        raise BadInput(Path("graph"), 0, f"no entity's id starts with {prefix!r}", fix)
    order = np.random.default_rng(seed).permutation(eligible)
    tests = round(test_share * len(eligible))
    valids = round(valid_share * len(eligible))
    if not tests:
        found = f"{test_share:.0%} of {len(eligible)} entities is none to hold out"
        raise BadInput(Path("graph"), 0, found, "Set evaluate.held_out higher, or give a larger graph.")
    test, valid = order[:tests], order[tests : tests + valids]
    train = np.setdiff1d(np.arange(len(ids)), np.concatenate([test, valid]))
    return EntitySplit(train, np.sort(valid), np.sort(test))


def folded_names(graph: KnowledgeGraph, entities: Iterable[int]) -> frozenset[str]:
    """Give every name of some entities, of any kind, folded."""
    chosen = np.zeros(len(graph), bool)
    chosen[np.fromiter(entities, np.int64)] = True
    rows = np.flatnonzero(chosen[graph.name_entities])
    return frozenset(fold_name(text) for text in graph.names["name"].take(rows).to_pylist())
