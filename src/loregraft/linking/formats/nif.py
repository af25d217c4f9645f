"""Read and write NIF in Turtle, as GERBIL exchanges texts and what a linker found in them.

A context holds a text, a phrase has its place in a context and, by `itsrdf:taIdentRef`, what it means.
"""

import contextlib
import io
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from loregraft.disk import whole_file
from loregraft.errors import BadInput
from loregraft.kg.readers.rdf.guard import Guarded
from loregraft.kg.readers.text.lines import raise_or_collect
from loregraft.kg.readers.text.opening import open_bytes
from loregraft.kg.writers.telling import Told, told
from loregraft.linking.formats.records import Annotated, Gold, in_order, mention_at
from loregraft.records import Document

if TYPE_CHECKING:
    from pyoxigraph import Triple

NIF = "http://persistence.uni-leipzig.org/nlp2rdf/ontologies/nif-core#"
ITSRDF = "http://www.w3.org/2005/11/its/rdf#"
RDF_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
XSD = "http://www.w3.org/2001/XMLSchema#"
OWN = "urn:loregraft:"
"""How IRIs begin that stand for ids that are none, and properties that NIF has no word for."""
NOWHERE = ("http://aksw.org/notInWiki/", "http://aksw.org/unknown_entity/")
"""How IRIs begin that mean nothing in the knowledge base, as GERBIL has them."""
FIX = "Correct the statement; a validator of Turtle tells more."

_TEXT, _CONTEXT = NIF + "isString", NIF + "referenceContext"
_START, _END, _ANCHOR = NIF + "beginIndex", NIF + "endIndex", NIF + "anchorOf"
_REF, _CONFIDENCE, _CLASS = ITSRDF + "taIdentRef", ITSRDF + "taConfidence", ITSRDF + "taClassRef"
_COMPOSITE = OWN + "composite"
_KNOWN = (_TEXT, _CONTEXT, _START, _END, _ANCHOR, _REF, _CONFIDENCE, _CLASS, _COMPOSITE)
_PLACE = re.compile(r"[#?](?:char=|offset_)\d+[,_]\d+$")
_CHUNK = 1 << 20
_Said = dict[str, list[str]]


@dataclass(frozen=True)
class _Phrase:
    """A phrase by its IRI, and the IRI of its context."""

    name: str
    context: str


def read_nif(
    path: Path, problems: list[BadInput] | None = None, left_out: Counter[str] | None = None
) -> Iterator[Annotated]:
    """Yield the contexts of a file in file order, with their phrases, wherever these stand.

    A document's id is the IRI of its context without the place at its end. Several references of a
    phrase are alternatives. What the reader needs of the file stays in memory until its end, since
    statements may stand in any order: about 1 KB a phrase. Places are characters, or Java's.

    Args:
        problems: Where bad phrases go; None stops at the first. Of broken Turtle the part before the
            fault is read.
        left_out: Where statements are counted that say nothing of what is read here.

    Raises:
        BadInput: It is not Turtle, a phrase has no place or context, or is not where it says.
    """
    path = Path(path)
    counted: Counter[str] = Counter() if left_out is None else left_out
    said = _statements(path, problems, counted)
    phrases: dict[str, list[_Phrase]] = defaultdict(list)
    for name, by_property in said.items():
        if _TEXT not in by_property:
            phrases[by_property.get(_CONTEXT, [""])[0]].append(
                _Phrase(name, by_property.get(_CONTEXT, [""])[0])
            )
    for context, by_property in said.items():
        if _TEXT not in by_property:
            continue
        text, gold = by_property[_TEXT][0], []
        for phrase in phrases.pop(context, ()):
            try:
                gold.append(_gold(path, phrase.name, said[phrase.name], text))
            except BadInput as problem:
                raise_or_collect(problem, problems)
        yield Annotated(Document(_bare(_PLACE.sub("", context)), text), in_order(gold))
    for lost in phrases.values():
        found = f"the context {lost[0].context!r:.80} of {lost[0].name!r:.80} has no nif:isString"
        raise_or_collect(BadInput(path, 0, found, "Add the context with its text."), problems)


