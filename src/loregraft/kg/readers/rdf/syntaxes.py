"""Read RDF in its six syntaxes: N-Triples, N-Quads, Turtle, TriG, RDF/XML and JSON-LD.

pyoxigraph parses; `guard.py` looks at the bytes before, `survey.py` at the quads, and `rows.py` makes
rows of them by the words of `kg/rdf/vocabulary.py`.
"""

import io
import re
from collections.abc import Generator, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any, cast
from xml.parsers import expat

from loregraft.errors import BadInput
from loregraft.kg.readers.rdf.guard import Depth, Guarded
from loregraft.kg.readers.rdf.rows import columns_of
from loregraft.kg.readers.rdf.survey import WORDS, WORDS_OF_LINES, Survey, survey
from loregraft.kg.readers.rdf.terms import Terms
from loregraft.kg.readers.text.blocks import read_blocks, without_damage
from loregraft.kg.readers.text.headers import first_line
from loregraft.kg.readers.text.lines import Problems, not_utf8, raise_or_collect
from loregraft.kg.readers.text.opening import open_bytes
from loregraft.kg.tables.columns import Columns

FIX = "Correct the line; a validator of the format tells more."
REMOTE = "No LoadDocumentCallback"
"""How pyoxigraph says that a JSON-LD context is not in the file."""

_CHUNK = 1 << 20
# No part of these can give back what it took, so that no text takes time without end.
_PREFIX = re.compile(
    r"^[^\S\n]*+(?:@prefix|@base|prefix|base)\s++[^\s<]*+\s*+<", re.IGNORECASE | re.MULTILINE
)
_IRI = r"<[^<>\s]++>"
_NODE = rf'(?:{_IRI}|_:[^\s<>".]++(?:\.++[^\s<>".]++)*+)'
_LITERAL = rf'"[^"\\]*+(?:\\.[^"\\]*+)*+"(?:@[\w-]++|\^\^{_IRI})?+'
_COMMENT = r"\s*+(?:#.*)?$"
_START = rf"{_NODE}\s*+{_IRI}\s*+"
_LINE = re.compile(rf"{_START}(?:<<\(.*\.{_COMMENT}|(?:{_LITERAL}|{_NODE})\s*+(?:{_NODE})?+\s*+\.{_COMMENT})")
_FOURTH = re.compile(rf"{_START}(?:{_LITERAL}|{_NODE})\s*+{_NODE}\s*+\.{_COMMENT}")
_GRAPH = re.compile(r"(?<![^\s.}>\w:-])\{(?!\|)")
_TEXT = re.compile(r'"""(?s:.*?)(?:"""|\Z)|"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"?+|(?m:^[^\S\n]*+#.*$)')
_KEYWORD = re.compile(r'"@(?:context|graph|id)"\s*:')


def read_ntriples(path: Path, problems: list[BadInput] | None = None) -> Iterator[Columns]:
    """Yield what N-Triples say: triples, names, types, descriptions, attributes and relations.

    What predicates mean is told in `kg/rdf/vocabulary.py`; a literal of any other is an attribute.
    An existential restriction (`C subClassOf [onProperty p; someValuesFrom D]`) is the triple C p D.
    Ids are the IRIs as written. A blank node's id holds a hash of the file, for which it is read
    once more.

    Statements about a triple (RDF 1.2's `rdf:reifies`, `rdf:Statement`, `owl:Axiom`) fill its source,
    references, confidence and qualifiers. For them, for declared properties and for logical
    definitions a file that may have such is read twice, and they stay in memory until it ends; the
    other triples are streamed. A triple that is spoken of but not asserted is no fact, unless it is
    said to be negated.

    Left out and told as attributes of no entity, which the graph counts: `logical` (other logical
    definitions), `list` (cells of RDF lists), `ontology_header`, `text_of_relation` (all but names),
    `not_asserted`, `incomplete_statement`, `triple_term`, `said_of_a_fact` (what no column takes) and
    `empty_text`.

    Raises:
        BadInput: A line is not N-Triples. With `problems`, bad lines are left out.
    """
    return _read(path, "N_TRIPLES", problems)


