"""What vectors of added entities are worth: `kge add` beside training anew, mean and random rows, popularity.

    python benchmarks/kge_grow.py --data DIR                       # about ten minutes a model
    python benchmarks/kge_grow.py --data DIR --models complex --seeds 3

DIR holds fb15k237/ as OpenKE has it. A twentieth of the entities is new: older vectors are trained without
any triple of theirs. Then half of their triples of train are given, from which the new rows are made, and
the other half and those of valid and test are ranked (filtered, all entities): "new". "Known" are the triples
of test without a new entity: adding must not hurt them. Training anew sees what adding sees. One line of JSON
a model and seed, on one thread.
"""

import argparse
import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.readers.folders.splits import read_splits
from loregraft.kg.tables.columns import Columns
from loregraft.kge.growth.grow import grow
from loregraft.kge.judging.popularity import rank_by_popularity
from loregraft.kge.parts import Parts, parts_of
from loregraft.kge.questions import Answers, Questions, Triples
from loregraft.kge.ranking import rank
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Tables
from loregraft.kge.training.train import train
from loregraft.kge.vectors import Vectors

SETTINGS = {
    "complex": {"model": "complex", "dim": 100, "n3": 0.1, "negatives": 512, "epochs": 6, "workers": 1},
    "transe": {"model": "transe", "dim": 100, "negatives": 512, "epochs": 6, "workers": 1},
}
EPOCHS = 10
"""Passes over the triples of the new entities."""


@dataclass(frozen=True)
class Trial:
    """The older graph, the newer one, which of its entities are new, and what is ranked."""

    older: KnowledgeGraph
    newer: KnowledgeGraph
    new: np.ndarray
    asked: Questions
    others: Questions
    known: Answers


def joined(*parts: Triples) -> Triples:
    """Put triples one after another."""
    return Triples(
        *(np.concatenate(column) for column in zip(*(vars(p).values() for p in parts), strict=True))
    )


def prepare(graph: KnowledgeGraph, seed: int) -> Trial:
    """Draw the new entities, and cut the triples."""
    parts, generator = parts_of(graph), np.random.default_rng(seed)
    new = np.zeros(len(graph), bool)
    new[generator.permutation(len(graph))[: len(graph) // 20]] = True

    def cut(part: Triples) -> tuple[Triples, Triples]:
        touched = new[part.heads] | new[part.tails]
        return part.take(np.flatnonzero(~touched)), part.take(np.flatnonzero(touched))

    (old, of_new), (_, of_valid), (others, of_test) = map(cut, (parts.train, parts.valid, parts.test))
    order = generator.permutation(len(of_new))
    given, hidden = of_new.take(order[: len(order) // 2]), of_new.take(order[len(order) // 2 :])
    newer = joined(old, given)
    asked, others = seen_in(newer, joined(hidden, of_valid, of_test)), seen_in(old, others)
    graphs = graph_of(graph, train=old), graph_of(graph, train=newer, test=asked, valid=others)
    fresh = parts_of(graphs[1])
    is_new = np.array([new[graph.index(id)] for id in graphs[1].ids])
    ranked, unhurt = (Questions.of(part, fresh.relations) for part in (fresh.test, fresh.valid))
    return Trial(*graphs, is_new, ranked, unhurt, fresh.known())


def seen_in(train: Triples, triples: Triples) -> Triples:
    """Keep the triples of whose ends train knows something."""
    seen = np.unique(np.concatenate([train.heads, train.tails]))
    return triples.take(np.flatnonzero(np.isin(triples.heads, seen) & np.isin(triples.tails, seen)))


def graph_of(graph: KnowledgeGraph, **parts: Triples) -> KnowledgeGraph:
    """Make a graph of some triples."""
    ids, relation_ids = np.array(graph.ids, object), np.array(graph.relation_ids, object)
    batches = [
        Columns(
            "triples",
            {
                "head": ids[part.heads].tolist(),
                "relation": relation_ids[part.relations].tolist(),
                "tail": ids[part.tails].tolist(),
                "split": [name] * len(part),
            },
        )
        for name, part in parts.items()
    ]
    return KnowledgeGraph.gather(batches)


def trained(graph: KnowledgeGraph, settings: KgeSettings) -> Vectors:
    """Train on train alone, nothing held out for choosing the epoch."""
    parts = parts_of(graph)
    none = parts.train.take(np.zeros(0, np.int64))
    tables = Tables.start(parts.entities, parts.relations, settings)
    train(tables, Parts(parts.train, none, none, parts.entities, parts.relations), settings)
    return Vectors(tables, graph.ids, graph.relation_ids, settings, "benchmark")


def mrr(tables: Tables, questions: Questions, known: Answers) -> float:
    """Give the filtered mean reciprocal rank."""
    return round(float((1 / rank(tables, questions, known).realistic).mean()), 4)


def measure(trial: Trial, settings: KgeSettings) -> dict[str, dict[str, float]]:
    """Rank with each kind of rows for the new entities."""
    older = trained(trial.older, settings)
    found = {"trained anew": told(trial, trained(trial.newer, settings).tables)}
    found["added"] = told(trial, grow(older, trial.newer, "benchmark", EPOCHS)[0].tables)
    start = grow(older, trial.newer, "benchmark", 0)[0].tables
    found["start only"] = told(trial, start)
    values, new = start.entities.values, torch.from_numpy(trial.new)
    values[new] = values[~new].mean(0)
    found["mean row"] = told(trial, start)
    values[new] = Tables.start(len(values), 1, settings).entities.values[new]
    found["random row"] = told(trial, start)
    popular = rank_by_popularity(parts_of(trial.newer), trial.asked, trial.known)
    found["popularity"] = {"new": round(float((1 / popular.realistic).mean()), 4)}
    return found


def told(trial: Trial, tables: Tables) -> dict[str, float]:
    """Give the figures of one kind of rows."""
    return {name: mrr(tables, q, trial.known) for name, q in (("new", trial.asked), ("known", trial.others))}


def main() -> None:
    """Measure each model and seed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("LOREGRAFT_DATA"), help="see above")
    parser.add_argument("--models", nargs="+", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--seeds", type=int, default=1)
    given = parser.parse_args()
    if given.data is None:
        parser.error("name the folder of the data: --data DIR, or set LOREGRAFT_DATA")
    torch.set_num_threads(1)
    graph = KnowledgeGraph.gather(read_splits(Path(given.data) / "fb15k237"))
    for model in given.models:
        for seed in range(given.seeds):
            found = measure(prepare(graph, seed), KgeSettings(**SETTINGS[model], seed=seed))
            print(json.dumps({"model": model, "seed": seed, **found}), flush=True)


if __name__ == "__main__":
    main()
