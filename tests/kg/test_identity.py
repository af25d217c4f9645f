"""Triple ids: the same fact has the same one everywhere, another fact another one."""

from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.identity import hash_ids, hash_triples, triple_id
from loregraft.kg.tables.columns import Columns

FACT = st.tuples(st.text(max_size=4), st.text(max_size=4), st.text(max_size=4), st.booleans())


def test_worked_example_that_no_later_version_may_change():
    assert triple_id("D:1", "has_phenotype", "P:1") == format(
        int(hash_triples(*(hash_ids([text]) for text in ("D:1", "has_phenotype", "P:1")))[0]), "016x"
    )
    assert triple_id("a", "b", "c") == "98c6681305d3e76c"
    assert triple_id("a", "b", "c", negated=True) == "3f42c525c7fcb61c"


@settings(max_examples=50, deadline=None)
@given(facts=st.lists(FACT, min_size=2, max_size=20, unique=True))
def test_different_facts_have_different_ids(facts):
    assert len({triple_id(*fact) for fact in facts}) == len(facts)


def test_order_and_company_do_not_change_an_id(tiny_graph):
    rows = tiny_graph.triples.to_pylist()
    facts = [tiny_graph.triple(row) for row in range(len(rows))]
    columns = {
        "head": [fact.head for fact in reversed(facts)],
        "relation": [fact.relation for fact in reversed(facts)],
        "tail": [fact.tail for fact in reversed(facts)],
    }
    other = KnowledgeGraph.gather([Columns("triples", columns)])
    assert sorted(other.triple_hashes.tolist()) == sorted(tiny_graph.triple_hashes.tolist())
    for fact, number in zip(facts, tiny_graph.triple_hashes.tolist(), strict=True):
        assert triple_id(fact.head, fact.relation, fact.tail) == format(number, "016x")
    (false,) = tiny_graph.statements([0], negated=True)
    assert triple_id(false.head, false.relation, false.tail, True) == format(
        int(tiny_graph.negated_hashes[0]), "016x"
    )
