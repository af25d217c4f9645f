"""What `loregraft link build` and `fit` do with their arguments, and what they say."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from loregraft.errors import BadInput, CannotWrite, WrongArtifact

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float32

    from loregraft.encoder.load import Encoder
    from loregraft.kg.graph import KnowledgeGraph
    from loregraft.linking.formats.records import Annotated
    from loregraft.linking.linker import Linker
    from loregraft.training.loop import Progress

FEWEST_TEXTS = 5
PLAIN = "plain"
"""The format of texts without labels."""


@dataclass(frozen=True)
class BuildOptions:
    """What a linker is made with beside the graph."""

    encoder: Path | None
    vectors: Path | None
    overrides: Sequence[str]
    force: bool


def build_linker(graph: Path, out: Path, options: BuildOptions) -> None:
    """Make a linker; see `loregraft link build`."""
    from loregraft.artifact import read_card
    from loregraft.config import load_settings
    from loregraft.kg.store import open_graph
    from loregraft.linking.learning.learn import learn_from_names
    from loregraft.linking.linker import Linker
    from loregraft.linking.settings import LinkSettings

    if out.exists() and not options.force:
        raise CannotWrite(out, "it exists already", "Choose another folder, or overwrite it with --force.")
    settings = load_settings(LinkSettings, None, options.overrides)
    key, opened = read_card(graph, "graph").key, open_graph(graph)
    vectors = None if options.vectors is None else _vectors_of(opened, options.vectors)
    encoder = encoder_of(options.encoder)
    made = Linker.build(opened, encoder, settings=settings, vectors=vectors, progress=_say)
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
    cross: Path | None
    format: str
    seed: int
    force: bool


def fit_linker(folder: Path, path: Path, out: Path, options: FitOptions) -> None:
    """Teach a linker; see `loregraft link fit`."""
    from loregraft.artifact import read_card
    from loregraft.disk import beside
    from loregraft.training.loop import remove_checkpoints

    if out.exists() and not options.force:
        raise CannotWrite(out, "it exists already", "Choose another folder, or overwrite it with --force.")
    linker = open_linker(folder, options.encoder)
    annotated, checkpoints = _annotated(path, options.format), beside(out, "training")
    if annotated is None:
        if options.cross is not None:
            fix = "Give labelled texts, or leave out --cross."
            raise BadInput(path, 0, "there are no labels in it to learn to read close calls from", fix)
        learned, told = _learned_from_texts(linker, path, options.seed)
    else:
        learned, told = _learned_from_labels(linker, path, annotated, options, checkpoints)
    learned.save(out, parents=dict(read_card(folder, "linker").parents))
    remove_checkpoints(checkpoints)
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
    linker: "Linker", path: Path, annotated: "list[Annotated]", options: FitOptions, checkpoints: Path
) -> "tuple[Linker, str]":
    from loregraft.linking.learning.learn import learn_from_labels

    if len(annotated) < FEWEST_TEXTS:
        found = f"there are {len(annotated)} labelled texts in it"
        raise BadInput(
            path, 0, found, f"Give at least {FEWEST_TEXTS}; some are held out to learn weights on."
        )
    encoder, said = encoder_of(options.cross), -1

    def report(now: "Progress") -> None:
        nonlocal said
        tenth = 10 * now.step // now.steps
        if tenth > said:
            said = tenth
            _say(f"learning to read close calls: {10 * tenth} %, {now.left_s:.0f} s left")

    learned = learn_from_labels(
        linker, annotated, options.seed, encoder, checkpoints=checkpoints, report=report
    )
    mentions, more = (
        sum(len(one.gold) for one in annotated),
        len(learned.index.names) - len(linker.index.names),
    )
    told = f"{mentions:,} mentions in {len(annotated):,} texts, {more:,} names added"
    if encoder is not None and learned.cross is None:
        told += "; no mention was a close call, so that nothing learned to read them"
    return learned, told


def _vectors_of(graph: "KnowledgeGraph", folder: Path) -> "Float32[np.ndarray, 'entities width']":
    """Read the vectors of a graph's entities; entities that have none get zeros."""
    import numpy as np

    from loregraft.kge.vectors import open_vectors

    opened = open_vectors(folder)
    places = {id: place for place, id in enumerate(opened.ids)}
    rows = np.array([places.get(id, -1) for id in graph.ids], np.int64)
    if (rows < 0).all():
        raise WrongArtifact(
            folder, "it has a vector for no entity of this graph", "Train vectors on this graph."
        )
    values = opened.tables.entities.values.numpy()[np.maximum(rows, 0)].astype(np.float32)
    values[rows < 0] = 0
    _say(f"vectors of {(rows >= 0).sum():,} of {len(rows):,} entities")
    return values


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
