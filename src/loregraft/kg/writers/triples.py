"""Write the triples of a graph: as plain TSV, or as CSV or JSON Lines with all that is said of them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from loregraft.disk import whole_file
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.mirrors import first_statements
from loregraft.kg.readers.rows.triples import ENDS, pack_qualifiers
from loregraft.kg.tables.columns import BATCH_ROWS, REFERENCE_MARK, TABLES
from loregraft.kg.writers.csv_rows import csv_holds, csv_rows, row_holds
from loregraft.kg.writers.telling import TABLES_OF_ENTITIES, Told, said_of_relations, sizes, told

Texts = tuple[pa.Array, pa.Array]
"""A text for each entity, and for each relation."""


def write_tsv(graph: KnowledgeGraph, path: Path) -> Told:
    """Write `head <tab> relation <tab> tail`, each true fact once, by ids.

    Cannot hold what is said of triples, negated facts, names and all else that is known of entities,
    and ids with tabs, line ends, blanks at an end, or a `#` before a head.
    """
    once, held = first_statements(graph), writable_rows(graph)
    rows = np.flatnonzero(once & held)
    with whole_file(path) as building:
        write_lines(graph, rows, building)
    left_out = {
        "facts with ids of tabs, line ends or blanks": int((once & ~held).sum()),
        "statements of what is said of triples": statements_with_more(graph),
        "negated facts": len(graph.negated),
        **_not_triples(graph),
    }
    return told({"triples": len(rows)}, left_out)


def ids_of(graph: KnowledgeGraph) -> Texts:
    """Give the ids of entities and of relations."""
    return graph.entities["id"].combine_chunks(), graph.relations["id"].combine_chunks()


def writable_rows(graph: KnowledgeGraph, texts: Texts | None = None) -> NDArray[np.bool_]:
    """For each triple: do readers of `head <tab> relation <tab> tail` read it as it was written?

    Args:
        texts: What entities and relations are called; None: their ids.
    """
    entities, relations = texts or ids_of(graph)
    wrong, wrong_relations = broken_ids(entities), broken_ids(relations)
    wrong_heads = wrong | _mask(pc.match_substring_regex(entities, "^(#|\ufeff)"))
    return ~(wrong_heads[graph.heads] | wrong[graph.tails] | wrong_relations[graph.relation_indexes])


def write_lines(
    graph: KnowledgeGraph, rows: NDArray[np.int64], path: Path, texts: Texts | None = None
) -> None:
    """Write some triples to a file as `head <tab> relation <tab> tail`, whatever these texts hold.

    Args:
        texts: What entities and relations are called; None: their ids.
    """
    entities, relations = texts or ids_of(graph)
    columns = ((entities, graph.heads), (relations, graph.relation_indexes), (entities, graph.tails))
    with path.open("wb") as file:
        for start in range(0, len(rows), BATCH_ROWS):
            some = rows[start : start + BATCH_ROWS]
            cells = (ids.take(pa.array(indexes[some])) for ids, indexes in columns)
            lines = pc.binary_join_element_wise(*cells, pa.scalar("\t", entities.type)).to_pylist()
            file.write(("\n".join(lines) + "\n").encode())


def write_csv(graph: KnowledgeGraph, path: Path) -> Told:
    """Write the triples as CSV with a header row: all that is said of them, the negated ones too.

    Cannot hold names and all else that is known of entities, and cells with blanks at an end, a NUL
    character or more than 131,072 characters, and rows of a thousand lines: such triples are left out.
    """
    written = left_out = 0
    with (
        whole_file(path) as building,
        building.open("w", encoding="utf-8", newline="") as file,
    ):
        write_row = csv_rows(file, list(TABLES["triples"]))
        for batch in said_batches(graph):
            for row in batch:
                cells = [_cell(column, row[column]) for column in TABLES["triples"]]
                if all(map(csv_holds, cells)) and all(cells[: len(ENDS)]) and row_holds(cells):
                    write_row(cells)
                    written += 1
                else:
                    left_out += 1
    return told(
        {"triples": written},
        {"triples with blanks at an end, or of a thousand lines": left_out, **_not_triples(graph)},
    )


def write_jsonl(graph: KnowledgeGraph, path: Path) -> Told:
    """Write the triples as JSON Lines: all that is said of them, the negated ones too.

    Cannot hold names and all else that is known of entities.
    """
    written = 0
    with whole_file(path) as building, building.open("w", encoding="utf-8", newline="\n") as file:
        for batch in said_batches(graph):
            file.writelines(json.dumps(_said(row), ensure_ascii=False) + "\n" for row in batch)
            written += len(batch)
    return told({"triples": written}, _not_triples(graph))


def said_tables(graph: KnowledgeGraph) -> Iterator[pa.Table]:
    """Yield the statements, true and negated, with ids and the columns of the table `triples`, in parts."""
    entities, relations = graph.entities["id"].combine_chunks(), graph.relations["id"].combine_chunks()
    for statements, negated in ((graph.triples, False), (graph.negated, True)):
        for start in range(0, len(statements), BATCH_ROWS):
            part = statements.slice(start, BATCH_ROWS).combine_chunks()
            columns = {name: part[name].combine_chunks() for name in part.column_names}
            for end in ENDS:
                columns[end] = (relations if end == "relation" else entities).take(columns[end])
            columns["negated"] = pa.repeat(negated, len(part))
            yield pa.table({name: columns[name] for name in TABLES["triples"]})


def said_batches(graph: KnowledgeGraph) -> Iterator[list[dict[str, Any]]]:
    """Yield the statements as rows, some at a time."""
    for part in said_tables(graph):
        for start in range(0, len(part), 4_096):
            yield part.slice(start, 4_096).to_pylist()


def broken_ids(ids: pa.Array) -> NDArray[np.bool_]:
    """For each id: has it a tab, a line end or a blank at an end, or is it empty?"""
    edges = pc.not_equal(pc.utf8_trim_whitespace(ids), ids)
    return _mask(pc.or_(pc.or_(edges, pc.match_substring_regex(ids, r"[\t\r\n]")), pc.equal(ids, "")))


def _mask(column: pa.Array) -> NDArray[np.bool_]:
    return np.asarray(column, dtype=np.bool_)


def _not_triples(graph: KnowledgeGraph) -> dict[str, int]:
    ends = [np.asarray(rows[end]) for rows in (graph.triples, graph.negated) for end in ("head", "tail")]
    return {
        "entities_without_a_triple": len(graph) - len(np.unique(np.concatenate(ends))),
        **sizes(graph, TABLES_OF_ENTITIES),
        "types": len(graph.tables["types"]),
        "relations_with_more_than_an_id": said_of_relations(graph),
    }


def statements_with_more(graph: KnowledgeGraph) -> int:
    """Count the true statements of which more is said than the fact."""
    more = np.asarray(pc.not_equal(graph.triples["confidence"], pa.scalar(1.0, pa.float32())), np.bool_)
    for column in ("references", "qualifiers", "valid_from", "valid_to", "licence", "split", "source"):
        more = more | np.asarray(pc.not_equal(graph.triples[column].cast(pa.string()), ""), np.bool_)
    return int(more.sum())


def _cell(column: str, value: object) -> str:
    """Write a value as a cell; what is the default is empty."""
    if value == TABLES["triples"][column]:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(np.float32(value)) if isinstance(value, float) else str(value)


def _said(row: dict[str, Any]) -> dict[str, object]:
    said = {column: row[column] for column, default in TABLES["triples"].items() if row[column] != default}
    if "confidence" in said:
        said["confidence"] = float(str(np.float32(row["confidence"])))
    if "references" in said:
        parts = row["references"].split(REFERENCE_MARK)
        said["references"] = parts if all(parts) else row["references"]
    if "qualifiers" in said:
        found = json.loads(row["qualifiers"])
        # Where writing it again would change a letter it stays the text that it was.
        said["qualifiers"] = found if pack_qualifiers(found) == row["qualifiers"] else row["qualifiers"]
    return said
