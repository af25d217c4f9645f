"""Mirrored facts equal a plain search over all pairs of facts, whatever the graph."""

from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.mirrors import (
    LEAST,
    LIKE,
    declared_mirrors,
    distinct_facts,
    first_statements,
    likely_mirrors,
    without_mirror,
)
from loregraft.kg.tables.columns import Columns

FACTS = st.lists(
    st.tuples(
        st.sampled_from("abcd"), st.sampled_from("rst"), st.sampled_from("abcd"), st.sampled_from("xy")
    ),
    min_size=1,
    max_size=60,
)


def graph_of(rows, *more):
    columns = (list(column) for column in zip(*rows, strict=True))
    names = ("head", "relation", "tail", "source")
    return KnowledgeGraph.gather([Columns("triples", dict(zip(names, columns, strict=True))), *more])


def triples_of(graph, rows):
    return {(one.head, one.relation, one.tail) for one in (graph.triple(int(row)) for row in rows)}


@settings(max_examples=50, deadline=None)
@given(FACTS)
def test_each_fact_is_counted_once(rows):
    graph = graph_of(rows)
    assert first_statements(graph).sum() == len({row[:3] for row in rows})
    found = distinct_facts(graph).rows
    assert len(found) == len(triples_of(graph, found))
    assert triples_of(graph, found) == {row[:3] for row in rows if row[0] != row[2]}


@settings(max_examples=50, deadline=None)
@given(FACTS)
def test_likely_mirrors_are_those_of_a_plain_search(rows):
    graph = graph_of(rows)
    pairs = {id: {(h, t) for h, r, t, _ in rows if r == id and h != t} for id in graph.relation_ids}
    expected = {}
    for index, one in enumerate(graph.relation_ids):
        counts = {other: len(pairs[one] & {(t, h) for h, t in pairs[other]}) for other in graph.relation_ids}
        fitting = [
            (count, -graph.relation_ids.index(other))
            for other, count in counts.items()
            if count >= LEAST and count >= LIKE * max(len(pairs[one]), len(pairs[other]))
        ]
        if fitting:
            expected[index] = -max(fitting)[1]
    assert likely_mirrors(graph, distinct_facts(graph)) == expected


@settings(max_examples=50, deadline=None)
@given(FACTS)
def test_facts_without_a_mirror_are_those_of_a_plain_search(rows):
    declared = Columns("relations", {"id": ["r", "t"], "inverse": ["s", ""], "symmetric": [False, True]})
    graph = graph_of(rows, declared)
    mirrors = declared_mirrors(graph)
    name = {graph.relation_ids[one]: graph.relation_ids[other] for one, other in mirrors.items()}
    assert name == ({"r": "s", "s": "r", "t": "t"} if "s" in graph.relation_ids else {"t": "t"})
    facts = distinct_facts(graph)
    found = triples_of(graph, facts.rows[without_mirror(facts, mirrors, len(graph.relations))])
    stated = {row[:3] for row in rows}
    assert found == {
        (h, r, t) for h, r, t in stated if h != t and r in name and (t, name[r], h) not in stated
    }
