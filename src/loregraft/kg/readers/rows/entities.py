"""Turn a row of a table of entities, one name a row, into rows of a graph's tables.

Shared by TSV, CSV and Parquet; the columns are those of `read_entities_tsv`. JSON Lines, which have all
of an entity in one object, share the kinds of names and the types of values.
"""

from collections.abc import Callable
from pathlib import Path
from typing import get_args

from loregraft.errors import BadInput, did_you_mean
from loregraft.kg.readers.rows.triples import Said, id_of, text_of
from loregraft.kg.readers.text.lines import Row
from loregraft.kg.tables.columns import Table
from loregraft.records import NameKind

ENTITY_COLUMNS = ("id", "name", "kind", "language", "description", "type")
NEEDED = ENTITY_COLUMNS[:2]


def entity_rows() -> Callable[[Path, int, Said], list[tuple[Table, Row]]]:
    """Give what makes rows of a line.

    It remembers which ids have a preferred name: the first name without a kind is that, where no
    preferred one stood before.
    """
    named: set[str] = set()

    def make(path: Path, number: int, said: Said) -> list[tuple[Table, Row]]:
        id = id_of(path, number, "id", said.get("id"))
        text = {column: text_of(path, number, column, said.get(column)) for column in ENTITY_COLUMNS[1:]}
        if not text["name"]:
            fix = "Write its name in the column 'name', or remove the row."
            raise BadInput(path, number, f"name-less entity: {id!r:.60} has no name", fix)
        kind = check_kind(path, number, text["kind"]) or ("exact" if id in named else "preferred")
        language = text["language"] or "en"
        rows: list[tuple[Table, Row]] = [
            ("entities", (id, text["type"])),
            ("names", (id, text["name"], kind, language)),
        ]
        if text["description"]:
            rows.append(("descriptions", (id, text["description"], language)))
        for column, value in said.items():
            if column not in ENTITY_COLUMNS and value is not None and value != "":
                rows.append(("attributes", (id, column, *typed(path, number, column, value))))
        if kind == "preferred":
            named.add(id)
        return rows

    return make


def check_kind(path: Path, number: int, kind: str) -> str:
    """Give the kind of a name back, or empty.

    Raises:
        BadInput: There is no such kind.
    """
    if kind and kind not in get_args(NameKind):
        fix = did_you_mean(kind, get_args(NameKind))
        raise BadInput(path, number, f"there is no kind of name {kind!r:.40}", fix)
    return kind


def typed(path: Path, number: int, column: str, value: object) -> tuple[str, str]:
    """Give the value of an attribute as text, and its datatype.

    Raises:
        BadInput: It is neither text nor number.
    """
    if isinstance(value, bool):
        return str(value).lower(), "boolean"
    if isinstance(value, int):
        return str(value), "integer"
    if isinstance(value, float):
        return repr(value), "double"
    return text_of(path, number, column, value), ""
