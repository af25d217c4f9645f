"""Turn the values of Wikidata's statements into text: times, quantities, coordinates and the like.

`dump.py` decides what becomes of them. The format is that of the pages Wikibase/DataModel/JSON and
Wikibase/Indexing/RDF Dump Format of mediawiki.org: where JSON and RDF differ (years before Christ, the
Julian calendar) the RDF way is taken, since that is ISO 8601.
"""

import re
from dataclasses import dataclass
from typing import Any

JULIAN = "http://www.wikidata.org/entity/Q1985786"
EARTH = "http://www.wikidata.org/entity/Q2"
WKT = "http://www.opengis.net/ont/geosparql#wktLiteral"
EXTERNAL_ID = "http://wikiba.se/ontology#ExternalId"
_ENTITY_KINDS = {"item": "Q", "property": "P", "lexeme": "L"}
_TIME = re.compile(r"([+-]\d+)-(\d\d)-(\d\d)T(\d\d:\d\d:\d\d)Z")
_AMOUNT = re.compile(r"[+-]?\d+(\.\d+)?")
_COARSE = {8: "decade", 7: "century", 6: "millennium", 5: "10 ka", 4: "100 ka", 3: "Ma", 2: "10 Ma"}
"""Precision of a time -> how long a stretch it means, where that is longer than a year."""


@dataclass(frozen=True)
class Value:
    """The value of a snak (one property-value pair), as text.

    Attributes:
        text: An id, where `is_entity`.
        unit: Of a quantity, the id of the unit; of a time that is less exact than a year, how exact it is.
    """

    text: str
    datatype: str = ""
    unit: str = ""
    language: str = ""
    is_entity: bool = False

    @property
    def is_date(self) -> bool:
        """Tell whether it is a date of a year or less."""
        return self.datatype in ("gYear", "gYearMonth", "date", "dateTime") and not self.unit


def value_of(snak: dict[str, Any]) -> Value:
    """Give the value of a snak whose `snaktype` is `value`.

    Raises:
        ValueError: Its type is not known, or it is not as that type is; also KeyError and TypeError.
    """
    kind, value = snak["datavalue"]["type"], snak["datavalue"]["value"]
    if kind == "string":
        return _string(as_text(value), snak.get("datatype", ""))
    if kind == "wikibase-entityid":
        return Value(entity_id(value), is_entity=True)
    if kind == "monolingualtext":
        return Value(as_text(value["text"]), language=as_text(value["language"]))
    if kind == "quantity":
        return _quantity(value)
    if kind == "time":
        return _time(as_text(value["time"]), value["precision"], value.get("calendarmodel") == JULIAN)
    if kind == "globecoordinate":
        return _point(value)
    raise ValueError(f"there is no type of value {kind!r:.40}")


def as_text(value: object) -> str:
    """Give a text back.

    Raises:
        TypeError: It is none.
    """
    if not isinstance(value, str):
        raise TypeError(f"expected a text, found {value!r:.40}")
    return value


def entity_id(value: dict[str, Any]) -> str:
    """Give the id of an entity that is a value; old dumps have only its number."""
    if "id" in value:
        return as_text(value["id"])
    return f"{_ENTITY_KINDS[value['entity-type']]}{int(value['numeric-id'])}"


def _string(text: str, datatype: str) -> Value:
    if datatype == "external-id":
        return Value(text, EXTERNAL_ID)
    return Value(text, "anyURI" if datatype == "url" else "")


def _quantity(value: dict[str, Any]) -> Value:
    amount, unit = as_text(value["amount"]), as_text(value["unit"])
    if not _AMOUNT.fullmatch(amount):
        raise ValueError(f"the amount {amount!r:.40} is no number")
    return Value(amount.removeprefix("+"), "decimal", "" if unit == "1" else unit.rpartition("/")[2])


def _point(value: dict[str, Any]) -> Value:
    longitude, latitude = (float(value[axis]) for axis in ("longitude", "latitude"))
    globe = value.get("globe") or EARTH
    where = "" if globe.endswith("/Q2") else f"<{globe}> "
    return Value(f"{where}Point({longitude:.12g} {latitude:.12g})", WKT)


def _time(text: str, precision: int, is_julian: bool) -> Value:
    match = _TIME.fullmatch(text)
    if not match:
        raise ValueError(f"the time {text!r:.40} is not like +1952-03-11T00:00:00Z")
    year, month, day = (int(part) for part in match.groups()[:3])
    year += year < 0  # in JSON there is no year 0; in ISO 8601 it is the one before year 1
    if precision >= 11 and month and day:
        if is_julian:
            year, month, day = _gregorian(year, month, day)
        date = f"{_iso_year(year)}-{month:02}-{day:02}"
        return Value(f"{date}T{match[4]}Z", "dateTime") if precision > 11 else Value(date, "date")
    if precision == 10 and month:
        return Value(f"{_iso_year(year)}-{month:02}", "gYearMonth")
    return Value(_iso_year(year), "gYear", "" if precision >= 9 else _COARSE.get(precision, "100 Ma"))


def _iso_year(year: int) -> str:
    return f"{'-' if year < 0 else ''}{abs(year):04}"


def _gregorian(year: int, month: int, day: int) -> tuple[int, int, int]:
    """Give the Gregorian date of a Julian one, by the number of the day.

    Reference:
        Tøndering, Frequently Asked Questions about Calendars, the section on the Julian day number.
    """
    shift = (14 - month) // 12
    years, months = year + 4800 - shift, month + 12 * shift - 3
    number = day + (153 * months + 2) // 5 + 365 * years + years // 4 - 32083
    rest = number + 32044
    cycles = (4 * rest + 3) // 146097
    rest -= 146097 * cycles // 4
    fours = (4 * rest + 3) // 1461
    rest -= 1461 * fours // 4
    month = (5 * rest + 2) // 153
    day = rest - (153 * month + 2) // 5 + 1
    return 100 * cycles + fours - 4800 + month // 10, month + 3 - 12 * (month // 10), day
