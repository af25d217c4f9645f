"""Relations of pairs: mentions, entities of their own, and the window."""

import pytest
import torch

from loregraft.fusion.facts_text import FactsTextSettings
from loregraft.fusion.knowledge import Knowledge
from loregraft.fusion.wrap import wrap
from loregraft.linking.linker import Linker
from loregraft.records import Link, Mention
from loregraft.tasks.pairs import Pair
from loregraft.tasks.relation import RelationClassifier
from loregraft.tasks.settings import TaskSettings
from loregraft.training.settings import LoopSettings

LOOP = LoopSettings(learning_rate=1e-3, new_learning_rate=1e-2, bf16=False)
MANY = TaskSettings(steps=40, batch=4, loop=LOOP)
FEW = MANY.model_copy(update={"steps": 2})
TEXT = "Measles and rash and flu"
MEASLES, RASH, FLU = (0, 7), (12, 16), (21, 24)
PAIRS = [
    Pair(TEXT, MEASLES, RASH, "has", ("D:1", "P:5")),
    Pair(TEXT, RASH, MEASLES, "of", ("P:5", "D:1")),
    Pair(TEXT, MEASLES, FLU, "no_relation", ("D:1", "D:2")),
]
"""One text, three pairs: only the places of the mentions tell them apart."""


@pytest.fixture
def host(tiny_encoder, tiny_graph):
    torch.manual_seed(0)
    return tiny_encoder.model, tiny_encoder.tokenizer, Knowledge(tiny_graph)


def test_a_pair_is_where_its_mentions_are(tiny_encoder):
    learnt = RelationClassifier.learn(tiny_encoder, PAIRS, MANY)
    found = learnt.score(PAIRS, without=["no_relation"])
    assert found.accuracy == found.micro_f1 == 1.0 and found.f1.keys() == {"has", "of"}


def test_links_are_the_pairs_own(host, tiny_graph):
    """None is a mention that the graph does not have."""
    learnt = RelationClassifier.learn(wrap(*host), PAIRS, FEW)
    pair = Pair(TEXT, MEASLES, FLU, entities=("D:1", None))
    assert learnt.predict([pair])[0].entities == (tiny_graph.index("D:1"),)
    assert RelationClassifier.item(pair).links == (Link(Mention(0, 7, "Measles"), "D:1", 1.0),)
    with pytest.raises(ValueError, match="links are needed"):
        learnt.predict([Pair(TEXT, MEASLES, FLU)])


def test_else_they_are_the_linkers(host, tiny_graph):
    learnt = RelationClassifier.learn(wrap(*host, linker=Linker.build(tiny_graph)), PAIRS, FEW)
    known, found = learnt.predict([PAIRS[2], Pair(TEXT, MEASLES, FLU)])
    assert known.entities == (tiny_graph.index("D:1"), tiny_graph.index("D:2"))
    assert found.entities == tuple(map(tiny_graph.index, ("D:1", "P:5", "D:2")))


def test_what_the_entities_are_counts(host):
    """Equal texts and places, and other entities."""
    pairs = [Pair("HA and HA", (0, 2), (7, 9), ids[0], ids) for ids in (("P:2", "P:1"), ("D:3", "P:1"))]
    settings = FactsTextSettings(knowledge_dropout=0)
    more = MANY.model_copy(update={"steps": 120})
    learnt = RelationClassifier.learn(wrap(*host, settings=settings), pairs, more)
    assert learnt.score(pairs).accuracy == 1.0


def test_a_mention_beyond_what_is_read_is_counted(tiny_encoder):
    learnt = RelationClassifier.learn(tiny_encoder, PAIRS, FEW.model_copy(update={"max_tokens": 8}))
    long = "rash " * 20
    whole, partly, beyond = learnt.predict(
        [
            Pair("rash and rash", (0, 4), (9, 13)),
            Pair(long, (0, 4), (15, 95)),
            Pair(long, (0, 4), (90, 94)),
        ]
    )
    assert (whole.cut, whole.unseen) == (False, 0)
    assert (partly.cut, partly.unseen) == (True, 0)
    assert (beyond.cut, beyond.unseen) == (True, 1)
    assert sum(beyond.probabilities.values()) == pytest.approx(1)
    assert partly.probabilities != beyond.probabilities


def test_what_is_no_mention_is_refused():
    with pytest.raises(ValueError, match="the tail is at 20 to 30, and the text has the characters 0 to 24"):
        Pair(TEXT, MEASLES, (20, 30))
    with pytest.raises(ValueError, match="the head at 7 to 8 holds only spaces"):
        Pair(TEXT, (7, 8), RASH)
