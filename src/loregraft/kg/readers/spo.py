"""Read `.spo` files as K-BERT uses them: head, relation and tail with tabs between, names that are ids."""

import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pyarrow as pa

from loregraft.errors import BadInput
from loregraft.kg.readers.rows.triples import ENDS
from loregraft.kg.readers.tsv import fits_tsv, read_tsv
from loregraft.kg.tables.columns import Columns

# Han characters; kana and hangul tell that a text with some of them is not Chinese.
_HAN, _NOT_CHINESE = (
    re.compile(r"[\u3400-\u9fff\U00020000-\U0003fffd]"),
    re.compile(r"[\u3040-\u30ff\uac00-\ud7af]"),
)


def read_spo(path: Path, problems: list[BadInput] | None = None) -> Iterator[Columns]:
    """Yield the triples, and the name of each entity and relation: its id, Chinese (zh) or of no language.

    The ids are remembered, so that each is named once.

    Raises:
        BadInput: A line has not exactly three non-empty fields, or is not UTF-8.
    """
    entities: set[str] = set()
    relations: set[str] = set()
    for batch in read_tsv(path, problems):
        yield batch
        heads, named, tails = (pa.array(batch.rows[end]).to_pylist() for end in ENDS)
        new = [
            id
            for id in dict.fromkeys(chain.from_iterable(zip(heads, tails, strict=True)))
            if id not in entities
        ]
        entities.update(new)
        size = len(heads)
        for start in range(0, len(new), size):
            some = new[start : start + size]
            rows = {
                "entity": some,
                "name": some,
                "kind": ["preferred"] * len(some),
                "language": _languages(some),
            }
            yield Columns("names", rows)
        new = [id for id in dict.fromkeys(named) if id not in relations]
        relations.update(new)
        if new:
            yield Columns("relations", {"id": new, "name": new, "language": _languages(new)})


def fits_spo(path: Path, head: str) -> bool:
    """Tell whether the file is named .spo, and its first line has three cells."""
    return ".spo" in path.suffixes[-2:] and fits_tsv(path, head)


def _languages(texts: list[str]) -> list[str]:
    return ["zh" if _HAN.search(text) and not _NOT_CHINESE.search(text) else "" for text in texts]
