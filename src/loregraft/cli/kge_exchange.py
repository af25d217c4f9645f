"""What `loregraft kge export` and `loregraft kge import` do with their arguments, and what they say."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from loregraft.kge.exchange.importing import Source


def export_folder(folder: Path, out: Path, format: str, force: bool, as_json: bool) -> None:
    """Write vectors in a format and tell; see `loregraft kge export`."""
    from dataclasses import asdict

    from loregraft.disk import keep_apart
    from loregraft.kge.exchange.exporting import export_vectors
    from loregraft.kge.vectors import open_vectors

    keep_apart(out, [folder])
    told = export_vectors(open_vectors(folder), out, format, force=force)
    if as_json:
        typer.echo(json.dumps({"format": format, **asdict(told)}, indent=1))
    typer.echo(f"wrote {out}: {told}", err=True)


def import_folder(source: "Source", out: Path, graph: Path, force: bool, as_json: bool) -> None:
    """Take vectors of another tool over and tell; see `loregraft kge import`."""
    from loregraft.artifact import read_card
    from loregraft.disk import keep_apart
    from loregraft.kg.store import open_graph
    from loregraft.kge.exchange.importing import import_vectors

    keep_apart(out, [source.folder, graph])
    opened = open_graph(graph)
    told = import_vectors(source, out, opened, read_card(graph).key, force=force)
    if as_json:
        typer.echo(json.dumps(told, indent=1))
        return
    lines = [f"wrote {out}: {told['entities']:,} entities, {told['relations']:,} relations"]
    for what in ("entities", "relations"):
        if told[f"{what}_of_zeros"]:
            lines.append(f"- {told[f'{what}_of_zeros']:,} {what} had no vector and have zeros")
        if told[f"{what}_left_out"]:
            lines.append(f"- {told[f'{what}_left_out']:,} {what} are not in the graph and are left out")
    typer.echo("\n".join(lines), err=True)
