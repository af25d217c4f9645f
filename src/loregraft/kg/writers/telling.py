"""Say in words what went into a file and what its format could not hold."""

from collections.abc import Iterable, Mapping

from loregraft.kg.graph import KnowledgeGraph

TABLES_OF_ENTITIES = ("names", "descriptions", "attributes", "media")


def told(written: Mapping[str, int], left_out: Mapping[str, int]) -> str:
    """Give one line: `5 triples; left out: 2 names`. What is counted as 0 is left out of the second part."""
    words = [f"{count:,} {what.replace('_', ' ')}" for what, count in written.items()]
    missing = [f"{count:,} {what.replace('_', ' ')}" for what, count in left_out.items() if count]
    return ", ".join(words) + (f"; left out: {', '.join(missing)}" if missing else "")


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
