"""Take only some of a file: the languages and relations that are wanted, whatever the format."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from loregraft.kg.tables.columns import TABLES, Columns, Table, as_array


@dataclass(frozen=True)
class Keep:
    """What to take; None: all.

    Attributes:
        languages: Of names, descriptions and attributes, such as "en"; "en" also takes "en-GB", and
            case does not count. What has no language is always taken.
        relations: Ids of relations of triples, and properties of attributes.
    """

    languages: frozenset[str] | None = None
    relations: frozenset[str] | None = None


ALL = Keep()

_LANGUAGE: dict[Table, str] = {"names": "language", "descriptions": "language", "attributes": "language"}
_RELATION: dict[Table, str] = {"triples": "relation", "attributes": "property"}


def keep_only(batches: Iterable[Columns], keep: Keep) -> Iterator[Columns]:
    """Yield the rows that are wanted; those left out are told as attributes of no entity, for the count."""
    for batch in batches:
        for wanted, columns, reason in (
            (keep.languages, _LANGUAGE, "other_language"),
            (keep.relations, _RELATION, "other_relation"),
        ):
            if wanted is not None and batch.table in columns:
                batch, left_out = _only(batch, columns[batch.table], wanted, reason == "other_language")
                if left_out:
                    no_entity = [""] * left_out
                    rows = {"entity": no_entity, "property": [reason] * left_out, "value": no_entity}
                    yield Columns("attributes", rows)
        if len(batch):
            yield batch


def _only(batch: Columns, column: str, wanted: frozenset[str], tags: bool) -> tuple[Columns, int]:
    given = batch.rows.get(column)
    default = str(TABLES[batch.table][column])  # of a format that tells no language
    values = (pa.repeat(default, len(batch)) if given is None else as_array(given)).cast(pa.large_string())
    if tags:
        values, wanted = pc.ascii_lower(values), frozenset({"", *(tag.lower() for tag in wanted)})
    main = pc.replace_substring_regex(values, "[-_].*", "") if tags else values
    allowed = pa.array(sorted(wanted), values.type)
    kept = pc.or_(pc.is_in(values, value_set=allowed), pc.is_in(main, value_set=allowed))
    if batch.table == "attributes":  # a reader's word on what it left out stays
        kept = pc.or_(kept, pc.equal(as_array(batch.rows["entity"]), ""))
    count = pc.sum(kept).as_py() or 0
    if count == len(batch):
        return batch, 0
    rows = {name: as_array(values).filter(kept) for name, values in batch.rows.items()}
    return Columns(batch.table, rows), len(batch) - count
