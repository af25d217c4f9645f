"""The evaluation stage: each arm's answers as a folder, and from them the tasks of results.json."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Float
from numpy.typing import NDArray

from loregraft.artifact import Json, fingerprint, is_current, writing
from loregraft.encoder.load import Encoder
from loregraft.evaluate.name_index import DenseIndex, ExactIndex, NgramIndex
from loregraft.evaluate.names import Answers, NameTask, answer, overlap
from loregraft.evaluate.significance import Interval, interval, resample, verdict
from loregraft.evaluate.similarity import cosines, general_pairs, resample_spearman
from loregraft.kg.graph import KnowledgeGraph
from loregraft.metrics import hits_at, reciprocal, spearman
from loregraft.training.device import has_bf16

ARMS = ("exact", "ngram", "untouched", "shuffled", "grafted")
CONTRASTS = (
    ("grafted", "untouched"),
    ("grafted", "shuffled"),
    ("shuffled", "untouched"),
    ("grafted", "ngram"),
)
METRICS: dict[str, Callable[[Float[np.ndarray, "*shape"]], Float[np.ndarray, "*shape"]]] = {
    "acc@1": lambda ranks: hits_at(ranks, 1),
    "acc@5": lambda ranks: hits_at(ranks, 5),
    "mrr": reciprocal,
}


@dataclass(frozen=True)
class Heard:
    """What an arm answered, and its cosines on the general sentence pairs (none without an encoder).

    Attributes:
        known: Whether it had answered in an earlier run.
    """

    answers: Answers
    cosines: Float[np.ndarray, " pairs"] | None
    known: bool


def hear(
    arm: str, task: NameTask, task_key: str, encoder: Encoder | None, max_tokens: int, folder: Path
) -> Heard:
    """Let an arm answer the task, or read what it answered before.

    Args:
        arm: exact and ngram need no encoder.
    """
    key = fingerprint("answers", 1, arm, task_key, encoder.sha256 if encoder else "", max_tokens, has_bf16())
    known = is_current(folder, "answers", key)
    if not known:
        names = task.dictionary.names
        if encoder is not None:
            answers = answer(task, DenseIndex(encoder, names, max_tokens=max_tokens, bf16=has_bf16()))
        else:
            answers = answer(task, ExactIndex(names) if arm == "exact" else NgramIndex(names))
        with writing(folder, "answers", key) as (target, _):
            columns = {"rank": answers.ranks, "best": list(answers.best), "score": list(answers.scores)}
            pq.write_table(pa.table(columns), target / "answers.parquet")
            if encoder is not None:
                np.save(target / "cosines.npy", cosines(encoder, general_pairs()))
    table = pq.read_table(folder / "answers.parquet")
    best, scores = np.array(table["best"].to_pylist()), np.array(table["score"].to_pylist())
    found = folder / "cosines.npy"
    return Heard(
        Answers(table["rank"].to_numpy(), best, scores),
        np.load(found, allow_pickle=False) if found.is_file() else None,
        known,
    )


@dataclass(frozen=True)
class Table:
    """The ranks of all arms and seeds over one list of queries.

    Attributes:
        ranks: arms x seeds x queries, arms in the order of ARMS.
        concepts: The concept of each query; names of one concept are not independent.
    """

    ranks: Float[np.ndarray, "arms seeds queries"]
    concepts: NDArray[np.int64]

    def where(self, mask: NDArray[np.bool_]) -> "Table":
        """Keep some queries."""
        return Table(self.ranks[:, :, mask], self.concepts[mask])


def gather_ranks(heard: Mapping[tuple[str, int], Heard], task: NameTask, seeds: Sequence[int]) -> Table:
    """Line up the ranks; arms that do not train are the same for every seed."""
    ranks = np.stack([[heard[arm, seed].answers.ranks for seed in seeds] for arm in ARMS])
    return Table(ranks, task.gold)


def judge(
    name: str, title: str, table: Table, slices: Mapping[str, NDArray[np.bool_]], seed: int, resamples: int
) -> tuple[dict[str, Json], dict[tuple[str, str], Interval]]:
    """Give a task's entry of results.json and its Acc@1 contrasts."""
    arms: dict[str, dict[str, Json]] = {arm: {} for arm in ARMS}
    contrasts: dict[tuple[str, str], Interval] = {}
    for metric, score in METRICS.items():
        scores = score(table.ranks)
        samples = resample(scores, table.concepts, seed, resamples)
        means = scores.mean(axis=(1, 2))
        for number, arm in enumerate(ARMS):
            found = interval(means[number], samples[:, number]).as_dict()
            arms[arm].update(found if metric == "acc@1" else {metric: dict(found)})
        if metric == "acc@1":
            for a, b in CONTRASTS:
                i, j = ARMS.index(a), ARMS.index(b)
                contrasts[a, b] = interval(means[i] - means[j], samples[:, i] - samples[:, j])
    entry: dict[str, Json] = {
        "name": name,
        "title": title,
        "metric": "acc@1",
        "n": table.ranks.shape[2],
        "concepts": len(np.unique(table.concepts)),
        "arms": dict(arms),
        "contrasts": [_contrast(a, b, found) for (a, b), found in contrasts.items()],
        "slices": [_slice(label, table.where(mask)) for label, mask in slices.items() if mask.any()],
    }
    return entry, contrasts


