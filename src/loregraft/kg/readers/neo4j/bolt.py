"""Read a Neo4j server over its own protocol, Bolt, with the official driver (the extra `neo4j`).

Tested against a stand-in of the driver's session, not against a live server: what the driver itself
does with an address, a password or an answer is not covered by the tests.
"""

import importlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable
from urllib.parse import unquote, urlsplit

from loregraft.errors import BadInput, MissingExtra
from loregraft.kg.readers.neo4j.rows import node_rows, relationship_rows, texts
from loregraft.kg.readers.text.lines import Row, in_batches, raise_or_collect
from loregraft.kg.tables.columns import Columns, Table

SCHEMES = ("bolt://", "bolt+s://", "bolt+ssc://", "neo4j://", "neo4j+s://", "neo4j+ssc://")
USER, PASSWORD = "NEO4J_USERNAME", "NEO4J_PASSWORD"
"""The environment variables of the account."""
NODES = "MATCH (n) RETURN elementId(n) AS id, labels(n) AS labels, properties(n) AS properties"
RELATIONSHIPS = (
    "MATCH (a)-[r]->(b) RETURN elementId(a) AS start, type(r) AS type, elementId(b) AS end, "
    "properties(r) AS properties"
)
FETCHED = 10_000
"""Records that the driver fetches at once."""


@runtime_checkable
class Session(Protocol):
    """What is used of the driver's session."""

    def run(self, query: str) -> Any:
        """Give an iterable of records, which are mappings."""


def read_bolt(address: str, problems: list[BadInput] | None = None) -> Iterator[Columns]:
    """Yield all nodes of a database as entities and all relationships as triples, as `read_neo4j_json` does.

    The address is `bolt://host:port/database` or the like; without a database the server's default
    one is read. The account is taken from NEO4J_USERNAME and NEO4J_PASSWORD; without them none is
    given. Records are streamed, `FETCHED` at once, and read only; the two queries are two
    transactions, so a database that is written to meanwhile may give ends that are no node. Needs
    Neo4j 5 or later. Tested against a stand-in of the driver, not against a live server.

    Raises:
        BadInput: The address has an account in it, the server cannot be read, or a record is not as
            it should be.
        MissingExtra: The package `neo4j` is not installed.
    """
    return in_batches(_answers(address, problems))


def bolt_rows(
    session: Session, name: Path, problems: list[BadInput] | None = None
) -> Iterator[tuple[Table, Row]]:
    """Yield the rows of all that a session can see; the number in an error is that of the record."""
    for query, make in ((NODES, _node), (RELATIONSHIPS, _relationship)):
        for number, record in enumerate(session.run(query), start=1):
            try:
                rows = make(name, number, record)
            except (ValueError, KeyError, TypeError) as error:
                fix = "Ask who runs the server; it must be Neo4j 5 or later."
                found = f"record {number} is not as asked for ({error})"
                raise_or_collect(BadInput(name, 0, found, fix), problems)
                continue
            except BadInput as problem:
                raise_or_collect(problem, problems)
                continue
            yield from rows


def _answers(address: str, problems: list[BadInput] | None) -> Iterator[tuple[Table, Row]]:
    name, server, database = _parts(address)
    try:
        neo4j = importlib.import_module("neo4j")
        exceptions = importlib.import_module("neo4j.exceptions")
    except ImportError as error:
        raise MissingExtra("neo4j", "neo4j") from error
    user = os.environ.get(USER, "")
    auth = (user, os.environ.get(PASSWORD, "")) if user else None
    try:
        with (
            neo4j.GraphDatabase.driver(server, auth=auth) as driver,
            driver.session(
                database=database or None, default_access_mode=neo4j.READ_ACCESS, fetch_size=FETCHED
            ) as session,
        ):
            yield from bolt_rows(session, name, problems)
    except (exceptions.Neo4jError, exceptions.DriverError) as error:
        fix = f"Check the address and that the server runs, and set {USER} and {PASSWORD}."
        found = f"the server does not answer ({type(error).__name__}: {error!s:.200})"
        raise BadInput(name, 0, found, fix) from error


def _parts(address: str) -> tuple[Path, str, str]:
    """Give how errors name the address (without its scheme, which a path would garble), server, database."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.username is not None or parts.password is not None:
        # The address is kept as the source of each row, so a password in it would be in the graph.
        fix = f"Leave it out, and set {USER} and {PASSWORD} in the environment."
        raise BadInput(Path(host or "neo4j"), 0, "the address has an account in it", fix)
    if not host or not address.startswith(SCHEMES):
        fix = "Write it as bolt://host:7687/database."
        raise BadInput(Path(address.partition("://")[2] or address), 0, "this is no address of Neo4j", fix)
    query = f"?{parts.query}" if parts.query else ""
    name = Path(parts.netloc + parts.path)
    return name, f"{parts.scheme}://{parts.netloc}{query}", unquote(parts.path.strip("/"))


def _node(name: Path, number: int, record: Mapping[str, Any]) -> list[tuple[Table, Row]]:
    return node_rows(_text(record["id"]), list(texts(record["labels"])), dict(record["properties"]))


def _relationship(name: Path, number: int, record: Mapping[str, Any]) -> list[tuple[Table, Row]]:
    ends = (_text(record["start"]), _text(record["type"]), _text(record["end"]))
    return relationship_rows(name, number, ends, dict(record["properties"]))


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(f"expected a text, found {value!r:.40}")
    return value
