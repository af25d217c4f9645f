"""From a graph to a folder of text vectors: train, read all entities, go on where a run was cut off."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from loregraft.artifact import Json, fingerprint, is_current
from loregraft.disk import lock
from loregraft.encoder.load import Encoder, load_encoder
from loregraft.errors import BadInput
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kge.parts import Parts, parts_of
from loregraft.kge.text.encode import encode_texts
from loregraft.kge.text.rank import NAMED
from loregraft.kge.text.readers import Readers
from loregraft.kge.text.settings import TextKgeSettings
from loregraft.kge.text.texts import texts_of
from loregraft.kge.text.train import Lesson, loop_settings, make_step_loss, plan_steps, readable
from loregraft.kge.text.vectors import KIND, TextVectors, open_text_vectors, save_text_vectors
from loregraft.training.loop import Diverged, Progress, Trained, fit, remove_checkpoints
from loregraft.training.plan import PLAN, planned_steps

Report = Callable[[float, str], object]
"""share done (0..1), what is done -> anything"""
READING = 0.9
"""Share at which training is said to end and the reading of all entities to begin."""


def learn_text_vectors(
    graph: KnowledgeGraph,
    graph_key: str,
    out: Path,
    settings: TextKgeSettings,
    report: Report = lambda share, words: None,
) -> TextVectors:
    """Train two readers of a graph's texts and write them; what is done and unchanged is not done again.

    A run that was cut off goes on from its last checkpoint and ends with the same bits. Triples with an
    end that has no text are not trained on; they are counted.

    Args:
        graph_key: Of the graph's card.

    Raises:
        BadInput: There is no encoder, no text, or nothing to train on.
        CannotWrite: Another run holds the folder, no permission, or the disk is full.
        Diverged: The loss is no number any more; the last checkpoint stays.
    """
    encoder = _start(settings)
    key = _key(graph_key, settings, encoder)
    if is_current(out, KIND, key):
        return open_text_vectors(out)
    parts, texts = parts_of(graph), texts_of(graph, ids_as_text=settings.ids_as_text)
    lesson = Lesson(readable(parts.train, texts), texts, parts.entities, settings)
    if not len(lesson):  # what cannot be trained leaves nothing behind
        found = "no triple of train has two entities with a text"
        raise BadInput(Path("graph"), 0, found, "Import a file of names for these entities too.")
    work = out.with_name(f".{out.name}.training")
    with lock(work):
        readers = Readers(encoder, settings.temperature)
        trained = _train(readers, lesson, key, work, report)
        words = f"reading {len(graph):,} entities"
        matrix = encode_texts(
            readers.entities,
            texts.entities,
            settings,
            lambda share: report(READING + (1 - READING) * share, words),
        )
        ends = readers.questions, readers.entities, torch.from_numpy(matrix), texts
        vectors = TextVectors(*ends, graph.ids, graph.relation_ids, settings, graph_key)
        facts = {"temperature": round(readers.temperature(), 5), **_facts(vectors, trained, parts, lesson)}
        save_text_vectors(vectors, out, key, facts)
        remove_checkpoints(work)
    return vectors


def is_text_learnt(out: Path, graph_key: str, settings: TextKgeSettings) -> bool:
    """Tell whether a folder holds just these text vectors.

    Raises:
        BadInput: There is no such encoder.
    """
    return is_current(out, KIND, _key(graph_key, settings, _start(settings)))


def _start(settings: TextKgeSettings) -> Encoder:
    if not settings.encoder:
        fix = "Give the folder of a Hugging Face encoder, with --encoder or as encoder."
        raise BadInput(Path("settings"), 0, "no encoder is named", fix)
    return load_encoder(Path(settings.encoder))


def _key(graph_key: str, settings: TextKgeSettings, encoder: Encoder) -> str:
    """Hash what the result depends on: the encoder's weights, not where they lie."""
    chosen = settings.model_dump(mode="json", exclude={"encoder"})
    return fingerprint(KIND, 1, chosen, encoder.sha256, encoder.pooling, graph_key)


def _train(readers: Readers, lesson: Lesson, key: str, work: Path, report: Report) -> Trained:
    def told(now: Progress) -> None:
        loss = sum(now.losses.values())
        words = f"step {now.step:,} of {now.steps:,}: loss {loss:.3f}, {now.tokens_per_s:,.0f} tokens/s"
        report(READING * now.step / now.steps, f"{words}, {now.left_s:,.0f} s left")

    steps = planned_steps(work / PLAN, key, lambda: plan_steps(readers, lesson))
    loop, seed = loop_settings(lesson.settings), lesson.settings.seed
    try:
        return fit(
            readers,
            make_step_loss(readers, lesson),
            steps,
            loop,
            seed=seed,
            key=key,
            checkpoints=work,
            report=told,
        )
    except Diverged as error:  # the loop names the setting of another stage
        found = str(error).partition(". Lower")[0]
        raise Diverged(f"{found}. Lower the learning rate (rate).") from error


def _facts(vectors: TextVectors, trained: Trained, parts: Parts, lesson: Lesson) -> dict[str, Json]:
    missing = np.flatnonzero(vectors.texts.missing).tolist()
    counts = {name: len(getattr(parts, name)) for name in ("train", "valid", "test")}
    return {
        "triples": dict(counts),
        "triples_without_text": len(parts.train) - len(lesson.triples),
        "without_text": {"entities": len(missing), "first": [vectors.ids[row] for row in missing[:NAMED]]},
        "epochs": round(lesson.epochs(trained.steps), 2),
        **asdict(trained),
        "seconds": round(trained.seconds, 2),
    }
