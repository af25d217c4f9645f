"""Nearest neighbours of many entities at once: exact, or approximate through an index on disk.

The exact way takes tiles of matrix products in constant memory. The approximate one asks an index of usearch
(an extra) for more than are wanted and orders these by their exact cosines. The index lies in the folder of
the vectors as a folder of its own, and its key holds the checksum of the vectors' file.
"""

import importlib
import importlib.metadata
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Int64
from torch import Tensor

from loregraft.artifact import fingerprint, is_current, sha256_file, writing
from loregraft.errors import CannotWrite, MissingExtra
from loregraft.kge.vectors import TENSORS, Found, Vectors

FOLDER, FILE, KIND = "nearest", "index.usearch", "nearest-index"
QUERIES_AT_ONCE = 512
TILE_ENTITIES = 65_536
ASKED = 4
"""Times as many candidates are taken from the index as are wanted."""
SETTINGS = {"connectivity": 32, "expansion_add": 128, "expansion_search": 128}
"""Of usearch: neighbours of a node, candidates looked at when one is added, and when one asks."""

log = logging.getLogger(__name__)


def neighbours(vectors: Vectors, ids: Sequence[str], count: int = 10) -> list[list[Found]]:
    """Give for each id the entities whose vectors point the same way (cosine, -1..1), best first; exact.

    The same as `Vectors.neighbours` one by one, to rounding; much faster for many.

    Raises:
        BadInput: An id is unknown.
    """
    values, rows = vectors.tables.entities.values, [vectors.index(id) for id in ids]
    wanted, found = min(count, len(vectors) - 1), []
    for start in range(0, len(rows), QUERIES_AT_ONCE):
        own = torch.tensor(rows[start : start + QUERIES_AT_ONCE])
        scores, places = _best(values, own, wanted)
        found += [_named(vectors, *row) for row in zip(places.tolist(), scores.tolist(), strict=True)]
    return found


def approximate_neighbours(
    vectors: Vectors, folder: Path, ids: Sequence[str], count: int = 10
) -> list[list[Found]]:
    """Give what `neighbours` gives, nearly: some may be missing, but the cosines are exact.

    The first call for a folder makes the index (some seconds for 10,000 entities); so does the first one
    after the vectors' file has changed. Where the folder cannot be written, each call makes it in memory.

    Args:
        folder: That the vectors were opened from.

    Raises:
        BadInput: An id is unknown.
        MissingExtra: usearch is not installed.
    """
    values, rows = vectors.tables.entities.values, [vectors.index(id) for id in ids]
    index, wanted = _index(vectors, folder), min(count, len(vectors) - 1)
    if not rows:
        return []
    more = min(ASKED * wanted + 1, len(vectors))
    index.expansion_search = max(SETTINGS["expansion_search"], more)  # a file does not keep it
    found = []
    for row, unit in zip(rows, _unit(values[torch.tensor(rows)]), strict=True):
        candidates = index.search(unit, more).keys.astype(np.int64)
        others = torch.from_numpy(candidates[candidates != row])
        scores = _cosines(values[others], values[row : row + 1])[0]
        best = scores.topk(min(wanted, len(others)))
        found.append(_named(vectors, others[best.indices].tolist(), best.values.tolist()))
    return found


def _best(values: Tensor, rows: Tensor, wanted: int) -> tuple[Tensor, Tensor]:
    """Give the best cosines of some rows with all others, and whose they are, a tile at a time."""
    scores, places = torch.empty(len(rows), 0), torch.empty(len(rows), 0, dtype=torch.int64)
    for first in range(0, len(values), TILE_ENTITIES):
        tile = _cosines(values[first : first + TILE_ENTITIES], values[rows])
        inside = ((rows >= first) & (rows < first + tile.shape[1])).nonzero().squeeze(1)
        tile[inside, rows[inside] - first] = -torch.inf
        top = tile.topk(min(wanted, tile.shape[1]))
        scores, places = torch.cat([scores, top.values], 1), torch.cat([places, top.indices + first], 1)
        best = scores.topk(min(wanted, scores.shape[1]))
        scores, places = best.values, places.gather(1, best.indices)
    return scores, places


def _cosines(candidates: Tensor, queries: Tensor) -> Tensor:
    sizes = candidates.norm(dim=1).clamp_min(1e-12)
    return (torch.nn.functional.normalize(queries, dim=1) @ candidates.T).div_(sizes)


def _unit(values: Tensor) -> Float32[np.ndarray, "rows width"]:
    unit: Float32[np.ndarray, "rows width"] = torch.nn.functional.normalize(values, dim=1).numpy()
    return unit


def _named(vectors: Vectors, places: list[int], scores: list[float]) -> list[Found]:
    return [Found(vectors.ids[place], score) for place, score in zip(places, scores, strict=True)]


def _index(vectors: Vectors, folder: Path) -> Any:
    """Open the index of a folder, made first where there is none or the vectors are others."""
    usearch = _usearch()
    own, size = folder / FOLDER, list(vectors.tables.entities.values.shape)
    version = importlib.metadata.version("usearch")
    key = fingerprint(KIND, 1, sha256_file(folder / TENSORS), size, SETTINGS, version)
    if is_current(own, KIND, key):
        return usearch.Index.restore(str(own / FILE), view=True)
    index = _made(usearch, vectors)
    try:
        with writing(own, KIND, key, settings=dict(SETTINGS)) as (target, facts):
            index.save(str(target / FILE))
            facts["entities"] = len(vectors)
    except CannotWrite as error:
        log.warning("the index is used without being kept: %s", error)
    return index


def _made(usearch: Any, vectors: Vectors) -> Any:
    values = vectors.tables.entities.values
    found = usearch.Index(ndim=values.shape[1], metric="ip", dtype="f32", **SETTINGS)
    for first in range(0, len(values), TILE_ENTITIES):
        part = _unit(values[first : first + TILE_ENTITIES])
        keys: Int64[np.ndarray, " rows"] = np.arange(first, first + len(part))
        found.add(keys, part, threads=1)  # one thread: the same index each time
    return found


def _usearch() -> Any:
    """Import usearch.

    Raises:
        MissingExtra: It is not installed.
    """
    try:
        return importlib.import_module("usearch.index")
    except ModuleNotFoundError as error:
        raise MissingExtra("usearch", "ann") from error
