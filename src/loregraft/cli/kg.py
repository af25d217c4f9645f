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
    from loregraft.cli.kg_import import import_sources

    import_sources(sources, format, join, table, languages, relations, skip_bad, force, as_json)


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
        typer.echo(f"{name:<14} {' and '.join(words):<17} {(function.__doc__ or '').splitlines()[0]}")


@app.command()
def export(
    graph: Graph,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="the file or folder to write")],
    format: Annotated[str, typer.Option("--format", help="see `loregraft kg formats`")],
    force: Force = False,
) -> None:
    """Write a graph in another format.

    Example: loregraft kg export my-graph my-graph.nt --format ntriples
    """
    from loregraft.kg.store import open_graph
    from loregraft.kg.writers import write

    told = write(open_graph(graph), out, format, force)
    typer.echo(f"wrote {out}: {told}", err=True)
