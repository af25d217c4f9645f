"""What `loregraft kg import` does with its arguments, and what it says."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from loregraft.errors import BadInput, CannotWrite

if TYPE_CHECKING:
    from loregraft.artifact import Json
    from loregraft.kg.importing import Imported, Join, Source


@dataclass(frozen=True)
class ImportOptions:
    """What is asked of an import, as the options of `loregraft kg import` say it."""

    format: str
    join: "Join"
    table: Path | None
    languages: str
    relations: str
    skip_bad: bool


def import_sources(arguments: Sequence[str], options: ImportOptions, force: bool, as_json: bool) -> None:
    """Import and tell; see `loregraft kg import`.

    Args:
        arguments: The sources, and last the new folder.
    """
    from loregraft.cli.progress import Screen
    from loregraft.kg.importing import import_graph, read_id_table
    from loregraft.kg.readers.keep import Keep
    from loregraft.kg.show.printable import printable

    *given, last = arguments
    out, sources = Path(last), _sources(given, options)
    _refuse(arguments, sources, options, force)
    keep = Keep(_set(options.languages), _set(options.relations))
    with Screen() as screen:
        screen.begin("kg", printable(", ".join(source.label for source in sources)))
        imported = import_graph(
            sources,
            skip_bad=options.skip_bad,
            keep=keep,
            table=read_id_table(options.table) if options.table else None,
            advance=lambda share, words: screen.advance(share, printable(words)),
        )
        screen.advance(1.0, f"writing {out}")
        _save(imported, sources, options, out)
    _tell(imported, sources, out, as_json)


def _sources(given: Sequence[str], options: ImportOptions) -> "list[Source]":
    from loregraft.kg.importing import Source, told_apart
    from loregraft.kg.readers import is_address

    paths = [text if is_address(text) else Path(text) for text in given]
    joins: list[Join] = ["id", *[options.join] * len(paths)]
    return told_apart(
        [Source(path, options.format, join=join) for path, join in zip(paths, joins, strict=False)]
    )


def _refuse(
    arguments: Sequence[str], sources: "Sequence[Source]", options: ImportOptions, force: bool
) -> None:
    """Refuse what cannot be meant."""
    from loregraft.disk import keep_apart
    from loregraft.kg.tables.columns import storable

    out = Path(storable(arguments[-1]))
    if not sources:
        fix = "Name the sources first and the new folder last: loregraft kg import FILE... OUT"
        raise BadInput(out, 0, "only one path is given", fix)
    if str(out) != str(Path(arguments[-1])):
        raise BadInput(out, 0, "the name of the folder is not UTF-8", "Choose another name.")
    if out.exists() and not force:
        raise CannotWrite(out, "it exists already", "Choose another folder, or overwrite it with --force.")
    if (options.table is None) == (options.join == "table"):
        found = "--table and --join table belong together"
        raise BadInput(options.table or out, 0, found, "Give both or neither.")
    read = [source.path for source in sources if isinstance(source.path, Path)]
    keep_apart(out, [*read, *([options.table] if options.table else [])])


def _set(text: str) -> frozenset[str] | None:
    return frozenset(part.strip() for part in text.split(",")) if text else None


def _save(imported: "Imported", sources: "Sequence[Source]", options: ImportOptions, out: Path) -> None:
    from loregraft.artifact import fingerprint, sha256_file
    from loregraft.kg.show.printable import printable
    from loregraft.kg.store import save_graph

    hashes = [_content(source.path) for source in sources]
    read = [[*found, hash] for found, hash in zip(imported.formats.items(), hashes, strict=True)]
    inputs = {label: hash for label, _, hash in read if hash}
    settings: dict[str, Json] = {
        "join": options.join,
        "languages": options.languages,
        "relations": options.relations,
        "skip_bad": options.skip_bad,
        "formats": dict(imported.formats),
    }
    if options.table:
        settings["table"] = sha256_file(options.table)
    facts: dict[str, Json] = {
        "joins": {name: dict(counts) for name, counts in imported.joins.items()},
        "bad_lines": imported.problems.total,
        "problems": [printable(str(problem)) for problem in imported.problems[:100]],
    }
    key = fingerprint("import", 2, settings, read)
    save_graph(imported.graph, out, key, settings=settings, inputs=inputs, facts=facts)


def _content(path: Path | str) -> str:
    """Hash what is read: of a graph folder what its card lists, without an index that lies in it too.

    What a server will answer has none.
    """
    from loregraft.artifact import fingerprint, read_card, sha256_file, sha256_folder
    from loregraft.kg.readers.folders.graph import fits_graph

    if not isinstance(path, Path):
        return ""
    if fits_graph(path, ""):
        return fingerprint(read_card(path).outputs)
    return sha256_folder(path) if path.is_dir() else sha256_file(path)


def _tell(imported: "Imported", sources: "Sequence[Source]", out: Path, as_json: bool) -> None:
    from loregraft.kg.readers import first_triple
    from loregraft.kg.show.printable import printable

    counts = imported.graph.counts()
    if as_json:
        told = {"formats": imported.formats, "counts": counts, "joins": imported.joins}
        problems = [printable(str(problem)) for problem in imported.problems]
        typer.echo(json.dumps(told | {"bad_lines": imported.problems.total, "problems": problems}, indent=1))
        return
    for source, (label, format) in zip(sources, imported.formats.items(), strict=True):
        first = first_triple(source.path, format) if isinstance(source.path, Path) else None
        triple = f"; the first triple: {' | '.join(first):.200}" if first else ""
        typer.echo(printable(f"{label}: {format or 'server'}{triple}"), err=True)
    for name, joined in imported.joins.items():
        words = ", ".join(f"{count:,} {word.replace('_', ' ')}" for word, count in joined.items())
        typer.echo(printable(f"{name}: {words}"), err=True)
    shown = [f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items() if count]
    typer.echo(printable(f"{out}: {', '.join(shown)}"))
    if imported.problems:
        for problem in imported.problems[:3]:
            typer.echo(printable(f"  {problem}"), err=True)
        total, card = imported.problems.total, out / "card.json"
        typer.echo(printable(f"{total:,} bad lines were left out; the first 100 are in {card}"), err=True)
