"""What the graph says of two entities of a text, where it says several things."""

import pytest

from loregraft.corpus.corpus import read_corpus
from loregraft.fusion.knowledge import Knowledge
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.tables.columns import Columns
from loregraft.pretrain.objectives.contrast import RelationContrast, RelationContrastSettings
from loregraft.pretrain.objectives.mentions import Joined, Statement
from loregraft.pretrain.trunk import Trunk
from loregraft.records import Link, Mention

TEXTS = ["fever rash", "fever rash", "rash flu", "rash flu"]


@pytest.fixture
def graph():
    """Fever has two relations to rash, rash one of them to flu; the first is stated by two sources."""
    head, relation, tail = ["fever", "fever", "fever", "rash"], ["r", "r", "s", "s"], ["rash"] * 3 + ["flu"]
    source = ["one", "other", "one", "one"]
    columns = {"head": head, "relation": relation, "tail": tail, "source": source}
    return KnowledgeGraph.gather([Columns("triples", columns)])


def test_relations_of_two_entities(graph):
    joined = Joined(graph)
    fever, rash, flu = (graph.index(id) for id in ("fever", "rash", "flu"))
    assert joined.relations(fever, rash) == [0, 1] and joined.relations(rash, flu) == [1]
    assert joined.relations(rash, fever) == [] and joined.either(rash, fever)
    assert not joined.either(fever, flu)


def test_a_pair_of_several_relations_is_wrong_for_none_of_them(graph, tiny_encoder):
    links = [
        [Link(Mention(text.index(w), text.index(w) + len(w), w), w, 1.0) for w in text.split()]
        for text in TEXTS
    ]
    corpus = read_corpus(TEXTS, links, tiny_encoder.tokenizer, graph.find)
    trunk, settings = Trunk(tiny_encoder), RelationContrastSettings()
    objective = RelationContrast(trunk, corpus, Knowledge(graph), settings)
    fever, rash, flu = (graph.index(id) for id in ("fever", "rash", "flu"))
    first, both = Statement(0, fever, 0, rash), Statement(1, fever, 1, rash)
    one = Statement(2, rash, 1, flu)
    assert objective.wrong([first, one], [first, both, one]).tolist() == [[False, False, True], [False] * 3]
