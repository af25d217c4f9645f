"""Writers: one file per format, one function each, so that a graph can go where it is wanted.

What a format cannot hold is left out and counted in what the writer tells.
"""

from collections.abc import Callable
from pathlib import Path

from loregraft.errors import BadInput, CannotWrite, did_you_mean
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.writers.rdf import write_nquads, write_ntriples, write_trig, write_turtle

Writer = Callable[[KnowledgeGraph, Path], str]
"""`write_x(graph, path)`: writes a file or folder, and tells in words what went in and what did not."""

WRITERS: dict[str, Writer] = {
    "ntriples": write_ntriples,
    "nquads": write_nquads,
    "turtle": write_turtle,
    "trig": write_trig,
}
"""Format -> its writer."""


def write(graph: KnowledgeGraph, path: Path, format: str, force: bool = False) -> str:
    """Write a graph in a format, whole or not at all, and tell in words what went in and what did not.

    Raises:
        BadInput: There is no such format.
        CannotWrite: Something is there and `force` is not given, or the machine refuses.
    """
    if format not in WRITERS:
        raise BadInput(path, 0, f"there is no format {format!r} to write", did_you_mean(format, WRITERS))
    if path.exists() and not force:
        raise CannotWrite(path, "it exists already", "Choose another name, or overwrite it with --force.")
    return WRITERS[format](graph, path)
