"""What `loregraft kge rank` and the questions to vectors do with their arguments, and what they say."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

if TYPE_CHECKING:
    from loregraft.kg.graph import KnowledgeGraph
    from loregraft.kge.vectors import Found, Vectors


def rank_folder(
    folder: Path,
    graph_folder: Path,
    part: Literal["valid", "test"],
    ties: Literal["realistic", "optimistic", "pessimistic"],
    raw: bool,
    as_json: bool,
) -> None:
    """Rank a part and tell; see `loregraft kge rank`."""
    from loregraft.errors import BadInput
    from loregraft.kg.show.printable import printable
    from loregraft.kge.evaluate import rank_part, summary
    from loregraft.kge.parts import parts_of

    vectors, graph = _open_both(folder, graph_folder)
    parts = parts_of(graph)
    triples = getattr(parts, part)
    if not len(triples):
        fix = "Split the graph (loregraft kg split), or name another part with --split."
        raise BadInput(graph_folder, 0, f"the part {part} of the graph is empty", fix)
    ranking = rank_part(vectors.tables, parts, part, filtered=not raw, ties=ties)
    told: dict[str, Any] = summary(ranking, parts.train, graph.relation_ids)
    unseen = parts.unseen(triples)
    told |= {"split": part, "filtered": not raw, "ties": ties, "unseen_entities": len(unseen)}
    if len(unseen):
        names = ", ".join(printable(graph.ids[index]) for index in unseen[:5].tolist())
        more = " ..." if len(unseen) > 5 else ""
        said = f"{len(unseen):,} entities of {part} are in no triple of train and rank last: {names}{more}"
        typer.echo(said, err=True)
    if as_json:
        typer.echo(json.dumps(told, indent=1))
        return
    for name, found in {"all": told, **told["sides"], **told["categories"]}.items():
        shown = [f"{metric} {found[metric]:.4f}" for metric in ("mrr", "hits@1", "hits@3", "hits@10")]
        typer.echo(f"{name:<5} {'  '.join(shown)}  mr {found['mr']:.1f}  n {found['n']:,}")


def _open_both(folder: Path, graph_folder: Path) -> "tuple[Vectors, KnowledgeGraph]":
    """Open vectors and the graph that they were trained on, and refuse another one."""
    from loregraft.artifact import read_card
    from loregraft.errors import WrongArtifact
    from loregraft.kg.store import open_graph
    from loregraft.kge.vectors import open_vectors

    vectors, graph = open_vectors(folder), open_graph(graph_folder)
    if vectors.graph_key != read_card(graph_folder).key:
        found = f"these vectors were not trained on the graph {graph_folder}"
        raise WrongArtifact(folder, found, "Give the graph that they were trained on, or train them again.")
    return vectors, graph


def predict_folder(
    folder: Path,
    graph_folder: Path,
    triple: tuple[str, str, str],
    count: int,
    only_new: bool,
    as_json: bool,
) -> None:
    """Answer a question and tell; see `loregraft kge predict`."""
    from loregraft.kg.show.card import name_of
    from loregraft.kg.show.printable import printable
    from loregraft.kge.parts import parts_of
    from loregraft.kge.predict import predict

    vectors, graph = _open_both(folder, graph_folder)
    found = predict(vectors, graph, parts_of(graph), triple, only_new=only_new)[:count]
    rows = [
        {
            "id": one.id,
            "name": name_of(graph, one.index),
            "score": round(one.score, 5),
            "known": one.stated is not None,
            "stated": one.stated,
        }
        for one in found
    ]
    if as_json:
        told = dict(zip(("head", "relation", "tail"), triple, strict=True))
        typer.echo(json.dumps({**told, "answers": rows}, indent=1))
        return
    for row in rows:
        name = "" if row["name"] == row["id"] else f"  {row['name']}"
        typer.echo(printable(f"{row['score']:8.4f}  {row['stated'] or 'new':<7}  {row['id']}{name}"))


def show_found(found: "Sequence[Found]", as_json: bool) -> None:
    """Print entities with their scores, best first."""
    from loregraft.kg.show.printable import printable

    if as_json:
        typer.echo(json.dumps([{"id": one.id, "score": round(one.score, 5)} for one in found], indent=1))
        return
    for one in found:
        typer.echo(printable(f"{one.score:8.4f}  {one.id}"))
