"""Read files of JSON objects, one a line: JSON Lines, or an array with each item on a line of its own.

Wikidata's dump and the exports of Neo4j are such files; what an object says is up to their readers.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from loregraft.errors import BadInput
from loregraft.kg.readers.text.lines import raise_or_collect, read_lines

FIX = "Write one JSON object a line, with nothing beside it but a comma at the end."


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no number")


_DECODER = json.JSONDecoder(parse_constant=_refuse)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def read_objects(path: Path, problems: list[BadInput] | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the objects of a file with their line numbers.

    A line with only the bracket of the array is skipped; a bracket or a comma beside an object too.

    Raises:
        BadInput: A line is no JSON object, or has half of a character (a lone surrogate).
    """
    for number, line in read_lines(path, problems):
        text = line.strip()
        if text in ("[", "]", "],", ","):
            continue
        whole = text.removesuffix(",")
        if whole.startswith("[{") or whole.endswith("}]"):  # the array begins or ends on this line
            whole = whole.removeprefix("[").removesuffix("]")
        try:
            found = parse_object(whole)
        except ValueError as error:
            raise_or_collect(BadInput(path, number, f"{error} in {text!a:.60}", FIX), problems)
            continue
        yield number, found


def first_object(head: str) -> str:
    """Give the text of the first object of a file's head, or empty; it may be cut off."""
    for line in head.split("\n"):
        text = line.strip().removeprefix("[").lstrip()
        if text:
            return text if text.startswith("{") else ""
    return ""


def parse_object(text: str) -> dict[str, Any]:
    """Give the object that a text of JSON is.

    Raises:
        ValueError: It is none, is nested too deep, or has half of a character.
    """
    try:
        found = _DECODER.decode(text)
        if _SURROGATE.search(text):
            json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise ValueError("half of a character") from error
    except RecursionError as error:
        raise ValueError("JSON nested too deep") from error
    except ValueError as error:
        raise ValueError(f"no JSON ({error})") from error
    if not isinstance(found, dict):
        raise ValueError("no JSON object")
    return found
