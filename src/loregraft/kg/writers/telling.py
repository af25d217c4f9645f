"""Count what went into a file and what its format could not hold, and say it in words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from loregraft.kg.graph import KnowledgeGraph

TABLES_OF_ENTITIES = ("names", "descriptions", "attributes", "media")


@dataclass(frozen=True)
class Told:
    """What a writer wrote and what it left out, counted by what it is; as text one line of words."""

    written: Mapping[str, int]
    left_out: Mapping[str, int]

    def __str__(self) -> str:
        """Give one line: `5 triples; left out: 2 names`."""
        words, missing = (
            ", ".join(f"{count:,} {what}" for what, count in counts.items())
            for counts in (self.written, self.left_out)
        )
        return words + (f"; left out: {missing}" if missing else "")


def told(written: Mapping[str, int], left_out: Mapping[str, int]) -> Told:
    """Tell of a file; what is counted as 0 is left out of the second part."""
    plain = [
        {what.replace("_", " "): count for what, count in counts.items()} for counts in (written, left_out)
    ]
    return Told(plain[0], {what: count for what, count in plain[1].items() if count})


def sizes(graph: KnowledgeGraph, tables: Iterable[str]) -> dict[str, int]:
    """Give the number of rows of tables, for those that a format has no place for."""
    counts = graph.counts()
    return {table: counts.get(table, 0) for table in tables}


def said_of_relations(graph: KnowledgeGraph) -> int:
    """Count the relations of which more is known than their id."""
    known = set(graph.tables["relation_names"]["relation"].to_pylist())
    for column in ("inverse", "symmetric", "domain", "range"):
        known.update(row for row, value in enumerate(graph.relations[column].to_pylist()) if value)
    return len(known)
