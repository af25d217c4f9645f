"""Read JSON that others wrote: files with an object a line, and files that are one object.

`parse_object` is the door for all of it, so that what no row can hold is refused in one place. Wikidata's
dump and the exports of Neo4j are files with an object a line; what an object says is up to their readers.
"""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from loregraft.errors import BadInput
from loregraft.kg.readers.text.headers import first_twice
from loregraft.kg.readers.text.lines import raise_or_collect, read_lines
from loregraft.kg.readers.text.opening import open_bytes

FIX = "Write one JSON object a line, with nothing beside it but a comma at the end."
MAX_DEPTH = 64
"""How deep JSON may nest: what walks through it later must not run out of stack."""
MAX_WHOLE = 256 << 20
"""Bytes of a file that is one object: it is read as a whole."""

_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_TOKEN = re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"?+|[][{}:]', re.DOTALL)


def read_objects(
    path: Path, problems: list[BadInput] | None = None, once: bool = False
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the objects of a file with their line numbers.

    A line with only the bracket of the array is skipped; a bracket or a comma beside an object too.

    Args:
        once: A key may stand only once in an object.

    Raises:
        BadInput: A line is no JSON object, or one that `parse_object` refuses.
    """
    for number, line in read_lines(path, problems):
        text = line.strip()
        if text in ("[", "]", "],", ","):
            continue
        whole = text.removesuffix(",")
        if whole.startswith("[{") or whole.endswith("}]"):  # the array begins or ends on this line
            whole = whole.removeprefix("[").removesuffix("]")
        try:
            found = parse_object(whole, once)
        except ValueError as error:
            raise_or_collect(BadInput(path, number, f"{error} in {text!a:.60}", FIX), problems)
            continue
        yield number, found


def read_object(path: Path, fix: str) -> tuple[str, dict[str, Any]]:
    """Give the text and the object of a file that is one object; an empty file is an empty object.

    Args:
        fix: What to do when it is none.

    Raises:
        BadInput: It is none, is larger than `MAX_WHOLE`, or one that `parse_object` refuses.
    """
    with open_bytes(path) as file:
        raw = file.read(MAX_WHOLE + 1)
    if len(raw) > MAX_WHOLE:
        found = f"it has more than {MAX_WHOLE:,} bytes, and is read as a whole"
        raise BadInput(path, 0, found, "Cut it into parts.")
    try:
        text = raw.decode("utf-8-sig")
        return text, parse_object(text) if text.strip() else {}
    except UnicodeDecodeError as error:
        found = f"byte 0x{raw[error.start]:02x} is not UTF-8"
        line = raw.count(b"\n", 0, error.start) + 1
        raise BadInput(path, line, found, "Save the file as UTF-8.") from error
    except ValueError as error:
        raise BadInput(path, getattr(error.__cause__, "lineno", 1), str(error), fix) from error


def first_object(head: str) -> str:
    """Give the text of the first object of a file's head, or empty; it may be cut off."""
    for line in head.split("\n"):
        text = line.strip().removeprefix("[").lstrip()
        if text:
            return text if text.startswith("{") else ""
    return ""


def first_keys(head: str) -> set[str]:
    """Give the keys of the first object of a file's head; those that are there when it is cut off."""
    keys: set[str] = set()
    depth, key = 0, ""
    for token in _TOKEN.finditer(first_object(head)):
        if token[0] == ":":
            keys.update([key] if key and depth == 1 else [])
        else:
            depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token[0], 0)
        key = token[1] or ""
        if depth <= 0:
            break
    return keys


def parse_object(text: str, once: bool = False) -> dict[str, Any]:
    """Give the object that a text of JSON is.

    Args:
        once: A key may stand only once in an object.

    Raises:
        ValueError: It is none, nests deeper than `MAX_DEPTH`, holds a number that is none or has
            thousands of digits, half of a character, or, if asked, a key twice.
    """
    try:
        found = (_DECODER_ONCE if once else _DECODER).decode(text)
        if _SURROGATE.search(text):
            json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ValueError("half of a character") from error
    except RecursionError as error:
        raise ValueError("JSON nested too deep") from error
    except ValueError as error:
        raise ValueError(f"no JSON ({error!s:.100})") from error
    if not isinstance(found, dict):
        raise ValueError("no JSON object")
    if text.count("{") + text.count("[") > MAX_DEPTH:
        _refuse_depth(found)
    return found


def _refuse_depth(found: dict[str, Any]) -> None:
    level: list[Any] = [found]
    for _ in range(MAX_DEPTH):
        level = [
            item
            for value in level
            for item in (value.values() if type(value) is dict else value)
            if type(item) is dict or type(item) is list
        ]
        if not level:
            return
    raise ValueError("JSON nested too deep")


def _once(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(f"the key {first_twice(key for key, _ in pairs)!r:.40} stands twice")
    return found


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no number")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"{text:.40} is too large a number")
    return number


_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)
_DECODER_ONCE = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_once)
