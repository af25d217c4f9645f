"""Guards around the RDF parser: what would expand, overflow or go to the network is refused before it can."""

import io
import re
from pathlib import Path

from loregraft.errors import BadInput

MAX_DEPTH = 200
"""How deep triple terms may nest; thousands of levels overflow the parser's stack."""

_DOCTYPE = re.compile(rb"<!doctype", re.IGNORECASE)
# A text that does not end takes all that could be of it, so that no file takes time without end.
_TEXTS = (
    rb'"""[^"\\]*+(?:(?:\\(?s:.)|"{1,2}+(?!"))[^"\\]*+)*+(?:"""|\\?\Z)'
    rb'|"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"?+'
)
_TRIPLE_TERMS = re.compile(
    _TEXTS + b"|" + _TEXTS.replace(b'"', b"'") + rb'|<[^<>"{}|^`\s]*+>|#[^\n]*+|\\.|<<\(|\)>>'
)
_LONG_QUOTES = (b'"""', b"'''")
_STEPS = {b"<<(": 1, b")>>": -1}
_LONG_LINE = 4 << 20
_BOM = b"\xef\xbb\xbf"
_OVERLAP = 8


class Guarded(io.RawIOBase):
    """Gives the bytes of a file to the parser, without byte order mark, looking at each before.

    A DOCTYPE is refused wherever it stands, also after the root element, where XML forbids it but
    the parser would take it. Triple terms are counted by `Depth`.
    """

    def __init__(self, path: Path, file: io.BufferedReader, xml: bool) -> None:
        self._path, self._file, self._xml = path, file, xml
        self._line, self._last, self._depth, self._started = 1, b"", Depth(path), False

    def readable(self) -> bool:
        """Tell that it is."""
        return True

    def readinto(self, buffer: memoryview | bytearray) -> int:  # type: ignore[override]
        """Read on.

        Raises:
            BadInput: What comes next is refused.
        """
        chunk = self._file.read(len(buffer))
        if not self._started:
            self._started = True
            chunk = chunk.removeprefix(_BOM) or self._file.read(len(buffer))
        if self._xml:
            self._refuse_doctype(chunk)
        else:
            self._depth.look(chunk, self._line)
        self._line += chunk.count(b"\n")
        self._last = chunk[-_OVERLAP:]
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def _refuse_doctype(self, chunk: bytes) -> None:
        text = self._last + chunk
        found = _DOCTYPE.search(text)
        if found:
            line = self._line - self._last.count(b"\n") + text.count(b"\n", 0, found.start())
            fix = "Remove it and write its entities out, or save the file as Turtle."
            raise BadInput(self._path, line, "a DOCTYPE, which is never read since it can do harm", fix)


class Depth:
    """Counts how deep triple terms nest, over the chunks of a file.

    A line that is not whole yet is looked at at once, and again with its rest: a text cut in two would
    be misread. Of a text over several lines only that it is open is remembered.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._depth, self._last = path, 0, b""

    def look(self, chunk: bytes, line: int) -> None:
        """Look at the next bytes, which start at a line.

        Raises:
            BadInput: They nest deeper than `MAX_DEPTH`.
        """
        text = self._last + chunk
        whole = text.rfind(b"\n") + 1
        if len(text) - whole > _LONG_LINE:
            whole = len(text)
        if not any(mark in text for mark in (*_STEPS, *_LONG_QUOTES)):
            self._last = text[whole:]
            return
        depth, at_line_end = self._depth, None
        for token in _TRIPLE_TERMS.finditer(text):
            if at_line_end is None and token.start() >= whole:
                at_line_end = depth
            depth = max(depth + _STEPS.get(token[0], 0), 0)
            if depth > MAX_DEPTH:
                fix = "Flatten them, or remove the statement."
                line += text.count(b"\n", 0, token.start())
                raise BadInput(self._path, line, f"triple terms nested more than {MAX_DEPTH} deep", fix)
            if token.end() == len(text) and (rest := _open_text(token[0])):
                self._depth, self._last = depth, rest
                return
            if token.start() < whole < token.end():
                whole = token.end()  # a text that ends in the last line began in one before
        self._depth, self._last = depth if at_line_end is None else at_line_end, text[whole:]


def _open_text(token: bytes) -> bytes:
    """Give the start of a text over several lines that is not closed yet, with what its end depends on."""
    quotes = token[:3]
    if quotes not in _LONG_QUOTES:
        return b""
    inner = token[3:]
    bare = inner.rstrip(quotes[:1])
    is_escaped = (len(bare) - len(bare.rstrip(b"\\"))) % 2 == 1
    at_end = len(inner) - len(bare) - is_escaped * (len(bare) < len(inner))
    if at_end >= 3:
        return b""
    return quotes + b"\\" * is_escaped + inner[len(bare) :]
