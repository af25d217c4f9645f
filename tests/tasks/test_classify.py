"""Classifying texts: by what is written, and by what is known."""

import pytest
import torch

from loregraft.errors import BadInput
from loregraft.fusion.facts_text import FactsTextSettings
from loregraft.fusion.knowledge import Knowledge
from loregraft.fusion.wrap import wrap
from loregraft.records import Link, Mention
from loregraft.tasks.classify import Classifier
from loregraft.tasks.examples import Example
from loregraft.tasks.settings import TaskSettings
from loregraft.training.settings import LoopSettings

MANY = TaskSettings(
    steps=40, batch=4, loop=LoopSettings(learning_rate=1e-3, new_learning_rate=1e-2, bf16=False)
)
HA = [Example("HA today", "finding"), Example("HA today", "disease")]
MEANT = [[Link(Mention(0, 2, "HA"), entity, 1.0)] for entity in ("P:2", "D:3")]
"""One text, two meanings: what is written does not tell them apart."""


@pytest.fixture
def host(tiny_encoder, tiny_graph):
    torch.manual_seed(0)
    return tiny_encoder.model, tiny_encoder.tokenizer, Knowledge(tiny_graph)


def test_what_only_knowledge_tells_is_learnt_with_it_alone(host):
    settings = FactsTextSettings(knowledge_dropout=0)
    reads = Classifier.learn(wrap(*host, settings=settings), HA, MANY, links=MEANT)
    assert reads.score(HA, links=MEANT).accuracy == 1.0
    with reads.fused.off():
        assert reads.score(HA, links=MEANT).accuracy == 0.5
    plain = Classifier.learn(wrap(*host, method="plain"), HA, MANY, links=MEANT)
    assert plain.score(HA, links=MEANT).accuracy == 0.5


def test_the_triples_that_went_in_are_told(host, linked_texts, tiny_graph):
    texts, links = linked_texts
    fused = wrap(*host)
    few = MANY.model_copy(update={"steps": 2})
    learnt = Classifier.learn(fused, [*map(Example, texts, "aba")], few, links=links)
    expected = fused.prepare(texts, links)
    said = learnt.predict(texts, links=links)
    assert [one.triples for one in said] == list(expected.triples)
    assert [one.entities for one in said] == list(expected.entities)
    assert said[1].triples == () and said[2].triples
    ends = {tiny_graph.triple(row).head for row in said[2].triples}
    assert "D:2" in ends


def test_texts_and_examples_are_read_alike(host):
    learnt = Classifier.learn(wrap(*host, method="plain"), HA, MANY.model_copy(update={"steps": 2}))
    assert learnt.predict(["HA today"]) == learnt.predict(HA[:1])
    assert learnt.labels == ("disease", "finding")


def test_what_is_wrong_is_said(host):
    learnt = Classifier.learn(wrap(*host, method="plain"), HA, MANY.model_copy(update={"steps": 2}))
    with pytest.raises(ValueError, match="'HA today' is one text: give"):
        learnt.predict("HA today")
    with pytest.raises(BadInput, match="text 2 of 2 is empty"):
        learnt.predict(["HA today", ""])
