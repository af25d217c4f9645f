"""`loregraft verify`: is a folder what its card says?"""

from pathlib import Path
from typing import Annotated

import typer

from loregraft import artifact


def verify(folder: Annotated[Path, typer.Argument(help="a folder that a loregraft command wrote")]) -> None:
    """Check a folder against its card: kind, and the sha256 of each file.

    Example: loregraft verify out/demo/model
    """
    problems = artifact.verify(folder)
    card = artifact.read_card(folder)
    for problem in problems:
        typer.echo(problem)
    if problems:
        typer.echo(f"{folder}: {len(problems)} problem(s). Run the command that made it again.", err=True)
        raise typer.Exit(1)
    typer.echo(f"{folder}: a {card.kind}, intact, {len(card.outputs)} files")
