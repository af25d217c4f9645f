"""Checks of what the triples say: twice, in one direction only, of themselves, or against each other."""

import numpy as np

from loregraft.kg.check.finding import EXAMPLES, Finding, finding, of_triples, written
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.mirrors import (
    declared_mirrors,
    distinct_facts,
    first_statements,
    likely_mirrors,
    several_statements,
    without_mirror,
)

_LEFT_OUT, _MERGED = "left_out_", "_merged"


def self_loops(graph: KnowledgeGraph) -> Finding:
    """Find triples from an entity to itself."""
    rows = np.flatnonzero(graph.heads == graph.tails)
    return of_triples("triples from an entity to itself", "warn", graph, rows, "Remove these triples.")


def contradictions(graph: KnowledgeGraph) -> Finding:
    """Find facts that one statement asserts and another one negates."""
    false = graph.negated.select(["head", "relation", "tail"])
    denied = graph.hash_rows(false, negated=False) if len(false) else np.zeros(0, np.uint64)
    found = np.isin(denied, graph.triple_hashes) if len(false) else np.zeros(0, np.bool_)
    both, places = np.unique(denied[found], return_index=True)
    rows = np.flatnonzero(found)[places][:EXAMPLES]
    examples = [f"{fact.head} {fact.relation} {fact.tail}" for fact in graph.statements(rows, negated=True)]
    fix = "Look at their references, and keep the one that holds (sources may differ by patient)."
    return finding("facts both asserted and negated", "warn", len(both), examples, fix)


def one_way(graph: KnowledgeGraph) -> Finding:
    """Find facts of a relation with an inverse, declared or likely, whose inverse no triple states."""
    facts = distinct_facts(graph)
    mirrors = {**likely_mirrors(graph, facts), **declared_mirrors(graph)}
    places = without_mirror(facts, mirrors, len(graph.relations))
    # An inverse that is declared, but of which the graph has nothing at all, is missing for each fact.
    inverses = graph.relations["inverse"].to_pylist()
    unknown = [i for i, inverse in enumerate(inverses) if inverse and i not in mirrors]
    places = np.union1d(places, np.flatnonzero(np.isin(facts.relations, unknown)))
    examples = []
    for place in places[:EXAMPLES].tolist():
        relation = int(facts.relations[place])
        inverse = graph.relation_ids[mirrors[relation]] if relation in mirrors else inverses[relation]
        tail, head = divmod(int(facts.reverse[place]), len(graph))
        said = written(graph, int(facts.rows[place]))
        examples.append(f"{said}, but not {graph.ids[tail]} {inverse} {graph.ids[head]}")
    fix = "Add the inverse triples, or leave one of the two relations out: the other one follows from it."
    return finding("facts without their inverse", "warn", len(places), examples, fix)


def repeated(graph: KnowledgeGraph) -> Finding:
    """Find facts that are stated more than once, by several sources or under several conditions."""
    ends = graph.heads, graph.relation_indexes, graph.tails
    rows = np.flatnonzero(several_statements(*ends) & first_statements(graph))
    fix = "Fine where sources agree; count facts, not rows, and split with `loregraft kg split`."
    return of_triples("facts stated more than once", "note", graph, rows, fix)


def merged(graph: KnowledgeGraph) -> Finding:
    """Tell how many rows said the same as another one, and were merged with it on the way in."""
    counts = {
        name.removesuffix(_MERGED): n for name, n in graph.tally.items() if name.endswith(_MERGED) and n
    }
    examples = [f"{name.replace('_', ' ')}: {count:,}" for name, count in counts.items()][:EXAMPLES]
    fix = "Nothing need be done, one of each is kept; if there should be none, remove them from the source."
    return finding("duplicate rows, merged", "note", sum(counts.values()), examples, fix)


def left_out(graph: KnowledgeGraph) -> Finding:
    """Tell how many rows were left out on the way in, and why."""
    counts = {
        name.removeprefix(_LEFT_OUT): n for name, n in graph.tally.items() if name.startswith(_LEFT_OUT) and n
    }
    largest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:EXAMPLES]
    examples = [f"{name.replace('_', ' ')}: {count:,}" for name, count in largest]
    fix = "Fine for what is out of date; else correct these rows in the source, and import it again."
    return finding("rows left out at import", "note", sum(counts.values()), examples, fix)
