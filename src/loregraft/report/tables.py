"""What a table of the page shows: cells that are already text, so that the template only lays out."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        note: Small print under the text, such as an interval.
        strong: The difference behind this value is significant.
        arm: Class of the arm whose marker stands before the text, or empty.
        status: helped, none, hurt, pass, warn or fail: shown as an icon beside the word, or empty.
        share: 0..100, drawn as a bar, or None.
    """

    text: str
    note: str = ""
    strong: bool = False
    arm: str = ""
    status: str = ""
    share: float | None = None


@dataclass(frozen=True)
class Table:
    """A table whose first column names the rows; `words` are the columns to align left, from 0."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    words: tuple[int, ...] = (0,)
