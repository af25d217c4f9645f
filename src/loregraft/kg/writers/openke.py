"""Write a graph as an OpenKE folder: ids with their indexes, and triples of indexes in parts."""

from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from loregraft.artifact import fingerprint, writing
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.readers.folders.openke import ENTITIES, RELATIONS
from loregraft.kg.readers.rows.triples import SPLITS
from loregraft.kg.tables.columns import BATCH_ROWS
from loregraft.kg.writers.telling import TABLES_OF_ENTITIES, Told, said_of_relations, sizes, told
from loregraft.kg.writers.triples import broken_ids


def write_openke(graph: KnowledgeGraph, path: Path) -> Told:
    """Write `entity2id.txt`, `relation2id.txt`, `train2id.txt`, `valid2id.txt` and `test2id.txt`.

    A triple that is of no split goes to train; each fact stands once in a part. Cannot hold what else
    is said of triples, negated facts, names and all else that is known of entities, and ids with tabs,
    line ends or blanks at an end.
    """
    wrong = broken_ids(graph.entities["id"].combine_chunks())
    wrong_relations = broken_ids(graph.relations["id"].combine_chunks())
    ends = np.stack([np.asarray(graph.heads), np.asarray(graph.tails), np.asarray(graph.relation_indexes)], 1)
    held = ~(wrong[ends[:, 0]] | wrong[ends[:, 1]] | wrong_relations[ends[:, 2]])
    splits = np.asarray(graph.triples["split"].cast(pa.string()))
    numbers = [np.cumsum(~wrong) - 1, np.cumsum(~wrong) - 1, np.cumsum(~wrong_relations) - 1]
    key = fingerprint("openke", graph.counts(), int(np.bitwise_xor.reduce(graph.triple_hashes)))
    counts = {}
    with writing(path, "triples", key) as (building, facts):
        _write_ids(building / ENTITIES, graph.entities["id"], ~wrong)
        _write_ids(building / RELATIONS, graph.relations["id"], ~wrong_relations)
        for split in SPLITS:
            of_split = (splits == split) | ((splits == "") if split == "train" else False)
            rows = np.unique(ends[held & of_split], axis=0)
            indexes = np.stack([numbers[place][rows[:, place]] for place in range(3)], 1)
            _write_triples(building / f"{split}2id.txt", indexes)
            counts[split] = len(rows)
        facts["counts"] = {**counts}
    left_out = {
        "entities with ids of tabs, line ends or blanks": int(wrong.sum()),
        "relations with ids of tabs, line ends or blanks": int(wrong_relations.sum()),
        "statements with such ids": int((~held).sum()),
        "statements of facts that are there already": int(held.sum()) - sum(counts.values()),
        "negated facts": len(graph.negated),
        **sizes(graph, TABLES_OF_ENTITIES),
        "relations_with_more_than_an_id": said_of_relations(graph),
    }
    return told({f"{split}_triples": count for split, count in counts.items()}, left_out)


def _write_ids(path: Path, ids: pa.ChunkedArray, held: NDArray[np.bool_]) -> None:
    kept = ids.filter(pa.array(held))
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(f"{len(kept)}\n")
        for start in range(0, len(kept), BATCH_ROWS):
            some = kept.slice(start, BATCH_ROWS).to_pylist()
            file.writelines(f"{id}\t{number}\n" for number, id in enumerate(some, start))


def _write_triples(path: Path, indexes: NDArray[np.int64]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(f"{len(indexes)}\n")
        for start in range(0, len(indexes), BATCH_ROWS):
            some = indexes[start : start + BATCH_ROWS].tolist()
            file.writelines(f"{head} {tail} {relation}\n" for head, tail, relation in some)
