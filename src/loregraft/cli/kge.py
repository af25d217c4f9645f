"""`loregraft kge`: train the vectors of a graph, rank with them, ask them."""

from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer(help="Vectors of a graph: train, rank, ask.", no_args_is_help=True)

VectorsFolder = Annotated[
    Path, typer.Argument(metavar="VECTORS", help="a folder that `loregraft kge train` wrote")
]
GraphOption = Annotated[
    Path, typer.Option("--graph", metavar="GRAPH", help="the graph folder that they were trained on")
]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]
Count = Annotated[int, typer.Option("--count", min=1, help="how many to give")]


@app.command()
def train(
    graph: Annotated[Path, typer.Argument(metavar="GRAPH", help="a graph folder")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="the folder to write")],
    recipe: Annotated[Path | None, typer.Option("--recipe", help="settings from a YAML file")] = None,
    model: Annotated[str, typer.Option("--model", help="the scorer, such as complex or transe")] = "",
    dim: Annotated[int | None, typer.Option("--dim", min=1, help="numbers of an entity")] = None,
    minutes: Annotated[float | None, typer.Option("--minutes", help="end after so many minutes")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="change a setting, such as n3=0.1")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="overwrite what is there")] = False,
    as_json: AsJson = False,
) -> None:
    """Train the vectors of a graph's entities and relations; what was cut off goes on.

    Parts that came with the graph's files are used; else a twentieth each is held out as valid and test.

    Example: loregraft kge train my-graph my-vectors --model complex --dim 200 --minutes 5
    """
    from loregraft.cli.kge_train import train_folder

    short = {"model": model or None, "dim": dim, "minutes": minutes}
    overrides = [f"{name}={value}" for name, value in short.items() if value is not None]
    train_folder(graph, out, recipe, [*overrides, *(set_ or [])], force, as_json)


@app.command()
def rank(
    vectors: VectorsFolder,
    graph: GraphOption,
    split: Annotated[Literal["valid", "test"], typer.Option("--split", help="the part to rank")] = "test",
    ties: Annotated[
        Literal["realistic", "optimistic", "pessimistic"],
        typer.Option("--ties", help="the mean, the best or the worst rank among equal scores"),
    ] = "realistic",
    raw: Annotated[bool, typer.Option("--raw", help="leave known answers in the ranking")] = False,
    as_json: AsJson = False,
) -> None:
    """Rank the right answer of every held-out question among all entities.

    Example: loregraft kge rank my-vectors --graph my-graph --split test --json
    """
    from loregraft.cli.kge_rank import rank_folder

    rank_folder(vectors, graph, split, ties, raw, as_json)


@app.command()
def predict(
    vectors: VectorsFolder,
    head: Annotated[str, typer.Argument(metavar="HEAD", help="an id, or ? for the end that is asked for")],
    relation: Annotated[str, typer.Argument(metavar="RELATION", help="an id")],
    tail: Annotated[str, typer.Argument(metavar="TAIL", help="an id or ?")],
    graph: GraphOption,
    count: Count = 10,
    only_new: Annotated[bool, typer.Option("--only-new", help="leave out what the graph states")] = False,
    as_json: AsJson = False,
) -> None:
    """Give the best heads or tails of a triple; what the graph states is told from what is new.

    Example: loregraft kge predict my-vectors OMIM:154700 has_phenotype '?' --graph my-graph
    """
    from loregraft.cli.kge_rank import predict_folder

    predict_folder(vectors, graph, (head, relation, tail), count, only_new, as_json)


@app.command()
def neighbours(
    vectors: VectorsFolder,
    entity: Annotated[str, typer.Argument(metavar="ENTITY", help="an id")],
    count: Count = 10,
    as_json: AsJson = False,
) -> None:
    """Give the entities whose vectors point the same way.

    Example: loregraft kge neighbours my-vectors HP:0001250
    """
    from loregraft.cli.kge_rank import show_found
    from loregraft.kge.vectors import open_vectors

    show_found(open_vectors(vectors).neighbours(entity, count), as_json)
