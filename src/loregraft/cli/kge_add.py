"""What `loregraft kge add` and `kge neighbours` do with their arguments, and what they say."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from loregraft.errors import CannotWrite


def add_to_folder(
    folder: Path, out: Path, graph_folder: Path, epochs: int, force: bool, as_json: bool
) -> None:
    """Add entities and tell; see `loregraft kge add`."""
    from loregraft.artifact import read_card
    from loregraft.cli.progress import Screen
    from loregraft.disk import keep_apart
    from loregraft.kg.store import open_graph
    from loregraft.kge.growth.grow import add_entities, is_grown

    keep_apart(out, [folder, graph_folder])
    graph, key = open_graph(graph_folder), read_card(graph_folder).key
    if out.exists() and not force and not is_grown(out, folder, key, epochs):
        raise CannotWrite(out, "it exists already", "Choose another folder, or overwrite it with --force.")
    with Screen() as screen:
        screen.begin("kge", "rows for new entities")

        def report(epoch: int, loss: float) -> None:
            screen.advance(epoch / epochs, f"epoch {epoch}: loss {loss:.3f}")

        add_entities(folder, out, graph, key, epochs, report)
    facts: dict[str, Any] = dict(read_card(out).facts)
    if as_json:
        typer.echo(json.dumps(facts, indent=1))
        return
    _tell(out, facts)


def _tell(out: Path, facts: dict[str, Any]) -> None:
    from loregraft.kg.show.printable import printable

    taken, lone = facts["from"], facts["without_triple"]
    left_out = f", {taken['left_out_entities']:,} left out" if taken["left_out_entities"] else ""
    added = f"{taken['new_entities']:,} entities added from {facts['triples']['train']:,} triples"
    typer.echo(f"{out}: {added}; {taken['entities']:,} stay as they were{left_out}")
    if lone["entities"]:
        names = ", ".join(printable(name) for name in lone["first"])
        more = " ..." if lone["entities"] > len(lone["first"]) else ""
        means = f"{lone['mean_of_type']:,} have the mean of the known ones of their type, the others of all"
        said = f"{lone['entities']:,} of them are in no triple of train: {names}{more}; {means}"
        typer.echo(said, err=True)


def neighbours_of(folder: Path, ids: Sequence[str], count: int, approximate: bool, as_json: bool) -> None:
    """Print the neighbours of one or several entities; see `loregraft kge neighbours`."""
    from loregraft.cli.kge_rank import show_found
    from loregraft.kg.show.printable import printable
    from loregraft.kge.nearest import approximate_neighbours, neighbours
    from loregraft.kge.vectors import open_vectors

    vectors = open_vectors(folder)
    found = (
        approximate_neighbours(vectors, folder, ids, count)
        if approximate
        else neighbours(vectors, ids, count)
    )
    if len(ids) == 1:
        show_found(found[0], as_json)
    elif as_json:
        told = {
            id: [{"id": one.id, "score": round(one.score, 5)} for one in best]
            for id, best in zip(ids, found, strict=True)
        }
        typer.echo(json.dumps(told, indent=1))
    else:
        for id, best in zip(ids, found, strict=True):
            typer.echo(printable(id))
            show_found(best, False)
