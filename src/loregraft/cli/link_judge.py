"""What `loregraft link eval` does with its arguments, and what it says."""

import json
from pathlib import Path

import typer

from loregraft.cli.link_build import open_linker
from loregraft.errors import BadInput


def eval_linker(
    folder: Path, path: Path, encoder: Path | None, format: str, given: bool, as_json: bool
) -> None:
    """Judge a linker; see `loregraft link eval`."""
    from loregraft.linking.formats import read
    from loregraft.linking.judging.evaluation import evaluate

    linker = open_linker(folder, encoder)
    annotated = list(read(path, format))
    if not annotated:
        raise BadInput(path, 0, "there is no document in it", "Give labelled texts.")
    judged = evaluate(linker, annotated, places_given=given)
    if as_json:
        typer.echo(json.dumps(judged.as_dict(), indent=1))
        return
    for line in judged.told():
        typer.echo(line)
