"""`loregraft link`: find a graph's entities in texts, with a linker made from the graph alone."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Entities of a graph in texts: build a linker, link, judge it.", no_args_is_help=True)

LinkerFolder = Annotated[
    Path, typer.Argument(metavar="LINKER", help="a folder that `loregraft link build` wrote")
]
EncoderOption = Annotated[
    Path | None, typer.Option("--encoder", metavar="DIR", help="a Hugging Face encoder folder")
]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON")]


@app.command()
def build(
    graph: Annotated[Path, typer.Argument(metavar="GRAPH", help="a folder that `loregraft kg import` wrote")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="the folder to write")],
    encoder: EncoderOption = None,
    vectors: Annotated[
        Path | None,
        typer.Option("--vectors", metavar="DIR", help="vectors of the graph: a folder that kge train wrote"),
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="a setting, such as prefix=HP:")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="overwrite what is there")] = False,
) -> None:
    """Make a linker of a graph's names and teach it from them: no text and no label of yours is needed.

    Example: loregraft link build graph linker --set prefix=HP: --set overlaps=nested
    """
    from loregraft.cli.link_build import BuildOptions, build_linker

    build_linker(graph, out, BuildOptions(encoder, vectors, set_ or [], force))


@app.command()
def run(
    linker: LinkerFolder,
    texts: Annotated[
        list[Path],
        typer.Argument(
            metavar="TEXTS", help=".txt (a text a line), .jsonl, .csv, .tsv, .parquet; - reads lines"
        ),
    ],
    encoder: EncoderOption = None,
    nil: Annotated[
        str, typer.Option("--nil", metavar="P", help="least probability of a link, 0..1; or such as p95")
    ] = "",
    column: Annotated[
        str, typer.Option("--column", metavar="NAME", help="key or column that holds the texts")
    ] = "text",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="write .jsonl, .jsonl.gz, .parquet or .html (a page)"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON, also on a terminal")] = False,
    force: Annotated[bool, typer.Option("--force", help="overwrite what is there")] = False,
    workers: Annotated[int, typer.Option("--workers", min=1, help="processes that link")] = 1,
) -> None:
    """Link texts, and print a line of JSON for each, or a text in colour on a terminal.

    Rows that cannot be read are left out and counted; exit code 1 says that no text could be read.

    Example: loregraft link run linker abstracts.txt --out links.html
    """
    from loregraft.cli.link_run import RunOptions, run_linker

    options = RunOptions(encoder, nil, column, out, as_json, force, workers)
    run_linker(linker, texts, options)


@app.command()
def fit(
    linker: LinkerFolder,
    texts: Annotated[
        Path,
        typer.Argument(metavar="TEXTS", help="labelled texts (PubTator, brat, NIF, BioC ...), or plain ones"),
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="the folder to write")],
    encoder: EncoderOption = None,
    cross: Annotated[
        Path | None,
        typer.Option(
            "--cross", metavar="ENCODER", help="teach a copy of it to read close calls; needs labels"
        ),
    ] = None,
    format: Annotated[
        str, typer.Option("--format", help="of the texts; plain: no labels; empty: recognised")
    ] = "",
    seed: Annotated[int, typer.Option("--seed", min=0, help="of what is held out")] = 0,
    force: Annotated[bool, typer.Option("--force", help="overwrite what is there")] = False,
) -> None:
    """Teach a linker from labelled texts, whose mentions become names, or from texts without labels.

    Example: loregraft link fit linker train.pubtator taught
    """
    from loregraft.cli.link_build import FitOptions, fit_linker

    fit_linker(linker, texts, out, FitOptions(encoder, cross, format, seed, force))


@app.command()
def explain(
    linker: LinkerFolder,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="the text itself")],
    encoder: EncoderOption = None,
    as_json: AsJson = False,
) -> None:
    """Link a text and say why: what each feature gave, and the facts of the graph that speak for it.

    Example: loregraft link explain linker "Mercury is near Venus."
    """
    from loregraft.cli.link_run import explain_text

    explain_text(linker, text, encoder, as_json)


@app.command(name="eval")
def evaluate(
    linker: LinkerFolder,
    annotated: Annotated[
        Path, typer.Argument(metavar="ANNOTATED", help="labelled texts: PubTator, brat, NIF, BioC, jsonl ...")
    ],
    encoder: EncoderOption = None,
    format: Annotated[str, typer.Option("--format", help="of the labelled texts; empty: recognised")] = "",
    given: Annotated[bool, typer.Option("--given", help="the places of the mentions are given")] = False,
    as_json: AsJson = False,
) -> None:
    """Judge a linker on labelled texts.

    Example: loregraft link eval linker test.pubtator --given
    """
    from loregraft.cli.link_judge import eval_linker

    eval_linker(linker, annotated, encoder, format, given, as_json)
