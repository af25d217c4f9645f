"""`loregraft kge`: train the vectors of a graph, rank with them, ask them."""

from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer(help="Vectors of a graph: train, rank, ask.", no_args_is_help=True)


@app.callback()
def own_scorers(
    scorer: Annotated[
        list[str] | None,
        typer.Option(
            "--scorer", metavar="MODULE:NAME", help="import a scorer of your own that the vectors need"
        ),
    ] = None,
) -> None:
    """Vectors of a graph: train, rank, ask."""
    if scorer:
        from loregraft.kge.own import use_scorer

        for name in scorer:
            use_scorer(name)


VectorsFolder = Annotated[
    Path, typer.Argument(metavar="VECTORS", help="a folder that `loregraft kge train` wrote")
]
GraphOption = Annotated[
    Path, typer.Option("--graph", metavar="GRAPH", help="the graph folder that they were trained on")
]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]
Count = Annotated[int, typer.Option("--count", min=1, help="how many to give")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="of what is drawn: wrong answers, false triples")]
BaseRate = Annotated[
    float,
    typer.Option(
        "--base-rate", min=1e-6, max=1 - 1e-6, help="the share of true ones among the triples to be judged"
    ),
]


@app.command()
def train(
    graph: Annotated[Path, typer.Argument(metavar="GRAPH", help="a graph folder")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="the folder to write")],
    recipe: Annotated[Path | None, typer.Option("--recipe", help="settings from a YAML file")] = None,
    model: Annotated[
        str, typer.Option("--model", help="the scorer, such as complex, or module:NAME of one of your own")
    ] = "",
    dim: Annotated[int | None, typer.Option("--dim", min=1, help="numbers of an entity")] = None,
    minutes: Annotated[float | None, typer.Option("--minutes", help="end after so many minutes")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="change a setting, such as n3=0.1")
    ] = None,
    older: Annotated[
        Path | None,
        typer.Option("--from", metavar="VECTORS", help="start from older vectors of the same model and dim"),
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
    train_folder(graph, out, recipe, [*overrides, *(set_ or [])], older, force, as_json)


@app.command("train-text")
def train_text(
    graph: Annotated[Path, typer.Argument(metavar="GRAPH", help="a graph folder")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="the folder to write")],
    encoder: Annotated[
        str, typer.Option("--encoder", metavar="FOLDER", help="a Hugging Face encoder to start from")
    ] = "",
    recipe: Annotated[Path | None, typer.Option("--recipe", help="settings from a YAML file")] = None,
    minutes: Annotated[float | None, typer.Option("--minutes", help="end after so many minutes")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="change a setting, such as batch=64"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="overwrite what is there")] = False,
    as_json: AsJson = False,
) -> None:
    """Train an encoder to answer from names and descriptions, for entities without a triple too.

    What was cut off goes on. `loregraft kge rank` ranks with what it writes.

    Example: loregraft kge train-text my-graph my-text-vectors --encoder my-encoder --minutes 2
    """
    from loregraft.cli.kge_text import train_text_folder

    overrides = [f"minutes={minutes}"] if minutes is not None else []
    train_text_folder(graph, out, encoder, recipe, [*overrides, *(set_ or [])], force, as_json)


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
    sampled: Annotated[
        int | None,
        typer.Option("--sampled", min=1, metavar="N", help="among N wrong answers drawn for each question"),
    ] = None,
    relations: Annotated[
        bool, typer.Option("--relations", help="rank the relation of (head, ?, tail) among all relations")
    ] = False,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Rank the right answer of every held-out question among all entities.

    Example: loregraft kge rank my-vectors --graph my-graph --split test --json
    """
    from loregraft.cli.kge_rank import RankOptions, rank_folder
    from loregraft.cli.kge_text import is_of_texts, rank_text_folder

    if is_of_texts(vectors):
        if relations or sampled is not None:
            raise typer.BadParameter("vectors of texts are ranked without --sampled and --relations")
        rank_text_folder(vectors, graph, split, ties, raw, as_json)
        return
    rank_folder(vectors, graph, RankOptions(split, ties, raw, sampled, relations, seed), as_json)


@app.command()
def classify(
    vectors: VectorsFolder,
    graph: GraphOption,
    base_rate: BaseRate = 0.5,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Tell the true triples of test from false ones, by thresholds and probabilities set on valid.

    Example: loregraft kge classify my-vectors --graph my-graph --json
    """
    from loregraft.cli.kge_classify import classify_folder

    classify_folder(vectors, graph, base_rate, seed, as_json)


@app.command()
def predict(
    vectors: VectorsFolder,
    head: Annotated[str, typer.Argument(metavar="HEAD", help="an id, or ? for the end that is asked for")],
    relation: Annotated[str, typer.Argument(metavar="RELATION", help="an id")],
    tail: Annotated[str, typer.Argument(metavar="TAIL", help="an id or ?")],
    graph: GraphOption,
    count: Count = 10,
    only_new: Annotated[bool, typer.Option("--only-new", help="leave out what the graph states")] = False,
    probability: Annotated[
        bool, typer.Option("--probability", help="tell how likely each is true, as fitted on valid")
    ] = False,
    base_rate: BaseRate = 0.5,
    as_json: AsJson = False,
) -> None:
    """Give the best heads or tails of a triple; what the graph states is told from what is new.

    Example: loregraft kge predict my-vectors OMIM:154700 has_phenotype '?' --graph my-graph
    """
    from loregraft.cli.kge_rank import predict_folder

    rate = base_rate if probability else None
    predict_folder(vectors, graph, (head, relation, tail), count, only_new, rate, as_json)


