"""The text format of word2vec: a line with two counts, then an id and its numbers on each line."""

from pathlib import Path

from loregraft.disk import whole_file
from loregraft.kge.exchange.ids import ANY_BLANK, escaped, said_of_escapes
from loregraft.kge.exchange.rows import text_rows
from loregraft.kge.exchange.told import Told
from loregraft.kge.vectors import Vectors


def write_word2vec(vectors: Vectors, path: Path) -> Told:
    """Write the vectors of entities as a text file, as gensim and fastText read it."""
    values = vectors.tables.entities.values
    ids = escaped(vectors.ids, ANY_BLANK)
    with whole_file(path) as building, building.open("w", encoding="utf-8", newline="\n") as file:
        file.write(f"{len(ids)} {values.shape[1]}\n")
        for id, row in zip(ids, text_rows(values, " "), strict=True):
            file.write(f"{id} {row}\n")
    lost = f"the vectors of {len(vectors.relation_ids):,} relations are not written: this holds entities only"
    return Told({"entities": len(ids)}, [lost, *said_of_escapes(vectors.ids, ids, "entities")])
