"""Read a graph from a SPARQL endpoint, page by page, as if it were a file of N-Quads.

Only the address that the user named is ever asked: a redirection is told, not followed.
"""

import http.client
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from loregraft.errors import BadInput
from loregraft.kg.rdf.vocabulary import OWL, RDF, RDFS, TYPE
from loregraft.kg.readers.rdf.rows import columns_of
from loregraft.kg.readers.rdf.survey import survey
from loregraft.kg.readers.rdf.terms import Terms
from loregraft.kg.readers.text.lines import raise_or_collect
from loregraft.kg.tables.columns import Columns

PAGE_ROWS = 10_000
ATTEMPTS = 5
BACKOFF_S = 1.0
"""The first wait before a page is asked for again; each next one is twice as long."""
TIMEOUT_S = 60.0
"""How long a server may be silent; it may take ten times as long for a whole page."""
MAX_WAIT_S = 120.0
MAX_BYTES = 256 << 20
"""Of one page."""

MEDIA_TYPE = "application/sparql-results+json"
_TRANSIENT = {408, 425, 429, 500, 502, 503, 504}
_CHUNK = 1 << 20

_ALL = "{ ?s ?p ?o } UNION { GRAPH ?g { ?s ?p ?o } }"
_SURVEYED = ", ".join(
    f"<{iri}>"
    for iri in (
        *(RDF + name for name in ("reifies", "subject", "predicate", "object")),
        *(OWL + name for name in ("annotatedSource", "annotatedProperty", "annotatedTarget", "inverseOf")),
        *(OWL + name for name in ("sourceIndividual", "assertionProperty", "targetIndividual")),
        *(OWL + name for name in ("targetValue", "onProperty", "someValuesFrom", "hasValue")),
        *(RDFS + "domain", RDFS + "range", TYPE),
    )
)
_SPECIAL = f"{_ALL} FILTER(?p IN ({_SURVEYED}))"


class _Again(Exception):
    """The server may answer when it is asked once more."""

    def __init__(self, found: str, wait_s: float = 0.0) -> None:
        self.found, self.wait_s = found, wait_s
        super().__init__(found)


def read_endpoint(address: str, problems: list[BadInput] | None = None) -> Iterator[Columns]:
    """Yield all that a SPARQL endpoint holds, its default graph and its named ones, as `read_nquads`.

    Pages are asked for in a fixed order, until one is empty, so that a server may give fewer rows than
    asked for. What changes on the server meanwhile may be missed. Statements about triples, types and
    properties are asked for first; they stay in memory, the rest does not. Blank nodes keep the
    label that the server gives them: one that gives a new label on each page takes them apart.

    Raises:
        BadInput: The server cannot be reached or says no, its answer is cut off, or it is no answer to
            a query, or it gives the same page twice. Busy servers (429, 5xx, timeouts) are asked up
            to `ATTEMPTS` times before. With `problems`, what came before is kept.
    """
    try:
        _refuse_address(address)
        terms = Terms(address, labelled=True)
        found = survey(_quads(address, _SPECIAL, None), terms)
    except BadInput as problem:
        raise_or_collect(problem, problems)
        return
    yield from columns_of(_quads(address, _ALL, problems), found, terms)


def _quads(
    address: str, pattern: str, problems: list[BadInput] | None
) -> Iterator[tuple[Any, Any, Any, Any]]:
    """Yield the quads of a pattern; what a server also shows in its default graph comes once."""
    from pyoxigraph import DefaultGraph

    waiting = None
    for row in _solutions(address, pattern, problems):
        if waiting is not None:
            triple = waiting["s"], waiting["p"], waiting["o"]
            again = row is not None and (row["s"], row["p"], row["o"]) == triple
            if waiting["g"] is not None or not again:
                yield (*triple, waiting["g"] or DefaultGraph())
        waiting = row


def _solutions(address: str, pattern: str, problems: list[BadInput] | None) -> Iterator[Any]:
    """Yield the rows of all pages, and None at the end."""
    offset, before = 0, list[tuple[Any, ...]]()
    while True:
        page = f"ORDER BY ?s ?p ?o ?g LIMIT {PAGE_ROWS} OFFSET {offset}"
        try:
            rows = _rows(address, f"SELECT ?s ?p ?o ?g WHERE {{ {pattern} }} {page}", offset)
            if rows and [*map(tuple, rows)] == before:
                found = f"the rows from {offset + 1} on are those before them: the server ignores OFFSET"
                raise BadInput(_named(address), 0, found, "Export the graph to a file and give that.")
        except BadInput as problem:
            raise_or_collect(problem, problems)
            rows = []
        yield from rows
        if not rows:
            yield None
            return
        offset, before = offset + len(rows), [*map(tuple, rows)]


