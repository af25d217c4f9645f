"""What `loregraft kg split` does with its arguments, and what it says."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from loregraft.errors import BadInput, CannotWrite

if TYPE_CHECKING:
    from loregraft.artifact import Json


@dataclass(frozen=True)
class Wanted:
    """What is asked of a split, as the options of `loregraft kg split` say it.

    Attributes:
        valid: Share of the facts, 0..1; so is `test`.
        files: Write a file for each part instead of a graph folder.
    """

    mode: Literal["transductive", "inductive", "kept"]
    valid: float
    test: float
    seed: int
    files: bool


def split_folder(folder: Path, out: Path, wanted: Wanted, force: bool, as_json: bool) -> None:
    """Split the triples of a graph folder, write the result and tell; see `loregraft kg split`."""
    from loregraft.artifact import fingerprint, read_card
    from loregraft.kg.split.files import save_parts
    from loregraft.kg.split.triples import COUNTED, Shares, split_triples, with_split
    from loregraft.kg.store import open_graph, save_graph

    valid, test = wanted.valid, wanted.test
    if min(valid, test) < 0 or valid + test >= 1:
        fix = "Give shares from 0 to 1 that leave something for train."
        raise BadInput(out, 0, f"--valid {valid:g} and --test {test:g} leave no triple for train", fix)
    if out.exists() and not force:
        raise CannotWrite(out, "it exists already", "Choose another folder, or overwrite it with --force.")
    graph = open_graph(folder)
    split = split_triples(graph, wanted.mode, Shares(valid, test), wanted.seed)
    settings: dict[str, Json] = {"mode": wanted.mode, "valid": valid, "test": test, "seed": wanted.seed}
    inputs = {"graph": read_card(folder).key}
    key = fingerprint("split", 1, settings, inputs, wanted.files)
    if wanted.files:
        save_parts(graph, split, out, key, settings)
    else:
        facts: dict[str, Json] = {"split": dict(split.counts)}
        save_graph(with_split(graph, split), out, key, settings=settings, inputs=inputs, facts=facts)
    if as_json:
        typer.echo(json.dumps({"mode": wanted.mode, "seed": wanted.seed, "counts": split.counts}, indent=1))
        return
    for name, count in split.counts.items():
        if count or name in ("train", "valid", "test"):
            typer.echo(f"{count:>12,}  {COUNTED[name]}")
    typer.echo(f"wrote {out}", err=True)
