"""Take vectors of other tools over: put their rows in the order of a graph, and write them as ours."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import torch
from torch import Tensor

from loregraft.artifact import Json, fingerprint, sha256_file
from loregraft.errors import BadInput, CannotWrite, did_you_mean
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kge.exchange.dglke import read_dglke
from loregraft.kge.exchange.foreign import Foreign
from loregraft.kge.exchange.pykeen import read_pykeen
from loregraft.kge.scorers import SCORERS
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Table, Tables
from loregraft.kge.vectors import Vectors, save_vectors

READERS: dict[str, Callable[[Path, str], Foreign]] = {"pykeen": read_pykeen, "dglke": read_dglke}
"""Format -> its reader, which takes a folder and the name of the scorer."""
NAMED = 5
"""Missing ids that an error names."""


@dataclass(frozen=True)
class Source:
    """Where vectors come from.

    Attributes:
        folder: That the other tool wrote.
        format: Of it, one of READERS.
        model: Our name of the scorer.
        allow_missing: Give zeros to entities and relations of the graph without a row, instead of refusing.
    """

    folder: Path
    format: str
    model: str
    allow_missing: bool = False


def import_vectors(
    source: Source, out: Path, graph: KnowledgeGraph, graph_key: str, *, force: bool = False
) -> dict[str, Json]:
    """Write vectors of another tool as a folder of ours, rows in the order of a graph, and tell the counts.

    Rows of ids that the graph does not have are left out and counted. An id that the graph does not have as
    it stands is looked up with its escapes (%20) undone too.

    Args:
        graph_key: Of the graph's card.

    Raises:
        BadInput: An unknown format or model, files that are not what they should be, or ids that are missing.
        CannotWrite: Something is there and `force` is not given, or the machine refuses.
    """
    _check_names(source)
    if out.exists() and not force:
        raise CannotWrite(out, "it exists already", "Choose another name, or overwrite it with --force.")
    found = READERS[source.format](source.folder, source.model)
    placed = {
        what: _places(ids, wanted, source, what)
        for what, ids, wanted in (
            ("entities", found.ids, graph.ids),
            ("relations", found.relation_ids, graph.relation_ids),
        )
    }
    settings = KgeSettings(model=source.model, dim=found.entities.shape[1], reciprocal=found.reciprocal)
    tables = _tables(found, placed, settings)
    hashes = {path.name: sha256_file(path) for path in found.files}
    key = fingerprint("imported vectors", settings.model_dump(mode="json"), graph_key, hashes, source.format)
    told = _told(found, placed)
    facts: dict[str, Json] = {"imported": {"format": source.format, "files": dict(hashes), **told}}
    save_vectors(Vectors(tables, graph.ids, graph.relation_ids, settings, graph_key), out, key, facts)
    return told


def _check_names(source: Source) -> None:
    if source.format not in READERS:
        said = f"there is no format {source.format!r} to read"
        raise BadInput(source.folder, 0, said, did_you_mean(source.format, READERS))
    if source.model not in SCORERS:
        said = f"there is no model {source.model!r:.60}"
        raise BadInput(source.folder, 0, said, did_you_mean(source.model, SCORERS))
    if not source.folder.is_dir():
        raise BadInput(source.folder, 0, "there is no such folder", "Give the folder that holds the vectors.")


def _places(ids: Sequence[str], wanted: Sequence[str], source: Source, what: str) -> np.ndarray:
    """Give for each wanted id the row that has it, -1 where none has."""
    indexes = {id: index for index, id in enumerate(wanted)}
    places = np.full(len(wanted), -1, np.int64)
    for row, id in enumerate(ids):
        index = indexes.get(id, indexes.get(unquote(id), -1))
        if index >= 0 and places[index] >= 0:
            said = f"two rows of {what} belong to {wanted[index]!r:.60}"
            raise BadInput(source.folder, 0, said, "Give each id once.")
        if index >= 0:
            places[index] = row
    missing = np.flatnonzero(places < 0)
    if len(missing) == len(wanted) or (len(missing) and not source.allow_missing):
        names = ", ".join(wanted[index] for index in missing[:NAMED].tolist())
        more = " ..." if len(missing) > NAMED else ""
        said = f"{len(missing):,} of the graph's {len(wanted):,} {what} have no vector: {names}{more}"
        fix = "Give the graph that they were trained on, or zeros to these with --allow-missing."
        raise BadInput(source.folder, 0, said, fix)
    return places


def _tables(found: Foreign, placed: dict[str, np.ndarray], settings: KgeSettings) -> Tables:
    entities = _rows(found.entities, placed["entities"])
    sides = found.relations.chunk(2) if found.reciprocal else (found.relations,)
    relations = torch.cat([_rows(side, placed["relations"]) for side in sides])
    both = Table.of(entities, settings), Table.of(relations, settings)
    return Tables(SCORERS[settings.model], *both, None, found.reciprocal)


def _rows(table: Tensor, places: np.ndarray) -> Tensor:
    rows = table.new_zeros(len(places), table.shape[1])
    there = torch.from_numpy(places >= 0)
    rows[there] = table[torch.from_numpy(places[places >= 0])]
    return rows


def _told(found: Foreign, placed: dict[str, np.ndarray]) -> dict[str, Json]:
    told: dict[str, Json] = {"reciprocal": found.reciprocal}
    for what, ids in (("entities", found.ids), ("relations", found.relation_ids)):
        used = int((placed[what] >= 0).sum())
        told[what] = used
        told[f"{what}_of_zeros"] = len(placed[what]) - used
        told[f"{what}_left_out"] = len(ids) - used
    return told
