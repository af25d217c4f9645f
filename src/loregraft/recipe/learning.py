"""The pre-training stage: one plan of steps, and for each arm and seed a model folder."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from loregraft.artifact import Json, fingerprint, is_current, read_card, writing
from loregraft.encoder.load import Encoder, load_encoder, save_encoder
from loregraft.evaluate.controls import shuffle_views
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.names import fold_name
from loregraft.kg.split.entities import EntitySplit, folded_names
from loregraft.pretrain.align import Preparation, plan_steps, pretrain
from loregraft.pretrain.views import DEFINITION, Leaks, Views, collect_views
from loregraft.recipe.knowledge import Texts
from loregraft.recipe.settings import Recipe
from loregraft.recipe.talk import UNCHANGED, Talk, stage
from loregraft.training.loop import Progress, remove_checkpoints
from loregraft.training.plan import PLAN, planned_steps, read_plan

SHUFFLED, GRAFTED = "shuffled", "grafted"
TRAINED = (SHUFFLED, GRAFTED)


@dataclass(frozen=True)
class Arm:
    """One training: which knowledge, which seed, how many steps, from which encoder folder."""

    name: str
    seed: int
    steps: int
    encoder: Path


@dataclass(frozen=True)
class Lesson:
    """What may be learned: the views, plain sentences, and what was kept out of both.

    Attributes:
        key: Fingerprint of all of it.
        leaks: Counts for the report.
    """

    views: Views
    sentences: tuple[str, ...]
    leaks: dict[str, Json]
    key: str


def make_lesson(graph: KnowledgeGraph, split: EntitySplit, texts: Texts, tainted: frozenset[int]) -> Lesson:
    """Collect views and sentences that hold no name of a held-out entity."""
    held_out = np.concatenate([split.valid, split.test])
    names = folded_names(graph, held_out.tolist())
    views = collect_views(graph, split.train, names, tainted)
    leaks = Leaks(names)
    own = [d.text for d, about in zip(texts.documents, texts.about, strict=True) if about < 0]
    clean = [text for text in own if not leaks.in_folded(fold_name(text))]
    definitions = [text for text, kind in zip(views.texts, views.kinds, strict=True) if kind == DEFINITION]
    removed = {kind: int(count) for kind, count in views.removed.items()}
    counts: dict[str, Json] = {
        "held_out_concepts": len(held_out),
        "held_out_strings": len(names),
        "names_removed": sum(count for kind, count in removed.items() if kind != DEFINITION),
        "descriptions_removed": removed.get(DEFINITION, 0),
        "texts_removed": len(own) - len(clean),
        "removed_by_kind": dict(removed),
    }
    key = fingerprint("lesson", views.texts, views.kinds, views.sources, views.concepts.tolist(), clean)
    return Lesson(views, (*definitions, *clean), counts, key)


def plan(
    recipe: Recipe, lesson: Lesson, preparation: Callable[[], Preparation], encoder: Encoder, folder: Path
) -> tuple[int, bool]:
    """Give the number of steps of every arm, and whether it was planned before for the same job.

    A new plan is as the recipe says or made by a calibration, and is written to folder/plan.json
    before any training.
    """
    path, told = folder / PLAN, recipe.pretrain
    key = fingerprint("plan", 1, told.model_dump(mode="json"), lesson.key, encoder.sha256)
    planned = read_plan(path, key) is not None

    def make() -> int:
        return told.steps or plan_steps(encoder, lesson.views, preparation(), told)

    return planned_steps(path, key, make, minutes=told.minutes, batch=told.batch), planned


def train_arm(
    arm: Arm, lesson: Lesson, preparation: Callable[[], Preparation], recipe: Recipe, folder: Path, talk: Talk
) -> None:
    """Train one arm from the untouched encoder and write a plain model folder."""
    with stage(talk, "pretrain", f"{arm.name}, seed {arm.seed}, {arm.steps} steps") as line:
        settings: dict[str, Json] = recipe.pretrain.model_dump(mode="json")
        encoder = load_encoder(arm.encoder, recipe.encoder.sha256)
        key = fingerprint("model", 1, settings, lesson.key, encoder.sha256, arm.name, arm.seed, arm.steps)
        skipped = is_current(folder, "model", key)
        checkpoints = folder.with_name(f".{folder.name}.checkpoints")
        if not skipped:
            views = shuffle_views(lesson.views, arm.seed) if arm.name == SHUFFLED else lesson.views
            trained = pretrain(
                encoder,
                views,
                preparation(),
                recipe.pretrain,
                steps=arm.steps,
                seed=arm.seed,
                checkpoints=checkpoints,
                report=lambda progress: talk.advance(
                    progress.step / progress.steps, _words(arm.name, progress)
                ),
            )
            parents = {"encoder": encoder.sha256, "lesson": lesson.key}
            with writing(folder, "model", key, settings=settings, seed=arm.seed, parents=parents) as (
                target,
                facts,
            ):
                save_encoder(encoder, target, recipe.pretrain.max_tokens)
                facts.update(asdict(trained), arm=arm.name, views=len(views))
        remove_checkpoints(checkpoints)  # also those of a run that was killed right after the model was whole
        loss = read_card(folder, "model").facts["loss"]
        assert isinstance(loss, list)
        line.append(
            f"{arm.name}, seed {arm.seed}: {len(lesson.views):,} views, {arm.steps} steps -> "
            f"loss {loss[0][1]:.3f} to {loss[-1][1]:.3f}"
        )
        line.append(UNCHANGED if skipped else "")


def _words(arm: str, progress: Progress) -> str:
    losses = ", ".join(f"{name} {value:.3f}" for name, value in progress.losses.items())
    speed = f"{progress.tokens_per_s:,.0f} tokens/s, gradient {progress.gradient_norm:.2f}"
    return f"{arm} {progress.step}/{progress.steps}: {losses}, {speed}"
