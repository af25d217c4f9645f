"""`loregraft kg`: make a graph of whatever files there are, look at it, check it, change it."""

from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer(help="The knowledge graph: import, check, show, query, change.", no_args_is_help=True)

Graph = Annotated[
    Path, typer.Argument(metavar="GRAPH", help="a graph folder that `loregraft kg import` wrote")
]
Force = Annotated[bool, typer.Option("--force", help="overwrite what is there")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]
What = Annotated[str, typer.Argument(metavar="ENTITY", help="an id, or a name that only one entity bears")]


@app.command("import")
def import_(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE... OUT", help="files, folders or addresses; last: the new folder"),
    ],
    format: Annotated[str, typer.Option("--format", help="of all sources; default: recognised")] = "",
    join: Annotated[
        Literal["id", "names", "xref", "table"],
        typer.Option("--join", help="how the entities of later sources meet those before"),
    ] = "id",
    table: Annotated[
        Path | None, typer.Option("--table", help="for --join table: id before <tab> id in the new source")
    ] = None,
    languages: Annotated[str, typer.Option("--languages", help="take these only, such as en,zh")] = "",
    relations: Annotated[str, typer.Option("--relations", help="take these only, such as P31,P279")] = "",
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="leave bad lines out and count them")] = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Read files of any known format (`loregraft kg formats`) into one graph folder.

    Example: loregraft kg import names.tsv triples.tsv my-graph
    """
    from loregraft.cli.kg_import import ImportOptions, import_sources

    wanted = ImportOptions(format, join, table, languages, relations, skip_bad)
    import_sources(sources, wanted, force, as_json)


@app.command()
def formats(as_json: AsJson = False) -> None:
    """List the formats that `import` reads and `export` writes.

    Example: loregraft kg formats
    """
    import json

    from loregraft.kg.readers import READERS
    from loregraft.kg.writers import WRITERS

    told = {
        name: {"reads": name in READERS, "writes": name in WRITERS} for name in sorted({*READERS, *WRITERS})
    }
    if as_json:
        typer.echo(json.dumps(told, indent=1))
        return
    for name, can in told.items():
        words = [word for word, able in can.items() if able]
        function = READERS[name] if name in READERS else WRITERS[name]
        typer.echo(f"{name:<16} {' and '.join(words):<17} {(function.__doc__ or '').splitlines()[0]}")


@app.command()
def export(
    graph: Graph,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="the file or folder to write")],
    format: Annotated[str, typer.Option("--format", help="see `loregraft kg formats`")],
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Write a graph in another format, and say what that cannot hold.

    Example: loregraft kg export my-graph my-graph.nt --format ntriples
    """
    import json
    from dataclasses import asdict

    from loregraft.disk import keep_apart
    from loregraft.kg.store import open_graph
    from loregraft.kg.writers import write

    keep_apart(out, [graph])
    told = write(open_graph(graph), out, format, force)
    if as_json:
        typer.echo(json.dumps({"format": format, **asdict(told)}, indent=1))
    typer.echo(f"wrote {out}: {told}", err=True)


