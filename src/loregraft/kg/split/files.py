"""Write the parts of a split as files that other tools read: train.tsv, valid.tsv and test.tsv."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from loregraft.artifact import Json, writing
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.mirrors import first_statements
from loregraft.kg.split.triples import PARTS, TripleSplit
from loregraft.kg.writers.triples import writable_rows, write_lines


def save_parts(
    graph: KnowledgeGraph, split: TripleSplit, folder: Path, key: str, settings: Mapping[str, Json]
) -> int:
    """Write a folder with a file for each part: head <tab> relation <tab> tail, each fact once, by ids.

    A fact whose ids cannot stand in such a line (see `writable_rows`) is left out, and the card counts
    it as `left_out_ids`.

    Returns:
        How many facts were left out.

    Raises:
        CannotWrite: No permission, or the disk is full.
    """
    once, held = first_statements(graph), writable_rows(graph)
    left_out = int((once & ~held).sum())
    with writing(folder, "triples", key, settings=settings) as (building, facts):
        for place, part in enumerate(PARTS):
            rows = np.flatnonzero(once & held & (split.parts == place))
            write_lines(graph, rows, building / f"{part}.tsv")
        facts["counts"] = {**split.counts, "left_out_ids": left_out}
    return left_out
