"""The values of Wikidata: dates by ISO 8601, quantities, coordinates."""

import pytest

from loregraft.kg.readers.wikidata.values import JULIAN, Value, value_of


def of(kind, value, datatype=""):
    return value_of({"datatype": datatype, "datavalue": {"type": kind, "value": value}})


@pytest.mark.parametrize(
    ("text", "precision", "expected"),
    [
        ("+1952-03-11T00:00:00Z", 11, ("1952-03-11", "date", "")),
        ("+1952-03-00T00:00:00Z", 10, ("1952-03", "gYearMonth", "")),
        ("+1952-00-00T00:00:00Z", 9, ("1952", "gYear", "")),
        ("+1952-00-00T00:00:00Z", 11, ("1952", "gYear", "")),
        ("+0476-00-00T00:00:00Z", 9, ("0476", "gYear", "")),
        ("-0044-03-15T00:00:00Z", 11, ("-0043-03-15", "date", "")),
        ("-0001-00-00T00:00:00Z", 9, ("0000", "gYear", "")),
        ("+1900-00-00T00:00:00Z", 7, ("1900", "gYear", "century")),
        ("-13798000000-00-00T00:00:00Z", 3, ("-13797999999", "gYear", "Ma")),
        ("+2001-12-31T12:30:00Z", 13, ("2001-12-31T12:30:00Z", "dateTime", "")),
    ],
)
def test_times(text, precision, expected):
    value = of("time", {"time": text, "precision": precision})
    assert (value.text, value.datatype, value.unit) == expected
    assert value.is_date == (not expected[2])


@pytest.mark.parametrize(
    ("julian", "gregorian"),
    [
        ("+1582-10-05", "1582-10-15"),
        ("+1452-04-15", "1452-04-24"),  # Leonardo
        ("+1642-12-25", "1643-01-04"),  # Newton
        ("+1700-02-29", "1700-03-11"),
        ("-0044-03-15", "-0043-03-13"),
    ],
)
def test_julian_dates_become_gregorian(julian, gregorian):
    value = of("time", {"time": f"{julian}T00:00:00Z", "precision": 11, "calendarmodel": JULIAN})
    assert value.text == gregorian


def test_other_values():
    entity = "http://www.wikidata.org/entity/"
    assert of("quantity", {"amount": "-3.50", "unit": "1"}) == Value("-3.50", "decimal")
    assert of("quantity", {"amount": "+3", "unit": f"{entity}Q11573"}) == Value("3", "decimal", "Q11573")
    assert of("monolingualtext", {"text": "Bund", "language": "de"}) == Value("Bund", language="de")
    assert of("string", "http://a.b", "url") == Value("http://a.b", "anyURI")
    assert of("string", "x^2", "math") == Value("x^2")
    assert of("wikibase-entityid", {"entity-type": "item", "numeric-id": 42}).text == "Q42"
    place = {"latitude": 52.2, "longitude": 0.125, "globe": f"{entity}Q2"}
    assert of("globecoordinate", place).text == "Point(0.125 52.2)"
    assert (
        of("globecoordinate", place | {"globe": f"{entity}Q405"}).text == f"<{entity}Q405> Point(0.125 52.2)"
    )


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("time", {"time": "1952", "precision": 11}),
        ("quantity", {"amount": "many", "unit": "1"}),
        ("string", 3),
        ("wikibase-entityid", {"entity-type": "dream", "numeric-id": 1}),
        ("globecoordinate", {"latitude": "north", "longitude": 1}),
        ("new", "x"),
    ],
)
def test_wrong_values_are_refused(kind, value):
    with pytest.raises((ValueError, TypeError, KeyError)):
        of(kind, value)
