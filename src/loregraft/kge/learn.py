"""From a graph to a folder of vectors: train, keep the best, go on where a run was cut off."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from loregraft.artifact import Json, fingerprint, is_current, read_card
from loregraft.disk import lock
from loregraft.errors import BadInput
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kge.growth.older import Matched, check_alike, take_over
from loregraft.kge.literals.numbers import literals_for
from loregraft.kge.own import source_of
from loregraft.kge.partitions.learn import learn_buckets, write_numbers
from loregraft.kge.partitions.train import check_partitions
from loregraft.kge.parts import Parts, parts_of
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Tables
from loregraft.kge.training.checkpoint import remove_checkpoints, resume, save_checkpoint, take_best
from loregraft.kge.training.train import Progress, train
from loregraft.kge.vectors import KIND, Vectors, open_vectors, save_vectors

SAVE_EVERY_S = 30.0


def learn_vectors(
    graph: KnowledgeGraph,
    graph_key: str,
    out: Path,
    settings: KgeSettings,
    report: Callable[[Progress, Parts], object] = lambda progress, parts: None,
    older: Path | None = None,
) -> Vectors:
    """Train the vectors of a graph and write them; what is done and unchanged is not done again.

    The numbers of the epoch with the best MRR on valid are kept; without a valid part the last ones. A run
    that was cut off goes on from its last checkpoint: it loses the epoch that ran (with partitions, the
    visit) and at most half a minute of training before it.

    Args:
        graph_key: Of the graph's card.
        older: A folder of vectors to start from, with the same model and dim: the rows of ids that they have,
            with the optimizer's state. Other rows are drawn.

    Raises:
        BadInput: There is nothing to train on, the scorer cannot have so many dimensions, the older
            vectors do not fit, or the graph has no numbers for literals.
        CannotWrite: Another run holds the folder, no permission, or the disk is full.
        Diverged: A number became none; the best numbers so far stay in the checkpoints.
    """
    if is_learnt(out, graph_key, settings, older):
        return open_vectors(out)
    parts = parts_of(graph)  # what cannot be trained leaves nothing behind
    if settings.partitions > 1:
        _learn_in_partitions(graph, graph_key, parts, out, settings, report, older)
        return open_vectors(out)
    literals = literals_for(graph, settings)
    numbers = None if literals is None else torch.from_numpy(literals.matrix())
    tables = Tables.start(parts.entities, parts.relations, settings, numbers)
    vectors = Vectors(tables, graph.ids, graph.relation_ids, settings, graph_key)
    told: dict[str, Json] = {"from": _begin(vectors, older)} if older else {}
    if literals is not None:
        told["literals"] = literals.facts()
    with lock(_checkpoints(out)):
        _learn(vectors, parts, out, report, told)
    vectors.tables = vectors.tables.final()
    return vectors


def is_learnt(out: Path, graph_key: str, settings: KgeSettings, older: Path | None = None) -> bool:
    """Tell whether a folder holds just these vectors."""
    return is_current(out, KIND, _key(graph_key, settings, _key_of(older)))


def _key(graph_key: str, settings: KgeSettings, older_key: str = "") -> str:
    more = [*source_of(settings), *([older_key] if older_key else [])]
    return fingerprint("vectors", 1, settings.model_dump(mode="json"), graph_key, *more)


def _key_of(older: Path | None) -> str:
    return read_card(older, KIND).key if older else ""


def _begin(vectors: Vectors, folder: Path) -> dict[str, Json]:
    """Put older rows in, and say what was taken over."""
    if vectors.tables.gate is not None:  # they went through a gate of their own, or through none
        found = f"literals is {vectors.settings.literals}, which cannot start from older vectors"
        raise BadInput(folder, 0, found, "Set literals to none, or train without older vectors.")
    older = open_vectors(folder)
    check_alike(older.settings, vectors.settings, folder)
    matched = Matched.of(older, vectors.ids, vectors.relation_ids)
    take_over(vectors.tables, older, matched)
    return matched.facts(_key_of(folder))


def _checkpoints(out: Path) -> Path:
    return out.with_name(f".{out.name}.training")


def _learn(
    vectors: Vectors,
    parts: Parts,
    out: Path,
    report: Callable[[Progress, Parts], object],
    told: dict[str, Json],
) -> None:
    tables, checkpoints, begun = vectors.tables, _checkpoints(out), told.get("from")
    older_key = str(begun["key"]) if isinstance(begun, dict) else ""
    key = _key(vectors.graph_key, vectors.settings, older_key)
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
    save_vectors(vectors, out, key, _facts(done, parts) | told)
    remove_checkpoints(checkpoints)


def _learn_in_partitions(
    graph: KnowledgeGraph,
    graph_key: str,
    parts: Parts,
    out: Path,
    settings: KgeSettings,
    report: Callable[[Progress, Parts], object],
    older: Path | None,
) -> None:
    if older:
        fix = "Set partitions to 1, or train without older vectors."
        raise BadInput(older, 0, f"{settings.partitions} partitions cannot start from older vectors", fix)
    check_partitions(parts, settings)
    key = _key(graph_key, settings)
    with lock(_checkpoints(out)):
        done, buffer = learn_buckets(
            parts, settings, _checkpoints(out), key, lambda now: report(now, parts), SAVE_EVERY_S
        )
        vectors = Vectors(buffer.tables, graph.ids, graph.relation_ids, settings, graph_key)
        save_vectors(vectors, out, key, _facts(done, parts), partial(write_numbers, buffer))
        remove_checkpoints(_checkpoints(out))


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
