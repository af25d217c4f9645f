"""What `loregraft kg show`, `search`, `path` and `draw` do with their arguments, and what they say."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from loregraft.errors import BadInput, CannotWrite

if TYPE_CHECKING:
    from loregraft.kg.graph import KnowledgeGraph

SHOWN_CANDIDATES = 8
MOST_WIDE = 110


def show_entity(folder: Path, what: str, most: int, as_json: bool) -> None:
    """Show the card of an entity; see `loregraft kg show`."""
    from loregraft.kg.show.card import card_lines, entity_card
    from loregraft.kg.store import open_graph

    graph = open_graph(folder)
    card = entity_card(graph, graph.id_at(_one(graph, folder, what)), most)
    if as_json:
        typer.echo(json.dumps(asdict(card), indent=1))
        return
    width = min(shutil.get_terminal_size((MOST_WIDE, 24)).columns, MOST_WIDE)
    typer.echo("\n".join(card_lines(card, max(width, 40))))


def search_names(folder: Path, text: str, limit: int, as_json: bool) -> bool:
    """Find entities by name and list them; see `loregraft kg search`. False when there is none."""
    from loregraft.kg.search import search
    from loregraft.kg.show.card import name_of
    from loregraft.kg.show.printable import printable
    from loregraft.kg.store import open_graph

    graph = open_graph(folder)
    found = search(graph, text, limit)
    rows = [
        {
            "id": graph.id_at(hit.entity),
            "name": hit.name,
            "preferred": name_of(graph, hit.entity),
            "score": hit.score,
        }
        for hit in found
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return bool(rows)
    for row in rows:
        called = "" if row["name"] == row["preferred"] else f"  = {row['preferred']}"
        typer.echo(printable(f"{row['score']:.2f}  {row['id']}  {row['name']}{called}"))
    if not rows:
        typer.echo(printable(f"no name begins with {text!r} or is like it"), err=True)
    return bool(rows)


def show_paths(folder: Path, ends: tuple[str, str], length: int, limit: int, as_json: bool) -> bool:
    """Find the paths between two entities and list them; see `loregraft kg path`. False without any."""
    from loregraft.kg.show.printable import printable
    from loregraft.kg.store import open_graph
    from loregraft.kg.walk import paths

    graph = open_graph(folder)
    start, end = (_one(graph, folder, what) for what in ends)
    found = paths(graph, start, end, length, limit)
    if as_json:
        typer.echo(json.dumps([[asdict(graph.triple(row)) for row in path] for path in found], indent=1))
        return bool(found)
    for path in found:
        typer.echo(printable(_path_in_words(graph, start, path)))
    if not found:
        typer.echo(f"no path of at most {length} triples", err=True)
    return bool(found)


def draw_to(folder: Path, what: str, out: Path, most: int, force: bool) -> None:
    """Draw an entity into a file; see `loregraft kg draw`."""
    from loregraft.disk import replace_file
    from loregraft.kg.show.drawing import draw_entity
    from loregraft.kg.show.printable import printable
    from loregraft.kg.store import open_graph

    if out.exists() and not force:
        raise CannotWrite(out, "it exists already", "Choose another name, or overwrite it with --force.")
    graph = open_graph(folder)
    replace_file(out, draw_entity(graph, graph.id_at(_one(graph, folder, what)), most))
    typer.echo(printable(f"wrote {out}"), err=True)


def _one(graph: "KnowledgeGraph", folder: Path, what: str) -> int:
    """Give the entity that an id or a name means.

    Raises:
        BadInput: There is none, or several bear the name.
    """
    from loregraft.kg.search import resolve, search
    from loregraft.kg.show.card import name_of
    from loregraft.kg.show.printable import printable

    found = resolve(graph, what)
    if len(found) == 1:
        return found[0]
    if found:
        bearers = [(graph.id_at(index), name_of(graph, index)) for index in found]
        fix = f"Give one of the ids: {_listed(bearers)}."
        raise BadInput(
            folder, 0, printable(f"{len(found):,} entities bear the name {what!r}"), printable(fix)
        )
    near = [(graph.id_at(hit.entity), hit.name) for hit in search(graph, what, SHOWN_CANDIDATES)]
    fix = f"Did you mean {_listed(near)}?" if near else "Look for it with `loregraft kg search`."
    raise BadInput(folder, 0, printable(f"no entity has the id or the name {what!r}"), printable(fix))


def _listed(entities: list[tuple[str, str]]) -> str:
    texts = [f"{id} ({name})" for id, name in entities[:SHOWN_CANDIDATES]]
    more = len(entities) - len(texts)
    return ", ".join(texts) + (f" and {more:,} more" if more else "")


def _path_in_words(graph: "KnowledgeGraph", start: int, path: tuple[int, ...]) -> str:
    from loregraft.kg.show.card import name_of, relation_name

    here, words = start, [name_of(graph, start)]
    for row in path:
        head, tail = int(graph.heads[row]), int(graph.tails[row])
        relation = relation_name(graph, int(graph.relation_indexes[row]))
        words.append(f"—{relation}→" if head == here else f"←{relation}—")
        here = tail if head == here else head
        words.append(name_of(graph, here))
    return " ".join(words)
