"""What `loregraft kge prove-literals` does with its arguments, and what it says."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer


def prove_literals_of(
    folder: Path, seeds: int, recipe: Path | None, overrides: Sequence[str], as_json: bool
) -> None:
    """Train the arms and tell; see `loregraft kge prove-literals`."""
    from loregraft.cli.progress import Screen
    from loregraft.config import load_settings
    from loregraft.errors import BadInput
    from loregraft.kge.settings import KgeSettings

    settings = load_settings(KgeSettings, recipe, overrides)
    if settings.literals != "none":
        fix = "Leave it out: each arm has its own."
        raise BadInput(Path("settings"), 0, f"literals is {settings.literals}", fix)
    from loregraft.kg.store import open_graph
    from loregraft.kge.literals.proof import literal_proof

    graph = open_graph(folder)
    with Screen() as screen:
        screen.begin("kge", f"3 arms, {seeds} seeds each")
        drawn = range(settings.seed, settings.seed + seeds)
        told = literal_proof(graph, settings, drawn, lambda words, share: screen.advance(share, words))
    if as_json:
        typer.echo(json.dumps(told, indent=1))
        return
    for line in _lines(told):
        typer.echo(line)


def _lines(told: Mapping[str, Any]) -> list[str]:
    """Say it all for people: arms, differences, the numbers used, and relations."""
    from loregraft.kg.show.printable import printable

    literals = told["literals"]
    used = ", ".join(f"{name} ({count:,})" for name, count in literals["used"].items())
    lines = [printable(f"numbers of {used}")]
    for words, what in (
        ("left out, on too few entities", "too_few"),
        ("left out, all alike", "all_alike"),
        ("left out, too many properties", "too_many"),
        ("unreadable values", "unreadable"),
    ):
        if literals[what]:
            counts = ", ".join(f"{name} ({count:,})" for name, count in literals[what].items())
            lines.append(printable(f"{words}: {counts}"))
    lines.append("test MRR  " + _mrr(told) + f"  n {told['n']:,}")
    for name, gap in told["differences"].items():
        lines.append(
            f"{name:<16}  {gap['value']:+.4f}  95 % interval {gap['low']:+.4f} to {gap['high']:+.4f}"
        )
    lines.append(f"the numbers: {told['verdict']}")
    for id, own in told["relations"].items():
        lines.append(printable(f"  {id}: {_mrr(own)}  n {own['n']:,}  the numbers: {own['verdict']}"))
    return lines


def _mrr(told: Mapping[str, Any]) -> str:
    return "  ".join(f"{arm} {value:.4f}" for arm, value in told["mrr"].items())
