"""Write the parts of a split as files that other tools read: train.tsv, valid.tsv and test.tsv."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from loregraft.artifact import Json, writing
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.mirrors import first_statements
from loregraft.kg.split.triples import PARTS, TripleSplit
from loregraft.kg.writers.triples import write_lines

_BREAKS = r"[\t\r\n]"


def save_parts(
    graph: KnowledgeGraph, split: TripleSplit, folder: Path, key: str, settings: Mapping[str, Json]
) -> None:
    """Write a folder with a file for each part: head <tab> relation <tab> tail, each fact once, by ids.

    A fact whose ids have a tab or line break cannot be written so: it is left out, and the card counts
    it as `left_out_breaks`.

    Raises:
        CannotWrite: No permission, or the disk is full.
    """
    entities, relations = graph.entities["id"].combine_chunks(), graph.relations["id"].combine_chunks()
    broken, broken_relations = (
        np.asarray(pc.match_substring_regex(ids, _BREAKS), dtype=np.bool_) for ids in (entities, relations)
    )
    once = first_statements(graph)
    wrong = broken[graph.heads] | broken[graph.tails] | broken_relations[graph.relation_indexes]
    with writing(folder, "triples", key, settings=settings) as (building, facts):
        for place, part in enumerate(PARTS):
            rows = np.flatnonzero(once & ~wrong & (split.parts == place))
            write_lines(graph, rows, building / f"{part}.tsv")
        facts["counts"] = {**split.counts, "left_out_breaks": int((once & wrong).sum())}
