"""Read ontologies as cellxgene-ontology-guide ships them: one JSON object of terms, often zstd-packed.

One file per ontology (MONDO, CL, UBERON ...), each term with label, synonyms, description and the
distance to its ancestors.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from loregraft.errors import BadInput
from loregraft.kg.readers.text.lines import Row, id_prefix, in_batches, raise_or_collect
from loregraft.kg.readers.text.objects import read_object
from loregraft.kg.tables.columns import Columns, Table

FIX = "Give a file of cellxgene-ontology-guide: a JSON object with one object per term id."


def read_cellxgene(path: Path, problems: list[BadInput] | None = None) -> Iterator[Columns]:
    """Yield the terms of an ontology file: label, synonyms (all exact), description, direct parents.

    The type of a term is the prefix of its id. Deprecated terms are left out: each is told as an
    attribute `obsolete` of no entity (""), which the graph counts. The JSON is parsed as a whole, so
    memory grows with the file (MONDO: 0.1 GB); one of more than `objects.MAX_WHOLE` is refused.

    Raises:
        BadInput: The file is not such JSON, or a term has no label.
    """
    return in_batches(_rows(path, problems))


def fits_cellxgene(path: Path, head: str) -> bool:
    """Tell whether a file is such JSON, by its first text."""
    return head.lstrip().startswith("{") and '"label"' in head and '"ancestors"' in head


def _rows(path: Path, problems: list[BadInput] | None) -> Iterator[tuple[Table, Row]]:
    try:
        text, terms = read_object(path, FIX)
    except BadInput as problem:
        raise_or_collect(problem, problems)
        return
    place, line = 0, 1
    for id, term in terms.items():
        if isinstance(term, dict) and term.get("deprecated") is True:
            yield "attributes", ("", "obsolete", id)
            continue
        found = _what_is_wrong(id, term)
        if found:
            there = text.find(f'"{id}"', place)  # terms come in order, so that the text is searched once
            line += text.count("\n", place, max(there, place))
            place = there if there >= 0 else len(text)
            fix = "Correct the term, or remove it."
            raise_or_collect(BadInput(path, line if there >= 0 else 0, f"{found}: {id!r:.60}", fix), problems)
        else:
            yield from _term(id, term)


def _what_is_wrong(id: str, term: object) -> str:
    if not id.strip():
        return "a term without an id"
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


def _term(id: str, term: dict[str, Any]) -> Iterator[tuple[Table, Row]]:
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
