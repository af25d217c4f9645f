"""Is coherence worth anything on NCBI-disease, where the graph is a tree of diseases?

    python benchmarks/linking_tree.py --data DIR --graph demo/graph     # minutes

DIR holds ncbi_disease_linking/. MEDIC is MeSH's tree of diseases with names of OMIM's, but the dictionary
that comes with the corpus has no tree. So MONDO's stands in for it: a concept of MEDIC is MONDO's that
OMIM's number or a name leads to, where that is one only, and its parents are the nearest above it that MEDIC
has. The graph must have MONDO and OMIM, as a demo's has. Told are the accuracy of given mentions with and
without coherence, the difference with its interval over documents, and the weight of coherence: as built, and
learned from labels.
"""

import argparse
import os
from collections import defaultdict
from pathlib import Path

import numpy as np

from linking import medic, ncbi
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.importing import Source, import_graph
from loregraft.kg.store import open_graph
from loregraft.linking.formats.records import Annotated
from loregraft.linking.judging.intervals import by_document, difference, share
from loregraft.linking.learning.learn import learn_from_labels, right_candidates
from loregraft.linking.linker import Linker
from loregraft.linking.normalize import Rules, normalize_name

TOP = "MONDO:0000001"


def mondo_of(graph: KnowledgeGraph) -> dict[str, str]:
    """Give MONDO's concept of each concept of OMIM, where there is one only."""
    found = defaultdict(set)
    for row in graph.attributes.to_pylist():
        id = graph.id_at(row["entity"])
        if row["property"] == "xref" and id.startswith("OMIM:") and row["value"].startswith("MONDO:"):
            found[id].add(row["value"])
    return {id: min(values) for id, values in found.items() if len(values) == 1}


def by_name(graph: KnowledgeGraph, prefixes: tuple[str, ...]) -> dict[str, set[str]]:
    """Give the entities of each folded name."""
    found, rules = defaultdict(set), Rules()
    for entity, name in zip(graph.name_entities.tolist(), graph.names["name"].to_pylist(), strict=True):
        if graph.id_at(entity).startswith(prefixes):
            found[normalize_name(name, rules)].add(graph.id_at(entity))
    return found


def same_as(dictionary: KnowledgeGraph, concepts: dict[str, str], graph: KnowledgeGraph) -> dict[str, str]:
    """Give the concept of MONDO that is the same as each of the dictionary, one for one."""
    omim, names = mondo_of(graph), by_name(graph, ("MONDO:", "OMIM:"))
    found = defaultdict(set)
    for id, concept in concepts.items():
        if f"OMIM:{id}" in omim:
            found[concept].add(omim[f"OMIM:{id}"])
    for name, ids in by_name(dictionary, ("",)).items():
        for id in ids:
            found[id] |= {omim.get(other, other) for other in names.get(name, ()) if len(ids) == 1}
    sure = {id: min(others) for id, others in found.items() if len(others) == 1}
    times = defaultdict(int)
    for other in sure.values():
        times[other] += 1
    return {id: other for id, other in sure.items() if times[other] == 1 and other.startswith("MONDO:")}


def tree(graph: KnowledgeGraph, same: dict[str, str]) -> list[tuple[str, str]]:
    """Give child and parent of the dictionary's concepts: the nearest above that it has."""
    parents, back = defaultdict(list), {other: id for id, other in same.items()}
    is_a = graph.relation_ids.index("is_a")
    for row in np.flatnonzero(np.asarray(graph.relation_indexes) == is_a).tolist():
        parents[graph.id_at(int(graph.heads[row]))].append(graph.id_at(int(graph.tails[row])))
    rows = []
    for id, other in same.items():
        todo, seen = list(parents[other]), set[str]()
        while todo:
            above = todo.pop()
            if above in back:
                rows.append((id, back[above]))
            elif above not in seen and above != TOP:
                todo += parents[above]
            seen.add(above)
    return sorted(set(rows))


def with_tree(dictionary: KnowledgeGraph, rows: list[tuple[str, str]], folder: Path) -> KnowledgeGraph:
    """Give the dictionary with a hierarchy."""
    folder.mkdir(parents=True, exist_ok=True)
    ids = [dictionary.id_at(entity) for entity in dictionary.name_entities.tolist()]
    columns = (ids, *(dictionary.names[name].to_pylist() for name in ("name", "kind")))
    lines = ["id\tname\tkind", *map("\t".join, zip(*columns, strict=True))]
    (folder / "names.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    triples = ["head\trelation\ttail", *(f"{child}\tis_a\t{parent}" for child, parent in rows)]
    (folder / "triples.tsv").write_text("\n".join(triples) + "\n", encoding="utf-8")
    return import_graph([Source(folder / "names.tsv"), Source(folder / "triples.tsv")]).graph


def tell(title: str, linker: Linker, texts: list[Annotated]) -> None:
    """Print the accuracy with and without coherence."""
    counts = []
    for one in (linker.with_settings(coherence=False), linker):
        judged = one.judge([text.document.text for text in texts], [text.places for text in texts])
        right = np.r_[right_candidates(one, judged, texts), False][judged.best]
        counts.append(by_document(judged.spans.texts.astype(np.int64), right.astype(np.float64), len(texts)))
    without, with_it = (100 * float(share(count.sum(0, keepdims=True))[0]) for count in counts)
    gained = difference(share, counts[0], counts[1])
    interval = f"{100 * gained.value:+.2f} ({100 * gained.low:+.2f} to {100 * gained.high:+.2f})"
    weight = linker.weights.named["coherence"]
    print(f"{title}: {without:.2f} without, {with_it:.2f} with coherence: {interval}; it counts {weight:.2f}")


def main() -> None:
    """Build the graph and judge."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("LOREGRAFT_DATA"), help="see above")
    parser.add_argument("--graph", type=Path, required=True, help="the graph folder of a demo run")
    parser.add_argument("--out", type=Path, default=Path("out/linking_tree"), help="for the tables")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if given.data is None:
        parser.error("name the folder of the data: --data DIR, or set LOREGRAFT_DATA")
    folder = Path(given.data) / "ncbi_disease_linking"
    dictionary, concepts = medic(folder)
    train, develop, test = (ncbi(folder, part, concepts) for part in ("train", "develop", "test"))
    graph = open_graph(given.graph)
    same = same_as(dictionary, concepts, graph)
    rows = tree(graph, same)
    print(f"{len(same):,} of {len(dictionary):,} concepts are MONDO's, {len(rows):,} have a parent by it")
    linker = Linker.build(with_tree(dictionary, rows, given.out))
    tell("test, as built", linker, test)
    tell("train and development, as built", linker, [*train, *develop])
    tell("development, with the labels of train", learn_from_labels(linker, train, given.seed), develop)
    tell("test, with labels", learn_from_labels(linker, [*train, *develop], given.seed), test)


if __name__ == "__main__":
    main()
