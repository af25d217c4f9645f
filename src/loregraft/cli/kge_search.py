"""What `loregraft kge search` does with its arguments, and what it says."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from loregraft.kge.search import SearchSettings, Tried
    from loregraft.kge.training.train import Progress


def search_settings(
    folder: Path,
    out: Path,
    recipe: Path | None,
    overrides: Sequence[str],
    how: "SearchSettings",
    as_json: bool,
) -> None:
    """Search and tell; see `loregraft kge search`."""
    from loregraft.artifact import read_card
    from loregraft.cli.progress import Screen
    from loregraft.config import load_settings
    from loregraft.disk import keep_apart
    from loregraft.kg.store import open_graph
    from loregraft.kge.parts import parts_of
    from loregraft.kge.search import BEST, search
    from loregraft.kge.settings import KgeSettings

    settings = load_settings(KgeSettings, recipe, overrides)
    keep_apart(out, [folder])
    parts = parts_of(open_graph(folder))
    with Screen() as screen:
        screen.begin("search", f"{settings.model}, {settings.dim} numbers an entity, {how.minutes:g} minutes")

        def report(tried: "list[Tried]", now: "Progress | None") -> None:
            spent = sum(one.seconds for one in tried) + (now.seconds if now else 0.0)
            best = max((one.mrr for one in tried), default=None)
            words = "" if best is None else f", best MRR {best:.4f}"
            screen.advance(min(1.0, spent / (60 * how.minutes)), f"trial {len(tried) + 1}{words}")

        tried = search(parts, settings, out, how, read_card(folder).key, report)
    if as_json:
        typer.echo(json.dumps([asdict(one) for one in tried], indent=1))
        return
    for one in sorted(tried, key=lambda one: -one.mrr)[:5]:
        changed = ", ".join(f"{name}={_short(value)}" for name, value in one.params.items())
        typer.echo(f"{one.mrr:.4f}  {one.epochs:>3} epochs  {one.ended:<8}  {changed}")
    typer.echo(f"{len(tried)} trials; the best as a recipe: {out / BEST}")


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
