"""Read ontologies as cellxgene-ontology-guide ships them: one JSON object of terms, often zstd-packed.

One file per ontology (MONDO, CL, UBERON ...), each term with label, synonyms, description and the
distance to its ancestors.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from loregraft.errors import BadInput
from loregraft.kg.readers.text.lines import Row, id_prefix, in_batches, raise_or_collect
from loregraft.kg.readers.text.opening import first_bytes
from loregraft.kg.tables.columns import Columns, Table

FIX = "Give a file of cellxgene-ontology-guide: a JSON object with one object per term id."


def read_cellxgene(path: Path, problems: list[BadInput] | None = None) -> Iterator[Columns]:
    """Yield the terms of an ontology file: label, synonyms (all exact), description, direct parents.

    The type of a term is the prefix of its id. Deprecated terms are left out: each is told as an
    attribute `obsolete` of no entity (""), which the graph counts. The JSON is parsed as a whole, so
    memory grows with the file (MONDO: 0.1 GB).

    Raises:
        BadInput: The file is not such JSON, or a term has no label.
    """
    return in_batches(_rows(path, problems))


def fits_cellxgene(path: Path, head: str) -> bool:
    """Tell whether a file is such JSON, by its first text."""
    return head.lstrip().startswith("{") and '"label"' in head and '"ancestors"' in head


def _rows(path: Path, problems: list[BadInput] | None) -> Iterator[tuple[Table, Row]]:
    raw = first_bytes(path, -1)
    text, terms = _parse(path, raw, problems)
    for id, term in terms.items():
        if isinstance(term, dict) and term.get("deprecated") is True:
            yield "attributes", ("", "obsolete", id)
            continue
        found = _what_is_wrong(term)
        if found:
            line = text.count("\n", 0, max(text.find(json.dumps(id)), 0)) + 1
            problem = BadInput(path, line, f"{found}: {id!r}", "Correct the term, or remove it.")
            raise_or_collect(problem, problems)
        else:
            yield from _term(id, cast(dict[str, object], term))


def _parse(path: Path, raw: bytes, problems: list[BadInput] | None) -> tuple[str, dict[str, object]]:
    try:
        text = raw.decode("utf-8-sig")
        terms = json.loads(text) if text.strip() else {}
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{raw[error.start]:02x} is not UTF-8"
        problem = BadInput(path, line, found, "Save the file as UTF-8.")
    except json.JSONDecodeError as error:
        problem = BadInput(path, error.lineno, f"this is not JSON ({error.msg})", FIX)
    except RecursionError:
        problem = BadInput(path, 0, "the JSON is nested too deep", FIX)
    else:
        if isinstance(terms, dict):
            return text, terms
        problem = BadInput(path, 1, f"expected a JSON object, found a {type(terms).__name__}", FIX)
    raise_or_collect(problem, problems)
    return "", {}


def _what_is_wrong(term: object) -> str:
    if not isinstance(term, dict):
        return "this term is not a JSON object"
    if not isinstance(term.get("label"), str) or not term["label"].strip():
        return "name-less entity: this term has no label"
    synonyms = term.get("synonyms") or []
    if not isinstance(synonyms, list) or not all(isinstance(name, str) for name in synonyms):
        return "the synonyms of this term are not a list of texts"
    if not isinstance(term.get("ancestors") or {}, dict):
        return "the ancestors of this term are not an object"
    if not isinstance(term.get("description") or "", str):
        return "the description of this term is not a text"
    return ""


def _term(id: str, term: dict[str, object]) -> Iterator[tuple[Table, Row]]:
    yield "entities", (id, id_prefix(id))
    yield "names", (id, str(term["label"]), "preferred")
    for synonym in _list(term.get("synonyms")):
        if synonym.strip():
            yield "names", (id, synonym, "exact")
    if term.get("description"):
        yield "descriptions", (id, str(term["description"]))
    ancestors = term.get("ancestors")
    for ancestor, distance in ancestors.items() if isinstance(ancestors, dict) else ():
        if distance == 1:
            yield "triples", (id, "is_a", ancestor)


def _list(value: object) -> list[str]:
    return value if isinstance(value, list) else []