def write_nif(annotated: Iterable[Annotated], path: Path) -> Told:
    """Write Turtle, contexts and phrases. Ids that are no IRIs become such of `urn:loregraft:`.

    Cannot hold what else is said of texts and mentions, and a second document of the same id, which
    would be one with the first: it is left out.
    """
    written: Counter[str] = Counter(documents=0, mentions=0)
    lost: Counter[str] = Counter()
    import pyoxigraph as ox

    prefixes = {"nif": NIF, "itsrdf": ITSRDF, "xsd": XSD}
    with whole_file(path) as building, building.open("wb") as file:
        triples = _triples(annotated, written, lost)
        ox.serialize(triples, file, ox.RdfFormat.TURTLE, prefixes=prefixes)
    return told(written, lost)


def fits_nif(path: Path, head: str) -> bool:
    """Tell whether it names the vocabulary of NIF and is no XML."""
    return NIF in head and not head.lstrip("\ufeff \r\n\t").startswith(("<?xml", "<rdf:RDF", "{"))


def _statements(path: Path, problems: list[BadInput] | None, counted: Counter[str]) -> dict[str, _Said]:
    import pyoxigraph as ox

    said: dict[str, _Said] = {}
    try:
        with open_bytes(path) as file:
            guarded = io.BufferedReader(Guarded(path, file, xml=False), _CHUNK)
            for quad in ox.parse(guarded, ox.RdfFormat.TURTLE):
                property = quad.predicate.value
                if property not in _KNOWN:
                    if property != RDF_TYPE:
                        counted["statements of other things"] += 1
                    continue
                said.setdefault(str(quad.subject), {}).setdefault(property, []).append(_value(quad.object))
    except (SyntaxError, MemoryError) as error:
        words = re.sub(r"^Parser error (?:at|between) line .*?: ", "", str(error)) or "it cannot be parsed"
        line = getattr(error, "lineno", None) or 0
        raise_or_collect(BadInput(path, line, words.rstrip(". ")[:200], FIX), problems)
    except BadInput as problem:
        raise_or_collect(problem, problems)
    return {name.removeprefix("<").removesuffix(">"): what for name, what in said.items()}


def _value(term: Any) -> str:
    """Give the words of a literal or the IRI of a node; the name of a blank one."""
    import pyoxigraph as ox

    blank = isinstance(term, ox.BlankNode | ox.Triple)
    return str(term) if blank else term.value


def _gold(path: Path, name: str, said: _Said, text: str) -> Gold:
    start, end = (_number(path, name, said, key) for key in (_START, _END))
    anchor = said.get(_ANCHOR, [None])[0]
    mention = mention_at(path, 0, text, start, end, anchor, "utf-16-le")
    references = tuple(dict.fromkeys(said.get(_REF, ())))
    entities = tuple(_bare(id) for id in references if not id.startswith(NOWHERE))
    composite = len(entities) > 1 and said.get(_COMPOSITE) == ["true"]
    type = _bare(said.get(_CLASS, [""])[0])
    return Gold(mention, entities, composite, _score(path, name, said), type)


def _number(path: Path, name: str, said: _Said, key: str) -> int:
    values = said.get(key, [])
    word = f"nif:{key.removeprefix(NIF)}"
    if len(values) != 1 or not (values[0].isdecimal() and len(values[0]) < 16):
        found = f"{name!r:.80} has {' and '.join(map(repr, values)) or 'none'} as {word}"
        raise BadInput(path, 0, found, f"Give it one {word}, a whole number.")
    return int(values[0])


