"""What `loregraft kge train-text` does with its arguments, and `kge rank` of what it wrote."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import typer

from loregraft.errors import CannotWrite


def train_text_folder(
    folder: Path,
    out: Path,
    encoder: str,
    recipe: Path | None,
    overrides: Sequence[str],
    force: bool,
    as_json: bool,
) -> None:
    """Train and tell; see `loregraft kge train-text`."""
    from loregraft.artifact import read_card
    from loregraft.cli.progress import Screen
    from loregraft.config import load_settings
    from loregraft.disk import keep_apart
    from loregraft.kg.store import open_graph
    from loregraft.kge.text.learn import is_text_learnt, learn_text_vectors
    from loregraft.kge.text.settings import TextKgeSettings
    from loregraft.recipe.sources import PACKAGE, find_source

    settings = load_settings(TextKgeSettings, recipe, overrides)
    beside = Path() if encoder or recipe is None else recipe.parent
    path = encoder or settings.encoder
    if path.startswith(PACKAGE):
        path = str(find_source(path, beside))
    settings = settings.model_copy(update={"encoder": str(beside / path) if path else ""})
    sources = [folder, Path(settings.encoder)] if path else [folder]
    keep_apart(out, sources)
    graph, key = open_graph(folder), read_card(folder).key
    if out.exists() and not force and not is_text_learnt(out, key, settings):
        raise CannotWrite(out, "it exists already", "Choose another folder, or overwrite it with --force.")
    with Screen() as screen:
        screen.begin("kge", f"reading texts, from {settings.encoder}")
        learn_text_vectors(graph, key, out, settings, screen.advance)
    facts: dict[str, Any] = dict(read_card(out).facts)
    _tell_missing(facts["without_text"], "the graph")
    if as_json:
        typer.echo(json.dumps(facts, indent=1))
        return
    loss = facts["loss"][-1][1]
    typer.echo(f"{out}: loss {loss:.3f} after {facts['steps']:,} steps in {facts['seconds']} s")


def is_of_texts(folder: Path) -> bool:
    """Tell whether a folder holds text vectors; what cannot be read does not."""
    from loregraft.artifact import read_card
    from loregraft.errors import WrongArtifact

    try:
        return read_card(folder).kind == "text-vectors"
    except WrongArtifact:
        return False


def rank_text_folder(
    folder: Path,
    graph_folder: Path,
    part: Literal["valid", "test"],
    ties: Literal["realistic", "optimistic", "pessimistic"],
    raw: bool,
    as_json: bool,
) -> None:
    """Rank a part by texts and tell; see `loregraft kge rank`."""
    from loregraft.artifact import read_card
    from loregraft.errors import BadInput, WrongArtifact
    from loregraft.kg.store import open_graph
    from loregraft.kge.parts import parts_of
    from loregraft.kge.text.rank import rank_text_part, text_summary
    from loregraft.kge.text.vectors import open_text_vectors

    vectors, graph = open_text_vectors(folder), open_graph(graph_folder)
    if vectors.graph_key != read_card(graph_folder).key:
        found = f"these vectors were not trained on the graph {graph_folder}"
        raise WrongArtifact(folder, found, "Give the graph that they were trained on, or train them again.")
    parts = parts_of(graph)
    triples = getattr(parts, part)
    if not len(triples):
        fix = "Split the graph (loregraft kg split), or name another part with --split."
        raise BadInput(graph_folder, 0, f"the part {part} of the graph is empty", fix)
    told: dict[str, Any] = text_summary(
        vectors, rank_text_part(vectors, parts, part, filtered=not raw, ties=ties), parts
    )
    unseen = len(parts.unseen(triples))
    told |= {"split": part, "filtered": not raw, "ties": ties, "unseen_entities": unseen}
    _tell_missing(told["without_text"], f"{part}, which rank last")
    if as_json:
        typer.echo(json.dumps(told, indent=1))
        return
    shown = {"all": told, **told["sides"], **told["categories"], "unseen": told["unseen"]}
    for name, found in shown.items():
        if found["n"]:
            cells = [f"{metric} {found[metric]:.4f}" for metric in ("mrr", "hits@1", "hits@3", "hits@10")]
            typer.echo(f"{name:<6} {'  '.join(cells)}  mr {found['mr']:.1f}  n {found['n']:,}")


def _tell_missing(missing: dict[str, Any], of: str) -> None:
    """Say which entities have no text."""
    from loregraft.kg.show.printable import printable

    if missing["entities"]:
        named = ", ".join(printable(id) for id in missing["first"][:5])
        more = " ..." if missing["entities"] > 5 else ""
        said = f"{missing['entities']:,} entities without name or description in {of}: {named}{more}"
        typer.echo(said, err=True)
