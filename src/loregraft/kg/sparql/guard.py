"""Let only SPARQL through that reads this graph: no SERVICE, LOAD, FROM and no update.

`kg/sparql/query.py` runs what `guard` gives back, never the text itself. The parser of pyoxigraph takes
`FILTER(?c<5)SERVICE#>` as a comparison where the grammar's longest token is an address, and it takes
keywords without a space between them. So the query is written anew, in such a way that there is only
one way to split it into tokens: the one that was checked here. `kg/sparql/names.py` writes names with
a prefix in full, and strings in one form.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from loregraft.errors import BadInput, did_you_mean
from loregraft.kg.sparql.names import Token, declared, expanded, rewritten_string

MAX_CHARACTERS = 256 << 10

VERBS = frozenset(("SELECT", "ASK", "CONSTRUCT", "DESCRIBE"))
_PROLOGUE = frozenset(("PREFIX", "BASE", "VERSION"))
_REFUSED = {
    "SERVICE": "asks another server",
    "LOAD": "reads a file or an address",
    "FROM": "reads another data set",
    **dict.fromkeys(
        ("INSERT", "DELETE", "CLEAR", "CREATE", "DROP", "COPY", "MOVE", "ADD", "WITH", "USING"),
        "changes the graph",
    ),
}
"""Word -> what it does that a query may not."""
_FIX = "A query reads this graph only: write SELECT, ASK, CONSTRUCT or DESCRIBE without it."

_WORDS = frozenset(
    "A ABS ADJUST AS ASC ASK AVG BASE BIND BNODE BOUND BY CEIL COALESCE CONCAT CONSTRUCT CONTAINS COUNT "
    "DATATYPE DAY DESC DESCRIBE DISTINCT ENCODE_FOR_URI EXISTS FALSE FILTER FLOOR GRAPH GROUP GROUP_CONCAT "
    "HASLANG HASLANGDIR HAVING HOURS IF IN IRI ISBLANK ISIRI ISLITERAL ISNUMERIC ISTRIPLE ISURI LANG LANGDIR "
    "LANGMATCHES LATERAL LCASE LIMIT MAX MD5 MIN MINUS MINUTES MONTH NOT NOW OBJECT OFFSET OPTIONAL ORDER "
    "PREDICATE PREFIX RAND REDUCED REGEX REPLACE ROUND SAMETERM SAMPLE SECONDS SELECT SEPARATOR SHA1 SHA256 "
    "SHA384 SHA512 STR STRAFTER STRBEFORE STRDT STRENDS STRLANG STRLANGDIR STRLEN STRSTARTS STRUUID SUBJECT "
    "SUBSTR SUM TIMEZONE TRIPLE TRUE TZ UCASE UNDEF UNION URI UUID VALUES VERSION WHERE YEAR".split()
)

_LETTER = r"A-Za-z_\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u02FF\u0370-\u037D\u037F-\u1FFF\u200C-\u200D"
_LETTER += r"\u2070-\u218F\u2C00-\u2FEF\u3001-\uD7FF\uF900-\uFDCF\uFDF0-\uFFFD\U00010000-\U000EFFFF"
_INNER = _LETTER + r"0-9\-\u00B7\u0300-\u036F\u203F-\u2040"
_ESCAPE = r"%[0-9A-Fa-f]{2}|\\[_~.\-!$&'()*+,;=/?\#@%]"
_TOKENS = re.compile(
    rf"""
      (?P<space>[ \t\r\n]+)
    | (?P<comment>\#[^\r\n]*)
    | (?P<string>"\"\"(?:"?"?(?:[^"\\]|\\.))*"\"\"|'''(?:'?'?(?:[^'\\]|\\.))*'''
                |"(?:[^"\\\r\n]|\\.)*"|'(?:[^'\\\r\n]|\\.)*')
    | (?P<triple><<\(?)
    | (?P<iri><(?:[^\x00-\x20<>"{{}}|^`\\]|\\u[0-9A-Fa-f]{{4}}|\\U[0-9A-Fa-f]{{8}})*>)
    | (?P<less><=?)
    | (?P<variable>[?$][{_LETTER}0-9][{_INNER}]*)
    | (?P<blank>_:[{_LETTER}0-9](?:[{_INNER}.]{{0,200}}[{_INNER}])?)
    | (?P<language>@[A-Za-z]+(?:-[A-Za-z0-9]+)*(?:--[A-Za-z]+)?)
    | (?P<prefixed>(?P<prefix>[{_LETTER}](?:[{_INNER}.]{{0,200}}[{_INNER}])?)?:
          (?:(?:[{_LETTER}0-9:]|{_ESCAPE})(?:(?:[{_INNER}.:]|{_ESCAPE})*(?:[{_INNER}:]|{_ESCAPE}))?)?)
    | (?P<word>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)[eE][+\-]?[0-9]+|[0-9]*\.[0-9]+|[0-9]+)
    | (?P<sign>[{{}}()\[\].;,|/*+\-!?^=>&~])
    """,
    re.VERBOSE | re.DOTALL,
)


_SURROGATE = re.compile("[\ud800-\udfff]")


def guard(text: str, path: Path = Path("query")) -> str:
    """Give the query as it may be run: the same lines, no comments, and no doubt about its tokens.

    Whether it is good SPARQL is for the parser to say. Takes time linear in the length.

    Args:
        path: What errors name: the file the query comes from.

    Raises:
        BadInput: It is too long, does not start as a query, or holds something that is refused.
    """
    if _SURROGATE.search(text):
        raise BadInput(path, 0, "it is not UTF-8", "Type the query in a terminal that is set to UTF-8.")
    if len(text) > MAX_CHARACTERS:
        found = f"a query of {len(text):,} characters; {MAX_CHARACTERS:,} is the most"
        raise BadInput(path, 0, found, "Put the values into the graph and ask for them.")
    tokens = list(_tokens(text, path))
    addresses, gone = declared(tokens, path)
    safe: list[str] = []
    words: list[str] = []
    for place, (line, match) in enumerate(tokens):
        if place in gone:
            continue
        if match["word"]:
            _check_word(path, line, match["word"], words)
        if match["prefixed"]:
            safe.append(_address(expanded(match[0], addresses, path, line)))
        elif match["string"]:
            safe.append(rewritten_string(match[0], path, line))
        else:
            safe.append(_rewritten(match))
    if not any(word in VERBS for word in words):
        raise BadInput(path, 0, "there is no query in it", "Write SELECT, ASK, CONSTRUCT or DESCRIBE.")
    return "".join(safe)


def _tokens(text: str, path: Path) -> Iterator[Token]:
    start, line = 0, 1
    while start < len(text):
        match = _TOKENS.match(text, start)
        if match is None:
            raise _no_token(path, line, text, start)
        if match["prefix"]:
            _check_prefix(path, line, match["prefix"])
        yield line, match
        start, line = match.end(), line + match[0].count("\n")


def _rewritten(match: re.Match[str]) -> str:
    token = match[0]
    if match["comment"]:
        return ""
    if match["iri"]:
        return _address(token[1:-1])
    if match["less"] or match["triple"]:
        return f"{token} "  # a space is an error in an address, so this `<` cannot start one
    return token


def _address(inner: str) -> str:
    """Write an address so that no parser can take its `<` for "less": it starts with an escape.

    An escape is an error everywhere but in an address.
    """
    return f"<\\U{ord(inner[0]):08X}{inner[1:]}>" if inner and inner[0] != "\\" else f"<{inner}>"


def _check_word(path: Path, line: int, word: str, words: list[str]) -> None:
    upper = word.upper()
    if upper in _REFUSED:
        raise BadInput(path, line, f"{word} {_REFUSED[upper]}, which is refused", _FIX)
    if upper not in _WORDS:
        raise BadInput(path, line, f"SPARQL has no word {word!r:.60}", did_you_mean(upper[:60], _WORDS))
    if upper not in _PROLOGUE | VERBS and not any(known in VERBS for known in words):
        raise BadInput(path, line, f"the query starts with {word}", "Start it with SELECT, ASK or PREFIX.")
    words.append(upper)


def _check_prefix(path: Path, line: int, prefix: str) -> None:
    """Refuse a prefix that is more likely a keyword without the space behind it."""
    for word in ("SERVICE", "FROM"):
        if word in prefix.upper():
            found = f"the prefix {prefix!r:.60} contains the word {word}"
            raise BadInput(path, line, found, "Choose another prefix.")


def _no_token(path: Path, line: int, text: str, start: int) -> BadInput:
    if text.startswith(("\\u", "\\U"), start):
        fix = "Write the character itself; escapes are for strings and addresses."
        return BadInput(path, line, f"the escape {text[start : start + 6]!r} outside a string", fix)
    if text[start] in "\"'":
        return BadInput(path, line, "a string without an end", "Close it with the same quote.")
    found = f"the character {text[start]!r} has no meaning here"
    return BadInput(path, line, found, "Remove it, or put it into a string.")
