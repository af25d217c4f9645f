"""What `loregraft kge rank` and the questions to vectors do with their arguments, and what they say."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

if TYPE_CHECKING:
    from loregraft.kg.graph import KnowledgeGraph
    from loregraft.kge.parts import Parts
    from loregraft.kge.vectors import Found, Vectors


@dataclass(frozen=True)
class RankOptions:
    """What `loregraft kge rank` is to rank, and how.

    Attributes:
        sampled: How many wrong answers are drawn for each question; None: all count.
    """

    part: Literal["valid", "test"]
    ties: Literal["realistic", "optimistic", "pessimistic"]
    raw: bool
    sampled: int | None
    relations: bool
    seed: int


def rank_folder(folder: Path, graph_folder: Path, options: RankOptions, as_json: bool) -> None:
    """Rank a part and tell; see `loregraft kge rank`."""
    from loregraft.kge.judging.evaluate import unseen_relations
    from loregraft.kge.parts import parts_of

    if options.relations and options.sampled is not None:
        raise typer.BadParameter("relations are ranked among all relations: leave --sampled out")
    vectors, graph = open_both(folder, graph_folder)
    parts = parts_of(graph)
    part_must_hold(parts, options.part, graph_folder)
    told = _ranked(vectors, parts, options)
    triples = getattr(parts, options.part)
    told |= {"split": options.part, "filtered": not options.raw, "ties": options.ties}
    told |= {
        "unseen_entities": len(parts.unseen(triples)),
        "unseen_relations": len(unseen_relations(parts, triples)),
    }
    for line in unseen_lines(graph, parts, options.part):
        typer.echo(line, err=True)
    if as_json:
        typer.echo(json.dumps(told, indent=1))
        return
    for name, found in {"all": told, **told.get("sides", {}), **told.get("categories", {})}.items():
        keys = [_key(metric, options) for metric in ("mrr", "hits@1", "hits@3", "hits@10")]
        shown, mean = [f"{key} {found[key]:.4f}" for key in keys], _key("mr", options)
        typer.echo(f"{name:<5} {'  '.join(shown)}  {mean} {found[mean]:.1f}  n {found['n']:,}")


def _key(metric: str, options: RankOptions) -> str:
    from loregraft.kge.judging.relation_ranking import relation_name
    from loregraft.kge.judging.sampled import sampled_name

    if options.relations:
        return relation_name(metric)
    return metric if options.sampled is None else sampled_name(metric, options.sampled)


def _ranked(vectors: "Vectors", parts: "Parts", options: RankOptions) -> dict[str, Any]:
    from loregraft.kge.judging.evaluate import rank_part, summary
    from loregraft.kge.judging.relation_ranking import relation_summary
    from loregraft.kge.judging.sampled import named, sample_part

    tables, part, filtered, ties = vectors.tables, options.part, not options.raw, options.ties
    if options.relations:
        return dict(relation_summary(tables, parts, part, filtered=filtered, ties=ties))
    if options.sampled is None:
        ranking = rank_part(tables, parts, part, filtered=filtered, ties=ties)
        return dict(summary(ranking, parts.train, vectors.relation_ids))
    count, seed = options.sampled, options.seed
    ranking = sample_part(tables, parts, part, count, filtered=filtered, ties=ties, seed=seed)
    return {**named(summary(ranking, parts.train, vectors.relation_ids), count), "seed": seed}


def part_must_hold(parts: "Parts", part: Literal["valid", "test"], graph_folder: Path) -> None:
    """Refuse an empty part.

    Raises:
        BadInput: It is.
    """
    from loregraft.errors import BadInput

    if not len(getattr(parts, part)):
        fix = "Split the graph (loregraft kg split), or name another part with --split."
        raise BadInput(graph_folder, 0, f"the part {part} of the graph is empty", fix)


def unseen_lines(graph: "KnowledgeGraph", parts: "Parts", part: Literal["valid", "test"]) -> list[str]:
    """Name and count the entities and relations of a part that train does not know."""
    from loregraft.kg.show.printable import printable
    from loregraft.kge.judging.evaluate import unseen_relations

    triples = getattr(parts, part)
    found = {
        "entities": (parts.unseen(triples), graph.ids),
        "relations": (unseen_relations(parts, triples), graph.relation_ids),
    }
    lines = []
    for what, (unseen, ids) in found.items():
        names = ", ".join(printable(ids[index]) for index in unseen[:5].tolist())
        more = " ..." if len(unseen) > 5 else ""
        if len(unseen):
            said = f"{len(unseen):,} {what} of {part} are in no triple of train and rank last"
            lines.append(f"{said}: {names}{more}")
    return lines


def open_both(folder: Path, graph_folder: Path) -> "tuple[Vectors, KnowledgeGraph]":
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
    base_rate: float | None,
    as_json: bool,
) -> None:
    """Answer a question and tell; see `loregraft kge predict`."""
    from loregraft.kg.show.card import name_of
    from loregraft.kg.show.printable import printable
    from loregraft.kge.judging.calibration import calibrate_on
    from loregraft.kge.judging.classify import judge
    from loregraft.kge.parts import parts_of
    from loregraft.kge.predict import predict

    vectors, graph = open_both(folder, graph_folder)
    parts, fitted = parts_of(graph), None
    if base_rate is not None:
        part_must_hold(parts, "valid", graph_folder)
        fitted = calibrate_on(judge(vectors.tables, parts, "valid"), base_rate)
    found = predict(vectors, graph, parts, triple, only_new=only_new, calibration=fitted)[:count]
    rows: list[dict[str, Any]] = [
        {
            "id": one.id,
            "name": name_of(graph, one.index),
            "score": round(one.score, 5),
            "known": one.stated is not None,
            "stated": one.stated,
            **({} if fitted is None else {"probability": one.probability and round(one.probability, 5)}),
        }
        for one in found
    ]
    if as_json:
        told: dict[str, Any] = dict(zip(("head", "relation", "tail"), triple, strict=True))
        told |= {} if base_rate is None else {"base_rate": base_rate}
        typer.echo(json.dumps({**told, "answers": rows}, indent=1))
        return
    for row in rows:
        name = "" if row["name"] == row["id"] else f"  {row['name']}"
        likely = "" if fitted is None else f"p {_told(row['probability'])}  "
        said = f"{row['score']:8.4f}  {likely}{row['stated'] or 'new':<7}  {row['id']}{name}"
        typer.echo(printable(said))


def _told(probability: float | None) -> str:
    return "unknown" if probability is None else f"{probability:7.5f}"


def show_found(found: "Sequence[Found]", as_json: bool) -> None:
    """Print entities with their scores, best first."""
    from loregraft.kg.show.printable import printable

    if as_json:
        typer.echo(json.dumps([{"id": one.id, "score": round(one.score, 5)} for one in found], indent=1))
        return
    for one in found:
        typer.echo(printable(f"{one.score:8.4f}  {one.id}"))