@app.command()
def neighbours(
    vectors: VectorsFolder,
    entities: Annotated[list[str], typer.Argument(metavar="ENTITY...", help="an id, or several")],
    count: Count = 10,
    approximate: Annotated[
        bool, typer.Option("--approximate", help="by an index beside the vectors, made when it is missing")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Give the entities whose vectors point the same way.

    Example: loregraft kge neighbours my-vectors HP:0001250
    """
    from loregraft.cli.kge_add import neighbours_of

    neighbours_of(vectors, entities, count, approximate, as_json)


@app.command()
def add(
    vectors: VectorsFolder,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="the folder to write")],
    graph: Annotated[
        Path, typer.Option("--graph", metavar="NEWGRAPH", help="a newer graph folder, with more entities")
    ],
    epochs: Annotated[
        int, typer.Option("--epochs", min=0, help="passes over the triples of new entities")
    ] = 20,
    force: Annotated[bool, typer.Option("--force", help="overwrite what is there")] = False,
    as_json: AsJson = False,
) -> None:
    """Add the entities of a newer graph; the vectors of all others stay as they are, bit for bit.

    Example: loregraft kge add my-vectors my-new-vectors --graph my-new-graph
    """
    from loregraft.cli.kge_add import add_to_folder

    add_to_folder(vectors, out, graph, epochs, force, as_json)


@app.command()
def search(
    graph: Annotated[Path, typer.Argument(metavar="GRAPH", help="a graph folder with a valid part")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="the folder for the trials and best.yaml")],
    minutes: Annotated[float, typer.Option("--minutes", min=0.01, help="of training in all")],
    trial_minutes: Annotated[float, typer.Option("--trial-minutes", min=0.01, help="of one at most")] = 1.0,
    method: Annotated[
        Literal["tpe", "random"], typer.Option("--method", help="how the next settings are chosen")
    ] = "tpe",
    recipe: Annotated[Path | None, typer.Option("--recipe", help="settings to begin with")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="fix a setting, such as model=transe or dim=100"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Search for good settings under a time budget; what was cut off goes on.

    Example: loregraft kge search my-graph my-search --minutes 30 --set model=complex --set dim=200
    """
    from loregraft.cli.kge_search import search_settings
    from loregraft.kge.search import SearchSettings

    fixed = frozenset(text.partition("=")[0].strip() for text in set_ or [])
    how = SearchSettings(minutes, trial_minutes, method, fixed=fixed)
    search_settings(graph, out, recipe, set_ or [], how, as_json)


@app.command()
def export(
    vectors: VectorsFolder,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="the file or folder to write")],
    format: Annotated[str, typer.Option("--format", help="word2vec, parquet, openke, pykeen or dglke")],
    force: Annotated[bool, typer.Option("--force", help="overwrite what is there")] = False,
    as_json: AsJson = False,
) -> None:
    """Write vectors for another tool, and say what its format cannot hold.

    Example: loregraft kge export my-vectors my-vectors.txt --format word2vec
    """
    from loregraft.cli.kge_exchange import export_folder

    export_folder(vectors, out, format, force, as_json)


@app.command("import")
def import_(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="a folder that PyKEEN or DGL-KE wrote")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="the folder of vectors to write")],
    graph: GraphOption,
    format: Annotated[str, typer.Option("--format", help="pykeen or dglke")],
    model: Annotated[str, typer.Option("--model", help="the scorer they are of, such as complex")],
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="give zeros to what has no vector in FOLDER")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="overwrite what is there")] = False,
    as_json: AsJson = False,
) -> None:
    """Take over vectors that another tool trained, so that they can be ranked and asked here.

    Example: loregraft kge import ckpts my-vectors --graph my-graph --format dglke --model complex
    """
    from loregraft.cli.kge_exchange import import_folder
    from loregraft.kge.exchange.importing import Source

    import_folder(Source(folder, format, model, allow_missing), out, graph, force, as_json)


@app.command("prove-literals")
def prove_literals(
    graph: Annotated[Path, typer.Argument(metavar="GRAPH", help="a graph folder with numbers as attributes")],
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="how often each arm is trained")] = 3,
    recipe: Annotated[Path | None, typer.Option("--recipe", help="settings from a YAML file")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="change a setting, such as n3=0.1")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say whether numbers of attributes help: train without, with, and with shuffled ones, and compare.

    Example: loregraft kge prove-literals my-graph --set model=complex --set dim=100 --json
    """
    from loregraft.cli.kge_literals import prove_literals_of

    prove_literals_of(graph, seeds, recipe, set_ or [], as_json)
