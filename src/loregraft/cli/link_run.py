"""What `loregraft link run` and `explain` do with their arguments, and what they say."""

import contextlib
import json
import os
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from loregraft.cli.link_build import open_linker
from loregraft.errors import BadInput
from loregraft.kg.readers.text.lines import Problems
from loregraft.kg.show.printable import printable

if TYPE_CHECKING:
    from loregraft.linking.linker import Linker
    from loregraft.linking.texts.rows import TextRow
    from loregraft.linking.texts.sources import Source
    from loregraft.linking.texts.writers import Write
    from loregraft.records import Link

NAMED = 3
"""Rows that cannot be read and are named as they come; the others are counted."""


@dataclass(frozen=True)
class RunOptions:
    """How `loregraft link run` is to read, link and write."""

    encoder: Path | None
    nil: str
    column: str
    out: Path | None
    as_json: bool
    force: bool
    workers: int

    @property
    def shows(self) -> bool:
        """Whether a person looks at the links themselves."""
        return self.out is None and not self.as_json and sys.stdout.isatty()


class _Unread(Problems):
    """Counts what cannot be read, and names the first as they come."""

    def append(self, problem: BadInput) -> None:
        super().append(problem)
        if self.total <= NAMED:
            typer.echo(printable(str(problem)), err=True)


@dataclass
class _Tally:
    """What has been read and linked so far."""

    texts: int = 0
    links: int = 0
    unread: _Unread = field(default_factory=_Unread)

    def tell(self) -> None:
        if self.unread.total:
            rows = "1 row" if self.unread.total == 1 else f"{self.unread.total:,} rows"
            typer.echo(f"{rows} could not be read", err=True)
        typer.echo(f"{self.texts:,} texts, {self.links:,} links", err=True)


def run_linker(folder: Path, paths: Sequence[Path], options: RunOptions) -> None:
    """Link texts; see `loregraft link run`. Ends with exit code 1 where no text could be read."""
    from loregraft.linking.texts.sources import open_sources

    sources = open_sources(paths, options.column)
    _check_output(options, paths)
    linker = open_linker(folder, options.encoder)
    if options.nil:
        linker = _with_threshold(linker, options.nil)
    tally = _Tally()
    try:
        with _writing(linker, options) as write:
            _link_all(linker, sources, options, write, tally)
            if not tally.texts:
                raise typer.Exit(1)  # here, so that no file is written, nor an older one replaced
    finally:
        tally.tell()


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


def _check_output(options: RunOptions, paths: Sequence[Path]) -> None:
    """Refuse an output before anything is linked."""
    from loregraft.disk import keep_apart
    from loregraft.linking.texts.writers import check_output

    if options.out is None:
        return
    if options.as_json:
        raise typer.BadParameter("--json is for what is printed; the name of --out tells how it is written")
    check_output(options.out, options.force)
    keep_apart(options.out, [path for path in paths if str(path) != "-"])


def _link_all(
    linker: "Linker", sources: Sequence["Source"], options: RunOptions, write: "Write", tally: _Tally
) -> None:
    """Read, link and write, and count."""
    from loregraft.cli.progress import Screen
    from loregraft.linking.texts.sources import read_sources

    read = 0.0

    def watch(share: float) -> None:
        nonlocal read
        read = share

    with Screen(quiet=options.shows) as screen:
        screen.begin("link", f"texts of {len(sources)} input{'s' * (len(sources) > 1)}")
        rows = read_sources(sources, tally.unread, watch if sys.stderr.isatty() else None)
        for row, links in _linked(linker, rows, options.workers):
            write(row, links)
            tally.texts, tally.links = tally.texts + 1, tally.links + len(links)
            screen.advance(read, f"{tally.texts:,} texts, {tally.links:,} links")


def _linked(
    linker: "Linker", rows: Iterator["TextRow"], workers: int
) -> Iterator[tuple["TextRow", Sequence["Link"]]]:
    """Yield each text with its links, in order."""
    waiting: deque[TextRow] = deque()

    def texts() -> Iterator[str]:
        for row in rows:
            waiting.append(row)
            yield row.text

    for links in linker.pipe(texts(), workers=workers):
        yield waiting.popleft(), links


@contextlib.contextmanager
def _writing(linker: "Linker", options: RunOptions) -> Iterator["Write"]:
    """Give what writes a linked text: into a file, or on standard output as JSON or in colour."""
    from loregraft.linking.texts.writers import json_line, labels_of, writing_links

    entities = linker.index.entities
    if options.out is not None:
        with writing_links(options.out, lambda links: labels_of(entities, links)) as write:
            yield write
        return
    stream = sys.stdout  # as it is now: a bar on stderr takes its place, for what is printed above it
    line = in_colour if options.shows else json_line
    colour = False if os.environ.get("NO_COLOR") else None
    yield lambda row, links: typer.echo(line(row, links), file=stream, color=colour)


def in_colour(row: "TextRow", links: Sequence["Link"]) -> str:
    """Give a linked text for a terminal: `[Marfan syndrome|MONDO:0007947 0.97] is ...`."""
    from loregraft.linking.texts.spans import Begin, walk

    depth, parts = 0, [] if row.id is None else [typer.style(f"{printable(str(row.id))}: ", dim=True)]
    for part in walk(row.text, links):
        if isinstance(part, str):
            shown = printable(part)
            parts.append(typer.style(shown, fg="cyan", bold=True, underline=depth > 1) if depth else shown)
        elif isinstance(part, Begin):
            depth += 1
            parts.append(typer.style("[" if part.first else "[…", dim=True))
        else:
            depth -= 1
            entity = printable(part.link.entity or "none")
            behind = f"|{entity} {part.link.score:.2f}]" if part.last else "…]"
            parts.append(typer.style(behind, dim=True))
    return "".join(parts)
