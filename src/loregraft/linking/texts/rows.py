"""A text as it was read, with what is known of where it stood.

The readers next door (`lines.py`, `tables.py`, `parquet.py`) yield these, one at a time.
"""

import math
from dataclasses import dataclass
from pathlib import Path

from loregraft.errors import BadInput

Id = str | int | float


@dataclass(frozen=True, slots=True)
class TextRow:
    """A text that is to be linked.

    Attributes:
        id: As its file gives it; None where it gives none.
        number: Its line, or its row in a Parquet file, from 1.
    """

    text: str
    id: Id | None = None
    number: int = 0


def row_of(path: Path, number: int, text: object, id: object = None) -> TextRow:
    """Give what a file says as a row; an id that is null or NaN is none.

    Raises:
        BadInput: The text is no text, or the id neither text nor number.
    """
    if not isinstance(text, str):
        raise BadInput(path, number, f"the text is {text!r:.40}, which is no text", "Give texts as strings.")
    if id is None or (isinstance(id, float) and math.isnan(id)):
        return TextRow(text, None, number)
    if isinstance(id, bool) or not isinstance(id, str | int | float):
        raise BadInput(path, number, f"'id' holds {id!r:.40}", "Give ids as strings or numbers.")
    return TextRow(text, id, number)
