"""The names of a query as full addresses, and its strings in one form, so that neither can be read otherwise.

The parser of pyoxigraph takes a shorter token where a longer one fails later: `a:` for `a:SERVICE` where the
whole is no address, and an empty string for one of three quotes with an escape that is none. So
`kg/sparql/guard.py` hands it neither.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from loregraft.errors import BadInput, did_you_mean
from loregraft.kg.rdf.quads import pyoxigraph
from loregraft.kg.rdf.vocabulary import LOREGRAFT, PREFIXES

Token = tuple[int, re.Match[str]]
"""A line, and what the pattern of `guard` matched there."""

KNOWN = {**PREFIXES, "id": f"{LOREGRAFT}id:"}
"""Prefix -> address, for those that need not be declared."""

_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)", re.DOTALL)
_MEANT = {"t": "\t", "b": "\b", "n": "\n", "r": "\r", "f": "\f", '"': '"', "'": "'", "\\": "\\"}
_WRITTEN = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r"})


def declared(tokens: Sequence[Token], path: Path) -> tuple[dict[str, str], set[int]]:
    """Give the address of each prefix, and the places of the tokens that declare one.

    Raises:
        BadInput: A declaration is not whole, or its address is none.
    """
    places = [place for place, (_, match) in enumerate(tokens) if match.lastgroup not in ("space", "comment")]
    addresses, gone, base = dict(KNOWN), set[int](), None
    while len(places) > 1 and tokens[places[0]][1][0].upper() in ("BASE", "PREFIX", "VERSION"):
        line, word = tokens[places[0]]
        whole = places[: 3 if word[0].upper() == "PREFIX" else 2]
        rest = [tokens[place][1] for place in whole[1:]]
        places = places[len(whole) :]
        if word[0].upper() == "VERSION":
            continue
        if not rest[-1]["iri"] or (len(rest) == 2 and not re.fullmatch("[^:]*:", rest[0][0])):
            fix = "Write PREFIX ex: <http://example.org/>."
            raise BadInput(path, line, f"{word[0]} without a name or an address", fix)
        address = _resolved(rest[-1][0], base, path, line)
        if word[0].upper() == "BASE":
            base = address
        else:
            addresses[rest[0][0][:-1]] = address
            gone.update(whole)
    return addresses, gone


def expanded(name: str, addresses: dict[str, str], path: Path, line: int) -> str:
    """Give the full address of a name with a prefix.

    Raises:
        BadInput: The prefix is not declared, or what comes out is no address.
    """
    prefix, local = name.split(":", 1)
    if prefix not in addresses:
        fix = did_you_mean(prefix[:60], addresses)
        raise BadInput(path, line, f"the prefix {prefix!r:.60} is not declared", fix)
    address = addresses[prefix] + re.sub(r"\\(.)", r"\1", local)
    try:
        return str(pyoxigraph().NamedNode(address).value)
    except ValueError as error:
        found = f"{name!r:.60} means {address!r:.200}, which is no address"
        raise BadInput(path, line, found, "Correct its prefix, or write the address in full.") from error


def rewritten_string(token: str, path: Path, line: int) -> str:
    """Give a string between one pair of double quotes, behind as many line ends as were in it.

    Raises:
        BadInput: It has an escape that SPARQL does not know.
    """
    quotes = 3 if token[:3] in ('"""', "'''") else 1
    try:
        value = _ESCAPE.sub(_meant, token[quotes:-quotes])
    except ValueError as error:
        found = f"the escape {error} in a string"
        raise BadInput(path, line, found, "Write a backslash as \\\\.") from error
    return "\n" * token.count("\n") + f' "{value.translate(_WRITTEN)}"'


def _meant(escape: re.Match[str]) -> str:
    letter, code = escape[1][0], escape[1][1:]
    number = int(code, 16) if code else -1
    if not code and letter in _MEANT:
        return _MEANT[letter]
    if not 0 <= number <= 0x10FFFF or 0xD800 <= number <= 0xDFFF:
        raise ValueError(repr(escape[0]))
    return chr(number)


def _resolved(token: str, base: str | None, path: Path, line: int) -> str:
    """Give the address that a token stands for: without escapes, and counted from the base."""
    ox = pyoxigraph()
    try:
        (quad,) = ox.parse(f"{token} <a:a> <a:a> .", format=ox.RdfFormat.TURTLE, base_iri=base)
    except (SyntaxError, ValueError) as error:
        found = f"{token!r:.200} is no address"
        raise BadInput(path, line, found, "Write it in full, such as <http://example.org/>.") from error
    return str(quad.subject.value)