def _contrast(a: str, b: str, found: Interval) -> dict[str, Json]:
    values = found.as_dict()
    return {
        "a": a,
        "b": b,
        "difference": values["value"],
        "low": values["low"],
        "high": values["high"],
        "verdict": verdict(found),
    }


def _slice(label: str, table: Table) -> dict[str, Json]:
    means = hits_at(table.ranks, 1).mean(axis=(1, 2))
    return {
        "name": label,
        "n": table.ranks.shape[2],
        "arms": {arm: round(float(mean), 5) for arm, mean in zip(ARMS, means, strict=True)},
    }


def judge_forgetting(
    heard: Mapping[tuple[str, int], Heard], seeds: Sequence[int], seed: int
) -> dict[str, Json]:
    """Give the entry of the forgetting check: Spearman with the graded pairs, mean over seeds."""
    gold = general_pairs().similarity
    arms = ("untouched", "shuffled", "grafted")
    rows = [heard[arm, s].cosines for arm in arms for s in seeds]
    predictions = np.array(rows, np.float64)
    samples = resample_spearman(predictions, gold, seed).reshape(-1, len(arms), len(seeds)).mean(axis=2)
    values = (
        np.array([spearman(row, gold) for row in predictions]).reshape(len(arms), len(seeds)).mean(axis=1)
    )
    entries: dict[str, Json] = {
        arm: dict(interval(values[i], samples[:, i]).as_dict()) for i, arm in enumerate(arms)
    }
    difference = interval(values[2] - values[0], samples[:, 2] - samples[:, 0])
    return {
        "n": len(gold),
        "metric": "spearman",
        "arms": entries,
        "contrast": _contrast("grafted", "untouched", difference),
    }


def slices_of(task: NameTask, graph: KnowledgeGraph) -> dict[str, NDArray[np.bool_]]:
    """Cut the queries by how many of their words occur in the concept's preferred name."""
    shares = overlap(task, graph.preferred_names())
    return {
        "no word of the name": shares == 0,
        "some words of it": (shares > 0) & (shares < 1),
        "only words of it": shares == 1,
    }


def draw_examples(
    task: NameTask,
    heard: Mapping[tuple[str, int], Heard],
    graph: KnowledgeGraph,
    asked: NDArray[np.bool_],
    seed: int,
    each: int = 4,
) -> list[Json]:
    """Draw cards: names that knowledge fixed, names that it broke, and any; the draw is by seed alone."""
    before, after = heard["untouched", seed].answers.ranks, heard["grafted", seed].answers.ranks
    groups = {
        "fixed": asked & (before > 1) & (after <= 1),
        "broken": asked & (before <= 1) & (after > 1),
        "random": asked,
    }
    generator = np.random.default_rng(seed)
    names = graph.preferred_names()
    cards: list[Json] = []
    for group, mask in groups.items():
        rows = np.flatnonzero(mask)
        for row in np.sort(generator.choice(rows, min(each, len(rows)), replace=False)).tolist():
            cards.append(_card(group, row, task, heard, graph, names, seed))
    return cards


def _card(
    group: str,
    row: int,
    task: NameTask,
    heard: Mapping[tuple[str, int], Heard],
    graph: KnowledgeGraph,
    names: Sequence[str],
    seed: int,
) -> dict[str, Json]:
    gold = graph.entity(graph.ids[int(task.gold[row])])
    answers: dict[str, Json] = {}
    ranks: dict[str, Json] = {}
    for arm in ("untouched", "shuffled", "grafted"):
        said = heard[arm, seed].answers
        ranks[arm] = float(said.ranks[row])
        answers[arm] = [
            {
                "id": graph.ids[int(task.dictionary.entities[place])],
                "name": names[int(task.dictionary.entities[place])],
                "matched": task.dictionary.names[place],
                "score": round(float(score), 4),
            }
            for place, score in zip(said.best[row].tolist(), said.scores[row].tolist(), strict=True)
        ]
    return {
        "group": group,
        "query": task.queries[row],
        "kind": task.kinds[row],
        "gold": {"id": gold.id, "name": gold.name, "description": gold.description},
        "answers": answers,
        "ranks": ranks,
    }
