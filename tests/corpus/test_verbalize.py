"""Triples in words."""

import pytest

from loregraft.corpus.verbalize import HELD_OUT, templates_of, verbalize


@pytest.mark.parametrize("relation", ["has phenotype", "is a", "part of", "capital", "治疗"])
def test_there_are_several_wordings_and_each_part_is_found(relation):
    wordings = templates_of(relation)
    assert len(set(wordings)) >= 4 and not set(wordings) & set(HELD_OUT)
    for template in (*wordings, *templates_of(relation, held_out=True)):
        sentence = verbalize("measles", relation, "fever {x}", template)
        parts = [sentence.text[a:b] for a, b in (sentence.head, sentence.relation, sentence.tail)]
        assert parts == ["measles", relation, "fever {x}"]


def test_a_relation_that_reads_as_a_verb_makes_a_sentence():
    assert verbalize("measles", "has phenotype", "fever", templates_of("has phenotype")[0]).text == (
        "measles has phenotype fever."
    )
    assert verbalize("France", "capital", "Paris", templates_of("capital")[0]).text == (
        "the capital of France is Paris."
    )
