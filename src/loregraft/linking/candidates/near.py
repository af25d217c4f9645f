"""An index of many vectors (usearch, an extra): which names may be near, without comparing all.

It is made once, with half precision, lies in the linker's folder and is mapped from there. It proposes; the
cosines are taken exactly. usearch is loaded where there is an index to make or to open, and nowhere else:
in one process with faiss it crashes.
"""

import importlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float16, Float32, Int64

EXACT_UP_TO = 50_000
"""Names up to which all are compared."""
FILE = "dense.usearch"
ASKED = 4
"""Times as many are proposed as are wanted."""
SETTINGS = {"connectivity": 32, "expansion_add": 128, "expansion_search": 256}
_TILE = 65_536


def make_index(vectors: Float16[np.ndarray, "names dim"], exact_up_to: int = EXACT_UP_TO) -> Any | None:
    """Make an index of unit vectors; None where there are few, or usearch is not installed.

    Takes about a minute for 100,000 names of 384 numbers; on one thread, so that it is the same each time.
    """
    if len(vectors) <= exact_up_to or importlib.util.find_spec("usearch") is None:
        return None
    usearch = importlib.import_module("usearch.index")
    index = usearch.Index(ndim=vectors.shape[1], metric="ip", dtype="f16", **SETTINGS)
    for first in range(0, len(vectors), _TILE):
        part = np.asarray(vectors[first : first + _TILE])
        index.add(np.arange(first, first + len(part)), part, threads=1)
    return index


def open_index(folder: Path) -> Any | None:
    """Map the index of a linker's folder; None where it has none, or usearch is not installed."""
    path = folder / FILE
    if not path.is_file() or importlib.util.find_spec("usearch") is None:
        return None
    return importlib.import_module("usearch.index").Index.restore(str(path), view=True)


def propose(
    index: Any, queries: Float32[np.ndarray, "strings dim"], most: int
) -> Int64[np.ndarray, "strings proposed"]:
    """Give rows that may be nearest each query; -1 where fewer were found."""
    more = min(ASKED * most, len(index))
    index.expansion_search = max(SETTINGS["expansion_search"], more)  # a file does not keep it
    found = index.search(queries.astype(np.float16), more, threads=1)
    keys = np.atleast_2d(np.asarray(found.keys)).astype(np.int64)
    counts = np.atleast_1d(np.asarray(getattr(found, "counts", len(keys[0]))))
    keys[np.arange(keys.shape[1])[None, :] >= counts[:, None]] = -1
    return keys