def _score(path: Path, name: str, said: _Said) -> float:
    value = said.get(_CONFIDENCE, ["1"])[0]
    try:
        score = float(value)
    except ValueError:
        score = -1.0
    if not 0 <= score <= 1:
        found = f"{name!r:.80} has {value!r:.20} as itsrdf:taConfidence"
        raise BadInput(path, 0, found, "Write a number from 0 to 1.")
    return score


def _triples(annotated: Iterable[Annotated], written: Counter[str], lost: Counter[str]) -> "Iterator[Triple]":
    import pyoxigraph as ox

    seen: set[str] = set()
    for one in annotated:
        name, text = _iri(one.document.id, "document:"), one.document.text
        if name in seen:
            lost["documents whose id stood before"] += 1
            lost["mentions of such documents"] += len(one.gold)
            continue
        seen.add(name)
        context = ox.NamedNode(f"{name}#char=0,{len(text)}")
        yield from _string(context, "Context", 0, len(text))
        yield ox.Triple(context, _node(_TEXT), ox.Literal(text))
        lost["things said of documents"] += len(one.more) + bool(one.language)
        places: Counter[tuple[int, int]] = Counter()
        for gold in one.gold:
            place = (gold.mention.start, gold.mention.end)
            again = f"&again={places[place]}" if places[place] else ""
            places[place] += 1
            phrase = ox.NamedNode(f"{name}#char={place[0]},{place[1]}{again}")
            if place == (0, len(text)) and not again:
                phrase = ox.NamedNode(f"{phrase.value}&whole")  # the context has that name
            yield from _phrase(phrase, context, gold)
            written["mentions"] += 1
            lost["things said of mentions"] += len(gold.more)
        written["documents"] += 1


def _phrase(phrase: Any, context: Any, gold: Gold) -> "Iterator[Triple]":
    import pyoxigraph as ox

    yield from _string(phrase, "Phrase", gold.mention.start, gold.mention.end)
    yield ox.Triple(phrase, _node(_CONTEXT), context)
    yield ox.Triple(phrase, _node(_ANCHOR), ox.Literal(gold.mention.text))
    for id in gold.entities:
        yield ox.Triple(phrase, _node(_REF), ox.NamedNode(_iri(id, "entity:")))
    if gold.score != 1.0:
        number = ox.Literal(repr(gold.score), datatype=_node(XSD + "double"))
        yield ox.Triple(phrase, _node(_CONFIDENCE), number)
    if gold.type:
        yield ox.Triple(phrase, _node(_CLASS), ox.NamedNode(_iri(gold.type, "type:")))
    if gold.composite:
        truth = ox.Literal("true", datatype=_node(XSD + "boolean"))
        yield ox.Triple(phrase, _node(_COMPOSITE), truth)


def _string(node: Any, kind: str, start: int, end: int) -> "Iterator[Triple]":
    import pyoxigraph as ox

    for what in ("OffsetBasedString", "String", "RFC5147String", kind):
        yield ox.Triple(node, _node(RDF_TYPE), _node(NIF + what))
    for property, place in ((_START, start), (_END, end)):
        number = ox.Literal(str(place), datatype=_node(XSD + "nonNegativeInteger"))
        yield ox.Triple(node, _node(property), number)


@cache
def _node(iri: str) -> Any:
    import pyoxigraph as ox

    return ox.NamedNode(iri)


def _iri(id: str, kind: str) -> str:
    """Give an id as an IRI: itself where it is one that is not read as another id."""
    import pyoxigraph as ox

    cut = kind == "document:" and (_PLACE.search(id) or "#" in id)
    if not id.startswith((OWN, *NOWHERE)) and not cut:
        with contextlib.suppress(ValueError):
            return ox.NamedNode(id).value
    return f"{OWN}{kind}{quote(id, safe='')}"


def _bare(iri: str) -> str:
    """Give the id that an IRI was written for."""
    for kind in ("document:", "entity:", "type:"):
        if iri.startswith(OWN + kind):
            return unquote(iri.removeprefix(OWN + kind))
    return iri
