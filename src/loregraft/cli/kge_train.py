"""What `loregraft kge train` does with its arguments, and what it says."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from loregraft.errors import CannotWrite

if TYPE_CHECKING:
    from loregraft.kge.parts import Parts
    from loregraft.kge.settings import KgeSettings
    from loregraft.kge.training.train import Progress


def train_folder(
    folder: Path,
    out: Path,
    recipe: Path | None,
    overrides: Sequence[str],
    older: Path | None,
    force: bool,
    as_json: bool,
) -> None:
    """Train and tell; see `loregraft kge train`."""
    from loregraft.artifact import read_card
    from loregraft.cli.kge_rank import unseen_lines
    from loregraft.cli.progress import Screen
    from loregraft.config import load_settings
    from loregraft.disk import keep_apart
    from loregraft.kg.store import open_graph
    from loregraft.kge.learn import is_learnt, learn_vectors
    from loregraft.kge.settings import KgeSettings

    settings = load_settings(KgeSettings, recipe, overrides)
    keep_apart(out, [folder, *([older] if older else [])])
    graph, key = open_graph(folder), read_card(folder).key
    if out.exists() and not force and not is_learnt(out, key, settings, older):
        raise CannotWrite(out, "it exists already", "Choose another folder, or overwrite it with --force.")
    with Screen() as screen:
        screen.begin("kge", f"{settings.model}, {settings.dim} numbers an entity")

        untold: list[Literal["valid", "test"]] = ["valid", "test"]

        def report(now: "Progress", parts: "Parts") -> None:
            while untold:
                for line in unseen_lines(graph, parts, untold.pop(0)):
                    screen.say(line)
            screen.advance(_share(now, settings), _words(now, settings))

        learn_vectors(graph, key, out, settings, report, older)
    facts = read_card(out).facts
    if as_json:
        typer.echo(json.dumps(facts, indent=1))
        return
    best = facts.get("best")
    kept = (
        f"valid MRR {best['valid_mrr']:.4f} in epoch {best['epoch']}"
        if isinstance(best, dict)
        else "no valid part"
    )
    typer.echo(f"{out}: {kept}; {facts['epochs']} epochs in {facts['seconds']} s")
    if isinstance(taken := facts.get("from"), dict):
        new = f"{taken['new_entities']:,} and {taken['new_relations']:,} are new"
        left_out = f"{taken['left_out_entities']:,} and {taken['left_out_relations']:,} are left out"
        both = f"{taken['entities']:,} entities and {taken['relations']:,} relations"
        typer.echo(f"{both} go on from {older}; {new}, {left_out}")


def _share(now: "Progress", settings: "KgeSettings") -> float:
    """Say how far the work is at least: by epochs, or by time where that ends first."""
    by_epochs = (now.epoch + now.share) / settings.epochs
    by_time = now.seconds / (60 * settings.minutes) if settings.minutes else 0.0
    return min(1.0, max(by_epochs, by_time))


def _words(now: "Progress", settings: "KgeSettings") -> str:
    speed = now.questions / now.seconds / 2 if now.seconds else 0.0
    share = _share(now, settings)
    left = f", {now.seconds / share * (1 - share):,.0f} s left" if share else ""
    mrr = f", MRR {now.mrr:.4f}" if now.mrr is not None else ""
    return f"epoch {now.epoch + 1}: {speed:,.0f} triples/s, loss {now.loss:.3f}{mrr}{left}"
