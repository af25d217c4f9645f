"""Exchange rows of a table of statements, and put them back so that not a byte is different.

`kg/edit/change.py` decides which rows go and come; `kg/edit/journal.py` keeps the moves on disk.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa

from loregraft.kg.tables.assemble import SCHEMAS, triple_order
from loregraft.kg.tables.columns import Bools, Rows
from loregraft.kg.tables.gather import REPEATED, TEXT

Part = Literal["triples", "negated"]
PARTS: tuple[Part, ...] = ("triples", "negated")
"""The tables of statements."""


@dataclass(frozen=True)
class Moves:
    """Which rows left a table of statements, and which came.

    Attributes:
        gone: The rows that left, with all they said.
        gone_from: Their row numbers before, ascending.
        came_to: The row numbers, after, of those that came; ascending.
        texts: How many different texts each column of repeated text had before.
    """

    gone: pa.Table
    gone_from: Rows
    came_to: Rows
    texts: dict[str, int]


@dataclass(frozen=True)
class Step:
    """One edit, as far as its undo needs it.

    Attributes:
        entities: How many there were before.
        relations: How many there were before.
        moves: The rows that went and came, by table; only tables that changed.
    """

    entities: int
    relations: int
    moves: Mapping[Part, Moves]


def exchange(rows: pa.Table, leaving: Bools, coming: pa.Table) -> tuple[pa.Table, Moves]:
    """Give a table without the rows marked as leaving and with those that come, still in order.

    What comes stands after what said the same fact before.
    """
    gone_from = np.flatnonzero(leaving)
    moves = [gone_from, np.flatnonzero(~leaving), len(rows) + np.arange(len(coming))]
    both = _joined(rows, coming)
    order = np.concatenate(moves[1:])
    ends = (np.asarray(both[end])[order] for end in ("head", "relation", "tail"))
    head, relation, tail = ends
    order = order[triple_order(head, relation, tail)]
    gone = plain(rows.take(pa.array(gone_from)))
    return both.take(pa.array(order)), Moves(
        gone, gone_from, np.flatnonzero(order >= len(rows)), _texts(rows)
    )


def put_back(rows: pa.Table, moves: Moves) -> pa.Table:
    """Give the table as it was before `exchange`."""
    was_gone = np.zeros(len(rows) - len(moves.came_to) + len(moves.gone), np.bool_)
    was_gone[moves.gone_from] = True
    order = np.empty(len(was_gone), np.int64)
    order[was_gone] = len(rows) + np.arange(len(moves.gone))
    order[~was_gone] = np.delete(np.arange(len(rows)), moves.came_to)
    both = _joined(rows, moves.gone.cast(SCHEMAS["triples"])).take(pa.array(order))
    if not len(both):
        return SCHEMAS["triples"].empty_table()
    for position, column in enumerate(both.schema):
        if column.type == REPEATED:  # the texts that only the new rows have stand last
            whole = both[column.name].combine_chunks()
            texts = whole.dictionary.slice(0, moves.texts[column.name])
            both = both.set_column(position, column, pa.DictionaryArray.from_arrays(whole.indices, texts))
    return both.combine_chunks()


def plain(rows: pa.Table) -> pa.Table:
    """Give a table of statements with all text written out."""
    fields = [(field.name, TEXT if field.type == REPEATED else field.type) for field in rows.schema]
    return rows.cast(pa.schema(fields))


def _joined(rows: pa.Table, more: pa.Table) -> pa.Table:
    """Put tables one after the other; texts keep their numbers, and new ones get the next."""
    return pa.concat_tables([rows, more]).unify_dictionaries().combine_chunks() if len(more) else rows


def _texts(rows: pa.Table) -> dict[str, int]:
    return {
        column.name: len(rows[column.name].combine_chunks().dictionary) if len(rows) else 0
        for column in rows.schema
        if column.type == REPEATED
    }
