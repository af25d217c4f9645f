"""Read texts of files with a text, or an object of JSON, on each line; and of standard input."""

from collections.abc import Callable, Iterator
from pathlib import Path

from loregraft.errors import BadInput
from loregraft.kg.readers.text.lines import MAX_LINE, not_utf8, raise_or_collect, read_lines, too_long
from loregraft.kg.readers.text.objects import read_objects
from loregraft.linking.texts.rows import TextRow, row_of

STANDARD_INPUT = Path("standard input")
"""What standard input is called in messages."""


def read_text_lines(path: Path, column: str, problems: list[BadInput] | None = None) -> Iterator[TextRow]:
    """Yield each line that is not blank as a text.

    Args:
        column: Not used: a line has none.

    Raises:
        BadInput: A line is not UTF-8, or longer than `MAX_LINE`.
    """
    for number, line in read_lines(path, problems):
        yield TextRow(line, None, number)


def read_text_objects(path: Path, column: str, problems: list[BadInput] | None = None) -> Iterator[TextRow]:
    """Yield what an object a line says under a key; its `id` is kept.

    Raises:
        BadInput: A line is no JSON object, has no such key, no text under it, or an `id` that is none.
    """
    for number, said in read_objects(path, problems):
        try:
            if column not in said:
                keys = ", ".join(repr(key)[:40] for key in list(said)[:10]) or "it"
                fix = "Name the key of the texts with --column."
                raise BadInput(path, number, f"there is no {column!r} in {keys}", fix)
            row = row_of(path, number, said[column], said.get("id"))
        except BadInput as problem:
            raise_or_collect(problem, problems)
            continue
        yield row


def read_stream(
    readline: Callable[[int], bytes], problems: list[BadInput] | None = None
) -> Iterator[TextRow]:
    """Yield each line of standard input that is not blank as a text, as it comes.

    Args:
        readline: Gives the next line, and no more than so many bytes of it.

    Raises:
        BadInput: As `read_text_lines`.
    """
    path, number = STANDARD_INPUT, 0
    while raw := readline(MAX_LINE + 1):
        number += 1
        if len(raw) > MAX_LINE:
            while raw and not raw.endswith(b"\n"):
                raw = readline(MAX_LINE)
            raise_or_collect(too_long(path, number), problems)
            continue
        try:
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise_or_collect(not_utf8(path, number, error), problems)
            continue
        if line and not line.isspace():
            yield TextRow(line, None, number)
