"""Read and write BioC, the XML of biomedical text mining: documents of passages, with annotations.

expat reads it, which is what `xml.etree` reads with: so a problem has its line, and what declares an entity,
by which a small file grows to fill a memory, is refused where it stands.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from loregraft.artifact import Json
from loregraft.disk import whole_file
from loregraft.errors import BadInput
from loregraft.kg.readers.text.lines import raise_or_collect
from loregraft.kg.readers.text.objects import MAX_WHOLE
from loregraft.kg.readers.text.opening import open_bytes
from loregraft.kg.writers.telling import Told, told
from loregraft.linking.formats.ids import COMPOSITE, join_ids, split_ids
from loregraft.linking.formats.records import Annotated, Gold, in_order, mention_at
from loregraft.records import Document

FIX = "Correct the line; the DTD of BioC tells what may stand where."
OFFSET_FIX = "Count the offsets of passages and annotations from the document's first character."
IDENTIFIERS = ("identifier", "Identifier", "concept_id", "CUI", "MESH", "OMIM", "NCBI Gene", "ChEBI", "id")
"""Keys under which the id of an annotation is looked for; the first that is there counts."""
MAX_GAP = 10_000
"""Characters that may be between two passages; more is damage, since they are filled with blanks."""

_CHUNK = 1 << 16
_OWN = ("type", "score", "composite")
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_PLACED = ("passage", "sentence")


@dataclass
class _Annotation:
    line: int
    infons: dict[str, str] = field(default_factory=dict)
    places: list[tuple[int, int]] = field(default_factory=list)
    text: str | None = None


@dataclass
class _Part:
    """A passage or sentence, or the document itself: a text, where it starts, and what is said of it."""

    line: int
    offset: int = 0
    text: str = ""
    annotations: list[_Annotation] = field(default_factory=list)


def read_bioc(
    path: Path, problems: list[BadInput] | None = None, left_out: Counter[str] | None = None
) -> Iterator[Annotated]:
    """Yield the documents of a collection, each with its passages at their offsets, blanks between them.

    An id is looked for under the keys `IDENTIFIERS` and split as `ids.split_ids` says; other infons are
    kept in `more`. Offsets that do not fit as characters are taken as bytes, as the DTD has them. A
    document is held at a time.

    Args:
        problems: Where bad annotations go; None stops at the first. Broken XML ends the reading,
            and a document whose passages overlap is left out whole.
        left_out: Where it is counted what is left out on purpose: annotations of several places,
            relations, and infons of documents and passages.

    Raises:
        BadInput: It is not XML in UTF-8, declares an entity, or an annotation or passage is not where it
            says.
    """
    parsed = _Parsed(Path(path), problems, Counter() if left_out is None else left_out)
    try:
        with open_bytes(path) as file:
            while chunk := file.read(_CHUNK):
                parsed.parser.Parse(chunk, False)
                yield from parsed.taken()
            parsed.parser.Parse(b"", True)
            yield from parsed.taken()
    except expat.ExpatError as error:
        yield from parsed.taken()
        found = f"no XML ({expat.ErrorString(error.code)})"
        raise_or_collect(BadInput(path, error.lineno, found, FIX), problems)
    except BadInput as problem:
        yield from parsed.taken()
        raise_or_collect(problem, problems)


def write_bioc(annotated: Iterable[Annotated], path: Path) -> Told:
    """Write a collection, each text as one passage, offsets in characters.

    Cannot hold control characters (they become spaces, so that offsets stay), what is said beside texts,
    alternatives of the type CompositeMention, and ids with `|`, `+` or line ends: such mentions are left
    out.
    """
    written: Counter[str] = Counter(documents=0, mentions=0)
    lost: Counter[str] = Counter()
    with whole_file(path) as building, building.open("w", encoding="utf-8", newline="\n") as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE collection SYSTEM "BioC.dtd">\n')
        file.write("<collection><source>loregraft</source><date></date><key></key>\n")
        for one in annotated:
            file.writelines(_document(one, written, lost))
        file.write("</collection>\n")
    return told(written, lost)


def fits_bioc(path: Path, head: str) -> bool:
    """Tell whether it is XML that begins with a collection."""
    begun = head.lstrip("\ufeff \r\n\t")
    root = re.search(r"<collection[\s>]", head)
    return begun.startswith("<") and bool(root) and ("<document" in head or "BioC" in head)


class _Parsed:
    """The state of the parser, and the documents that are whole and not taken yet."""

    def __init__(self, path: Path, problems: list[BadInput] | None, left_out: Counter[str]) -> None:
        self._path, self._problems, self._left_out = path, problems, left_out
        self._stack: list[str] = []
        self._words: list[str] = []
        self._size = 0
        self._id = ""
        self._parts: list[_Part] = []
        self._open: list[_Part] = []
        self._annotation: _Annotation | None = None
        self._key = ""
        self._ready: list[Annotated] = []
        # The encoding is fixed: in another one a declaration could hide from those who look for it.
        self.parser = expat.ParserCreate("utf-8")
        self.parser.buffer_text = True
        self.parser.EntityDeclHandler = self._refuse_entity
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._take

    def taken(self) -> list[Annotated]:
        ready, self._ready = self._ready, []
        return ready

    @property
    def _line(self) -> int:
        return self.parser.CurrentLineNumber

    def _refuse_entity(self, name: str, *rest: object) -> None:
        fix = "Remove the declaration and write the entity out."
        found = f"it declares the entity {name!r:.40}, which can do harm"
        raise BadInput(self._path, self._line, found, fix)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._stack.append(name)
        self._words = []
        if len(self._stack) > 64:
            raise BadInput(self._path, self._line, "elements nested more than 64 deep", FIX)
        if name == "document":
            self._id, self._parts, self._size = "", [], 0
            self._open = [_Part(self._line)]
        elif name in _PLACED:
            self._open.append(_Part(self._line))
        elif name == "annotation":
            self._annotation = _Annotation(self._line)
        elif name == "infon":
            self._key = attributes.get("key", "")
        elif name == "relation":
            self._left_out["relations"] += 1
        elif name == "location" and self._annotation is not None:
            self._place(attributes)

    def _place(self, attributes: dict[str, str]) -> None:
        assert self._annotation is not None
        offset, length = attributes.get("offset", ""), attributes.get("length", "")
        if not (offset.isdecimal() and length.isdecimal() and len(offset + length) < 32):
            found = f"a location with offset {offset!r:.20} and length {length!r:.20}"
            problem = BadInput(self._path, self._line, found, "Write both as whole numbers.")
            raise_or_collect(problem, self._problems)
            self._annotation = None
            return
        self._annotation.places.append((int(offset), int(offset) + int(length)))

    def _take(self, words: str) -> None:
        if self._stack[-1] in ("text", "id", "infon", "offset"):
            self._size += len(words)
            if self._size > MAX_WHOLE:
                found = f"a document of more than {MAX_WHOLE:,} characters"
                raise BadInput(self._path, self._line, found, "Cut it into parts.")
            self._words.append(words)

    def _end(self, name: str) -> None:
        self._stack.pop()
        above = self._stack[-1] if self._stack else ""
        words, self._words = "".join(self._words), []
        if name == "document":
            self._finish()
        elif name in _PLACED:
            self._parts.append(self._open.pop())
        elif name == "annotation" and self._annotation is not None and self._open:
            self._open[-1].annotations.append(self._annotation)
            self._annotation = None
        elif name == "id" and above == "document":
            self._id = words.strip()
        elif name == "infon":
            self._infon(words, above)
        elif name == "text" and above == "annotation" and self._annotation is not None:
            self._annotation.text = words
        elif name == "text" and above in _PLACED:
            self._open[-1].text = words
        elif name == "offset" and above in _PLACED:
            self._offset(words.strip())

    def _infon(self, words: str, above: str) -> None:
        if above == "annotation" and self._annotation is not None:
            self._annotation.infons[self._key] = words
        elif above in ("document", *_PLACED):
            self._left_out["infons of documents and passages"] += 1

    def _offset(self, words: str) -> None:
        if not words.isdecimal() or len(words) > 15:
            problem = BadInput(self._path, self._line, f"an offset {words!r:.20}", "Write a whole number.")
            raise_or_collect(problem, self._problems)
            return
        self._open[-1].offset = int(words)

    def _finish(self) -> None:
        """Put the passages in one text and the annotations at their places in it."""
        parts = sorted((part for part in self._parts if part.text), key=lambda part: part.offset)
        text, starts = "", []
        for part in parts:
            gap = part.offset - len(text)
            if not 0 <= gap <= MAX_GAP:
                found = f"a passage at {part.offset} after a text of {len(text)} characters"
                raise_or_collect(BadInput(self._path, part.line, found, OFFSET_FIX), self._problems)
                return
            text += " " * gap
            starts.append(len(text))
            text += part.text
        gold = []
        for part in [*self._parts, *self._open]:
            for annotation in part.annotations:
                try:
                    gold += self._gold(part, annotation, text)
                except BadInput as problem:
                    raise_or_collect(problem, self._problems)
        self._ready.append(Annotated(Document(self._id, text), in_order(gold)))

    def _gold(self, part: _Part, annotation: _Annotation, text: str) -> list[Gold]:
        infons, line = annotation.infons, annotation.line
        if len(annotation.places) != 1:
            if not annotation.places:
                raise BadInput(self._path, line, "an annotation without a location", FIX)
            self._left_out["annotations of several places"] += 1
            return []
        start, end = annotation.places[0]
        if part.text:  # in bytes only the offsets within the passage differ
            start, end = start - part.offset, end - part.offset
        inside = part.text or text
        mention = mention_at(self._path, line, inside, start, end, annotation.text, "utf-8")
        if part.text:
            shift = part.offset
            mention = mention_at(
                self._path, line, text, mention.start + shift, mention.end + shift, annotation.text
            )
        key = next((key for key in IDENTIFIERS if infons.get(key)), "")
        type = infons.get("type", "")
        entities, composite = split_ids(infons.get(key, ""), type)
        composite = composite or (infons.get("composite") == "true" and len(entities) > 1)
        more: dict[str, Json] = {name: value for name, value in infons.items() if name not in (*_OWN, key)}
        return [Gold(mention, entities, composite, self._score(infons, line), type, more)]

    def _score(self, infons: dict[str, str], line: int) -> float:
        try:
            score = float(infons.get("score") or 1.0)
        except ValueError:
            score = -1.0
        if not 0 <= score <= 1:
            found = f"a score {infons['score']!r:.20}"
            raise BadInput(self._path, line, found, "Write a number from 0 to 1.")
        return score


def _document(one: Annotated, written: Counter[str], lost: Counter[str]) -> Iterator[str]:
    text = _xml(one.document.text, lost)
    yield f"<document><id>{_xml(one.document.id, lost)}</id><passage><offset>0</offset><text>{text}</text>\n"
    lost["things said of documents"] += len(one.more) + bool(one.language)
    number = 0
    for gold in one.gold:
        cell = join_ids(gold.entities, gold.composite, gold.type)
        if cell is None:
            lost["mentions with ids that the format cannot hold"] += 1
            continue
        place, infons = gold.mention, _infons(gold, cell)
        held = {key: value for key, value in gold.more.items() if isinstance(value, str)}
        lost["things said of mentions"] += len(gold.more) - len(held)
        infons |= {key: value for key, value in held.items() if key not in (*_OWN, *IDENTIFIERS)}
        yield f'<annotation id="{number}">'
        for key, value in infons.items():
            yield f"<infon key={quoteattr(_NOT_XML.sub(' ', key))}>{_xml(value, lost)}</infon>"
        yield f'<location offset="{place.start}" length="{place.end - place.start}"/>'
        yield f"<text>{_xml(place.text, lost)}</text></annotation>\n"
        written["mentions"] += 1
        number += 1
    yield "</passage></document>\n"
    written["documents"] += 1


def _infons(gold: Gold, cell: str) -> dict[str, str]:
    infons = {"identifier": cell} if cell else {}
    if gold.type:
        infons["type"] = gold.type
    if gold.score != 1.0:
        infons["score"] = repr(gold.score)
    if gold.composite and gold.type != COMPOSITE:
        infons["composite"] = "true"
    return infons


def _xml(text: str, lost: Counter[str]) -> str:
    """Escape a text; a carriage return is spelled out, since XML would read it as a line feed."""
    lost["control characters, now spaces"] += len(_NOT_XML.findall(text))
    return escape(_NOT_XML.sub(" ", text), {"\r": "&#13;"})
