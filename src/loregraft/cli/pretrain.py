"""The command `loregraft pretrain`: what texts and graph of a domain say, trained into an encoder."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loregraft.errors import CannotWrite

if TYPE_CHECKING:
    from loregraft.linking.linker import Linker
    from loregraft.pretrain.learn import Sources
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

    overrides = list(set_ or [])
    if objectives:
        overrides.append(f"objectives=[{objectives}]")
    if minutes is not None:
        overrides.append(f"minutes={minutes}")
    settings = load_settings(MixSettings, recipe, overrides)
    if settings.steps is None and settings.tokens is None and settings.minutes is None:
        settings = settings.model_copy(update={"minutes": 3.0})
    keep_apart(out, [graph, *texts])
    with Screen() as screen:
        screen.begin("pretrain", "reading and linking the texts")
        sources = _sources(encoder, graph, texts, linker, vectors, settings.objectives)
        if out.exists() and not force and not is_learnt(out, sources, settings):
            raise CannotWrite(
                out, "it exists already", "Choose another folder, or overwrite it with --force."
            )

        def advance(progress: "Progress") -> None:
            losses = ", ".join(f"{name} {value:.3f}" for name, value in progress.losses.items())
            speed = f"{progress.tokens_per_s:,.0f} tokens/s, gradient {progress.gradient_norm:.2f}"
            done = f"{progress.step}/{progress.steps}"
            screen.advance(progress.step / progress.steps, f"{done}: {losses}, {speed}")

        facts = learn_model(sources, out, settings, advance)
    if as_json:
        typer.echo(json.dumps(facts, indent=1))
        return
    loss = facts["loss"]
    assert isinstance(loss, list)
    typer.echo(
        f"{out}: {facts['steps']:,} steps, {facts['tokens']:,} tokens in {facts['seconds']} s; "
        f"loss as share of the first {loss[0][1]:.3f} to {loss[-1][1]:.3f}; "
        f"{facts['coverage']:.0%} of {facts['texts']:,} texts have links"
    )


def _sources(
    encoder: str,
    graph: Path,
    texts: list[Path],
    linker: Path | None,
    vectors: Path | None,
    objectives: tuple[str, ...],
) -> "Sources":
    from loregraft.artifact import fingerprint, read_card
    from loregraft.encoder.load import load_encoder
    from loregraft.fusion.knowledge import Knowledge
    from loregraft.kg.store import open_graph
    from loregraft.kge.vectors import open_vectors
    from loregraft.linking.texts.sources import open_sources, read_sources
    from loregraft.pretrain.learn import Sources
    from loregraft.recipe.sources import PACKAGE, find_source

    path = find_source(encoder, Path()) if encoder.startswith(PACKAGE) else Path(encoder)
    opened, keys = open_graph(graph), {"graph": read_card(graph, "graph").key}
    found = open_vectors(vectors) if vectors is not None else None
    if vectors is not None:
        keys["vectors"] = read_card(vectors).key
    if linker is not None:
        keys["linker"] = read_card(linker).key
    read = [row.text for row in read_sources(open_sources(texts))]
    keys["texts"] = fingerprint(read)
    knowledge = Knowledge(opened, found)
    return Sources(load_encoder(path), knowledge, read, keys, _linker_of(linker, knowledge, objectives))


def _linker_of(folder: Path | None, knowledge: object, objectives: tuple[str, ...]) -> "Linker | None":
    """Open a linker, or make one of the graph's names, where an objective reads links."""
    from loregraft.fusion.knowledge import Knowledge
    from loregraft.linking.linker import Linker
    from loregraft.pretrain.make import OBJECTIVES

    if folder is not None:
        return Linker.load(folder)
    needed = any("links" in OBJECTIVES[name].needs for name in objectives if name in OBJECTIVES)
    assert isinstance(knowledge, Knowledge)
    return Linker.build(knowledge.graph) if needed else None
