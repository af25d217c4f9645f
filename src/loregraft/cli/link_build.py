"""What `loregraft link build` and `fit` do with their arguments, and what they say."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from loregraft.errors import BadInput, CannotWrite

if TYPE_CHECKING:
    from loregraft.encoder.load import Encoder
    from loregraft.linking.formats.records import Annotated
    from loregraft.linking.linker import Linker

FEWEST_TEXTS = 5
PLAIN = "plain"
"""The format of texts without labels."""


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

    if out.exists() and not options.force:
        raise CannotWrite(out, "it exists already", "Choose another folder, or overwrite it with --force.")
    linker = open_linker(folder, options.encoder)
    annotated = _annotated(path, options.format)
    if annotated is None:
        learned, told = _learned_from_texts(linker, path, options.seed)
    else:
        learned, told = _learned_from_labels(linker, path, annotated, options.seed)
    learned.save(out, parents=dict(read_card(folder, "linker").parents))
    typer.echo(f"{out}: learned from {told}")


def _annotated(path: Path, format: str) -> "list[Annotated] | None":
    """Read labelled texts; None where the texts have no labels."""
    from loregraft.kg.readers.text.opening import fitting
    from loregraft.linking.formats import FITS, read

    if format == PLAIN or (not format and not path.is_dir() and fitting(path, FITS)[0] is None):
        return None
    annotated = list(read(path, format))
    return annotated if format or any(one.gold for one in annotated) else None


def _learned_from_texts(linker: "Linker", path: Path, seed: int) -> "tuple[Linker, str]":
    from loregraft.linking.learning.texts import FEWEST, learn_from_texts
    from loregraft.linking.texts.sources import open_sources, read_sources

    _say("no labels in it: learning from the texts themselves")
    texts = [row.text for row in read_sources(open_sources([path])) if row.text.strip()]
    if not texts:
        raise BadInput(path, 0, "there is no text in it", "Give texts of the domain, a text a line.")
    found = learn_from_texts(linker, texts, seed)
    told = f"{found.texts:,} texts: {found.known:,} mentions of known meaning, {found.ambiguous:,} ambiguous"
    if not found.known:
        told += f" (too few are known: weights stay as they were; it takes {FEWEST})"
    return found.linker, told


def _learned_from_labels(
    linker: "Linker", path: Path, annotated: "list[Annotated]", seed: int
) -> "tuple[Linker, str]":
    from loregraft.linking.learning.learn import learn_from_labels

    if len(annotated) < FEWEST_TEXTS:
        found = f"there are {len(annotated)} labelled texts in it"
        raise BadInput(
            path, 0, found, f"Give at least {FEWEST_TEXTS}; some are held out to learn weights on."
        )
    learned = learn_from_labels(linker, annotated, seed)
    mentions, more = (
        sum(len(one.gold) for one in annotated),
        len(learned.index.names) - len(linker.index.names),
    )
    return learned, f"{mentions:,} mentions in {len(annotated):,} texts, {more:,} names added"


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
