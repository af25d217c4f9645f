"""What the commands of `loregraft link` do with their arguments, and what they say."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from loregraft.errors import BadInput, CannotWrite

if TYPE_CHECKING:
    from loregraft.encoder.load import Encoder
    from loregraft.linking.linker import Linker

TEXTS_AT_ONCE = 64
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
    made = Linker.build(open_graph(graph), _encoder(encoder), settings=settings, progress=_say)
    _say("learning from the names")
    made = learn_from_names(made)
    made.save(out, parents={"graph": key})
    names = len(made.index.names)
    error = made.calibration.ece if made.calibration else 0.0
    typer.echo(f"{out}: {names:,} names, probabilities off by {error:.3f} on names that were held out")


def run_linker(folder: Path, paths: Sequence[Path], encoder: Path | None, nil: str) -> None:
    """Link texts; see `loregraft link run`."""
    linker = _open(folder, encoder)
    if nil:
        linker = linker.with_settings(nil=_threshold(nil))
    texts = 0
    linked = 0
    for lines in _batches(paths):
        for text, links in zip(lines, linker.links(lines), strict=True):
            found = [
                {
                    "start": link.mention.start,
                    "end": link.mention.end,
                    "text": link.mention.text,
                    "entity": link.entity,
                    "score": link.score,
                }
                for link in links
            ]
            typer.echo(json.dumps({"text": text, "links": found}, ensure_ascii=False))
            linked += len(found)
        texts += len(lines)
    typer.echo(f"{texts:,} texts, {linked:,} links", err=True)


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
    linker = _open(folder, options.encoder)
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


def explain_text(folder: Path, text: str, encoder: Path | None, as_json: bool) -> None:
    """Link a text and say why; see `loregraft link explain`."""
    from dataclasses import asdict

    from loregraft.linking.explain import explain

    found = explain(_open(folder, encoder), text)
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in found], ensure_ascii=False, indent=1))
        return
    if not found:
        typer.echo("no mention of an entity", err=True)
    for one in found:
        mention = one.link.mention
        typer.echo(
            f"{mention.text!r} ({mention.start}-{mention.end}): {one.link.entity}, {one.link.score:.2f}"
        )
        for thought in one.thoughts:
            parts = sorted(thought.gave.items(), key=lambda part: -abs(part[1]))
            words = ", ".join(f"{name} {value:+.2f}" for name, value in parts)
            typer.echo(f"  {thought.score:6.2f}  {thought.label} [{thought.entity}]: {words}")
        typer.echo(f"  {one.nil:6.2f}  none of them")
        for fact in one.facts:
            typer.echo(f"          {fact}")


def eval_linker(
    folder: Path, path: Path, encoder: Path | None, format: str, given: bool, as_json: bool
) -> None:
    """Judge a linker; see `loregraft link eval`."""
    from loregraft.linking.formats import read
    from loregraft.linking.judging.scores import judge, told

    linker = _open(folder, encoder)
    annotated = list(read(path, format))
    if not annotated:
        raise BadInput(path, 0, "there is no document in it", "Give labelled texts.")
    texts = [one.document.text for one in annotated]
    if given:
        places = [[(gold.mention.start, gold.mention.end) for gold in one.gold] for one in annotated]
        links = [linker.link_given(text, place) for text, place in zip(texts, places, strict=True)]
    else:
        links = linker.links(texts)
    in_graph = frozenset(linker.index.entities.table["id"].to_pylist())
    judged = judge([one.gold for one in annotated], links, in_graph=in_graph)
    if as_json:
        typer.echo(json.dumps(judged.as_dict(), indent=1))
        return
    for line in told(judged):
        typer.echo(line)


def _open(folder: Path, encoder: Path | None) -> "Linker":
    from loregraft.linking.linker import Linker

    return Linker.load(folder, _encoder(encoder))


def _encoder(folder: Path | None) -> "Encoder | None":
    if folder is None:
        return None
    from loregraft.encoder.load import load_encoder

    return load_encoder(folder)


def _threshold(nil: str) -> str | float:
    try:
        value: str | float = float(nil)
    except ValueError:
        value = nil
    known = value[:1] == "p" and value[1:].isdigit() if isinstance(value, str) else 0 <= value <= 1
    if not known:
        raise typer.BadParameter(f"--nil is {nil!r}; give a number from 0 to 1, or a precision such as p95")
    return value


def _batches(paths: Sequence[Path]) -> Iterator[list[str]]:
    """Give the lines of files, some at a time."""
    from loregraft.linking.coverage import read_texts

    lines: list[str] = []
    for path in paths:
        source = (line.rstrip("\n") for line in sys.stdin) if str(path) == "-" else read_texts([path])
        for line in source:
            lines.append(line)
            if len(lines) == TEXTS_AT_ONCE:
                yield lines
                lines = []
    if lines:
        yield lines


def _say(stage: str) -> None:
    typer.echo(f"  {stage} ...", err=True)
