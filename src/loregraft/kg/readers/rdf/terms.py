"""The terms of RDF as the tables have them: ids of nodes, values of literals.

Blank nodes get an id that says which file they are from, so that those of two files never meet.
"""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loregraft.kg.rdf import vocabulary
from loregraft.kg.readers.text.opening import open_bytes
from loregraft.records import Scalar

if TYPE_CHECKING:
    from pyoxigraph import BlankNode, Literal, NamedNode

Key = str | tuple[str, str, str]
"""The id of a node, or the value, datatype and language of a literal."""

_NUMBERS = {"integer", "int", "long", "short", "nonNegativeInteger", "positiveInteger"}
_FRACTIONS = {"decimal", "double", "float"}


class Terms:
    """Gives the ids of one file's nodes, the same in each reading of the file.

    Args:
        path: The file, or the address of a server.
        labelled: Blank nodes have labels in the file (N-Triples, N-Quads). Otherwise they are
            numbered in the order in which they come, and each label is remembered.
    """

    def __init__(self, path: Path | str, labelled: bool) -> None:
        self._path, self._labelled = path, labelled
        self._mark = ""
        self._numbers: dict[str, int] = {}

    def node(self, node: "NamedNode | BlankNode") -> str:
        """Give the id of a node: its IRI, what `iri_of` put into that, or `_:...` for a blank one."""
        from pyoxigraph import NamedNode

        if isinstance(node, NamedNode):
            return vocabulary.id_of(node.value)
        self._mark = self._mark or _mark(self._path)
        if self._labelled:
            return f"_:{self._mark}-{node.value}"
        return f"_:{self._mark}-{self._numbers.setdefault(node.value, len(self._numbers) + 1)}"

    def number(self, *nodes: Any) -> None:
        """Give blank nodes their numbers, in order, as `node` would; also those in triple terms."""
        if not self._labelled:
            from pyoxigraph import BlankNode, Triple

            for node in nodes:
                if type(node) is BlankNode:
                    self._numbers.setdefault(node.value, len(self._numbers) + 1)
                elif type(node) is Triple:
                    self.number(node.subject, node.object)

    def restart(self) -> None:
        """Forget the numbers: the parser has new labels for the same nodes in the next reading."""
        self._numbers.clear()

    def key(self, term: Any) -> Key:
        """Give what tells a node or a literal from all others."""
        from pyoxigraph import Literal

        return literal(term) if isinstance(term, Literal) else self.node(term)


def literal(term: "Literal") -> tuple[str, str, str]:
    """Give value, datatype and language; the latter two are empty for plain text."""
    return term.value, vocabulary.datatype_of(term.datatype.value), term.language or ""


def scalar(key: Key) -> Scalar:
    """Give the value of a qualifier: a number or truth value for what is one, else the text or id."""
    if isinstance(key, str):
        return key
    value, datatype, _ = key
    if datatype == "boolean" and value in ("true", "false", "1", "0"):
        return value in ("true", "1")
    kind = int if datatype in _NUMBERS else float if datatype in _FRACTIONS else str
    try:
        number = kind(value)
    except ValueError:
        return value
    return number if not isinstance(number, float) or abs(number) < float("inf") else value


def _mark(path: Path | str) -> str:
    """Hash the content of a file, or an address: two files of one name may be two."""
    digest = hashlib.blake2b(digest_size=6)
    if isinstance(path, str):
        digest.update(path.encode())
    else:
        with open_bytes(path) as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()
