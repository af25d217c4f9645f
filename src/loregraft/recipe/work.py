"""The work of one run: calls the stages in order and puts together what results.json holds."""

import datetime
import functools
import importlib.metadata
import os
import resource
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from loregraft.artifact import PACKAGES, Json, fingerprint, read_card
from loregraft.encoder.load import Encoder, load_encoder
from loregraft.evaluate.names import NameTask, make_name_task
from loregraft.evaluate.significance import Interval
from loregraft.evaluate.verdict import NOT_RUN, overall, sentence
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.split.entities import EntitySplit, split_entities
from loregraft.pretrain.align import Preparation, prepare
from loregraft.recipe import judging
from loregraft.recipe.judging import ARMS, Heard
from loregraft.recipe.knowledge import Texts, collect_texts, kg_stage, source_name
from loregraft.recipe.learning import GRAFTED, TRAINED, Arm, Lesson, make_lesson, plan, train_arm
from loregraft.recipe.linking import linking_stage, tainted_by
from loregraft.recipe.settings import Recipe
from loregraft.recipe.sources import find_source
from loregraft.recipe.talk import UNCHANGED, Talk, stage
from loregraft.recipe.vectors import vectors_stage

Results = dict[str, Json]
LAY = "lay_terms"


class Work:
    """One recipe in one folder: what has been read and made so far, for the stages that follow."""

    def __init__(self, recipe: Recipe, beside: Path, folder: Path, seeds: Sequence[int], talk: Talk) -> None:
        self.recipe, self.beside, self.folder, self.seeds, self.talk = (
            recipe,
            beside,
            folder,
            list(seeds),
            talk,
        )
        self.encoder_folder = find_source(recipe.encoder.path, beside)
        # Read before the slow stages, so that a wrong encoder is found at once.
        self.untouched = load_encoder(self.encoder_folder, recipe.encoder.sha256)

    def do(self, command: str) -> Results:
        """Do all stages but the report and give the results."""
        graph = kg_stage(self.recipe, self.beside, self.folder / "graph", self.talk)
        graph_key = read_card(self.folder / "graph").key
        vectors = vectors_stage(self.recipe, graph, graph_key, self.folder, self.talk)
        settings = self.recipe.evaluate
        split = split_entities(graph, settings.prefix, settings.held_out, settings.valid, settings.split_seed)
        asked = split.test if settings.part == "test" else split.valid
        task = make_name_task(graph, split, asked, settings.prefix)
        texts = collect_texts(self.recipe, self.beside, graph)
        links = self.folder / "links"
        linking_stage(self.recipe, graph, graph_key, texts, links, self.talk)
        lesson = self._lesson(graph, split, texts, links)
        steps = self._train(lesson)
        heard = self._hear(task, graph_key)
        return self._results(graph, task, lesson, steps, heard, command) | {"vectors": vectors}

    def model_folder(self, arm: str, seed: int) -> Path:
        """Give the place of a trained model: `model` is the first seed's grafted encoder."""
        if arm == GRAFTED and seed == self.seeds[0]:
            return self.folder / "model"
        return self.folder / "arms" / f"{arm}-{seed}"

    def _lesson(self, graph: KnowledgeGraph, split: EntitySplit, texts: Texts, links: Path) -> Lesson:
        with stage(self.talk, "views", "names and definitions without what is held out") as line:
            held_out = np.concatenate([split.valid, split.test]).tolist()
            lesson = make_lesson(graph, split, texts, tainted_by(links, texts, held_out))
            removed = lesson.leaks
            line.append(
                f"{removed['held_out_concepts']:,} concepts held out with "
                f"{removed['held_out_strings']:,} names, "
                f"{removed['names_removed']:,} names and {removed['descriptions_removed']:,} definitions "
                f"with one removed -> {len(lesson.views):,} views"
            )
        return lesson

    def _train(self, lesson: Lesson) -> int:
        settings = self.recipe.pretrain
        with stage(self.talk, "plan", "the untouched encoder's view of the names, and a calibration") as line:

            @functools.cache
            def preparation() -> Preparation:
                """Prepare when it is first needed: not at all where every arm is trained already."""
                advance = self.talk.advance
                return prepare(
                    self.untouched,
                    lesson.views,
                    lesson.sentences,
                    settings,
                    lambda share: advance(share, "names"),
                )

            steps, planned = plan(self.recipe, lesson, preparation, self.untouched, self.folder)
            wanted = f"{settings.minutes:g} minutes" if settings.steps is None else "as set"
            line.append(f"{wanted} -> {steps} steps of {settings.batch} pairs for every trained arm")
            line.append(UNCHANGED if planned else "")
        for seed in self.seeds:
            for name in TRAINED:
                arm = Arm(name, seed, steps, self.encoder_folder)
                train_arm(arm, lesson, preparation, self.recipe, self.model_folder(name, seed), self.talk)
        return steps

    def _hear(self, task: NameTask, graph_key: str) -> dict[tuple[str, int], Heard]:
        settings = self.recipe.evaluate.model_dump(mode="json", exclude={"resamples"})
        key = fingerprint("task", 1, settings, graph_key)
        heard: dict[tuple[str, int], Heard] = {}
        with stage(self.talk, "evaluate", f"{len(task.queries):,} names to resolve") as line:
            for number, arm in enumerate(ARMS):
                self.talk.advance(number / len(ARMS), f"{arm} answers")
                for seed in self.seeds:
                    if arm in TRAINED:
                        heard[arm, seed] = self._hear_model(arm, seed, task, key)
                    elif seed == self.seeds[0]:
                        encoder = self.untouched if arm == "untouched" else None
                        heard[arm, seed] = self._ask(arm, arm, task, key, encoder)
                    else:
                        heard[arm, seed] = heard[arm, self.seeds[0]]
            line.append(
                f"{len(task.queries):,} names of {len(np.unique(task.gold)):,} held-out concepts against "
                f"{len(task.dictionary.names):,} names -> {len(ARMS)} arms"
            )
            line.append(UNCHANGED if all(answers.known for answers in heard.values()) else "")
        return heard

    def _hear_model(self, arm: str, seed: int, task: NameTask, key: str) -> Heard:
        encoder = load_encoder(self.model_folder(arm, seed))
        return self._ask(arm, f"{arm}-{seed}", task, key, encoder)

    def _ask(self, arm: str, name: str, task: NameTask, key: str, encoder: Encoder | None) -> Heard:
        max_tokens = self.recipe.pretrain.max_tokens
        return judging.hear(arm, task, key, encoder, max_tokens, self.folder / "answers" / name)

    def _results(
        self,
        graph: KnowledgeGraph,
        task: NameTask,
        lesson: Lesson,
        steps: int,
        heard: dict[tuple[str, int], Heard],
        command: str,
    ) -> Results:
        tasks, status, told = self._tasks(graph, task, heard)
        seed = self.seeds[0]
        lay = _lay_mask(task)
        return {
            "schema": 1,
            "name": self.recipe.name,
            "date": datetime.date.today().isoformat(),
            "recipe": self.recipe.model_dump(mode="json"),
            "seeds": list(self.seeds),
            "verdict": {"status": status, "sentence": told, "not_run": list(NOT_RUN)},
            "tasks": tasks,
            "per_seed": self._per_seed(task, heard),
            "forgetting": judging.judge_forgetting(heard, self.seeds, seed),
            "examples": judging.draw_examples(task, heard, graph, lay, seed),
            "graph": self._graph_part(graph),
            "linking": self._linking_part(),
            "leaks": lesson.leaks | {"queries_left_out": dict(task.left_out)},
            "pretraining": self._pretraining_part(lesson, steps),
            "reproduce": self._reproduce_part(command),
            "notices": [*self.recipe.notices, *self._attributions()],
        }

    def _tasks(
        self, graph: KnowledgeGraph, task: NameTask, heard: dict[tuple[str, int], Heard]
    ) -> tuple[list[Json], str, str]:
        """Judge lay terms, other synonyms, and both; the verdict rests on the first that there are."""
        table, settings = judging.gather_ranks(heard, task, self.seeds), self.recipe.evaluate
        lay, slices = _lay_mask(task), judging.slices_of(task, graph)
        entries: list[Json] = []
        contrasts: dict[str, dict[tuple[str, str], Interval]] = {}
        asked = {
            LAY: ("lay terms of held-out concepts", lay),
            "synonyms": ("expert synonyms of held-out concepts", ~lay),
            "all_names": ("all names of held-out concepts", np.ones(len(lay), bool)),
        }
        for name, (title, mask) in asked.items():
            if not mask.any() or (name == "all_names" and not (lay.any() and (~lay).any())):
                continue
            cut = {label: chosen[mask] for label, chosen in slices.items()}
            seed, resamples = self.seeds[0], settings.resamples
            entry, contrasts[name] = judging.judge(name, title, table.where(mask), cut, seed, resamples)
            entries.append(entry)
        first = next(iter(contrasts))
        status = overall(contrasts[first])
        means = judging.METRICS["acc@1"](table.where(asked[first][1]).ranks).mean(axis=(1, 2))
        values = dict(zip(ARMS, means.tolist(), strict=True))
        return entries, status, sentence(status, values, contrasts[first], asked[first][0], len(self.seeds))

    def _per_seed(self, task: NameTask, heard: dict[tuple[str, int], Heard]) -> list[Json]:
        lay = _lay_mask(task)
        masks = {LAY: lay, "synonyms": ~lay}
        return [
            {
                "seed": seed,
                "tasks": {
                    name: {
                        arm: round(float((heard[arm, seed].answers.ranks[mask] <= 1).mean()), 5)
                        for arm in ("untouched", "shuffled", "grafted")
                    }
                    for name, mask in masks.items()
                    if mask.any()
                },
            }
            for seed in self.seeds
        ]

    def _graph_part(self, graph: KnowledgeGraph) -> Results:
        facts = read_card(self.folder / "graph").facts
        sources: list[Json] = [
            {"name": source_name(s), "version": s.version, "licence": s.licence, "attribution": s.attribution}
            for s in self.recipe.graph.sources
        ]
        counts: dict[str, Json] = dict(graph.counts())
        return {
            "counts": counts,
            "checks": facts.get("checks"),
            "joins": facts.get("joins"),
            "bad_lines": facts.get("bad_lines"),
            "sources": sources,
        }

    def _linking_part(self) -> Results:
        facts = read_card(self.folder / "links").facts
        counts = facts["counts"]
        assert isinstance(counts, dict)
        return {**counts, "by_generator": facts["by_generator"], "examples": facts["examples"]}

    def _pretraining_part(self, lesson: Lesson, steps: int) -> Results:
        arms: dict[str, Json] = {
            arm: dict(read_card(self.model_folder(arm, self.seeds[0])).facts) for arm in TRAINED
        }
        return {"steps": steps, "batch": self.recipe.pretrain.batch, "views": len(lesson.views), "arms": arms}

    def _reproduce_part(self, command: str) -> Results:
        card = read_card(self.folder / "graph")
        packages: dict[str, Json] = {name: importlib.metadata.version(name) for name in PACKAGES}
        inputs: dict[str, Json] = {**card.inputs, "encoder": self.untouched.sha256}
        return {
            "command": command,
            "version": importlib.metadata.version("loregraft"),
            "commit": _commit(),
            "packages": packages,
            "inputs": inputs,
            "threads": self.recipe.threads or len(os.sched_getaffinity(0)),
        }

    def _attributions(self) -> list[Json]:
        return list(dict.fromkeys(s.attribution for s in self.recipe.graph.sources if s.attribution))


def peak_memory_mb() -> float:
    """Give the most memory that this process has held, in MB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def _lay_mask(task: NameTask) -> NDArray[np.bool_]:
    return np.array([kind == "lay" for kind in task.kinds], bool)


def _commit() -> str:
    """Give the commit of the source tree that runs, or nothing for an installed package."""
    root = Path(__file__).resolve().parents[3]
    if not (root / ".git").exists():
        return ""
    command = ["git", "-C", str(root), "rev-parse", "--short", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=5, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
