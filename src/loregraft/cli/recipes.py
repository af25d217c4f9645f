"""`loregraft demo`, `run`, `prove` and `init`: a whole job from one recipe."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from loregraft.errors import BadInput

Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="change a key of the recipe, such as pretrain.minutes=5"),
]
Out = Annotated[Path | None, typer.Option("--out", help="the folder for everything; default: the recipe's")]
Minutes = Annotated[
    float | None, typer.Option("--minutes", help="training time of each arm; turned into steps once")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="print the summary only")]
AsJson = Annotated[bool, typer.Option("--json", help="print results.json instead of the summary")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="check the recipe and its files, print it filled in, do nothing")
]
RecipeFile = Annotated[
    Path, typer.Argument(metavar="RECIPE", help="a YAML file; `loregraft init` writes one")
]


def demo(
    minutes: Minutes = None,
    overrides: Overrides = None,
    out: Out = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Run the demo on real data: rare diseases, about ten minutes on two cores.

    Needs the packages of loregraft[demo], and nothing else.

    Example: loregraft demo --minutes 1 --out out/quick
    """
    from loregraft.recipe.files import packaged_recipe

    path, changes = packaged_recipe("demo"), _changes(overrides, out, minutes)
    _go(path, changes, _typed("loregraft demo", changes), None, quiet, as_json)


def run(
    recipe: RecipeFile,
    overrides: Overrides = None,
    out: Out = None,
    minutes: Minutes = None,
    dry_run: DryRun = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Run a recipe: graph, text and encoder in; model, results and report out.

    A stage whose inputs did not change is skipped; an interrupted run goes on where it was.

    Example: loregraft run recipe.yaml --set pretrain.minutes=5 --set seed=1
    """
    changes = _changes(overrides, out, minutes)
    if dry_run:
        _check_only(recipe, changes)
    else:
        typed = _typed(f"loregraft run {shlex.quote(str(recipe))}", changes)
        _go(recipe, changes, typed, None, quiet, as_json)


def prove(
    recipe: RecipeFile,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="train every arm so often")] = 3,
    overrides: Overrides = None,
    out: Out = None,
    minutes: Minutes = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Run a recipe with several seeds, so that the intervals tell chance in training too.

    Example: loregraft prove recipes/demo.yaml --seeds 3
    """
    changes = _changes(overrides, out, minutes)
    typed = _typed(f"loregraft prove {shlex.quote(str(recipe))} --seeds {seeds}", changes)
    _go(recipe, changes, typed, seeds, quiet, as_json)


def init(
    path: Annotated[Path, typer.Argument(help="the file to write")] = Path("recipe.yaml"),
    force: Annotated[bool, typer.Option("--force", help="overwrite the file")] = False,
) -> None:
    """Write a commented recipe to start from: every key, with its default.

    Example: loregraft init recipe.yaml
    """
    from loregraft.recipe.files import write_recipe

    write_recipe(path, force)
    typer.echo(f"wrote {path}. Name your files in it, then: loregraft run {path}")


def estimate(minutes: float, seeds: int) -> str:
    """Tell how long a run may take: two trained arms a seed, and some minutes for the rest."""
    total = 2 * seeds * minutes + 2 + 0.5 * seeds
    return f"this takes about {total:.0f} minutes; what was done before is not done again"


def _changes(overrides: list[str] | None, out: Path | None, minutes: float | None) -> list[str]:
    """Turn the options into changes of the recipe's keys."""
    changes = list(overrides or [])
    changes += [f"out={out}"] if out is not None else []
    changes += [f"pretrain.minutes={minutes}", "pretrain.steps=null"] if minutes is not None else []
    return changes


def _typed(command: str, changes: list[str]) -> str:
    """Give the command line that does the same."""
    return " ".join([command, *(f"--set {shlex.quote(change)}" for change in changes)])


def _go(path: Path, changes: list[str], command: str, seeds: int | None, quiet: bool, as_json: bool) -> None:
    from loregraft.recipe.files import read_recipe

    recipe = read_recipe(path, changes)
    chosen = list(range(recipe.seed, recipe.seed + (seeds or 1)))
    from loregraft.cli.progress import Screen  # rich and torch are slow to import
    from loregraft.recipe.run import run_recipe
    from loregraft.report.terminal import summary

    with Screen(quiet) as screen:
        if recipe.pretrain.steps is None:
            screen.say(estimate(recipe.pretrain.minutes, len(chosen)))
        outcome = run_recipe(recipe, path.parent, chosen, screen, command)
    if as_json:
        typer.echo((outcome.folder / "results.json").read_text(encoding="utf-8"), nl=False)
    else:
        typer.echo(summary(outcome.results, outcome.report))


def _check_only(path: Path, changes: list[str]) -> None:
    from loregraft.config import dump_settings
    from loregraft.recipe.files import read_recipe
    from loregraft.recipe.sources import find_file, find_source

    recipe = read_recipe(path, changes)
    if not recipe.graph.sources:
        raise BadInput(path, 0, "the recipe names no source of a graph", "Set graph.sources to your files.")
    find_source(recipe.encoder.path, path.parent)
    for file in (*(source.path for source in recipe.graph.sources), *recipe.graph.text):
        find_file(file, path.parent)
    typer.echo(dump_settings(recipe), nl=False)
    typer.echo("the recipe is right and its files are there; nothing was done", err=True)
