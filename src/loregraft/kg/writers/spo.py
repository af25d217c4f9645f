"""Write `.spo` files as K-BERT uses them: head, relation and tail by their names, with tabs between."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from loregraft.disk import whole_file
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.mirrors import first_statements
from loregraft.kg.show.card import relation_name
from loregraft.kg.writers.telling import TABLES_OF_ENTITIES, Told, sizes, told
from loregraft.kg.writers.triples import statements_with_more, writable_rows, write_lines


def write_spo(graph: KnowledgeGraph, path: Path) -> Told:
    """Write each true fact by the preferred names of its ends; what has no name stands with its id.

    Entities that share a name become one. Cannot hold ids, other names and all else that is known of
    entities, what is said of triples, negated facts, and names with tabs, line ends, blanks at an end,
    or a `#` before a head.
    """
    names = graph.preferred_names()
    relations = [relation_name(graph, index) for index in range(len(graph.relations))]
    texts = pa.array(names, pa.large_string()), pa.array(relations, pa.large_string())
    once, held = first_statements(graph), writable_rows(graph, texts)
    rows = np.flatnonzero(once & held)
    with whole_file(path) as building:
        write_lines(graph, rows, building, texts)
    left_out = {
        "facts with names of tabs, line ends or blanks": int((once & ~held).sum()),
        "ids, for which a name stands": sum(name != id for name, id in zip(names, graph.ids, strict=True)),
        "entities that share their name with another one": len(names) - len(set(names)),
        "relations that share their name with another one": len(relations) - len(set(relations)),
        "statements of what is said of triples": statements_with_more(graph),
        "negated facts": len(graph.negated),
        "other names": len(graph.names) - len(np.unique(graph.name_entities)),
        **sizes(graph, (*TABLES_OF_ENTITIES[1:], "types")),
    }
    return told({"triples": len(rows)}, left_out)
