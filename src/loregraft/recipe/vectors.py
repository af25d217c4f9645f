"""The vectors stage: a vector for each entity of the graph, judged on held-out facts beside popularity."""

import json
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from loregraft.artifact import Json, fingerprint, is_current, read_card, writing
from loregraft.disk import write_json
from loregraft.evaluate.significance import interval, resample
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kge.judging.evaluate import rank_part
from loregraft.kge.judging.popularity import rank_by_popularity
from loregraft.kge.learn import is_learnt, learn_vectors
from loregraft.kge.parts import Parts, parts_of
from loregraft.kge.questions import Questions
from loregraft.kge.settings import KgeSettings
from loregraft.kge.training.train import Progress
from loregraft.kge.vectors import Vectors
from loregraft.recipe.settings import Recipe
from loregraft.recipe.talk import UNCHANGED, Talk, stage

RANKS = "ranking.json"
FEWEST = 100
"""Held-out facts of a relation from which it has a row of its own."""


def vectors_stage(
    recipe: Recipe, graph: KnowledgeGraph, graph_key: str, folder: Path, talk: Talk
) -> dict[str, Json]:
    """Train folder/vectors, judge them, and give what the report shows; {} without settings."""
    settings = recipe.vectors
    if settings is None:
        return {}
    with stage(talk, "vectors", f"{settings.model}, {settings.dim} numbers an entity") as line:
        out, ranking = folder / "vectors", folder / "ranking"
        learnt = is_learnt(out, graph_key, settings)
        vectors = learn_vectors(
            graph, graph_key, out, settings, lambda now, parts: talk.advance(*_words(now, settings))
        )
        key = fingerprint("ranking", 1, read_card(out).key, recipe.seed, recipe.evaluate.resamples)
        judged = is_current(ranking, "ranking", key)
        if not judged:
            talk.advance(0.99, "ranking of held-out facts")
            found = _judge(vectors, parts_of(graph), recipe.seed, recipe.evaluate.resamples)
            with writing(ranking, "ranking", key, parents={"vectors": read_card(out).key}) as (target, _):
                write_json(target / RANKS, found)
        told: dict[str, Json] = json.loads((ranking / RANKS).read_text(encoding="utf-8"))
        training = read_card(out).facts
        told |= {"model": settings.model, "dim": settings.dim, "seconds": training["seconds"]}
        on = f"MRR {told['mrr']} on {told['n']:,} held-out ones, by popularity {told['popularity']}"
        line.append(f"{told['train']:,} facts -> {on if told['n'] else 'none could be held out'}")
        line.append(UNCHANGED if learnt and judged else "")
    return told


def _words(now: Progress, settings: KgeSettings) -> tuple[float, str]:
    mrr = "" if now.mrr is None else f", MRR on valid {now.mrr:.3f}"
    return 0.98 * min(1.0, (now.epoch + now.share) / settings.epochs), f"loss {now.loss:.3f}{mrr}"


def _judge(vectors: Vectors, parts: Parts, seed: int, resamples: int) -> dict[str, Json]:
    """Rank the held-out facts, by the vectors and by popularity, filtered."""
    ranking = rank_part(vectors.tables, parts, "test")
    questions = Questions.of(parts.test, parts.relations)
    popular = rank_by_popularity(parts, questions, parts.known()).realistic
    scores = 1 / np.stack([ranking.values, popular])
    relation, heads = np.tile(parts.test.relations, 2), np.tile(parts.test.heads, 2)
    rows: list[Json] = []
    for place, name in enumerate(vectors.relation_ids):
        own = relation == place
        if own.sum() >= 2 * FEWEST:
            rows.append({"relation": name, **_compared(scores[:, own], heads[own], seed, resamples)})
    return {"train": len(parts.train), **_compared(scores, heads, seed, resamples), "relations": rows}


def _compared(
    scores: Float[np.ndarray, "2 questions"],
    clusters: Int[np.ndarray, " questions"],
    seed: int,
    resamples: int,
) -> dict[str, Json]:
    """Give both mean reciprocal ranks and their difference; facts of one head are drawn together."""
    ours, popular = scores.mean(axis=1).tolist() if scores.shape[1] else (0.0, 0.0)
    found: dict[str, Json] = {
        "n": scores.shape[1] // 2,
        "mrr": round(ours, 4),
        "popularity": round(popular, 4),
    }
    if scores.shape[1]:
        drawn = resample(scores[:, None], clusters, seed, resamples)
        found["difference"] = dict(interval(ours - popular, drawn[:, 0] - drawn[:, 1]).as_dict())
    return found
