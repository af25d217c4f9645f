"""What may be text of a graph: the policy for names, descriptions and values on their way in.

Control characters and texts of absurd length are damage or an attack, so such rows are left out and
counted. All that is kept is Unicode-normalised (NFC). Marks of direction and of zero width are kept,
since some scripts need them; `kg/check/checks.py` reports them.
"""

from collections import Counter
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from loregraft.kg.tables.columns import Cell, Table

MAX_NAME_BYTES = 4 << 10
MAX_TEXT_BYTES = 64 << 10

_CHECKED: dict[Table, tuple[str, int]] = {
    "names": ("name", MAX_NAME_BYTES),
    "descriptions": ("text", MAX_TEXT_BYTES),
    "attributes": ("value", MAX_TEXT_BYTES),
}
"""Table -> its column of text, and how long that may be."""
_CONTROL = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F\x{80}-\x{9F}]"  # all but tab and line ends

Rows = dict[str, Sequence[Cell] | pa.Array]


def clean(table: Table, rows: Rows, tally: Counter[str]) -> Rows:
    """Give the rows that may stay, normalised; what is left out is added to `tally`.

    Counts are `left_out_control_characters`, `left_out_too_long`, and, for attributes of no entity
    (a reader's word on what it left out), `left_out_<property>`.
    """
    if table == "attributes":
        rows = _of_entities(rows, tally)
    if table not in _CHECKED:
        return rows
    column, limit = _CHECKED[table]
    values = rows[column]
    texts = values if isinstance(values, pa.Array) else pa.array(values, pa.large_string())
    long = pc.greater(pc.binary_length(texts), limit)
    control = pc.and_not(pc.match_substring_regex(texts, _CONTROL), long)
    for name, found in (("too_long", long), ("control_characters", control)):
        count = pc.sum(found).as_py() or 0
        if count:
            tally[f"left_out_{name}"] += count
    wrong = pc.or_(long, control)
    if pc.any(wrong).as_py():
        kept = pc.invert(wrong)
        rows = {name: _array(values).filter(kept) for name, values in rows.items()}
        texts = texts.filter(kept)
    return {**rows, column: pc.utf8_normalize(texts, form="NFC")}


def _of_entities(rows: Rows, tally: Counter[str]) -> Rows:
    entities = _array(rows["entity"])
    kept = pc.not_equal(entities, "")
    if pc.all(kept).as_py():
        return rows
    for property in _array(rows["property"]).filter(pc.invert(kept)).to_pylist():
        tally[f"left_out_{property}"] += 1
    return {name: _array(values).filter(kept) for name, values in rows.items()}


def _array(values: Sequence[Cell] | pa.Array) -> pa.Array:
    return values if isinstance(values, pa.Array) else pa.array(values)
