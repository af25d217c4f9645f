"""Damage that a wrong encoding, or a missing unescape, leaves in a text."""

import re

_BYTES = (
    r"\x{80}-\x{BF}\x{152}\x{153}\x{160}\x{161}\x{178}\x{17D}\x{17E}\x{192}\x{2C6}\x{2DC}\x{2013}-\x{203A}"
    r"\x{20AC}\x{2122}"
)  # what the later bytes of UTF-8 become when they are read as Windows-1252 or Latin-1
_ESCAPES = r"&(?:amp|lt|gt|quot|apos|nbsp|#[0-9]+);|\\u[0-9a-f]{4}"
DAMAGE_HINT = rf"\x{{FFFD}}|[\x{{C2}}-\x{{F4}}][{_BYTES}]|{_ESCAPES}"
"""A pattern (RE2) that every damaged text fits; `damage` tells which of those that fit are damaged."""

_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
_ESCAPED = re.compile(_ESCAPES)
_LOST = "\ufffd"
_AROUND = 20


def damage(text: str) -> str | None:
    """Say what is damaged in a text and, where it can be told, what it should be; None: nothing is."""
    if _LOST in text:
        return f"{_near(text, text.index(_LOST))!r} has a character that was lost"
    escaped = _ESCAPED.search(text)
    if escaped:
        return f"{_near(text, escaped.start())!r} has the escape {escaped[0]}"
    for run in _NOT_ASCII.finditer(text):
        mended = _mended(run[0])
        if mended:
            return f"{_near(text, run.start())!r} has {run[0]!r} for {mended!r}"
    return None


def _near(text: str, place: int) -> str:
    return text[max(0, place - _AROUND) : place + _AROUND]


def _mended(run: str) -> str:
    """Undo UTF-8 that was read as Windows-1252 or Latin-1; empty where that is not what happened."""
    for encoding in ("cp1252", "latin-1"):
        try:
            mended = run.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
        if len(mended) < len(run):
            return mended
    return ""