def read_nquads(path: Path, problems: list[BadInput] | None = None) -> Iterator[Columns]:
    """Yield what N-Quads say, as `read_ntriples`; the named graph is the source of the row.

    Raises:
        BadInput: A line is not N-Quads. With `problems`, bad lines are left out.
    """
    return _read(path, "N_QUADS", problems)


def read_turtle(path: Path, problems: list[BadInput] | None = None) -> Iterator[Columns]:
    """Yield what Turtle says, as `read_ntriples`. Blank nodes are numbered; each is remembered.

    Raises:
        BadInput: It is not Turtle, or has relative IRIs without @base. With `problems`, it is read up
            to there.
    """
    return _read(path, "TURTLE", problems)


def read_trig(path: Path, problems: list[BadInput] | None = None) -> Iterator[Columns]:
    """Yield what TriG says, as `read_turtle`; the named graph is the source of the row.

    Raises:
        BadInput: It is not TriG. With `problems`, it is read up to there.
    """
    return _read(path, "TRIG", problems)


def read_rdfxml(path: Path, problems: list[BadInput] | None = None) -> Iterator[Columns]:
    """Yield what RDF/XML says, as `read_turtle`. A file with a DOCTYPE is refused.

    Raises:
        BadInput: It is not RDF/XML, or has a DOCTYPE. With `problems`, it is read up to there.
    """
    return _read(path, "RDF_XML", problems)


def read_jsonld(path: Path, problems: list[BadInput] | None = None) -> Iterator[Columns]:
    """Yield what JSON-LD says, as `read_trig`. A context that is not in the file is refused, not fetched.

    Raises:
        BadInput: It is not JSON-LD, or needs a remote context. With `problems`, it is read up to there.
    """
    return _read(path, "JSON_LD", problems)


def fits_ntriples(path: Path, head: str) -> bool:
    """Tell whether the first line that says something is a triple in full."""
    named = {".ttl", ".trig"} & set(path.suffixes)
    return not named and bool(_LINE.match(_first(head))) and not fits_nquads(path, head)


def fits_nquads(path: Path, head: str) -> bool:
    """Tell whether the first line is a triple in full, and a line, or the name, says N-Quads."""
    if not _LINE.match(_first(head)) or {".ttl", ".trig", ".nt"} & set(path.suffixes):
        return False
    return ".nq" in path.suffixes or any(_FOURTH.match(line.strip()) for line in head.split("\n"))


def fits_turtle(path: Path, head: str) -> bool:
    """Tell whether there is a prefix or base of Turtle, or the name ends in .ttl."""
    return ".ttl" in path.suffixes or (bool(_PREFIX.search(head)) and not _is_markup(head))


def fits_trig(path: Path, head: str) -> bool:
    """Tell whether it is Turtle with graphs in it, or the name ends in .trig."""
    if {".ttl", ".trig"} & set(path.suffixes):
        return ".trig" in path.suffixes
    return fits_turtle(path, head) and bool(_GRAPH.search(_TEXT.sub('""', head)))


def fits_rdfxml(path: Path, head: str) -> bool:
    """Tell whether it is XML that names the vocabulary of RDF."""
    return head.lstrip().startswith("<") and "22-rdf-syntax-ns" in head and ("xmlns" in head or "<!" in head)


def fits_jsonld(path: Path, head: str) -> bool:
    """Tell whether it is JSON with a context, a graph or an id of JSON-LD."""
    return head.lstrip().startswith(("{", "[")) and bool(_KEYWORD.search(head))


def _read(path: Path, format: str, problems: list[BadInput] | None) -> Iterator[Columns]:
    path = Path(path)
    labelled = format in ("N_TRIPLES", "N_QUADS")
    quads = _quads_of_lines if labelled else _quads
    terms = Terms(path, labelled)
    found = Survey()
    if _has_one(path, WORDS_OF_LINES if labelled else WORDS):
        ignored = Problems()  # the second reading tells them
        found = survey(quads(path, format, ignored), terms)
        terms.restart()
    yield from columns_of(quads(path, format, problems), found, terms)


