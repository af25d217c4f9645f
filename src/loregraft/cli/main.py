"""The command `loregraft`: gathers the nouns, and turns errors and Ctrl-C into words and exit codes.

Exit codes: 0 all is well, 1 something was found wrong, 2 wrong use or wrong data, 130 interrupted.
"""

import os
import sys

import typer

from loregraft.cli import artifacts, kg, kge, link, recipes
from loregraft.cli.advise import advise
from loregraft.cli.pretrain import pretrain
from loregraft.errors import LoregraftError

INTERRUPTED = 130
RESUMING = ("demo", "run", "prove", "kge train", "pretrain")
"""Commands that do not do again what is done."""

app = typer.Typer(
    name="loregraft",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Graft a knowledge graph onto a pretrained encoder, and prove whether it helped.\n\n"
    "Example: loregraft demo --minutes 1",
)
app.command()(recipes.demo)
app.command()(recipes.run)
app.command()(recipes.prove)
app.command()(recipes.init)
app.command()(artifacts.verify)
app.command()(advise)
app.command()(pretrain)
app.add_typer(kg.app, name="kg")
app.add_typer(kge.app, name="kge")
app.add_typer(link.app, name="link")


def main() -> None:
    """Run the command line."""
    # Everything is read from local folders; a hub is never asked.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        app()
    except LoregraftError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except SystemExit as exit:
        if exit.code == INTERRUPTED:  # what typer makes of Ctrl-C
            goes_on = bool({" ".join(sys.argv[1:2]), " ".join(sys.argv[1:3])} & set(RESUMING))
            end = "the same command goes on from here" if goes_on else "nothing half-written is left"
            print(f"interrupted; {end}", file=sys.stderr)
        raise
