"""What `loregraft link build` and `fit` do with their arguments, and what they say."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from loregraft.errors import BadInput, CannotWrite

if TYPE_CHECKING:
    from loregraft.encoder.load import Encoder
    from loregraft.linking.linker import Linker

FEWEST_TEXTS = 5


def build_linker(graph: Path, out: Path, encoder: Path | None, overrides: Sequence[str], force: bool) -> None:
    """Make a linker; see `loregraft link build`."""
    from loregraft.artifact import read_card
    from loregraft.config import load_settings
    from loregraft.kg.store import open_graph
    from loregraft.linking.learning.learn import learn_from_names
    from loregraft.linking.linker import Linker
    from loregraft.linking.settings import LinkSettings

    if out.exists() and not force:
        raise CannotWrite(out, "it exists already", "Choose another folder, or overwrite it with --force.")
    settings = load_settings(LinkSettings, None, overrides)
    key = read_card(graph, "graph").key
    made = Linker.build(open_graph(graph), encoder_of(encoder), settings=settings, progress=_say)
    _say("learning from the names")
    made = learn_from_names(made)
    made.save(out, parents={"graph": key})
    names = len(made.index.names)
    error = made.calibration.ece if made.calibration else 0.0
    typer.echo(f"{out}: {names:,} names, probabilities off by {error:.3f} on names that were held out")


@dataclass(frozen=True)
class FitOptions:
    """How `loregraft link fit` is to learn."""

    encoder: Path | None
    format: str
    seed: int
    force: bool


def fit_linker(folder: Path, path: Path, out: Path, options: FitOptions) -> None:
    """Teach a linker; see `loregraft link fit`."""
    from loregraft.artifact import read_card
    from loregraft.linking.formats import read
    from loregraft.linking.learning.learn import learn_from_labels

    if out.exists() and not options.force:
        raise CannotWrite(out, "it exists already", "Choose another folder, or overwrite it with --force.")
    linker = open_linker(folder, options.encoder)
    annotated = list(read(path, options.format))
    mentions = sum(len(one.gold) for one in annotated)
    if len(annotated) < FEWEST_TEXTS:
        found = f"there are {len(annotated)} labelled texts in it"
        raise BadInput(
            path, 0, found, f"Give at least {FEWEST_TEXTS}; some are held out to learn weights on."
        )
    learned = learn_from_labels(linker, annotated, options.seed)
    learned.save(out, parents=dict(read_card(folder, "linker").parents))
    more = len(learned.index.names) - len(linker.index.names)
    typer.echo(f"{out}: learned from {mentions:,} mentions in {len(annotated):,} texts, {more:,} names added")


def open_linker(folder: Path, encoder: Path | None) -> "Linker":
    """Open a linker, with the encoder that it was built with where one is named."""
    from loregraft.linking.linker import Linker

    return Linker.load(folder, encoder_of(encoder))


def encoder_of(folder: Path | None) -> "Encoder | None":
    """Load an encoder, if one is named."""
    if folder is None:
        return None
    from loregraft.encoder.load import load_encoder

    return load_encoder(folder)


def _say(stage: str) -> None:
    typer.echo(f"  {stage} ...", err=True)