def _has_one(path: Path, words: tuple[bytes, ...]) -> bool:
    """Tell whether a file may hold what needs a survey."""
    rest = b""
    with open_bytes(path) as file:
        while chunk := file.read(_CHUNK):
            text = rest + chunk
            if any(word in text for word in words):
                return True
            rest = text[-32:]
    return False


def _quads(path: Path, format: str, problems: list[BadInput] | None) -> Iterator[Any]:
    """Yield the quads of a file up to its first problem."""
    import pyoxigraph as ox

    try:
        with open_bytes(path) as file:
            guarded = io.BufferedReader(Guarded(path, file, format == "RDF_XML"), _CHUNK)
            yield from ox.parse(guarded, getattr(ox.RdfFormat, format))
    except (SyntaxError, MemoryError) as error:
        raise_or_collect(_problem(path, format, error), problems)
    except BadInput as problem:
        raise_or_collect(problem, problems)


def _quads_of_lines(path: Path, format: str, problems: list[BadInput] | None) -> Iterator[Any]:
    """Yield the quads of a file block by block; a block with a bad line is parsed line by line."""
    import pyoxigraph as ox

    syntax = getattr(ox.RdfFormat, format)
    number = 1
    blocks = cast(Generator[bytes | int, None, None], read_blocks(path, problems))
    with closing(blocks):  # a problem raised here would leave its file to the garbage collector
        for block in blocks:
            if isinstance(block, int):
                number += block
                continue
            text = without_damage(path, number, block, problems)
            told = 0
            try:
                Depth(path).look(text, number)
                for quad in ox.parse(text, syntax):
                    told += 1
                    yield quad
            except (SyntaxError, MemoryError, BadInput):
                yield from islice(_one_by_one(path, number, text, syntax, problems), told, None)
            number += block.count(b"\n")


def _one_by_one(
    path: Path, number: int, text: bytes, syntax: Any, problems: list[BadInput] | None
) -> Iterator[Any]:
    import pyoxigraph as ox

    for place, line in enumerate(text.split(b"\n"), start=number):
        try:
            Depth(path).look(line, place)
            quads = list(ox.parse(line, syntax))
        except (SyntaxError, MemoryError) as error:
            raise_or_collect(BadInput(path, place, _words(error), FIX), problems)
        except BadInput as problem:
            raise_or_collect(problem, problems)
        else:
            yield from quads


def _problem(path: Path, format: str, error: SyntaxError | MemoryError) -> BadInput:
    line = getattr(error, "lineno", None) or 0
    if REMOTE in str(error):
        found = "a @context that is not in the file; nothing is fetched from a network"
        return BadInput(path, 0, found, "Put the context itself in its place.")
    if isinstance(error, MemoryError):
        return BadInput(path, 0, "a text of more than 16 MB", "Shorten it, or remove it.")
    if "UTF-8" in str(error) or "utf-8" in str(error):
        problem = _damage(path)
        if problem is not None:
            return problem
    if format == "RDF_XML":
        line = line or _line_of_xml(path)
    fix = FIX
    if "No scheme found" in str(error):
        fix = "Write the IRI in full, or say what it is relative to with a base."
    return BadInput(path, line, _words(error), fix)


def _words(error: SyntaxError | MemoryError) -> str:
    """Give what the parser says, without the place, which we tell ourselves."""
    text = re.sub(r"^Parser error (?:at|between) line .*?: ", "", str(error))
    return re.sub(r"[\s.]*(?:\(line \d+\))?$", "", text)[:200] or "it cannot be parsed"


def _damage(path: Path) -> BadInput | None:
    with open_bytes(path) as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                return not_utf8(path, number, error)
    return None


def _line_of_xml(path: Path) -> int:
    """Find the line where XML is broken; 0 where it is whole. There is no DOCTYPE in it by now."""
    parser = expat.ParserCreate()
    try:
        with open_bytes(path) as file:
            parser.ParseFile(file)
    except expat.ExpatError as error:
        return error.lineno
    return 0


def _first(head: str) -> str:
    return first_line(head, "#").strip()


def _is_markup(head: str) -> bool:
    return head.lstrip().startswith(("<?", "<!", "{"))
