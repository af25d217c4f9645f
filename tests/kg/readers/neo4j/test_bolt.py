"""Neo4j over Bolt, with a stand-in of the driver: its session's surface, not a live server."""

import json
import sys
from types import ModuleType

import pytest

from loregraft.errors import BadInput, MissingExtra
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.readers import SERVERS, is_address, read
from loregraft.kg.readers.neo4j import bolt as neo4j_bolt
from loregraft.kg.readers.neo4j.bolt import NODES, RELATIONSHIPS, bolt_rows, read_bolt


class Date:
    def iso_format(self):
        return "1964-09-02"


class Point(tuple):
    srid = 4326

    def __str__(self):
        return "POINT(1.0 2.0)"


ANSWERS = {
    NODES: [
        {
            "id": "4:x:0",
            "labels": ["Person"],
            "properties": {"name": "Keanu", "born": Date(), "at": Point((1.0, 2.0))},
        },
        {"id": "4:x:1", "labels": [], "properties": {"title": "The Matrix", "tags": ["a", "b"]}},
    ],
    RELATIONSHIPS: [
        {"start": "4:x:0", "type": "ACTED_IN", "end": "4:x:1", "properties": {"on": Date(), "times": 3}}
    ],
}


class Session:
    def __init__(self, answers):
        self.answers = answers

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def run(self, query):
        yield from self.answers[query]


class Neo4jError(Exception):
    pass


class DriverError(Exception):
    pass


@pytest.fixture
def server(monkeypatch):
    """Stand in for the package: gives the answers of its list, and keeps how it was called."""
    package, exceptions = ModuleType("neo4j"), ModuleType("neo4j.exceptions")
    exceptions.Neo4jError, exceptions.DriverError = Neo4jError, DriverError
    called = {"answers": ANSWERS, "closed": 0}

    class Driver(Session):
        def __exit__(self, *error):
            called["closed"] += 1

        def session(self, **settings):
            called["session"] = settings
            return Session(called["answers"])

    class GraphDatabase:
        @staticmethod
        def driver(address, auth):
            called["driver"] = (address, auth)
            return Driver({})

    package.GraphDatabase, package.READ_ACCESS = GraphDatabase, "READ"
    monkeypatch.setitem(sys.modules, "neo4j", package)
    monkeypatch.setitem(sys.modules, "neo4j.exceptions", exceptions)
    monkeypatch.delenv("NEO4J_USERNAME", raising=False)
    return called


def test_nodes_and_relationships_are_read(server, monkeypatch):
    monkeypatch.setenv("NEO4J_USERNAME", "ada")
    monkeypatch.setenv("NEO4J_PASSWORD", "secret")
    graph = KnowledgeGraph.gather(read("neo4j+s://host:7687/movies?policy=eu"))
    assert server["driver"] == ("neo4j+s://host:7687?policy=eu", ("ada", "secret"))
    assert server["session"] == {"database": "movies", "default_access_mode": "READ", "fetch_size": 10_000}
    assert server["closed"] == 1
    assert [graph.entity(id).name for id in graph.ids] == ["Keanu", "The Matrix"]
    told = graph.tables["attributes"].select(["property", "value", "datatype"]).to_pylist()
    assert [tuple(row.values()) for row in told] == [
        ("born", "1964-09-02", "date"),
        ("at", "POINT(1.0 2.0)", ""),
        ("tags", "a", ""),
        ("tags", "b", ""),
    ]
    (triple,) = graph.tables["triples"].to_pylist()
    assert json.loads(triple["qualifiers"]) == {"on": "1964-09-02", "times": 3}
    assert triple["source"] == "neo4j+s://host:7687/movies?policy=eu"


def test_without_account_and_database(server):
    list(read_bolt("bolt://localhost"))
    assert server["driver"] == ("bolt://localhost", None)
    assert server["session"]["database"] is None


def test_records_are_streamed(server):
    asked = []

    def many():
        for number in range(1_000_000):
            asked.append(number)
            yield {"id": str(number), "labels": [], "properties": {}}

    server["answers"] = {NODES: many()}
    first = next(read_bolt("bolt://localhost"))
    assert len(first) == 65_536
    assert len(asked) <= 65_537


def test_wrong_records_are_named_or_collected(server, tmp_path):
    good = ANSWERS[NODES][0]
    answers = {
        NODES: [good, {"id": "1", "labels": "x", "properties": {}}, {"id": 3}],
        RELATIONSHIPS: [{"start": ""}],
    }
    with pytest.raises(BadInput, match=r"host: record 2 is not as asked for .*Neo4j 5"):
        list(bolt_rows(Session(answers), tmp_path / "host"))
    problems = []
    rows = list(bolt_rows(Session(answers), tmp_path / "host", problems))
    assert {row[0] for _, row in rows} == {"4:x:0"}
    assert [problem.found[:8] for problem in problems] == ["record 2", "record 3", "record 1"]


@pytest.mark.parametrize("error", [Neo4jError, DriverError])
def test_a_server_that_does_not_answer(error, server):
    def fail():
        raise error("connection refused")
        yield

    server["answers"] = {NODES: fail()}
    with pytest.raises(BadInput) as caught:
        list(read_bolt("bolt://localhost:7687/db"))
    assert (str(caught.value.path), caught.value.line) == ("localhost:7687/db", 0)
    assert "connection refused" in caught.value.found
    assert "NEO4J_PASSWORD" in caught.value.fix
    assert server["closed"] == 1


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("bolt://ada:secret@host/db", "the address has an account in it"),
        ("bolt://", "this is no address of Neo4j"),
        ("bolt://host:port", "this is no address of Neo4j"),
        ("http://host", "this is no address of Neo4j"),
    ],
)
def test_wrong_addresses_are_refused_and_passwords_not_shown(address, found, server):
    with pytest.raises(BadInput) as caught:
        list(read_bolt(address))
    assert caught.value.found == found
    assert "secret" not in str(caught.value)
    assert caught.value.fix.endswith(".")
    assert "driver" not in server


def test_the_package_may_be_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "neo4j", None)
    with pytest.raises(MissingExtra, match=r"'neo4j' is not installed.*loregraft\[neo4j\]"):
        list(read_bolt("bolt://localhost"))


def test_addresses_are_known():
    assert all(is_address(f"{scheme}host") and SERVERS[scheme] is read_bolt for scheme in neo4j_bolt.SCHEMES)


def test_the_driver_has_what_the_stand_in_has():
    neo4j = pytest.importorskip("neo4j", reason="the extra neo4j is not installed")
    assert issubclass(neo4j.exceptions.ServiceUnavailable, neo4j.exceptions.DriverError)
    assert issubclass(neo4j.exceptions.AuthError, neo4j.exceptions.Neo4jError)
    assert neo4j.READ_ACCESS == "READ"
    assert neo4j.time.Date(1964, 9, 2).iso_format() == "1964-09-02"
    assert hasattr(neo4j.spatial.WGS84Point((1.0, 2.0)), "srid")


def test_the_driver_itself_with_nobody_at_the_address():
    pytest.importorskip("neo4j", reason="the extra neo4j is not installed")
    with pytest.raises(BadInput, match="the server does not answer"):
        list(read_bolt("bolt://127.0.0.1:1/db"))
