"""The numbers of a graph as a matrix: what is read, left out and told, how it is scaled and shuffled."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.errors import BadInput
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.tables.columns import Columns
from loregraft.kge.literals.numbers import as_date, as_number, literals_for, literals_of, scaled_ranks
from loregraft.kge.settings import KgeSettings

XSD = "http://www.w3.org/2001/XMLSchema#"


def graph_of(rows, entities=6):
    """A graph of entities E:0, E:1 ...; rows are (entity, property, value, datatype, unit)."""
    ids = [f"E:{number}" for number in range(entities)]
    columns = zip(*rows, strict=True)
    names = ("entity", "property", "value", "datatype", "unit")
    attributes = dict(zip(names, map(list, columns), strict=True))
    return KnowledgeGraph.gather([Columns("entities", {"id": ids}), Columns("attributes", attributes)])


def by_id(graph, literals, property):
    place = [one.label for one in literals.properties].index(property)
    return {id: number for id, number in zip(graph.ids, literals.numbers[:, place].tolist(), strict=True)}


def test_numbers_and_dates_are_read_by_their_datatype():
    graph = graph_of(
        [
            ("E:0", "age", "7", "integer", ""),
            ("E:1", "age", " +1.5e1", f"{XSD}decimal", ""),
            ("E:2", "age", "old", "integer", ""),
            ("E:0", "height", "180", "double", "cm"),
            ("E:1", "height", "1.9", "double", "m"),
            ("E:2", "height", "2.0", "double", "m"),
            ("E:3", "height", "170", "double", "cm"),
            ("E:0", "born", "2000-07-01", "date", ""),
            ("E:1", "born", "1999", "gYear", ""),
            ("E:0", "site", "12", "anyURI", ""),
            ("E:1", "site", "13", "anyURI", ""),
        ]
    )
    literals = literals_of(graph, fewest=2)
    assert {one.label for one in literals.properties} == {"age", "height [cm]", "height [m]", "born"}
    ages = by_id(graph, literals, "age")
    assert (ages["E:0"], ages["E:1"]) == (7, 15) and np.isnan([ages["E:2"], ages["E:3"]]).all()
    assert by_id(graph, literals, "born")["E:0"] == 2000.5
    assert literals.unreadable == {"age": 1}


def test_without_a_datatype_a_property_is_numbers_where_all_its_values_are():
    rows = [(f"E:{n}", name, f"{n}", "", "") for n in range(4) for name in ("size", "code")]
    literals = literals_of(graph_of([*rows, ("E:4", "code", "A5", "", "")]), fewest=2)
    assert [one.label for one in literals.properties] == ["size"] and literals.untyped == ["size"]


def test_what_is_left_out_is_told(monkeypatch):
    rows = [(f"E:{n}", "many", f"{n}", "integer", "") for n in range(5)]
    rows += [(f"E:{n}", "same", "3", "integer", "") for n in range(4)]
    rows += [(f"E:{n}", "rare", f"{n}", "integer", "") for n in range(2)]
    rows += [(f"E:{n}", "third", f"{n}", "integer", "") for n in range(3)]
    rows += [("E:0", "many", "9", "integer", ""), ("E:0", "many", "4", "integer", "")]
    monkeypatch.setattr("loregraft.kge.literals.numbers.MOST", 1)
    graph = graph_of(rows)
    literals = literals_of(graph, fewest=3)
    assert literals.facts() == {
        "used": {"many": 5},
        "too_few": {"rare": 2},
        "all_alike": {"same": 4},
        "too_many": {"third": 3},
        "unreadable": {},
        "entities_with_several": 1,
        "without_datatype": [],
    }
    assert by_id(graph, literals, "many")["E:0"] == 4  # the middle of 0, 4, 9


def test_the_matrix_has_ranks_and_says_who_has_a_number():
    rows = [
        ("E:0", "a", "5", "integer", ""),
        ("E:1", "a", "1e9", "double", ""),
        ("E:2", "a", "-3", "long", ""),
    ]
    rows += [(f"E:{n}", "b", f"{n // 2}", "integer", "") for n in range(6)]
    graph = graph_of(rows)
    order = [graph.index(f"E:{n}") for n in range(6)]
    matrix = literals_of(graph, fewest=3).matrix()[order]
    assert np.allclose(matrix[:, 0], [-0.8, -0.8, 0, 0, 0.8, 0.8])  # of b, which all have: no second column
    assert np.allclose(matrix[:, 1], [0, 1, -1, 0, 0, 0])
    assert np.allclose(matrix[:, 2], [1, 1, 1, 0, 0, 0]) and matrix.shape == (6, 3)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30))
@settings(max_examples=50, deadline=None)
def test_scaled_ranks_keep_the_order_and_the_middle(numbers):
    ranks = scaled_ranks(np.array(numbers, np.float64))
    order = np.argsort(numbers, kind="stable")
    steps = np.diff(np.array(numbers)[order])
    assert ((np.diff(ranks[order]) > 0) == (steps > 0)).all()
    assert np.abs(ranks).max() <= 1 and (len(numbers) == 1 or abs(ranks.mean()) < 1e-5)


def test_shuffling_moves_numbers_among_those_that_have_one():
    rows = [(f"E:{n}", "a", f"{n}", "integer", "") for n in range(20)]
    rows += [(f"E:{n}", "b", f"{n * n}", "integer", "") for n in range(10, 40)]
    literals = literals_of(graph_of(rows, entities=50))
    moved = literals.shuffled(3)
    assert (np.isnan(moved.numbers) == np.isnan(literals.numbers)).all()
    for old, new in zip(literals.numbers.T, moved.numbers.T, strict=True):
        assert sorted(old[~np.isnan(old)]) == sorted(new[~np.isnan(new)])
        assert (old[~np.isnan(old)] != new[~np.isnan(new)]).mean() > 0.7
    assert np.array_equal(moved.numbers, literals.shuffled(3).numbers, equal_nan=True)
    assert not np.array_equal(moved.numbers, literals.shuffled(4).numbers, equal_nan=True)


def test_the_control_is_what_settings_ask_for():
    graph = graph_of([(f"E:{n}", "a", f"{n}", "integer", "") for n in range(20)], entities=20)
    assert literals_for(graph, KgeSettings()) is None
    straight, shuffled = (
        literals_for(graph, KgeSettings(literals=name, seed=5)) for name in ("gate", "shuffled")
    )
    assert np.array_equal(straight.shuffled(5).numbers, shuffled.numbers)


@pytest.mark.parametrize(
    ("text", "number"),
    [("12", 12), ("-.5", -0.5), ("2.", 2), ("1e3", 1000), (" 7 ", 7)]
    + [(text, None) for text in ("", "1_000", "nan", "INF", "1e999", "0x1f", "1,5", "٣", "12 cm")],
)
def test_numbers(text, number):
    assert as_number(text) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1999", 1999),
        ("-0043", -43),
        ("2000-07", 2000.5),
        ("2000-00-00", 2000),
        ("2000-01-01T00:00:00Z", 2000),
        ("2000-01-01T12:00:00.5+02:00", pytest.approx(2000 + 0.5 / 372, abs=1e-7)),
        ("2000-12-31", pytest.approx(2000 + (11 + 30 / 31) / 12)),
        *(
            (text, None)
            for text in ("99", "2000-13", "2000-01-32", "yesterday", "2000-1-1", "2000-01-01T25:00")
        ),
    ],
)
def test_dates(text, number):
    assert as_date(text) == number


def test_a_graph_without_numbers_is_refused(ring_graph):
    with pytest.raises(
        BadInput, match=r"no property with different numbers on 10 entities.*Set literals to none"
    ):
        literals_of(ring_graph)
