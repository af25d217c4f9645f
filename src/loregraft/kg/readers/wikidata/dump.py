"""Read Wikidata's JSON dump (`latest-all.json`): an array with one entity a line, plain or packed.

The format is that of the pages Wikidata:Database download and Wikibase/DataModel/JSON. Any other
Wikibase that uses the same numbers for its properties reads the same way.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from loregraft.errors import BadInput
from loregraft.kg.readers.rows.triples import pack_qualifiers, pack_references
from loregraft.kg.readers.text.lines import Row, in_batches, raise_or_collect
from loregraft.kg.readers.text.objects import first_object, read_objects
from loregraft.kg.readers.wikidata.values import Value, as_text, entity_id, value_of
from loregraft.kg.tables.columns import REFERENCE_MARK, Columns, Table

INSTANCE_OF, INVERSE, CONSTRAINT, SYMMETRIC = "P31", "P1696", "P2302", "Q21510862"
START, END = "P580", "P582"
CITED = ("P248", "P143", "P854", "P4656")
"""The properties of a reference that say what is cited: stated in, imported from, and two for addresses."""
FILES = "http://commons.wikimedia.org/wiki/Special:FilePath/"
FIX = "Give a line of Wikidata's JSON dump as it was downloaded, or remove it."

_ID = re.compile(r"[QPLM][1-9]\d*")
_SIGNS = re.compile(r'"type"\s*:\s*"(item|property|lexeme|mediainfo)"')
_MEDIA = {
    "image": (".jpg", ".jpeg", ".png", ".svg", ".gif", ".tif", ".tiff", ".webp", ".xcf"),
    "audio": (".ogg", ".oga", ".mp3", ".wav", ".flac", ".mid", ".midi", ".opus"),
    "video": (".webm", ".ogv", ".mpg", ".mpeg", ".mp4"),
}

Rows = list[tuple[Table, Row]]


def read_wikidata(path: Path, problems: list[BadInput] | None = None) -> Iterator[Columns]:
    """Yield the items of a dump with their names, types and statements, and its properties as relations.

    - Labels are preferred names, aliases exact ones, each in its language (`mul`: of all).
    - A statement whose value is an entity is a triple. Its qualifiers are JSON: property -> value,
      several values joined by `|`; `rank` is there when it is `preferred`. Start (P580) and end (P582)
      become `valid_from` and `valid_to`. References are what a source is called (P248, P143), its
      address (P854, P4656) and its external ids, as `P698:12345`; dates of retrieval and the like are
      not read. Confidence stays 1: Wikidata's ranks do not measure it.
    - P31 also gives the type.
    - A file of Commons is media, by its address; other values are attributes: numbers with the id of
      their unit, dates by the Gregorian calendar as exact as they are stated, coordinates as WKT,
      texts with their language, external ids under their property.
    - A property gives a relation: its labels and aliases, its inverse (P1696), and whether it is
      symmetric (by its constraints); its other statements are not read.

    Sitelinks are not read, nor the bounds of quantities. Left out and counted are statements that are
    `deprecated`, that say `no_value` or `unknown_value`, or whose type of value is not known
    (`unknown_type`), what is said of attributes (`qualifiers_of_attribute`, `references_of_attribute`),
    and entities that are neither item nor property (`lexeme`, `mediainfo`).

    Raises:
        BadInput: A line is no JSON object, or no entity as the dump has them; with `problems` all of
            that entity is left out.
    """
    return in_batches(_rows(path, problems))


def fits_wikidata(path: Path, head: str) -> bool:
    """Tell whether the first object is an entity of Wikibase, by its type, its id, and what it has."""
    first = first_object(head)
    has = any(f'"{key}"' in first for key in ("labels", "claims", "lemmas"))
    return not path.is_dir() and has and '"id"' in first and _SIGNS.search(first) is not None


def _rows(path: Path, problems: list[BadInput] | None) -> Iterator[tuple[Table, Row]]:
    for number, entity in read_objects(path, problems):
        try:
            rows = _entity(entity)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            why = f"no {error}" if isinstance(error, KeyError) else str(error)
            found = f"the entity {str(entity.get('id'))!r:.40} is not as Wikidata has them ({why})"
            raise_or_collect(BadInput(path, number, found, FIX), problems)
            continue
        yield from rows


def _entity(entity: dict[str, Any]) -> Rows:
    id, kind = as_text(entity["id"]), entity["type"]
    if not _ID.fullmatch(id):
        raise ValueError("its id is not a letter and a number")
    if kind == "property":
        return _property(id, entity)
    if kind != "item":
        return [_left_out(as_text(kind), id)]
    rows: Rows = [("names", (id, text, kind, language)) for text, language, kind in _names(entity)]
    for description in _values(entity.get("descriptions")):
        rows.append(("descriptions", (id, as_text(description["value"]), as_text(description["language"]))))
    types: Rows = []
    for statement in _statements(entity):
        made = _statement(id, statement)
        rows += made
        types += [
            ("entities", (id, row[2])) for table, row in made if table == "triples" and row[1] == INSTANCE_OF
        ]
    return [*(types or [("entities", (id, ""))]), *rows]


def _property(id: str, entity: dict[str, Any]) -> Rows:
    inverse, is_symmetric = "", False
    for statement in _statements(entity):
        snak = statement["mainsnak"]
        if snak["property"] not in (INVERSE, CONSTRAINT) or not _counts(statement):
            continue
        value = entity_id(snak["datavalue"]["value"])
        if snak["property"] == INVERSE:
            inverse = inverse or value
        else:
            is_symmetric = is_symmetric or value == SYMMETRIC
    if inverse == id:
        inverse, is_symmetric = "", True
    names = [(text, language) for text, language, _ in _names(entity)] or [("", "en")]
    return [("relations", (id, *name, inverse, is_symmetric)) for name in names]


def _names(entity: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for label in _values(entity.get("labels")):
        yield as_text(label["value"]), as_text(label["language"]), "preferred"
    for aliases in _values(entity.get("aliases")):
        for alias in aliases:
            yield as_text(alias["value"]), as_text(alias["language"]), "exact"


def _values(by_key: Any) -> list[Any]:
    """Give the values of an object; where it has none, old dumps have an empty list."""
    return list(by_key.values()) if by_key else []


def _statements(entity: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for statements in _values(entity.get("claims")):
        yield from statements


def _counts(statement: dict[str, Any]) -> bool:
    return statement.get("rank") != "deprecated" and statement["mainsnak"]["snaktype"] == "value"


def _statement(id: str, statement: dict[str, Any]) -> Rows:
    snak = statement["mainsnak"]
    property, kind = as_text(snak["property"]), snak["snaktype"]
    if statement.get("rank") == "deprecated":
        return [_left_out("deprecated", f"{id} {property}")]
    if kind in ("novalue", "somevalue"):
        reason = "no_value" if kind == "novalue" else "unknown_value"
        return [_left_out(reason, f"{id} {property}")]
    if snak["datavalue"]["type"] not in _KNOWN:
        return [_left_out("unknown_type", f"{id} {property}")]
    value = value_of(snak)
    if value.is_entity:
        return [("triples", _triple(id, property, value.text, statement))]
    rows = [_literal(id, property, value, snak.get("datatype", ""))]
    for said in ("qualifiers", "references"):
        if statement.get(said):
            rows.append(_left_out(f"{said}_of_attribute", f"{id} {property}"))
    return rows


_KNOWN = ("wikibase-entityid", "string", "time", "quantity", "globecoordinate", "monolingualtext")


def _left_out(reason: str, what: str) -> tuple[Table, Row]:
    return "attributes", ("", reason, what, "", "", "")


def _literal(id: str, property: str, value: Value, datatype: str) -> tuple[Table, Row]:
    if datatype == "commonsMedia":
        address = FILES + quote(value.text.replace(" ", "_"))
        for kind, endings in _MEDIA.items():
            if value.text.lower().endswith(endings):
                return "media", (id, address, kind)
        return "attributes", (id, property, address, "anyURI", "", "")
    return "attributes", (id, property, value.text, value.datatype, value.unit, value.language)


def _triple(id: str, property: str, tail: str, statement: dict[str, Any]) -> Row:
    qualifiers: dict[str, object] = {"rank": "preferred"} if statement.get("rank") == "preferred" else {}
    dates = {START: "", END: ""}
    for name, snaks in (statement.get("qualifiers") or {}).items():
        texts = []
        for snak in snaks:
            value = _qualifier(snak)
            if name in dates and not dates[name] and value.is_date:
                dates[name] = value.text
            else:
                texts.append(f"{value.text} {value.unit}" if value.unit else value.text)
        if texts:
            qualifiers[name] = REFERENCE_MARK.join(texts)
    references = pack_references(_references(statement.get("references") or []))
    return (id, property, tail, False, references, pack_qualifiers(qualifiers), 1.0, dates[START], dates[END])


def _qualifier(snak: dict[str, Any]) -> Value:
    if snak["snaktype"] != "value":
        return Value("no value" if snak["snaktype"] == "novalue" else "unknown value")
    return value_of(snak) if snak["datavalue"]["type"] in _KNOWN else Value("unknown type")


def _references(references: list[dict[str, Any]]) -> list[str]:
    found: dict[str, None] = {}
    for reference in references:
        for property, snaks in reference["snaks"].items():
            for snak in snaks:
                if snak["snaktype"] != "value":
                    continue
                is_id = snak.get("datatype") == "external-id"
                if is_id or property in CITED:
                    text = value_of(snak).text
                    found[f"{property}:{text}" if is_id else text] = None
    return list(found)
