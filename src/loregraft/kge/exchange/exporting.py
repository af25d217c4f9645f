"""Give vectors to other tools: the choice of a format, and what holds for all of them."""

from collections.abc import Callable
from pathlib import Path

from loregraft.errors import BadInput, CannotWrite, did_you_mean
from loregraft.kge.exchange.dglke import write_dglke
from loregraft.kge.exchange.openke import write_openke
from loregraft.kge.exchange.parquet import write_parquet
from loregraft.kge.exchange.pykeen import write_pykeen
from loregraft.kge.exchange.told import Told
from loregraft.kge.exchange.word2vec import write_word2vec
from loregraft.kge.vectors import Vectors

WRITERS: dict[str, Callable[[Vectors, Path], Told]] = {
    "word2vec": write_word2vec,
    "parquet": write_parquet,
    "openke": write_openke,
    "pykeen": write_pykeen,
    "dglke": write_dglke,
}
"""Format -> its writer, which writes a file or folder whole or not at all."""


def export_vectors(vectors: Vectors, out: Path, format: str, *, force: bool = False) -> Told:
    """Write vectors in a format, and tell what went in and what did not.

    Raises:
        BadInput: There is no such format, it has no such model, or a number is none.
        CannotWrite: Something is there and `force` is not given, or the machine refuses.
    """
    if format not in WRITERS:
        raise BadInput(out, 0, f"there is no format {format!r} to write", did_you_mean(format, WRITERS))
    if out.exists() and not force:
        raise CannotWrite(out, "it exists already", "Choose another name, or overwrite it with --force.")
    for what, table in (("entities", vectors.tables.entities), ("relations", vectors.tables.relations)):
        if not table.values.isfinite().all():
            said = f"the vectors of {what} hold a number that is none (NaN) or infinite"
            raise BadInput(Path("vectors"), 0, said, "Train the vectors again.")
    return WRITERS[format](vectors, out)
