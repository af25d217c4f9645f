"""Answer one query in a process of its own, which may be killed, and whose memory and time are bounded.

`kg/sparql/query.py` starts this file as a script, with one JSON object on stdin, and reads one from stdout.
It imports nothing of loregraft, so that it starts quickly.
"""

import json
import resource
import sys
from collections.abc import Iterable, Iterator
from typing import Any

Term = tuple[str, ...]
"""("iri", address), ("blank", label), ("text", text, datatype, language), ("triple", head, relation, tail
as one text), or ("",) where a variable has no value."""


class TooMuch(Exception):
    """There are more rows or bytes than were allowed."""


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Run a query that `guard` let through; gives its columns and rows, or what went wrong."""
    import pyoxigraph

    try:
        store = pyoxigraph.Store.read_only(request["index"])
        found = store.query(request["query"])
        columns, rows = _shape(found)
        return {"columns": columns, "rows": list(_bounded(rows, request))}
    except SyntaxError as error:
        return {"error": "syntax", "found": str(error)}
    except TooMuch as error:
        return {"error": str(error)}
    except (OSError, RuntimeError) as error:
        return {"error": "failed", "found": str(error)}


def main() -> None:
    """Read the request from stdin and write the answer to stdout."""
    request = json.load(sys.stdin)
    for limit, most in (
        (resource.RLIMIT_AS, request["memory_mb"] << 20),
        (resource.RLIMIT_CPU, request["cpu_s"]),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    ):
        hard = resource.getrlimit(limit)[1]
        bound = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (bound, bound))
    try:
        text = json.dumps(answer(request))
    except MemoryError:
        text = json.dumps({"error": "memory"})
    sys.stdout.write(text)


def _shape(found: Any) -> tuple[list[str], Iterator[list[Term]]]:
    import pyoxigraph

    if isinstance(found, pyoxigraph.QuerySolutions):
        columns = [variable.value for variable in found.variables]
        return columns, ([_term(value) for value in solution] for solution in found)
    if isinstance(found, pyoxigraph.QueryBoolean):
        boolean = "http://www.w3.org/2001/XMLSchema#boolean"
        return ["answer"], iter([[("text", "true" if found else "false", boolean, "")]])
    triples = ([triple.subject, triple.predicate, triple.object] for triple in found)
    return ["head", "relation", "tail"], ([_term(part) for part in parts] for parts in triples)


def _bounded(rows: Iterable[list[Term]], request: dict[str, Any]) -> Iterator[list[Term]]:
    size = 0
    for number, row in enumerate(rows):
        size += sum(len(part.encode()) for term in row for part in term)
        if number >= request["rows"]:
            raise TooMuch("rows")
        if size > request["answer_bytes"]:
            raise TooMuch("bytes")
        yield row


def _term(value: Any) -> Term:
    import pyoxigraph

    if value is None:
        return ("",)
    if isinstance(value, pyoxigraph.NamedNode):
        return ("iri", value.value)
    if isinstance(value, pyoxigraph.BlankNode):
        return ("blank", value.value)
    if isinstance(value, pyoxigraph.Literal):
        return ("text", value.value, value.datatype.value, value.language or "")
    return ("triple", str(value))


if __name__ == "__main__":
    main()
