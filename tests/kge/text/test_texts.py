"""What is read of a graph."""

import numpy as np
import pytest

from loregraft.errors import BadInput
from loregraft.kge.questions import Questions, Triples
from loregraft.kge.text.texts import Texts, texts_of, words_of


@pytest.mark.parametrize(
    ("id", "words"),
    [
        ("has_phenotype", "has phenotype"),
        ("_member_of_domain_usage", "member of domain usage"),
        ("/people/person/place_of_birth", "people person place of birth"),
        ("isPartOf", "is part of"),
        ("P31", "p31"),
        ("属于", "属于"),
        ("--", "--"),
    ],
)
def test_words_of_ids(id, words):
    assert words_of(id) == words


def test_a_text_is_the_preferred_name_and_the_description(tiny_graph):
    texts = texts_of(tiny_graph)
    said = dict(zip(tiny_graph.ids, texts.entities, strict=True))
    assert said["P:2"] == "Cephalalgia: Pain felt in any part of the head."
    assert said["G:1"] == "IFNG"
    assert not texts.missing.any()


def test_where_no_entity_has_a_text_the_ids_can_be_read(ring_graph):
    with pytest.raises(BadInput, match="no entity has a name or a description") as error:
        texts_of(ring_graph)
    assert "ids_as_text=true" in error.value.fix
    assert texts_of(ring_graph, ids_as_text=True).entities[:2] == ["e 0", "e 1"]


def test_ids_stand_in_only_where_there_is_no_name(words):
    silent = words.ids.index("Z:silent")
    assert texts_of(words).missing.nonzero()[0].tolist() == [silent]
    read = texts_of(words, ids_as_text=True).entities
    assert read[silent] == "z silent" and read[words.ids.index("A:0")] == "fever"


def test_a_question_says_relation_side_and_entity():
    texts = Texts(["fever", "rash"], ["causes", "is a"])
    triples = Triples.of(np.array([0, 1]), np.array([0, 1]), np.array([1, 0]))
    keys = texts.key(Questions.of(triples, 2)).tolist()
    said = ["causes: fever", "is a: rash", "inverse causes: rash", "inverse is a: fever"]
    assert [texts.question(key) for key in keys] == said
