"""Search for settings of vectors: many short trainings under a time budget, weak ones ended early.

What is tried next follows from what was good so far (Bergstra et al. 2011, Algorithms for Hyper-Parameter
Optimization: the tree-structured Parzen estimator, as optuna has it), or is drawn at random.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from loregraft.artifact import fingerprint
from loregraft.config import dump_settings
from loregraft.disk import lock, replace_file
from loregraft.errors import BadInput, MissingExtra
from loregraft.kge.parts import Parts
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Tables
from loregraft.kge.training.train import Diverged, Progress, train

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.study import Study
    from optuna.trial import Trial

Method = Literal["tpe", "random"]
Ended = Literal["done", "weak", "diverged"]
TRIALS, BEST = "trials.jsonl", "best.yaml"


@dataclass(frozen=True)
class Tried:
    """A training that was tried.

    Attributes:
        params: What differs from the settings that the search began with.
        mrr: Of valid, the best of its epochs; -1 where it diverged before the first.
        ended: Why it ended: its time was up or nothing was gained any more, it was weak, it diverged.
    """

    params: dict[str, Any]
    mrr: float
    epochs: int
    seconds: float
    ended: Ended


@dataclass(frozen=True)
class SearchSettings:
    """How long, and how.

    Attributes:
        minutes: Of training in all, over all runs of the same search.
        trial_minutes: Of one trial at most.
        fixed: Settings that are not searched for.
    """

    minutes: float
    trial_minutes: float
    method: Method = "tpe"
    seed: int = 0
    fixed: frozenset[str] = frozenset()


def search(
    parts: Parts,
    base: KgeSettings,
    out: Path,
    how: SearchSettings,
    graph_key: str = "",
    report: Callable[[list[Tried], Progress | None], object] = lambda tried, now: None,
) -> list[Tried]:
    """Try settings until the time is up; the same call goes on where it was cut off.

    OUT holds a line for each trial (`trials.jsonl`) and the best settings so far (`best.yaml`), a recipe for
    `loregraft kge train --recipe`.

    Args:
        report: Told the trials so far, and the one that runs.

    Raises:
        BadInput: There is no valid part, nothing is left to search for, or OUT holds another search.
        MissingExtra: optuna is not installed.
    """
    if not len(parts.valid):
        fix = "Give a graph whose files came with a valid part, or split it first: loregraft kg split"
        raise BadInput(out, 0, "there is no valid part to compare settings by", fix)
    if base.partitions > 1 or base.literals != "none":
        found = "a search keeps all entities in memory and knows no literals"
        raise BadInput(out, 0, found, "Set partitions to 1 and literals to none.")
    ranges = {name: range for name, range in ranges_of(base).items() if name not in how.fixed}
    if not ranges:
        raise BadInput(out, 0, "every setting is fixed, so there is nothing to search for", "Fix fewer.")
    key = fingerprint(
        "search", 1, graph_key, base.model_dump(mode="json"), how.trial_minutes, sorted(how.fixed)
    )
    with lock(out):
        tried = _read(out, key)
        study = _study(how, tried, ranges)
        report(tried, None)
        while (left := 60 * how.minutes - sum(one.seconds for one in tried)) > 0:
            minutes = min(how.trial_minutes, left / 60)
            tried.append(_try(study, parts, base, ranges, minutes, lambda now: report(tried, now)))
            _append(out / TRIALS, asdict(tried[-1]))
            replace_file(out / BEST, best_recipe(base, tried))
            report(tried, None)
    return tried


def ranges_of(base: KgeSettings) -> "dict[str, BaseDistribution]":
    """Give what is searched for with a scorer, and between which ends."""
    optuna = _optuna()
    distributions = optuna.distributions
    tables = Tables.start(1, 1, base.model_copy(update={"dim": 2 * 30}))
    found = {
        "rate": distributions.FloatDistribution(0.01, 0.5, log=True),
        "batch": distributions.CategoricalDistribution([256, 512, 1024, 2048]),
        "negatives": distributions.CategoricalDistribution([128, 256, 512, 1024, 2048]),
        "drawn": distributions.CategoricalDistribution(["uniform", "degree"]),
    }
    if tables.scorer.measure == "dot":
        found["n3"] = distributions.FloatDistribution(1e-3, 1.0, log=True)
    else:
        found["scale"] = distributions.FloatDistribution(0.5, 16.0, log=True)
    if tables.scorer.inverse is not None or tables.scorer.head_query is not None:
        found["reciprocal"] = distributions.CategoricalDistribution([True, False])
    return found


def best_recipe(base: KgeSettings, tried: list[Tried]) -> str:
    """Give the best settings so far as a recipe, with the time that the search began with."""
    best = max(tried, key=lambda one: one.mrr)
    settings = base.model_copy(update=best.params)
    head = f"# The best of {len(tried)} trials: MRR {best.mrr:.4f} on valid after {best.seconds:.0f} s."
    return f"{head}\n{dump_settings(settings)}"


def _optuna() -> Any:
    try:
        import optuna
    except ModuleNotFoundError as error:
        raise MissingExtra("optuna", "search") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _study(how: SearchSettings, tried: list[Tried], ranges: "Mapping[str, BaseDistribution]") -> "Study":
    """Make the sampler, and tell it what was tried before."""
    optuna = _optuna()
    seed = how.seed + len(tried)  # a search that goes on does not draw the same again
    samplers = optuna.samplers
    sampler = samplers.TPESampler(seed=seed) if how.method == "tpe" else samplers.RandomSampler(seed=seed)
    pruner = optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=1)
    study = optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner)
    for one in tried:
        study.add_trial(optuna.trial.create_trial(params=one.params, distributions=ranges, value=one.mrr))
    return study


def _try(
    study: "Study",
    parts: Parts,
    base: KgeSettings,
    ranges: "dict[str, BaseDistribution]",
    minutes: float,
    report: Callable[[Progress], object],
) -> Tried:
    """Train once with settings that the study asks for."""
    optuna = _optuna()
    trial: Trial = study.ask(ranges)
    started, now = time.monotonic(), Progress()
    ended: Ended = "done"

    def keep(now: Progress) -> None:
        trial.report(now.best_mrr, now.epoch)
        if trial.should_prune():
            raise optuna.TrialPruned

    settings = base.model_copy(update={**trial.params, "minutes": minutes})
    try:
        train(Tables.start(parts.entities, parts.relations, settings), parts, settings, now, report, keep)
    except optuna.TrialPruned:
        ended = "weak"
    except Diverged:
        ended = "diverged"
    study.tell(trial, now.best_mrr)
    seconds = round(time.monotonic() - started, 2)
    return Tried(dict(trial.params), round(now.best_mrr, 5), now.epoch, seconds, ended)


def _read(out: Path, key: str) -> list[Tried]:
    """Read the trials of an earlier run; a last line that was cut off is no trial."""
    path = out / TRIALS
    if not path.exists():
        replace_file(path, json.dumps({"search": key}) + "\n")
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        replace_file(path, whole)
    head, *lines = [json.loads(line) for line in whole.splitlines()]
    if head.get("search") != key:
        found = "it holds the trials of another search"
        raise BadInput(path, 1, found, "Choose another folder.")
    return [Tried(**line) for line in lines]


def _append(path: Path, line: Mapping[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
        file.flush()
        os.fsync(file.fileno())
