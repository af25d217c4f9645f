"""Ids in one cell: `A|B` and `A+B`, as PubTator and its kin write the several ids of a mention."""

import re
from collections.abc import Sequence

COMPOSITE = "CompositeMention"
"""The type by which the NCBI disease corpus says that a mention names several things."""
NIL = ("", "-", "-1", "NIL", "None")
"""What stands in the cell of a mention that means nothing in the vocabulary."""

_MARK = re.compile(r"[|+]")
_HELD = re.compile(r"[^|+\s](?:[^|+\t\r\n]*[^|+\s])?")


def split_ids(cell: str, type: str = "") -> tuple[tuple[str, ...], bool]:
    """Give the ids of a cell, and whether all are meant together (else any of them is right).

    Ids joined with `+` are meant together. `|` leaves it open: of a mention of the type
    `CompositeMention` all are meant, of any other each is an alternative.
    """
    ids = tuple(dict.fromkeys(id.strip() for id in _MARK.split(cell)))
    kept = tuple(id for id in ids if id not in NIL)
    return kept, len(kept) > 1 and ("+" in cell or type == COMPOSITE)


def join_ids(entities: Sequence[str], composite: bool, type: str = "") -> str | None:
    """Write ids into one cell, so that `split_ids` gives them back; None where the cell cannot hold them."""
    if not all(_HELD.fullmatch(id) and id not in NIL for id in entities):
        return None
    if type == COMPOSITE and len(entities) > 1 and not composite:
        return None
    return ("+" if composite and type != COMPOSITE else "|").join(entities)
