"""From a graph to a folder of vectors: train, keep the best, go on where a run was cut off."""

from collections.abc import Callable
from pathlib import Path

from loregraft.artifact import Json, fingerprint, is_current
from loregraft.disk import lock
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kge.checkpoint import remove_checkpoints, resume, save_checkpoint, take_best
from loregraft.kge.parts import Parts, parts_of
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Tables
from loregraft.kge.train import Progress, train
from loregraft.kge.vectors import KIND, Vectors, open_vectors, save_vectors

SAVE_EVERY_S = 30.0


def learn_vectors(
    graph: KnowledgeGraph,
    graph_key: str,
    out: Path,
    settings: KgeSettings,
    report: Callable[[Progress, Parts], object] = lambda progress, parts: None,
) -> Vectors:
    """Train the vectors of a graph and write them; what is done and unchanged is not done again.

    The numbers of the epoch with the best MRR on valid are kept; without a valid part the last ones. A run
    that was cut off goes on from its last checkpoint: it loses the epoch that ran and at most half a
    minute of training before it.

    Args:
        graph_key: Of the graph's card.

    Raises:
        BadInput: There is nothing to train on, or the scorer cannot have so many dimensions.
        CannotWrite: Another run holds the folder, no permission, or the disk is full.
        Diverged: A number became none; the best numbers so far stay in the checkpoints.
    """
    if is_learnt(out, graph_key, settings):
        return open_vectors(out)
    parts = parts_of(graph)  # what cannot be trained leaves nothing behind
    tables = Tables.start(parts.entities, parts.relations, settings)
    vectors = Vectors(tables, graph.ids, graph.relation_ids, settings, graph_key)
    with lock(_checkpoints(out)):
        _learn(vectors, parts, out, report)
    return vectors


def is_learnt(out: Path, graph_key: str, settings: KgeSettings) -> bool:
    """Tell whether a folder holds just these vectors."""
    return is_current(out, KIND, _key(graph_key, settings))


def _key(graph_key: str, settings: KgeSettings) -> str:
    return fingerprint("vectors", 1, settings.model_dump(mode="json"), graph_key)


def _checkpoints(out: Path) -> Path:
    return out.with_name(f".{out.name}.training")


def _learn(vectors: Vectors, parts: Parts, out: Path, report: Callable[[Progress, Parts], object]) -> None:
    tables, checkpoints = vectors.tables, _checkpoints(out)
    key = _key(vectors.graph_key, vectors.settings)
    progress = resume(checkpoints, tables, key)
    saved = progress.seconds if progress else 0.0

    def keep(now: Progress) -> None:
        nonlocal saved
        if now.best_epoch == now.epoch or now.seconds - saved > SAVE_EVERY_S:
            save_checkpoint(checkpoints, tables, now, key)
            saved = now.seconds

    done = train(tables, parts, vectors.settings, progress, lambda now: report(now, parts), keep)
    if done.best_epoch and done.best_epoch != done.epoch:
        take_best(checkpoints, tables, key)
    save_vectors(vectors, out, key, _facts(done, parts))
    remove_checkpoints(checkpoints)


def _facts(done: Progress, parts: Parts) -> dict[str, Json]:
    counts = {name: len(getattr(parts, name)) for name in ("train", "valid", "test")}
    return {
        "triples": dict(counts),
        "epochs": done.epoch,
        "seconds": round(done.seconds, 2),
        "questions": done.questions,
        "loss": round(done.loss, 5),
        "best": {"epoch": done.best_epoch, "valid_mrr": round(done.best_mrr, 5)} if done.best_epoch else None,
        "history": [[epoch, round(seconds, 2), round(mrr, 5)] for epoch, seconds, mrr in done.history],
    }
