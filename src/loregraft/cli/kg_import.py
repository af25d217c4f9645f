"""What `loregraft kg import` does with its arguments, and what it says."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from loregraft.errors import BadInput, CannotWrite

if TYPE_CHECKING:
    from loregraft.kg.importing import Imported


@dataclass(frozen=True)
class Wanted:
    """What is asked of an import, as the options of `loregraft kg import` say it."""

    format: str
    join: Literal["id", "names", "xref", "table"]
    table: Path | None
    languages: str
    relations: str
    skip_bad: bool


def import_sources(arguments: Sequence[str], wanted: Wanted, force: bool, as_json: bool) -> None:
    """Import and tell; see `loregraft kg import`.

    Args:
        arguments: The sources, and last the new folder.
    """
    from loregraft.cli.progress import Screen
    from loregraft.kg.importing import Source, import_graph, read_id_table
    from loregraft.kg.readers import is_address
    from loregraft.kg.readers.keep import Keep

    *given, last = arguments
    out = Path(last)
    if not given:
        fix = "Name the sources first and the new folder last: loregraft kg import FILE... OUT"
        raise BadInput(out, 0, "only one path is given", fix)
    if out.exists() and not force:
        raise CannotWrite(out, "it exists already", "Choose another folder, or overwrite it with --force.")
    if (wanted.table is None) == (wanted.join == "table"):
        raise BadInput(
            wanted.table or out, 0, "--table and --join table belong together", "Give both or neither."
        )
    sources = [
        Source(
            text if is_address(text) else Path(text),
            wanted.format,
            join="id" if number == 0 else wanted.join,
        )
        for number, text in enumerate(given)
    ]
    keep = Keep(_set(wanted.languages), _set(wanted.relations))
    with Screen() as screen:
        screen.begin("kg", ", ".join(source.label for source in sources))
        imported = import_graph(
            sources,
            skip_bad=wanted.skip_bad,
            keep=keep,
            table=read_id_table(wanted.table) if wanted.table else None,
            advance=screen.advance,
        )
        screen.advance(1.0, f"writing {out}")
        asked = {"join": wanted.join, "languages": wanted.languages, "relations": wanted.relations}
        _save(imported, sources, out, asked)
    _tell(imported, out, as_json)


def _set(text: str) -> frozenset[str] | None:
    return frozenset(part.strip() for part in text.split(",")) if text else None


def _save(imported: "Imported", sources: Sequence[object], out: Path, settings: dict[str, str]) -> None:
    from loregraft.artifact import Json, fingerprint, sha256_file, sha256_folder
    from loregraft.kg.importing import Source
    from loregraft.kg.store import save_graph

    inputs = {}
    for source in sources:
        assert isinstance(source, Source)
        path = Path(source.path)
        if path.exists():
            inputs[source.label] = sha256_folder(path) if path.is_dir() else sha256_file(path)
    told: dict[str, Json] = {
        **settings,
        "formats": {Path(path).name: name for path, name in imported.formats.items()},
    }
    facts: dict[str, Json] = {
        "joins": {name: dict(counts) for name, counts in imported.joins.items()},
        "bad_lines": len(imported.problems),
        "problems": [str(problem) for problem in imported.problems[:100]],
    }
    save_graph(
        imported.graph, out, fingerprint("import", 1, told, inputs), settings=told, inputs=inputs, facts=facts
    )


def _tell(imported: "Imported", out: Path, as_json: bool) -> None:
    counts = imported.graph.counts()
    if as_json:
        told = {"formats": imported.formats, "counts": counts, "joins": imported.joins}
        typer.echo(json.dumps(told | {"problems": [str(problem) for problem in imported.problems]}, indent=1))
        return
    for path, format in imported.formats.items():
        typer.echo(f"{path}: {format or 'server'}", err=True)
    for name, joined in imported.joins.items():
        words = ", ".join(f"{count:,} {word.replace('_', ' ')}" for word, count in joined.items())
        typer.echo(f"{name}: {words}", err=True)
    shown = [f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items() if count]
    typer.echo(f"{out}: {', '.join(shown)}")
    if imported.problems:
        for problem in imported.problems[:3]:
            typer.echo(f"  {problem}", err=True)
        more = f"{len(imported.problems):,} bad lines were left out; the first 100 are in {out / 'card.json'}"
        typer.echo(more, err=True)
