"""What may be text of a graph: the policy for ids, names, descriptions and values on their way in.

Control characters and texts of absurd length are damage or an attack, so such rows are left out and
counted. Names and texts that are kept are Unicode-normalised (NFC), ids stay as they are. Marks of
direction and of zero width are kept, since some scripts need them; `kg/check/checks.py` reports them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from loregraft.kg.tables.columns import Cell, Table, as_array

MAX_ID_BYTES = 4 << 10
MAX_NAME_BYTES = 4 << 10
MAX_TEXT_BYTES = 64 << 10

_IDS: dict[Table, tuple[str, ...]] = {
    "entities": ("id",),
    "relations": ("id",),
    "names": ("entity",),
    "descriptions": ("entity",),
    "triples": ("head", "relation", "tail"),
    "attributes": ("entity", "property"),
    "media": ("entity",),
}
_TEXTS: dict[Table, tuple[str, int]] = {
    "names": ("name", MAX_NAME_BYTES),
    "descriptions": ("text", MAX_TEXT_BYTES),
    "attributes": ("value", MAX_TEXT_BYTES),
    "media": ("reference", MAX_TEXT_BYTES),
}
"""Table -> its column of text, and how long that may be."""
_ASIDE: dict[Table, tuple[str, ...]] = {
    "entities": ("type",),
    "relations": ("name", "inverse", "domain", "range"),
}
"""Columns of which a bad cell is emptied: what else the row says stays."""

_CONTROL = r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F\x{80}-\x{9F}]"  # all but tab and line ends

Cells = Mapping[str, Sequence[Cell] | pa.Array]
"""Rows of a table, column by column."""


def clean(table: Table, rows: Cells, tally: Counter[str]) -> dict[str, pa.Array]:
    """Give the rows that may stay, normalised; what is left out is added to `tally`.

    Counts are `left_out_control_characters`, `left_out_too_long`, `left_out_empty_text`, and, for
    attributes of no entity (a reader's word on what it left out), `left_out_<property>`. Tags of
    languages are written in lower case, since their case says nothing (BCP 47).
    """
    kept = {name: as_array(values) for name, values in rows.items()}
    if table == "attributes":
        kept = _of_entities(kept, tally)
    for column in _IDS[table]:
        kept[column] = _encoded(kept[column])
        kept = _without(kept, _wrong(kept[column], MAX_ID_BYTES, tally))
    if table in _TEXTS:
        column, limit = _TEXTS[table]
        kept[column] = kept[column].cast(pa.large_string())
        kept = _without(kept, _blank(kept[column], tally))
        kept = _without(kept, _wrong(kept[column], limit, tally))
        kept[column] = pc.utf8_normalize(kept[column], form="NFC")
    for column in _ASIDE.get(table, ()):
        texts = kept[column].cast(pa.large_string())
        texts = pc.if_else(_wrong(texts, MAX_NAME_BYTES, tally), "", texts)
        kept[column] = pc.utf8_normalize(pc.utf8_trim_whitespace(texts), form="NFC")
    if "language" in kept:
        kept["language"] = pc.ascii_lower(kept["language"].cast(pa.large_string()))
    return kept


def _wrong(values: pa.Array, limit: int, tally: Counter[str]) -> pa.Array:
    """Mark and count the cells that are too long or have control characters."""
    texts = values.dictionary if pa.types.is_dictionary(values.type) else values
    long = pc.greater(pc.binary_length(texts), limit)
    control = pc.and_not(pc.match_substring_regex(texts, _CONTROL), long)
    if texts is not values:
        long, control = (mask.take(values.indices) for mask in (long, control))
    _count(tally, "too_long", long)
    _count(tally, "control_characters", control)
    return pc.or_(long, control)


def _blank(texts: pa.Array, tally: Counter[str]) -> pa.Array:
    blank = pc.equal(pc.binary_length(pc.utf8_trim_whitespace(texts)), 0)
    _count(tally, "empty_text", blank)
    return blank


def _count(tally: Counter[str], reason: str, left_out: pa.Array) -> None:
    count = pc.sum(left_out).as_py() or 0
    if count:
        tally[f"left_out_{reason}"] += count


def _without(rows: dict[str, pa.Array], wrong: pa.Array) -> dict[str, pa.Array]:
    if not pc.any(wrong).as_py():
        return rows
    kept = pc.invert(wrong)
    return {name: values.filter(kept) for name, values in rows.items()}


def _encoded(values: pa.Array) -> pa.Array:
    """Give ids as numbered texts, so that each is looked at once."""
    if pa.types.is_dictionary(values.type):
        return pa.DictionaryArray.from_arrays(values.indices, values.dictionary.cast(pa.large_string()))
    return values.cast(pa.large_string()).dictionary_encode()


def _of_entities(rows: dict[str, pa.Array], tally: Counter[str]) -> dict[str, pa.Array]:
    kept = pc.not_equal(rows["entity"], "")
    if pc.all(kept).as_py():
        return rows
    for property in rows["property"].filter(pc.invert(kept)).to_pylist():
        tally[f"left_out_{property}"] += 1
    return {name: values.filter(kept) for name, values in rows.items()}
