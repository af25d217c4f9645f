"""Read OBO ontologies (`.obo`): terms with names, definitions, synonyms and the relations between them."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from loregraft.errors import BadInput
from loregraft.kg.rdf.vocabulary import synonym_kind
from loregraft.kg.readers.text.headers import first_line
from loregraft.kg.readers.text.lines import Row, id_prefix, in_batches, raise_or_collect, read_lines
from loregraft.kg.tables.columns import Columns, Table
from loregraft.records import NameKind

Line = tuple[int, str, str]
"""Line number, tag, value."""

_Term = tuple[str, dict[str, str]]
"""The id of a term, and the first value of each of its tags."""

SCOPES: dict[str, NameKind] = {
    "EXACT": "exact",
    "BROAD": "broad",
    "NARROW": "narrow",
    "RELATED": "related",
}
_QUOTED = re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"\s*+')
_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "t": "\t", "W": " "}
_TRAILER = re.compile(r"(?<!\s)\s++(?:!.*|\{[^{}]*+\}\s*+(?:!.*)?)$")


def read_obo(path: Path, problems: list[BadInput] | None = None) -> Iterator[Columns]:
    """Yield the terms of an ontology: names, definition, `is_a` and other relations, xrefs, old ids.

    A synonym counts as `lay` (or `abbreviation`) only when its scope is EXACT; synonyms of the type
    obsolete_synonym are `related`. The type of a term is its namespace, else the prefix of its id.
    Comments, subsets, `property_value` and hints to other terms are attributes; `equivalent_to` is an
    `xref`. A [Typedef] is a relation with its name, inverse, domain and range.

    Left out and told as attributes of no entity (""), which the graph counts: `obsolete` terms and
    relations, each `instance`, `logical` definitions, and all lines with another tag (`unread_tag`).

    Raises:
        BadInput: A line without a tag, a text without its closing quote, an unknown synonym scope, or
            a term or relation without an id, or a term without a name. With `problems`, a bad line is
            left out, a nameless term whole.
    """
    return in_batches(_rows(path, problems))


def fits_obo(path: Path, head: str) -> bool:
    """Tell whether a file is OBO, by its first line or its name."""
    return first_line(head, "!").startswith(("format-version:", "[Term]")) or ".obo" in path.suffixes


def _rows(path: Path, problems: list[BadInput] | None) -> Iterator[tuple[Table, Row]]:
    namespace = ""
    for start, head, lines in _stanzas(path, problems):
        if head == "":
            namespace = next((value for _, tag, value in lines if tag == "default-namespace"), "")
            continue
        first = {tag: value for _, tag, value in reversed(lines)}
        id = _bare(first.get("id", ""))
        if not id and head in ("[Term]", "[Typedef]"):
            fix = f"Write its id on the line after {head}."
            what = "term" if head == "[Term]" else "relation"
            raise_or_collect(BadInput(path, start, f"a {what} without an id", fix), problems)
        elif head == "[Instance]" or head not in ("[Term]", "[Typedef]"):
            yield _left_out("instance" if head == "[Instance]" else "unread_stanza", id)
        elif first.get("is_obsolete", "").startswith("true"):
            yield _left_out("obsolete", id)
        elif head == "[Typedef]":
            yield from _relation(id, first, lines)
        else:
            first["namespace"] = first.get("namespace") or namespace or id_prefix(id)
            yield from _term(path, start, (id, first), lines, problems)


def _stanzas(path: Path, problems: list[BadInput] | None) -> Iterator[tuple[int, str, list[Line]]]:
    start, head, lines = 1, "", list[Line]()
    for number, text in read_lines(path, problems):
        if text.startswith("!"):
            continue
        if text.startswith("["):
            yield start, head, lines
            start, head, lines = number, text.strip(), []
            continue
        tag, colon, value = text.partition(":")
        if colon and tag.strip():
            lines.append((number, tag.strip(), value.strip()))
        else:
            fix = "Write 'tag: value', or a stanza such as [Term]."
            raise_or_collect(BadInput(path, number, f"no tag in {text!r:.80}", fix), problems)
    yield start, head, lines


def _term(
    path: Path, start: int, term: _Term, lines: list[Line], problems: list[BadInput] | None
) -> Iterator[tuple[Table, Row]]:
    id, first = term
    name = _unescape(first.get("name", ""))
    if not name:
        found = f"name-less entity: {id!r} has no name"
        raise_or_collect(BadInput(path, start, found, "Add a line 'name: ...' to the term."), problems)
        return
    yield "entities", (id, first["namespace"])
    yield "names", (id, name, "preferred")
    for number, tag, value in lines:
        if tag in TAGS:
            try:
                yield TAGS[tag](id, value)
            except ValueError as error:
                found, fix = error.args
                raise_or_collect(BadInput(path, number, f"{found} in {value!r:.80}", fix), problems)
        elif tag in _LOGICAL:
            yield _left_out("logical", id)
        elif tag not in _HEADS:
            yield _left_out("unread_tag", id)


def _relation(id: str, first: dict[str, str], lines: list[Line]) -> Iterator[tuple[Table, Row]]:
    said = {tag: _bare(first.get(tag, "")) for tag in ("inverse_of", "is_symmetric", "domain", "range")}
    name = _unescape(first.get("name", ""))
    inverse, domain, range = said["inverse_of"], said["domain"], said["range"]
    yield "relations", (id, name, "en", inverse, said["is_symmetric"] == "true", domain, range)
    for _, tag, _ in lines:
        if tag not in _HEADS and tag not in said:
            yield _left_out("unread_tag", id)


def _left_out(reason: str, what: str) -> tuple[Table, Row]:
    return "attributes", ("", reason, what)


def _definition(id: str, value: str) -> tuple[Table, Row]:
    text, _ = _quoted(value)
    return "descriptions", (id, text)


def _synonym(id: str, value: str) -> tuple[Table, Row]:
    text, rest = _quoted(value)
    words = rest.partition("[")[0].split()
    scope = words[0] if words else "RELATED"
    if scope not in SCOPES:
        raise ValueError(f"unknown synonym scope {scope!r}", f"The scope is one of {', '.join(SCOPES)}.")
    if not text.strip():
        raise ValueError("an empty synonym", "Write the synonym between the quotes, or remove the line.")
    kind, detail = SCOPES[scope], words[1] if len(words) > 1 else ""
    special = synonym_kind(detail.replace(":", "_"))
    if special and (special == "related" or scope == "EXACT"):
        kind = special
    return "names", (id, text, kind)


def _parent(id: str, value: str) -> tuple[Table, Row]:
    return "triples", (id, "is_a", _one_id(value))


def _relationship(id: str, value: str) -> tuple[Table, Row]:
    words = _bare(value).split()
    if len(words) != 2:
        raise ValueError("expected a relation and an id", "Write 'relationship: relation id'.")
    return "triples", (id, words[0], words[1])


def _id_of(property: str) -> Callable[[str, str], tuple[Table, Row]]:
    return lambda id, value: ("attributes", (id, property, _one_id(value)))


def _comment(id: str, value: str) -> tuple[Table, Row]:
    return "attributes", (id, "comment", _unescape(_bare(value)))


def _property_value(id: str, value: str) -> tuple[Table, Row]:
    property, _, rest = value.partition(" ")
    if rest.lstrip().startswith('"'):
        text, after = _quoted(rest.lstrip())
        words = _bare(f" {after}").split()
        return "attributes", (id, property, text, _datatype(words[0]) if words else "")
    return "attributes", (id, property, _one_id(rest))


def _datatype(name: str) -> str:
    return "" if name == "xsd:string" else name.removeprefix("xsd:")


TAGS: dict[str, Callable[[str, str], tuple[Table, Row]]] = {
    "def": _definition,
    "synonym": _synonym,
    "is_a": _parent,
    "relationship": _relationship,
    "xref": _id_of("xref"),
    "equivalent_to": _id_of("xref"),
    **{tag: _id_of(tag) for tag in ("alt_id", "subset", "replaced_by", "consider")},
    "comment": _comment,
    "property_value": _property_value,
}
"""The tags of a term that are read, beside id, name, namespace and is_obsolete."""
_HEADS = frozenset({"id", "name", "namespace", "is_obsolete"})
_LOGICAL = frozenset({"intersection_of", "union_of", "disjoint_from"})


def _quoted(value: str) -> tuple[str, str]:
    match = _QUOTED.match(value)
    if not match:
        raise ValueError("no text between two quotes", 'Write the text as "text"; a quote inside it as \\".')
    text = match[1] if "\\" not in match[1] else _unescape(match[1])
    return text, value[match.end() :]


def _one_id(value: str) -> str:
    words = value.split(maxsplit=1)
    if not words or words[0].startswith(("!", "{")):
        raise ValueError("no id", "Write an id after the colon, or remove the line.")
    return words[0] if "\\" not in words[0] else _unescape(words[0])


def _bare(value: str) -> str:
    return "" if value.startswith(("!", "{")) else _TRAILER.sub("", value)


def _unescape(text: str) -> str:
    return _ESCAPE.sub(lambda match: _ESCAPES.get(match[1], match[1]), text)