def _rows(address: str, query: str, offset: int) -> list[Any]:
    from pyoxigraph import QueryResultsFormat, QuerySolutions, parse_query_results

    page, reason = _page(address, query), "it has no rows"
    answer = None
    try:
        answer = parse_query_results(page, QueryResultsFormat.JSON)
        if isinstance(answer, QuerySolutions):
            return list(answer)
    except (SyntaxError, ValueError) as error:
        reason = str(error)
    finally:
        answer = None  # it must die in the thread that made it, so no traceback may keep it
    found = f"the answer from row {offset + 1} on is cut off or no SPARQL result ({reason:.120})"
    raise BadInput(_named(address), 0, found, "Try again, or ask who runs the server.")


def _page(address: str, query: str) -> bytes:
    """Ask for a page, and again while the server is busy."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _ask(address, query)
        except _Again as error:
            if attempt == ATTEMPTS:
                found = f"{error.found}, {ATTEMPTS} times in a row"
                raise BadInput(_named(address), 0, found, "Try again later.") from error
            time.sleep(min(max(error.wait_s, BACKOFF_S * 2 ** (attempt - 1)), MAX_WAIT_S))
    raise AssertionError("the last attempt returns or raises")


def _ask(address: str, query: str) -> bytes:
    mark = "&" if urllib.parse.urlsplit(address).query else "?"
    url = f"{address}{mark}{urllib.parse.urlencode({'query': query})}"
    request = urllib.request.Request(url, headers={"Accept": MEDIA_TYPE, "User-Agent": "loregraft"})
    try:
        with _opener().open(request, timeout=TIMEOUT_S) as answer:
            kind = answer.headers.get_content_type()
            if kind not in (MEDIA_TYPE, "application/json"):
                found = f"the server answers with {kind}, not with {MEDIA_TYPE}"
                raise BadInput(_named(address), 0, found, "Give the address of a SPARQL endpoint.")
            return _body(answer, address)
    except urllib.error.HTTPError as error:
        with error:
            raise _refusal(address, error) from error
    except http.client.IncompleteRead as error:
        raise _Again("the answer is cut off") from error
    except TimeoutError as error:
        raise _Again(f"the server did not answer within {TIMEOUT_S:g} s") from error
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        found = f"the server cannot be reached ({reason!s:.120})"
        if isinstance(reason, TimeoutError | ConnectionResetError | http.client.HTTPException):
            raise _Again(found) from error
        raise BadInput(_named(address), 0, found, "Check the address, and that the server runs.") from error


def _opener() -> urllib.request.OpenerDirector:
    """Give what opens http(s) and nothing else, and follows no redirection."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
    ):
        opener.add_handler(handler)
    return opener


def _body(answer: Any, address: str) -> bytes:
    deadline = time.monotonic() + 10 * TIMEOUT_S
    body, given = bytearray(), answer.headers.get("Content-Length", "")
    while chunk := answer.read1(_CHUNK):  # `read` would wait for all of it
        body += chunk
        if len(body) > MAX_BYTES:
            found = f"a page of more than {MAX_BYTES:,} bytes"
            raise BadInput(_named(address), 0, found, "Export the graph to a file and give that.")
        if time.monotonic() > deadline:
            raise _Again(f"the server did not end its answer within {10 * TIMEOUT_S:g} s")
    if given.isdigit() and len(body) < int(given):
        raise _Again("the answer is cut off")
    return bytes(body)


def _refusal(address: str, error: urllib.error.HTTPError) -> Exception:
    said = f"the server says {error.code} {error.reason}"
    if error.code in _TRANSIENT:
        wait = error.headers.get("Retry-After", "")
        return _Again(said, float(wait) if wait.isdigit() else 0.0)
    if 300 <= error.code < 400:
        fix = f"Give that address if you trust it: {error.headers.get('Location', '')!s:.200}."
        return BadInput(_named(address), 0, f"{said}: it sends us elsewhere", fix)
    return BadInput(_named(address), 0, said, "Check the address, and that it needs no password.")


def _refuse_address(address: str) -> None:
    try:
        parts = urllib.parse.urlsplit(address)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        fine = False
    if not fine or any(character <= " " for character in address):
        fix = "Write http://... or https://... as it stands in the browser."
        raise BadInput(Path(address), 0, "this is no address of a SPARQL endpoint", fix)
    if parts.username or parts.fragment:
        fix = "Give the address alone."
        raise BadInput(_named(address), 0, "the address has a user or a # in it", fix)


def _named(address: str) -> Path:
    """Give the address as errors name it, without its scheme, which a path would garble."""
    return Path(address.partition("://")[2].partition("?")[0].rpartition("@")[2])
