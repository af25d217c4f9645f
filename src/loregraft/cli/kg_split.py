"""What `loregraft kg split` does with its arguments, and what it says."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from loregraft.errors import BadInput

if TYPE_CHECKING:
    from loregraft.kg.split.triples import Mode, SplitSettings


def settings_of(out: Path, mode: "Mode", valid: float, test: float, seed: int) -> "SplitSettings":
    """Give the settings that the options of `loregraft kg split` make.

    Raises:
        BadInput: The shares leave nothing for train, or are no shares.
    """
    from loregraft.kg.split.triples import SplitSettings

    try:
        return SplitSettings(mode=mode, valid=valid, test=test, seed=seed)
    except ValueError as error:
        fix = "Give shares from 0 to 1 that leave something for train."
        found = f"--valid {valid:g} and --test {test:g} leave no triple for train"
        raise BadInput(out, 0, found, fix) from error


def split_folder(folder: Path, out: Path, settings: "SplitSettings", files: bool, as_json: bool) -> None:
    """Split the triples of a graph folder, write the result and tell; see `loregraft kg split`.

    Args:
        files: Write a file for each part instead of a graph folder.
    """
    from loregraft.artifact import fingerprint, read_card
    from loregraft.kg.split.files import save_parts
    from loregraft.kg.split.triples import COUNTED, split_triples, with_split
    from loregraft.kg.store import open_graph, save_graph

    graph = open_graph(folder)
    split = split_triples(graph, settings)
    counts, said = dict(split.counts), settings.model_dump(mode="json")
    inputs = {"graph": read_card(folder).key}
    key = fingerprint("split", 1, said, inputs, files)
    if files:
        counts["left_out_ids"] = save_parts(graph, split, out, key, said)
    else:
        save_graph(
            with_split(graph, split), out, key, settings=said, inputs=inputs, facts={"split": {**counts}}
        )
    if as_json:
        told = {"mode": settings.mode, "seed": settings.seed, "counts": counts}
        typer.echo(json.dumps(told, indent=1))
        return
    for name, count in counts.items():
        if count or name in ("train", "valid", "test"):
            typer.echo(f"{count:>12,}  {COUNTED[name]}")
    typer.echo(f"wrote {out}", err=True)