@app.command()
def check(
    graph: Graph,
    text: Annotated[
        list[Path] | None, typer.Option("--text", help="tell what a file has of it, a text a line; repeat")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell what is wrong with a graph, with a fix for each, and what it is good for.

    Ends with exit code 1 when something is wrong; what is only worth a note does not count.

    Example: loregraft kg check my-graph --text notes.txt
    """
    from loregraft.cli.kg_check import check_folder

    if not check_folder(graph, text or [], as_json):
        raise typer.Exit(1)


@app.command()
def split(
    graph: Graph,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="the folder to write")],
    mode: Annotated[
        Literal["transductive", "inductive", "kept"],
        typer.Option("--mode", help="train knows all entities, or not those held out; or parts as imported"),
    ] = "transductive",
    valid: Annotated[float, typer.Option("--valid", help="share of the facts, 0 to 1")] = 0.1,
    test: Annotated[float, typer.Option("--test", help="share of the facts, 0 to 1")] = 0.1,
    seed: Annotated[int, typer.Option("--seed", min=0, help="the same seed draws the same parts")] = 0,
    files: Annotated[bool, typer.Option("--files", help="write train.tsv, valid.tsv and test.tsv")] = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Split the triples into train, valid and test, without leaks, and say what was moved.

    Example: loregraft kg split my-graph my-split --mode inductive
    """
    from loregraft.cli.kg_split import settings_of, split_folder
    from loregraft.disk import keep_apart
    from loregraft.errors import CannotWrite

    settings = settings_of(out, mode, valid, test, seed)
    keep_apart(out, [graph])
    if out.exists() and not force:
        raise CannotWrite(out, "it exists already", "Choose another folder, or overwrite it with --force.")
    split_folder(graph, out, settings, files, as_json)


@app.command()
def query(
    graph: Graph,
    text: Annotated[str, typer.Argument(metavar="SPARQL", help="SELECT, ASK, CONSTRUCT or DESCRIBE")] = "",
    file: Annotated[Path | None, typer.Option("--file", help="read the query from a file")] = None,
    timeout: Annotated[float, typer.Option("--timeout", min=0.1, help="seconds")] = 30.0,
    memory: Annotated[int, typer.Option("--memory", min=600, help="MB")] = 2_048,
    rows: Annotated[int, typer.Option("--rows", min=1, help="the most that are given")] = 10_000,
    as_json: AsJson = False,
) -> None:
    """Ask a graph in SPARQL. It is only read, and nothing is ever sent over a network.

    Example: loregraft kg query my-graph 'SELECT ?id ?name { ?id rdfs:label ?name } LIMIT 5'
    """
    import json

    from loregraft.kg.sparql import query as sparql

    if bool(text) == (file is not None):
        raise typer.BadParameter("give a query, or a file with --file")
    if not 0 < timeout < float("inf"):
        raise typer.BadParameter("give --timeout in seconds, such as 60")
    limits = sparql.Limits(timeout, memory, rows)
    asked = sparql.read_query(file) if file else text
    answer = sparql.query(graph, asked, limits, file or Path("query"))
    if as_json:
        typer.echo(json.dumps({"columns": answer.columns, "rows": answer.rows}, indent=1))
    else:
        typer.echo(sparql.as_table(answer))


@app.command()
def edit(
    graph: Graph,
    add: Annotated[list[Path] | None, typer.Option("--add", help="a file of facts to add; repeat")] = None,
    remove: Annotated[
        list[Path] | None, typer.Option("--remove", help="a file of facts to remove; repeat")
    ] = None,
    remove_id: Annotated[
        list[str] | None, typer.Option("--remove-id", help="the triple id of a fact to remove; repeat")
    ] = None,
    format: Annotated[str, typer.Option("--format", help="of the files; default: recognised")] = "",
    as_json: AsJson = False,
) -> None:
    """Add and remove facts of a graph folder; what is removed goes first. `loregraft kg undo` takes it back.

    Removing a fact removes all its statements, whoever made them.

    Example: loregraft kg edit my-graph --add new.tsv --remove old.tsv
    """
    from loregraft.cli.kg_edit import edit_folder

    edit_folder(graph, add or [], remove or [], remove_id or [], format, as_json)


@app.command()
def undo(graph: Graph, as_json: AsJson = False) -> None:
    """Take back the last `loregraft kg edit` of a graph folder, byte for byte; repeat for earlier ones.

    Example: loregraft kg undo my-graph
    """
    from loregraft.cli.kg_edit import undo_last

    undo_last(graph, as_json)


@app.command()
def diff(
    first: Graph,
    second: Graph,
    ignore_sources: Annotated[
        bool, typer.Option("--ignore-sources", help="who says something does not count")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Tell what the second graph has more, less or otherwise than the first.

    Ends with exit code 1 when they are different.

    Example: loregraft kg diff old-graph new-graph
    """
    from loregraft.cli.kg_edit import diff_folders

    if not diff_folders(first, second, not ignore_sources, as_json):
        raise typer.Exit(1)


@app.command()
def show(
    graph: Graph,
    entity: What,
    most: Annotated[int, typer.Option("--most", min=1, help="facts to show of each relation")] = 8,
    as_json: AsJson = False,
) -> None:
    """Show all that a graph knows of an entity.

    Example: loregraft kg show my-graph "Marfan syndrome"
    """
    from loregraft.cli.kg_show import show_entity

    show_entity(graph, entity, most, as_json)


@app.command()
def search(
    graph: Graph,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="a name, how it begins, or one like it")],
    limit: Annotated[int, typer.Option("--limit", min=1, help="of entities")] = 10,
    as_json: AsJson = False,
) -> None:
    """Find entities by name, the best first. Ends with exit code 1 when there is none.

    Example: loregraft kg search my-graph seizur
    """
    from loregraft.cli.kg_show import search_names

    if not search_names(graph, text, limit, as_json):
        raise typer.Exit(1)


@app.command()
def path(
    graph: Graph,
    start: What,
    end: What,
    length: Annotated[int, typer.Option("--length", min=1, max=10, help="of a path at most, in triples")] = 3,
    limit: Annotated[int, typer.Option("--limit", min=1, help="of paths")] = 10,
    as_json: AsJson = False,
) -> None:
    """Find how two entities are connected, the shortest first. Ends with exit code 1 when they are not.

    Example: loregraft kg path my-graph FBN1 "Tall stature"
    """
    from loregraft.cli.kg_show import show_paths

    if not show_paths(graph, (start, end), length, limit, as_json):
        raise typer.Exit(1)


@app.command()
def draw(
    graph: Graph,
    entity: What,
    out: Annotated[Path, typer.Option("--out", help="the SVG file to write")],
    most: Annotated[int, typer.Option("--most", min=1, help="entities around it to draw")] = 24,
    force: Force = False,
) -> None:
    """Draw an entity and what is around it as a small SVG.

    Example: loregraft kg draw my-graph HP:0001250 --out seizure.svg
    """
    from loregraft.cli.kg_show import draw_to

    draw_to(graph, entity, out, most, force)
