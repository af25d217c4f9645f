"""Turn what a row says of a triple into a row of the table `triples`, whatever file the row comes from.

Rows come as cell by column: text from CSV and TSV, text and numbers from JSON and Parquet. Columns
that are not known become qualifiers.
"""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from loregraft.errors import BadInput, did_you_mean
from loregraft.kg.readers.text.lines import Row, raise_or_collect
from loregraft.kg.readers.text.objects import parse_object
from loregraft.kg.tables.columns import REFERENCE_MARK, TABLES, Table

ENDS = ("head", "relation", "tail")
SPLITS = ("train", "valid", "test")
_KNOWN = TABLES["triples"].keys()
_DEFAULTS = (False, "", "", 1.0, "", "", "", "")  # of negated to split
YES, NO = ("true", "yes", "1"), ("false", "no", "0", "")

Said = Mapping[str, object]
"""What a row says: cell by column."""


def statement(path: Path, number: int, said: Said) -> list[tuple[Table, Row]]:
    """Give the row of `triples` for what a line says; without the source where the line names none.

    Raises:
        BadInput: An end is missing, or a cell is not what its column holds.
    """
    head, relation, tail = (id_of(path, number, end, said.get(end)) for end in ENDS)
    if not any(value is not None and value != "" for column, value in said.items() if column not in ENDS):
        return [("triples", (head, relation, tail, *_DEFAULTS))]
    dates = [text_of(path, number, column, said.get(column)) for column in ("valid_from", "valid_to")]
    row: Row = (
        head,
        relation,
        tail,
        _negated(path, number, said.get("negated")),
        _references(path, number, said.get("references")),
        _qualifiers(path, number, said),
        _confidence(path, number, said.get("confidence")),
        *dates,
        text_of(path, number, "licence", said.get("licence")),
        _split(path, number, said.get("split")),
    )
    source = text_of(path, number, "source", said.get("source"))
    return [("triples", (*row, source) if source else row)]


def id_of(path: Path, number: int, column: str, value: object) -> str:
    """Give an id as text; whole numbers are ids too.

    Raises:
        BadInput: There is none, or it is no text.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    found = text_of(path, number, column, value)
    if not found:
        article = "an" if column[0] in "aeiou" else "a"
        raise BadInput(path, number, f"a row without {article} {column}", f"Fill in {column!r}.")
    return found


def text_of(path: Path, number: int, column: str, value: object) -> str:
    """Give a cell of text; empty where there is none.

    Raises:
        BadInput: It is no text, or half of a character (a lone surrogate).
    """
    if value is None or value == "":
        return ""
    if not isinstance(value, str):
        raise BadInput(path, number, f"{column!r} is {value!r:.40} and no text", "Write it in quotes.")
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        found = f"{column!r} has half of a character: {value!a:.60}"
        raise BadInput(path, number, found, "Write the character itself, or remove it.")
    return value


def collected(
    path: Path,
    rows: Iterable[tuple[int, Said]],
    make: Callable[[Path, int, Said], list[tuple[Table, Row]]],
    problems: list[BadInput] | None,
) -> Iterator[tuple[Table, Row]]:
    """Yield what `make` makes of each row; a row it refuses is a problem."""
    for number, said in rows:
        try:
            made = make(path, number, said)
        except BadInput as problem:
            raise_or_collect(problem, problems)
            continue
        yield from made


def pack_qualifiers(qualifiers: Mapping[str, object]) -> str:
    """Write qualifiers as the text that the table `triples` holds; empty where there are none."""
    return json.dumps(dict(qualifiers), ensure_ascii=False) if qualifiers else ""


def pack_references(references: Iterable[str]) -> str:
    """Write references as the text that the table `triples` holds; empty ones are left out.

    The mark stands between them, so one inside an address is written as addresses do it.
    """
    return REFERENCE_MARK.join(text.replace(REFERENCE_MARK, "%7C") for text in references if text)


def _negated(path: Path, number: int, value: object) -> bool:
    if value is None or isinstance(value, bool):
        return bool(value)
    word = str(value).casefold()
    if word not in YES + NO:
        raise BadInput(path, number, f"'negated' is {value!r:.40}", "Write true or false.")
    return word in YES


def _references(path: Path, number: int, value: object) -> str:
    if not isinstance(value, list):
        value = text_of(path, number, "references", value).split(REFERENCE_MARK)
    return pack_references(text_of(path, number, "references", part) for part in value)


def _confidence(path: Path, number: int, value: object) -> float:
    if value is None or value == "":
        return 1.0
    try:
        confidence = float(value) if isinstance(value, str | int | float) else -1.0
    except (ValueError, OverflowError):
        confidence = -1.0
    if not 0 <= confidence <= 1:
        raise BadInput(path, number, f"'confidence' is {value!r:.40}", "Write a number from 0 to 1.")
    return confidence


def _split(path: Path, number: int, value: object) -> str:
    split = text_of(path, number, "split", value)
    if split and split not in SPLITS:
        raise BadInput(path, number, f"there is no split {split!r:.40}", did_you_mean(split, SPLITS))
    return split


def _qualifiers(path: Path, number: int, said: Said) -> str:
    """Give the column `qualifiers` joined with the columns that are not known, written in one way."""
    packed = said.get("qualifiers")
    others = said.keys() - _KNOWN if len(said) > len(ENDS) else ()
    more = {column: said[column] for column in said if column in others and said[column] not in (None, "")}
    if not packed and not more:
        return ""
    try:
        given: object = parse_object(packed) if isinstance(packed, str) and packed else (packed or {})
    except ValueError:
        given = packed
    if not isinstance(given, dict):
        fix = 'Write an object of JSON, such as {"frequency": "1/2"}.'
        raise BadInput(path, number, f"'qualifiers' is {packed!r:.60}", fix)
    qualifiers = {**given, **more}
    for name, value in qualifiers.items():
        text_of(path, number, "qualifiers", name)
        if isinstance(value, str):
            text_of(path, number, name, value)
        elif not isinstance(value, bool | int | float) or not math.isfinite(value):
            fix = "A qualifier is a text, a finite number, true or false."
            raise BadInput(path, number, f"the qualifier {name!r} is {value!r:.40}", fix)
    return pack_qualifiers(qualifiers)
