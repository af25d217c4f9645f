"""Read JSON Lines, an object a line: of triples, and of entities with all that is known of them."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from loregraft.errors import BadInput
from loregraft.kg.readers.rows.entities import check_kind, typed
from loregraft.kg.readers.rows.triples import (
    ENDS,
    Said,
    collected,
    id_of,
    statement,
    text_of,
)
from loregraft.kg.readers.text.headers import named
from loregraft.kg.readers.text.lines import Row, in_batches
from loregraft.kg.readers.text.objects import first_keys, read_objects
from loregraft.kg.tables.columns import Columns, Table

ENTITY_KEYS = ("id", "name", "names", "language", "type", "types", "description", "descriptions")


def read_jsonl(path: Path, problems: list[BadInput] | None = None) -> Iterator[Columns]:
    """Yield the triples of JSON Lines: `{"head": "a", "relation": "r", "tail": "b"}`, an object a line.

    All three may be called as in `headers.END_WORDS`, such as subject, predicate and object. Other keys
    are the columns of the table `triples`: `references` may be a list, `qualifiers` an object. A key that
    is not known becomes a qualifier.

    Raises:
        BadInput: A line is no JSON object, lacks an end, or has a value that its key cannot hold.
    """
    return in_batches(collected(path, read_objects(path, problems, once=True), _statement, problems))


def read_entities_jsonl(path: Path, problems: list[BadInput] | None = None) -> Iterator[Columns]:
    """Yield the entities of JSON Lines: `{"id": "a", "names": ["Ada", ...], ...}`, an object a line.

    A name, alone in `name` or in `names`, is a text or an object with `text`, `kind`, `language` and
    `source`; where no kind is said the first name is preferred and the others are exact. A
    description, in `descriptions` or alone in `description`, is a text or an object with `text`,
    `language` and `source`. `types` is a list, or `type` a text. `attributes` holds, by property, a
    value, an object with `value`, `datatype`, `unit`, `language` and `source`, or a list of them.
    `media` is a list of objects with `reference`, `kind`, `licence` and `source`. `language` and
    `source` beside the id hold for all that does not say its own. A key that is not known is an
    attribute.

    Raises:
        BadInput: A line is no JSON object, has no id, or a value that its key cannot hold.
    """
    return in_batches(collected(path, read_objects(path, problems, once=True), _entity, problems))


def fits_jsonl(path: Path, head: str) -> bool:
    """Tell whether the first object has head, relation and tail."""
    return set(named(sorted(first_keys(head)), ENDS)).issuperset(ENDS)


def fits_entities_jsonl(path: Path, head: str) -> bool:
    """Tell whether the first object has an id, and names, a type or a description."""
    keys = first_keys(head)
    return "id" in keys and bool(keys.intersection(ENTITY_KEYS[1:]) - {"language"})


def _statement(path: Path, number: int, said: Said) -> list[tuple[Table, Row]]:
    if ENDS[0] not in said or ENDS[2] not in said:
        said = dict(zip(named(list(said), ENDS), said.values(), strict=True))
    return statement(path, number, said)


def _entity(path: Path, number: int, said: Said) -> list[tuple[Table, Row]]:
    id = id_of(path, number, "id", said.get("id"))
    source = text_of(path, number, "source", said.get("source"))
    language = "en" if said.get("language") is None else text_of(path, number, "language", said["language"])
    types = [text_of(path, number, "types", type) for type in _several(said, "types", "type")]
    rows: list[tuple[Table, Row]] = [("entities", _from(source, id, type)) for type in types or [""]]
    for place, name in enumerate(_several(said, "names", "name")):
        part = _part(path, number, "names", name, "text")
        kind = check_kind(path, number, _text(path, number, part, "kind"))
        given = _needed(path, number, part, "names", "text")
        own = _text(path, number, part, "language", language)
        kind = kind or ("exact" if place else "preferred")
        rows.append(("names", _from(_text(path, number, part, "source", source), id, given, kind, own)))
    for description in _several(said, "descriptions", "description"):
        part = _part(path, number, "descriptions", description, "text")
        given = _needed(path, number, part, "descriptions", "text")
        own = _text(path, number, part, "language", language)
        rows.append(("descriptions", _from(_text(path, number, part, "source", source), id, given, own)))
    return rows + _attributes(path, number, id, said, source) + _media(path, number, id, said, source)


def _attributes(path: Path, number: int, id: str, said: Said, source: str) -> list[tuple[Table, Row]]:
    given = said.get("attributes")
    if given is not None and not isinstance(given, dict):
        raise BadInput(path, number, f"'attributes' is {given!r:.40}", "Write an object: property, value.")
    known = (*ENTITY_KEYS, "attributes", "media", "source")
    more = {key: value for key, value in said.items() if key not in known and value is not None}
    rows: list[tuple[Table, Row]] = []
    for by_property in (given or {}, more):
        for property, values in by_property.items():
            text_of(path, number, "attributes", property)
            for value in values if isinstance(values, list) else [values]:
                part = _part(path, number, property, value, "value")
                text, datatype = typed(path, number, property, part.get("value"))
                said_of = [_text(path, number, part, key) for key in ("datatype", "unit", "language")]
                said_of[0] = said_of[0] or datatype
                own = _text(path, number, part, "source", source)
                rows.append(("attributes", _from(own, id, property, text, *said_of)))
    return rows


def _media(path: Path, number: int, id: str, said: Said, source: str) -> list[tuple[Table, Row]]:
    rows: list[tuple[Table, Row]] = []
    for item in _several(said, "media", ""):
        part = _part(path, number, "media", item, "reference")
        reference = _needed(path, number, part, "media", "reference")
        kind, licence = _text(path, number, part, "kind", "image"), _text(path, number, part, "licence")
        rows.append(
            ("media", _from(_text(path, number, part, "source", source), id, reference, kind, licence))
        )
    return rows


def _from(source: str, *row: str) -> Row:
    """Give a row with its source, where one is known."""
    return (*row, source) if source else row


def _several(said: Said, many: str, one: str) -> list[object]:
    """Give what is said under the key of one and the key of many, together."""
    found: list[object] = []
    for key in (one, many):
        value = said.get(key)
        if value is not None and value != "":
            found += value if isinstance(value, list) else [value]
    return found


def _part(path: Path, number: int, key: str, value: object, main: str) -> Mapping[str, object]:
    """Give an object that may be written as its main value alone."""
    if isinstance(value, dict):
        return value
    if isinstance(value, str | int | float):
        return {main: value}
    fix = f"Write a text, or an object with {main!r}."
    raise BadInput(path, number, f"{key!r} holds {value!r:.40}", fix)


def _text(path: Path, number: int, part: Mapping[str, object], key: str, default: str = "") -> str:
    value = part.get(key)
    return default if value is None else text_of(path, number, key, value)


def _needed(path: Path, number: int, part: Mapping[str, object], key: str, main: str) -> str:
    text = _text(path, number, part, main)
    if not text and part.keys() - {main}:
        fix = f"Write a text, or an object with {main!r}, such as {{{main!r}: ..., 'language': 'en'}}."
        found = f"{key!r} holds an object without {main!r}: {dict(part)!r:.60}"
        raise BadInput(path, number, found, fix)
    if not text:
        raise BadInput(path, number, f"an empty entry in {key!r}", f"Fill in {main!r}, or remove the entry.")
    return text
