"""Read folders of triples in parts, as PyKEEN, LibKGE, DGL-KE and KG-BERT have them: train, valid and test.

`train.txt` and its like hold `head <tab> relation <tab> tail` by ids; LibKGE's `train.del` holds
indexes of `entity_ids.del` and `relation_ids.del`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from loregraft.errors import BadInput
from loregraft.kg.readers.folders.companions import read_companions
from loregraft.kg.readers.folders.openke import Ids, check_folder
from loregraft.kg.readers.rows.triples import ENDS
from loregraft.kg.readers.text.blocks import read_cells
from loregraft.kg.readers.text.headers import first_line
from loregraft.kg.readers.text.lines import raise_or_collect
from loregraft.kg.readers.text.opening import first_bytes
from loregraft.kg.readers.tsv import read_tsv
from loregraft.kg.tables.columns import BATCH_ROWS, Columns, Table, repeated

PARTS = {"train": ("train",), "valid": ("valid", "dev", "validation"), "test": ("test",)}
"""Split -> what its file may be called."""
ENDINGS = (".txt", ".tsv", ".del")
PACKED = ("", ".gz", ".bz2", ".xz", ".zst")
ENTITY_LISTS = ("entities.dict", "entities.tsv", "entity_ids.del")
RELATION_LISTS = ("relations.dict", "relations.tsv", "relation_ids.del")

_INDEX = r"^\d{1,9}$"


def read_splits(path: Path, problems: list[BadInput] | None = None) -> Iterator[Columns]:
    """Yield the triples of a folder with the files train, valid and test; `split` says which one.

    The files end in .txt, .tsv or .del, also packed. The entities that `entities.dict` and its like
    list (`index <tab> id`) are yielded too, and remembered, and the names that lie beside.

    Raises:
        BadInput: There is no file train, a line has not three cells, or an index belongs to no id.
    """
    check_folder(path)
    files = _files(path)
    if "train" not in files:
        fix = "Give a folder with train.txt, train.tsv or train.del."
        raise BadInput(path, 0, "the folder has no part that is called train", fix)
    entities, relations = (_listed(path, names, problems) for names in (ENTITY_LISTS, RELATION_LISTS))
    yield from _ids_of("entities", entities)
    yield from _ids_of("relations", relations)
    for split, file in files.items():
        if entities and relations and _has_indexes(file, entities):
            batches = _by_index(file, {ENDS[0]: entities, ENDS[1]: relations, ENDS[2]: entities}, problems)
        else:
            batches = read_tsv(file, problems)
        for batch in batches:
            yield Columns("triples", {**batch.rows, "split": repeated(split, len(batch))})
    yield from read_companions(path, problems)


def fits_splits(path: Path, head: str) -> bool:
    """Tell whether it is a folder with a train and another part, and train has three cells a line."""
    if not path.is_dir():
        return False
    files = _files(path)
    return "train" in files and len(files) > 1 and _first_line(files["train"]).count("\t") == 2


def _files(path: Path) -> dict[str, Path]:
    """Give the file of each part; all have the ending of train."""
    for ending in ENDINGS:
        found = {}
        for split, names in PARTS.items():
            paths = (path / f"{name}{ending}{packed}" for name in names for packed in PACKED)
            file = next((file for file in paths if file.is_file()), None)
            if file:
                found[split] = file
        if "train" in found:
            return found
    return {}


def _ids_of(table: Table, ids: Ids | None) -> Iterator[Columns]:
    for start in range(0, len(ids.ids) if ids else 0, BATCH_ROWS):
        yield Columns(table, {"id": ids.ids.slice(start, BATCH_ROWS) if ids else ()})


def _first_line(file: Path) -> str:
    try:
        head = first_bytes(file, 1 << 16).decode("utf-8-sig", "replace")
    except BadInput:
        return ""
    return first_line(head, "#")


def _listed(path: Path, names: Sequence[str], problems: list[BadInput] | None) -> Ids | None:
    """Give the ids of a file with `index <tab> id` on each line; None where there is none."""
    file = next((path / name for name in names if (path / name).is_file()), None)
    if file is None:
        return None
    by_index: dict[int, str] = {}
    seen: set[str] = set()
    for cells in read_cells(file, 2, problems):
        wrong = {number: f"expected an index and an id, found {line!r:.80}" for number, line in cells.odd}
        indexes, ids = (column.to_pylist() for column in cells.columns)
        for number, index, id in zip(cells.numbers.tolist(), indexes, ids, strict=True):
            if not re.fullmatch(_INDEX, index, re.ASCII):
                wrong[number] = f"{index!r:.40} is no index"
            elif id in seen or int(index) in by_index:
                wrong[number] = f"the {'id' if id in seen else 'index'} of {index!r} {id!r:.60} stands twice"
            else:
                by_index[int(index)] = id
                seen.add(id)
        for number in sorted(wrong):
            fix = "Write an index and its id with one tab between them, each once."
            raise_or_collect(BadInput(file, number, wrong[number], fix), problems)
    numbers = sorted(by_index)
    texts = pa.array([by_index[number] for number in numbers], pa.string())
    return Ids(file, np.array(numbers, np.int64), texts)


def _has_indexes(file: Path, entities: Ids) -> bool:
    """Tell whether a file of triples holds indexes: by its name, or its first head (DGL-KE mixes them)."""
    if ".del" in file.suffixes:
        return True
    head = _first_line(file).split("\t")[0].strip()
    known = pc.is_in(pa.scalar(head), value_set=entities.ids).as_py()
    return not known and re.fullmatch(_INDEX, head, re.ASCII) is not None


def _by_index(file: Path, ids: Mapping[str, Ids], problems: list[BadInput] | None) -> Iterator[Columns]:
    for batch in read_cells(file, len(ENDS), problems):
        wrong = {number: f"expected 3 indexes, found {line!r:.80}" for number, line in batch.odd}
        numeric = [pc.match_substring_regex(column, _INDEX) for column in batch.columns]
        kept = np.ones(len(batch.numbers), np.bool_)
        rows = {}
        for end, column, digits in zip(ENDS, batch.columns, numeric, strict=True):
            # What is no number gets an index that no id has.
            indexes = np.asarray(pc.if_else(digits, column, pa.scalar("-1")).cast(pa.int64()))
            rows[end] = ids[end].of(indexes)
            for row in np.flatnonzero(np.asarray(rows[end].is_null())).tolist():
                found = f"the {end} {column[row].as_py()!r:.40} is no index of {ids[end].path.name}"
                wrong.setdefault(int(batch.numbers[row]), found)
                kept[row] = False
        for number in sorted(wrong):
            fix = "Write head, relation and tail as indexes, with one tab between them."
            raise_or_collect(BadInput(file, number, wrong[number], fix), problems)
        rows = {end: column.filter(pa.array(kept)) for end, column in rows.items()}
        for start in range(0, int(kept.sum()), BATCH_ROWS):
            yield Columns("triples", {end: rows[end].slice(start, BATCH_ROWS) for end in ENDS})
