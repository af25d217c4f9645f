"""The arrays that make a graph quick: triples by head and by tail, entities by id, names in order.

Each is computed from the tables when it is first asked for; `kg/store.py` keeps them all in files
that are mapped into memory, so that an opened graph computes none of them.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from loregraft.kg.identity import hash_ids
from loregraft.kg.names import fold_name
from loregraft.kg.tables.assemble import GraphTable

Array = NDArray[Any]
ArrayName = Literal[
    "heads",
    "relations",
    "tails",
    "out_pointers",
    "in_pointers",
    "in_rows",
    "id_index",
    "name_order",
    "name_pointers",
    "name_bytes",
]
Tables = Mapping[GraphTable, pa.Table]
Get = Callable[[ArrayName], Array]

_MOST_INT16 = 2**15


def _heads(tables: Tables, get: Get) -> Array:
    return np.asarray(tables["triples"]["head"], dtype=np.int32)


def _relations(tables: Tables, get: Get) -> Array:
    kind = np.int16 if len(tables["relations"]) <= _MOST_INT16 else np.int32
    return np.asarray(tables["triples"]["relation"]).astype(kind)


def _tails(tables: Tables, get: Get) -> Array:
    return np.asarray(tables["triples"]["tail"], dtype=np.int32)


def _out_pointers(tables: Tables, get: Get) -> Array:
    return _pointers(get("heads"), len(tables["entities"]))


def _in_pointers(tables: Tables, get: Get) -> Array:
    return _pointers(get("tails"), len(tables["entities"]))


def _in_rows(tables: Tables, get: Get) -> Array:
    return np.argsort(get("tails"), kind="stable").astype(np.int32)


def _pointers(ends: Array, size: int) -> Array:
    pointers = np.zeros(size + 1, np.int64)
    np.cumsum(np.bincount(ends, minlength=size), out=pointers[1:])
    return pointers


def _id_index(tables: Tables, get: Get) -> Array:
    hashes = hash_ids(tables["entities"]["id"].to_pylist())
    order = np.argsort(hashes, kind="stable")
    return np.stack([hashes[order], order.astype(np.uint64)])


def _names_in_order(tables: Tables) -> dict[ArrayName, Array]:
    """Fold all names once, for the three arrays that are made of them."""
    names = tables["names"]["name"].to_pylist()
    folded = pa.array((fold_name(name).encode() for name in names), pa.large_binary(), size=len(names))
    order = pc.sort_indices(folded)
    _, pointers, content = folded.take(order).buffers()
    ends = np.frombuffer(pointers, np.int64) if len(names) else np.zeros(1, np.int64)
    return {
        "name_order": np.asarray(order).astype(np.int32),
        "name_pointers": ends[: len(names) + 1],
        "name_bytes": np.frombuffer(content or b"", np.uint8)[: ends[len(names)]],
    }


def compute(name: ArrayName, tables: Tables, get: Get) -> Mapping[ArrayName, Array]:
    """Make an array, and those that come with it."""
    function = COMPUTE[name]
    return _names_in_order(tables) if function is None else {name: function(tables, get)}


COMPUTE: dict[ArrayName, Callable[[Tables, Get], Array] | None] = {
    "heads": _heads,
    "relations": _relations,
    "tails": _tails,
    "out_pointers": _out_pointers,
    "in_pointers": _in_pointers,
    "in_rows": _in_rows,
    "id_index": _id_index,
    "name_order": None,
    "name_pointers": None,
    "name_bytes": None,
}
"""Array -> how it is made; None: with the other arrays of names, see `compute`.

heads, relations, tails: of each triple, in the order of the table `triples`. The triples of entity
i as a head are rows `out_pointers[i]` to `out_pointers[i + 1]`; those as a tail are
`in_rows[in_pointers[i]:in_pointers[i + 1]]`. `id_index` has two rows: the sorted hashes of the ids, and
the entities they belong to. `name_order` sorts the rows of `names` by folded name, whose bytes (UTF-8)
lie end to end in `name_bytes`."""
