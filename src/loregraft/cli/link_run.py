"""What `loregraft link run` and `explain` do with their arguments, and what they say."""

import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from loregraft.cli.link_build import open_linker

if TYPE_CHECKING:
    from loregraft.linking.linker import Linker

TEXTS_AT_ONCE = 64


def run_linker(folder: Path, paths: Sequence[Path], encoder: Path | None, nil: str) -> None:
    """Link texts; see `loregraft link run`."""
    linker = open_linker(folder, encoder)
    if nil:
        linker = _with_threshold(linker, nil)
    texts = linked = 0
    for lines in _batches(paths):
        for text, links in zip(lines, linker.links(lines), strict=True):
            found = [{**asdict(link.mention), "entity": link.entity, "score": link.score} for link in links]
            typer.echo(json.dumps({"text": text, "links": found}, ensure_ascii=False))
            linked += len(found)
        texts += len(lines)
    typer.echo(f"{texts:,} texts, {linked:,} links", err=True)


def explain_text(folder: Path, text: str, encoder: Path | None, as_json: bool) -> None:
    """Link a text and say why; see `loregraft link explain`."""
    from loregraft.linking.explain import explain

    found = explain(open_linker(folder, encoder), text)
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found], ensure_ascii=False, indent=1))
        return
    if not found:
        typer.echo("no mention of an entity", err=True)
    for one in found:
        mention = one.link.mention
        typer.echo(
            f"{mention.text!r} ({mention.start}-{mention.end}): {one.link.entity}, {one.link.score:.2f}"
        )
        for thought in one.thoughts:
            parts = sorted(thought.gave.items(), key=lambda part: -abs(part[1]))
            words = ", ".join(f"{name} {value:+.2f}" for name, value in parts)
            typer.echo(f"  {thought.score:6.2f}  {thought.label} [{thought.entity}]: {words}")
        typer.echo(f"  {one.nil:6.2f}  none of them")
        for fact in one.facts:
            typer.echo(f"          {fact}")


def _with_threshold(linker: "Linker", nil: str) -> "Linker":
    value: str | float = nil
    with contextlib.suppress(ValueError):
        value = float(nil)
    try:
        return linker.with_settings(nil=value)
    except ValueError as error:
        fix = "give a number from 0 to 1, or a precision such as p95"
        raise typer.BadParameter(f"--nil is {nil!r}; {fix}") from error


def _batches(paths: Sequence[Path]) -> Iterator[list[str]]:
    """Give the lines of files, some at a time."""
    from loregraft.linking.coverage import read_texts

    lines: list[str] = []
    for path in paths:
        source = (line.rstrip("\n") for line in sys.stdin) if str(path) == "-" else read_texts([path])
        for line in source:
            lines.append(line)
            if len(lines) == TEXTS_AT_ONCE:
                yield lines
                lines = []
    if lines:
        yield lines
