"""The run: the stages of a recipe in order, into one folder, for one seed or several."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from loregraft.artifact import Json
from loregraft.disk import lock, replace_file
from loregraft.recipe.settings import Recipe
from loregraft.recipe.talk import Silence, Talk, Timed, stage
from loregraft.recipe.work import Results, Work, peak_memory_mb
from loregraft.report.markdown import render_markdown
from loregraft.report.page import render_page
from loregraft.training.device import use_threads


@dataclass(frozen=True)
class Outcome:
    """Where a run's results lie, and the results themselves.

    Attributes:
        model: A plain Hugging Face folder.
        report: One self-contained HTML file.
        results: What results.json holds.
    """

    folder: Path
    model: Path
    report: Path
    results: Results


def run_recipe(
    recipe: Recipe,
    beside: Path = Path(),
    seeds: Sequence[int] | None = None,
    talk: Talk | None = None,
    command: str = "",
) -> Outcome:
    """Do everything that a recipe asks for; what is done and unchanged is not done again.

    Args:
        beside: The folder that the recipe's paths count from.
        seeds: Train the arms once for each; None: the recipe's seed.
        command: What to type to get the same, for the report.

    Raises:
        LoregraftError: Whatever a user can fix; nothing half-written is left, and the same call
            goes on where this one ended.
    """
    folder = Path(recipe.out)
    use_threads(recipe.threads)
    with lock(folder, "Choose another folder with --out"):
        timed = Timed(talk or Silence(), folder / "costs.json")
        results = Work(recipe, beside, folder, list(seeds or [recipe.seed]), timed).do(command)
        results["costs"] = _costs(timed, folder / "model")
        report = folder / "report.html"
        with stage(timed, "report", "results") as line:
            replace_file(folder / "results.json", json.dumps(results, indent=1, ensure_ascii=False) + "\n")
            replace_file(folder / "report.md", render_markdown(results))
            replace_file(report, render_page(results))
            line.append(f"results -> {report.name}, results.json, report.md in {folder}")
    return Outcome(folder, folder / "model", report, results)


def _costs(timed: Timed, model: Path) -> dict[str, Json]:
    stages: list[Json] = [{"name": name, "seconds": seconds} for name, seconds in timed.stages()]
    size = sum(file.stat().st_size for file in model.rglob("*") if file.is_file())
    return {
        "minutes": round(sum(seconds for _, seconds in timed.stages()) / 60, 2),
        "stages": stages,
        "peak_memory_mb": peak_memory_mb(),
        "model_mb": round(size / 1e6, 1),
    }
