"""The tables that readers fill, and the batches of columns in which they hand them over.

A reader yields `Columns`, at most `BATCH_ROWS` rows each, in ids (strings); `kg/tables/gather.py` gathers
them, gives each id its row number and drops nothing without counting it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from loregraft.errors import BadInput

Table = Literal["entities", "relations", "names", "descriptions", "triples", "attributes", "media"]
Cell = str | bool | float
Ints = NDArray[np.int32]
"""Indexes of entities or relations."""
Rows = NDArray[np.int64]
"""Row numbers of a table."""
Bools = NDArray[np.bool_]

BATCH_ROWS = 65_536

TABLES: dict[Table, dict[str, Cell | None]] = {
    "entities": {"id": None, "type": "", "source": ""},
    "relations": {
        "id": None,
        "name": "",
        "language": "en",
        "inverse": "",
        "symmetric": False,
        "domain": "",
        "range": "",
        "source": "",
    },
    "names": {"entity": None, "name": None, "kind": "exact", "language": "en", "source": ""},
    "descriptions": {"entity": None, "text": None, "language": "en", "source": ""},
    "triples": {
        "head": None,
        "relation": None,
        "tail": None,
        "negated": False,
        "references": "",
        "qualifiers": "",
        "confidence": 1.0,
        "valid_from": "",
        "valid_to": "",
        "licence": "",
        "split": "",
        "source": "",
    },
    "attributes": {
        "entity": None,
        "property": None,
        "value": None,
        "datatype": "",
        "unit": "",
        "language": "",
        "source": "",
    },
    "media": {"entity": None, "reference": None, "kind": "image", "licence": "", "source": ""},
}
"""Column -> default; None means that the reader must give it.

`entities` and `relations` may have several rows for one id: one for each type, or name. `inverse` is
the id of a relation; `domain` and `range` are types. `references` are joined by `|`; `qualifiers` is
a JSON object as text (`pack_qualifiers`); `confidence` is 0..1; dates are ISO 8601; `split` is train,
valid, test or empty. `datatype` is a name of XML Schema such as `integer`, `decimal`, `date`, or the
address of another one; empty: text. `kind` of media is image, video or audio; `reference` a path or
an address."""

REFERENCE_MARK = "|"
"""Stands between the references of a triple."""


@dataclass(frozen=True)
class Columns:
    """Some rows of one table, column by column; a column left out takes its default.

    Columns are sequences, or pyarrow arrays of strings without nulls where a reader has them.
    """

    table: Table
    rows: Mapping[str, Sequence[Cell] | pa.Array]

    def __len__(self) -> int:
        return len(next(iter(self.rows.values()), ()))


def repeated(text: str, count: int) -> pa.Array:
    """Give a column that says the same in every row."""
    return pa.DictionaryArray.from_arrays(np.zeros(count, np.int32), pa.array([storable(text)], pa.string()))


def storable(text: str) -> str:
    """Write what UTF-8 cannot hold as an escape: the name of a file may have such bytes."""
    return text.encode("utf-8", "backslashreplace").decode()


def as_array(values: Sequence[Cell] | pa.Array) -> pa.Array:
    """Give a column as a pyarrow array."""
    if isinstance(values, pa.Array):
        return values
    is_text = len(values) and isinstance(values[0], str)
    return pa.array(values, pa.large_string() if is_text else None)


Reader = Callable[[Path, list[BadInput] | None], Iterator[Columns]]
"""`read_x(path, problems=None)`: streams a file. A bad line raises BadInput, or, when a list is
given, is added to it and skipped."""
