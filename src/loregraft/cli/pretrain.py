"""The command `loregraft pretrain`: what texts and graph of a domain say, trained into an encoder."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from loregraft.errors import CannotWrite

if TYPE_CHECKING:
    from loregraft.training.loop import Progress


def pretrain(
    encoder: Annotated[str, typer.Argument(metavar="ENCODER", help="a Hugging Face encoder folder")],
    graph: Annotated[Path, typer.Argument(metavar="GRAPH", help="a folder that `loregraft kg import` wrote")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="the folder to write: plain transformers")],
    texts: Annotated[
        list[Path],
        typer.Argument(metavar="TEXT...", help="texts: txt, jsonl, csv, tsv, parquet"),
    ],
    objectives: Annotated[
        str,
        typer.Option(
            "--objectives",
            metavar="NAMES",
            help="what trains, with commas between: see docs/reference/models.md",
        ),
    ] = "",
    linker: Annotated[
        Path | None, typer.Option("--linker", metavar="DIR", help="a linker of the graph; else one is made")
    ] = None,
    vectors: Annotated[
        Path | None, typer.Option("--vectors", metavar="DIR", help="vectors that kge train wrote")
    ] = None,
    replay: Annotated[
        list[Path] | None,
        typer.Option("--replay", metavar="FILE", help="general texts, so that less is forgotten"),
    ] = None,
    minutes: Annotated[float | None, typer.Option("--minutes", help="training time", min=0.01)] = None,
    recipe: Annotated[
        Path | None, typer.Option("--recipe", metavar="FILE", help="settings as YAML; --set changes them")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="a setting, such as tokens=100000")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="overwrite what is there")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Train knowledge into an encoder's weights; what comes out is a plain model folder.

    Example: loregraft pretrain ENCODER graph out/model notes.txt --objectives triples --minutes 5
    """
    from loregraft.cli.progress import Screen
    from loregraft.config import load_settings
    from loregraft.disk import keep_apart
    from loregraft.pretrain.learn import is_learnt, learn_model
    from loregraft.pretrain.settings import MixSettings
    from loregraft.pretrain.sources import open_all
    from loregraft.recipe.sources import find_source

    short = {"objectives": f"[{objectives}]" if objectives else None, "minutes": minutes}
    overrides = [f"{name}={value}" for name, value in short.items() if value is not None]
    settings = load_settings(MixSettings, recipe, [*overrides, *(set_ or [])])
    keep_apart(out, [graph, *texts, *(replay or ())])
    first = os.environ.get("RANK", "0") == "0"  # of the processes of torchrun, this one speaks
    with Screen(quiet=not first) as screen:
        screen.begin("pretrain", "reading and linking the texts")
        path = find_source(encoder, Path())
        sources = open_all(
            path, graph, texts, settings.objectives, linker=linker, vectors=vectors, replay=replay or ()
        )
        done = is_learnt(out, sources, settings)
        if out.exists() and not force and not done:
            raise CannotWrite(
                out, "it exists already", "Choose another folder, or overwrite it with --force."
            )
        facts = learn_model(sources, out, settings, lambda now: screen.advance(*_words(now)))
    if first:
        typer.echo(json.dumps(facts, indent=1) if as_json else _told(out, facts, done))


def _words(now: "Progress") -> tuple[float, str]:
    losses = ", ".join(f"{name} {value:.3f}" for name, value in now.losses.items())
    speed = f"{now.tokens_per_s:,.0f} tokens/s, gradient {now.gradient_norm:.2f}"
    return now.step / now.steps, f"{now.step}/{now.steps}: {losses}, {speed}"


def _told(out: Path, facts: dict[str, Any], done: bool) -> str:
    return (
        f"{out}: {facts['steps']:,} steps, {facts['tokens']:,} tokens in {facts['seconds']} s; "
        f"loss as share of the first {facts['loss'][0][1]:.3f} to {facts['loss'][-1][1]:.3f}; "
        f"{facts['coverage']:.0%} of {facts['texts']:,} texts have links" + " (unchanged)" * done
    )
