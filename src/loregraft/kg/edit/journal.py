"""The journal of a graph folder: for each edit what it takes to undo it, in `edits/<number>`.

The rows that left are kept with their places, of those that came the places; what was there before
(counts, card) is in `edit.json`. `kg/edit/change.py` writes and reads it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from loregraft.artifact import Card, Json
from loregraft.disk import write_json
from loregraft.errors import WrongArtifact
from loregraft.kg.edit.rows import PARTS, Moves, Part, Step

EDITS = "edits"
_NOTE = "edit.json"


def edit_folders(folder: Path) -> list[Path]:
    """Give the folders of the edits of a graph folder, the latest last."""
    return sorted(path for path in (folder / EDITS).glob("*") if path.is_dir())


def write_step(folder: Path, step: Step, card: Card, change: Mapping[str, Json]) -> None:
    """Write an edit into a new folder.

    Args:
        card: Of the graph before.
        change: What the edit did, to be told when it is undone.
    """
    folder.mkdir(parents=True)
    texts = {}
    for part, moves in step.moves.items():
        texts[part] = moves.texts
        gone = moves.gone.add_column(0, "row", pa.array(moves.gone_from))
        pq.write_table(gone, folder / f"{part}-removed.parquet", compression="zstd")
        came = pa.table({"row": pa.array(moves.came_to)})
        pq.write_table(came, folder / f"{part}-added.parquet", compression="zstd")
    counts = {"entities": step.entities, "relations": step.relations}
    write_json(folder / _NOTE, {"change": change, "before": counts, "texts": texts, "card": card.__dict__})


def read_step(folder: Path) -> tuple[Step, Card, dict[str, Any]]:
    """Read an edit as `write_step` took it.

    Raises:
        WrongArtifact: A file of it is missing or cannot be read.
    """
    try:
        note = json.loads((folder / _NOTE).read_text(encoding="utf-8"))
        moves = {part: _moves(folder, part, note["texts"][part]) for part in PARTS if part in note["texts"]}
        step = Step(note["before"]["entities"], note["before"]["relations"], moves)
        return step, Card(**note["card"]), note["change"]
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        fix = "Take the graph folder from a backup, or import the graph again."
        raise WrongArtifact(folder, f"the journal cannot be read ({error})", fix) from error


def _moves(folder: Path, part: Part, texts: dict[str, int]) -> Moves:
    gone = pq.read_table(folder / f"{part}-removed.parquet")
    came = pq.read_table(folder / f"{part}-added.parquet")
    return Moves(
        gone.drop_columns(["row"]),
        np.asarray(gone["row"].to_numpy(), dtype=np.int64),
        np.asarray(came["row"].to_numpy(), dtype=np.int64),
        texts,
    )
