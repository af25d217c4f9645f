"""The five tables of a graph, and the batches of columns in which readers hand them over.

A reader yields `Columns`, at most `BATCH_ROWS` rows each, in ids (strings); `kg/graph.py` gathers
them, gives each id its row number and drops nothing without counting it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from loregraft.errors import BadInput

Table = Literal["entities", "names", "descriptions", "triples", "attributes"]

BATCH_ROWS = 65_536

TABLES: dict[Table, dict[str, str | bool | None]] = {
    "entities": {"id": None, "type": "", "source": ""},
    "names": {"entity": None, "name": None, "kind": "exact", "language": "en", "source": ""},
    "descriptions": {"entity": None, "text": None, "language": "en", "source": ""},
    "triples": {
        "head": None,
        "relation": None,
        "tail": None,
        "negated": False,
        "reference": "",
        "qualifiers": "",
        "source": "",
    },
    "attributes": {"entity": None, "property": None, "value": None, "unit": "", "source": ""},
}
"""Column -> default; None means that the reader must give it. `qualifiers` is a JSON object as text."""


@dataclass(frozen=True)
class Columns:
    """Some rows of one table, column by column; a column left out takes its default."""

    table: Table
    rows: Mapping[str, Sequence[str | bool]]

    def __len__(self) -> int:
        return len(next(iter(self.rows.values()), ()))


Reader = Callable[[Path, list[BadInput] | None], Iterator[Columns]]
"""`read_x(path, problems=None)`: streams a file. A bad line raises BadInput, or, when a list is
given, is added to it and skipped."""
