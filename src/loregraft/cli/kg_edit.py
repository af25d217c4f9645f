"""What `loregraft kg edit`, `undo` and `diff` do with their arguments, and what they say."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from loregraft.errors import BadInput

if TYPE_CHECKING:
    from loregraft.kg.edit.change import Change
    from loregraft.records import Triple

SHOWN = 3


def edit_folder(
    folder: Path, add: Sequence[Path], remove: Sequence[Path], ids: Sequence[str], format: str, as_json: bool
) -> None:
    """Edit and tell; see `loregraft kg edit`."""
    from loregraft.kg.edit.folder import edit_graph

    if not (add or remove or ids):
        raise BadInput(folder, 0, "nothing to change is named", "Give --add, --remove or --remove-id.")
    additions = [triple for path in add for triple in _facts(path, format)]
    removals: list[Triple | str] = [triple for path in remove for triple in _facts(path, format)]
    try:
        change = edit_graph(folder, additions, [*removals, *ids])
    except ValueError as error:
        raise BadInput(folder, 0, str(error), "See `loregraft kg show --json` for the facts.") from error
    _tell(folder, change, "", as_json)


def undo_last(folder: Path, as_json: bool) -> None:
    """Undo and tell; see `loregraft kg undo`."""
    from loregraft.kg.edit.folder import undo_edit

    _tell(folder, undo_edit(folder), "undone: ", as_json)


def diff_folders(first: Path, second: Path, sources: bool, as_json: bool) -> bool:
    """Compare and tell; see `loregraft kg diff`. True when they are equal."""
    from loregraft.kg.edit.diff import diff_graphs
    from loregraft.kg.show.printable import printable
    from loregraft.kg.store import open_graph

    found = diff_graphs(open_graph(first), open_graph(second), sources=sources)
    if as_json:
        typer.echo(json.dumps({table: asdict(difference) for table, difference in found.items()}, indent=1))
        return not found
    for table, difference in found.items():
        counts = {"added": difference.added, "removed": difference.removed, "changed": difference.changed}
        told = ", ".join(f"{count:,} {word}" for word, count in counts.items() if count)
        typer.echo(f"{table.replace('_', ' ')}: {told}")
        for word, mark in (("added", "+"), ("removed", "-"), ("changed", "~")):
            for example in difference.examples.get(word, ()):
                typer.echo(f"  {mark} {printable(example)}")
    typer.echo(f"{first} and {second} {'are different' if found else 'say the same'}", err=True)
    return not found


def _facts(path: Path, format: str) -> "list[Triple]":
    """Read the facts of a file; what else it holds is counted and left out."""
    from loregraft.kg.graph import KnowledgeGraph
    from loregraft.kg.readers import read

    graph = KnowledgeGraph.gather(read(path, format), path.name)
    facts = list(graph.statements(range(len(graph.triples))))
    facts += graph.statements(range(len(graph.negated)), negated=True)
    others = {
        table.replace("_", " "): len(rows)
        for table, rows in graph.tables.items()
        if table not in ("entities", "relations", "triples", "negated") and len(rows)
    }
    if others:
        words = ", ".join(f"{count:,} {table}" for table, count in others.items())
        typer.echo(f"{path}: only facts are taken, not {words}", err=True)
    return facts


def _tell(folder: Path, change: "Change", before: str, as_json: bool) -> None:
    from loregraft.kg.show.printable import printable

    if as_json:
        typer.echo(json.dumps(asdict(change), indent=1))
        return
    counts = {
        "added": change.added,
        "already there": change.already_there,
        "removed": change.removed,
        "not found": len(change.not_found),
    }
    told = ", ".join(f"{count:,} {word}" for word, count in counts.items() if count) or "nothing changed"
    typer.echo(f"{folder}: {before}{told}")
    lists = {
        "not found": change.not_found,
        "new entities": change.new_entities,
        "new relations": change.new_relations,
    }
    for word, ids in lists.items():
        more = f" and {len(ids) - SHOWN:,} more" if len(ids) > SHOWN else ""
        if ids:
            typer.echo(printable(f"  {word}: {'; '.join(ids[:SHOWN])}{more}"), err=True)
