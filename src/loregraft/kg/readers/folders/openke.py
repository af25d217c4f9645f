"""Read folders as OpenKE has them: `entity2id.txt`, `relation2id.txt`, and triples in `train2id.txt`.

Triples are indexes of the ids. The first line of each file is the number of lines that follow. Names that
lie beside them are read by `kg/readers/folders/companions.py`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from loregraft.errors import BadInput
from loregraft.kg.readers.folders.companions import read_companions
from loregraft.kg.readers.rows.triples import ENDS, SPLITS
from loregraft.kg.readers.text.blocks import read_cells
from loregraft.kg.readers.text.lines import raise_or_collect
from loregraft.kg.readers.text.opening import first_bytes
from loregraft.kg.tables.columns import BATCH_ROWS, Columns, repeated

ENTITIES, RELATIONS = "entity2id.txt", "relation2id.txt"
COUNT_FIX = "The first line of the file is the number of lines after it."

_ID = r"^(?P<id>.*\S)\s+(?P<index>\d{1,9})$"
_TRIPLE = r"^\d{1,9}\s+\d{1,9}\s+\d{1,9}$"

_Lines = tuple[NDArray[np.int64], pa.Array]


@dataclass(frozen=True)
class Ids:
    """The ids that a file lists, with the index of each, ascending."""

    path: Path
    indexes: NDArray[np.int64]
    ids: pa.Array

    def of(self, indexes: NDArray[np.int64]) -> pa.Array:
        """Give the ids of indexes; null where an index has none."""
        if not len(self.indexes):
            return pa.nulls(len(indexes), pa.string())
        places = np.minimum(np.searchsorted(self.indexes, indexes), len(self.indexes) - 1)
        return self.ids.take(pa.array(places, mask=self.indexes[places] != indexes))


def read_openke(path: Path, problems: list[BadInput] | None = None) -> Iterator[Columns]:
    """Yield entities, relations, triples and names of an OpenKE folder; `split` says train, valid or test.

    Lines of triples are `head tail relation`, by index. The ids are remembered, the triples are not.

    Raises:
        BadInput: A file is missing, a first line is no count or a wrong one, a line is not as it
            should be, an id or index stands twice, or an index belongs to no id.
    """
    check_folder(path)
    entities, relations = (read_ids(path / file, problems) for file in (ENTITIES, RELATIONS))
    for start in range(0, len(entities.ids), BATCH_ROWS):
        yield Columns("entities", {"id": entities.ids.slice(start, BATCH_ROWS)})
    for start in range(0, len(relations.ids), BATCH_ROWS):
        yield Columns("relations", {"id": relations.ids.slice(start, BATCH_ROWS)})
    for split in SPLITS:
        if (path / f"{split}2id.txt").exists():
            yield from _triples(path / f"{split}2id.txt", (entities, entities, relations), split, problems)
    yield from read_companions(path, problems)


def fits_openke(path: Path, head: str) -> bool:
    """Tell whether it is a folder with `entity2id.txt`, `relation2id.txt` and `train2id.txt`."""
    return path.is_dir() and all((path / file).is_file() for file in (ENTITIES, RELATIONS, "train2id.txt"))


def check_folder(path: Path) -> None:
    """Refuse what is no folder.

    Raises:
        BadInput: There is nothing, or a file.
    """
    if not path.exists():
        raise BadInput(path, 0, "there is no such file or folder", "Check the path.")
    if not path.is_dir():
        raise BadInput(path, 0, "this is a file, not a folder", "Give the folder that holds all its files.")


def read_ids(path: Path, problems: list[BadInput] | None) -> Ids:
    """Read a file of ids with a count on its first line: id, white space, index."""
    by_index: dict[int, str] = {}
    seen: set[str] = set()
    for numbers, lines in _counted(path, 2, problems):
        pairs = pc.extract_regex(lines, _ID).to_pylist()
        for number, line, pair in zip(numbers.tolist(), lines.to_pylist(), pairs, strict=True):
            if pair is None:
                found = f"expected an id and its index, found {line!r:.80}"
                fix = "Write the id and its index with one tab between them."
                raise_or_collect(BadInput(path, number, found, fix), problems)
                continue
            id, index = pair["id"], int(pair["index"])
            if id in seen or index in by_index:
                what = f"the id {id!r:.60}" if id in seen else f"the index {index}"
                fix = "Give each id one index, and each index one id."
                raise_or_collect(BadInput(path, number, f"{what} stands twice", fix), problems)
                continue
            by_index[index] = id
            seen.add(id)
    indexes = sorted(by_index)
    return Ids(
        path, np.array(indexes, np.int64), pa.array([by_index[index] for index in indexes], pa.string())
    )


def _triples(
    path: Path, ids: tuple[Ids, Ids, Ids], split: str, problems: list[BadInput] | None
) -> Iterator[Columns]:
    order = (ENDS[0], ENDS[2], ENDS[1])  # head, tail, relation: as OpenKE writes them
    for numbers, lines in _counted(path, 3, problems):
        regular = pc.match_substring_regex(lines, _TRIPLE)
        wrong = {
            number: f"expected 3 indexes, found {line!r:.80}"
            for number, line in zip(
                numbers[~np.asarray(regular)].tolist(),
                lines.filter(pc.invert(regular)).to_pylist(),
                strict=True,
            )
        }
        numbers = numbers[np.asarray(regular)]
        text = " ".join(lines.filter(regular).to_pylist())
        indexes = np.fromstring(text, np.int64, sep=" ").reshape(-1, len(order))
        rows = {end: ids[place].of(indexes[:, place]) for place, end in enumerate(order)}
        kept = np.ones(len(numbers), np.bool_)
        for place, end in enumerate(order):
            for row in np.flatnonzero(np.asarray(rows[end].is_null())).tolist():
                found = f"the {end} {indexes[row, place]} is no index of {ids[place].path.name}"
                wrong.setdefault(int(numbers[row]), found)
                kept[row] = False
        for number in sorted(wrong):
            fix = f"Write head, tail and relation as indexes of {ENTITIES} and {RELATIONS}."
            raise_or_collect(BadInput(path, number, wrong[number], fix), problems)
        rows = {end: column.filter(pa.array(kept)) for end, column in rows.items()}
        for start in range(0, int(kept.sum()), BATCH_ROWS):
            part = {end: rows[end].slice(start, BATCH_ROWS) for end in ENDS}
            yield Columns("triples", {**part, "split": repeated(split, len(part["head"]))})


def _counted(path: Path, width: int, problems: list[BadInput] | None) -> Iterator[_Lines]:
    """Yield the lines after the first, which must be their count."""
    expected, found = "", 0
    for numbers, lines in _lines(path, width, problems):
        if not expected:
            expected = lines[0].as_py()
            if re.fullmatch(r"\d{1,18}", expected):
                numbers, lines = numbers[1:], lines.slice(1)
            else:
                problem = f"expected the number of lines, found {expected!r:.80}"
                raise_or_collect(BadInput(path, int(numbers[0]), problem, COUNT_FIX), problems)
        found += len(lines)
        yield numbers, lines
    if not expected:
        raise_or_collect(BadInput(path, 0, "there is nothing in it", COUNT_FIX), problems)
    elif expected.isdecimal() and int(expected) != found:
        problem = f"it says that {int(expected):,} lines follow, and {found:,} do"
        raise_or_collect(BadInput(path, 1, problem, COUNT_FIX), problems)


def _lines(path: Path, width: int, problems: list[BadInput] | None) -> Iterator[_Lines]:
    """Yield the lines that say something, trimmed, with their numbers, many at once."""
    width = width if b"\t" in first_bytes(path, 1 << 10) else 1
    for cells in read_cells(path, width, problems):
        lines = pc.binary_join_element_wise(*cells.columns, "\t") if width > 1 else cells.columns[0]
        numbers = cells.numbers
        if cells.odd:
            odd_numbers, odd = zip(*cells.odd, strict=True)
            lines = pa.concat_arrays([lines, pc.utf8_trim_whitespace(pa.array(odd, pa.string()))])
            numbers = np.concatenate([numbers, np.array(odd_numbers, np.int64)])
            order = np.argsort(numbers)
            numbers, lines = numbers[order], lines.take(pa.array(order))
        if len(lines):
            yield numbers, lines
