"""Answers of questions are those of a dict."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.kge.questions import Answers, Questions, Triples

ENTITIES, RELATIONS = 9, 3

facts = st.lists(
    st.tuples(st.integers(0, ENTITIES - 1), st.integers(0, RELATIONS - 1), st.integers(0, ENTITIES - 1)),
    max_size=40,
)


def triples_of(rows):
    return Triples.of(*np.array(rows, np.int64).reshape(-1, 3).T)


def test_a_triple_is_asked_for_from_both_sides():
    questions = Questions.of(Triples.of(*np.array([[1, 0, 2], [3, 2, 4]]).T, np.array([0.5, 1.0])), RELATIONS)
    assert questions.given.tolist() == [1, 3, 2, 4]
    assert questions.sides.tolist() == [0, 2, 3, 5]  # asked backwards, relation 0 is 0 + 3
    assert questions.answers.tolist() == [2, 4, 1, 3]
    assert questions.weights.tolist() == [0.5, 1, 0.5, 1]


def test_without_weights_each_triple_counts_one_and_columns_of_any_integers_are_taken():
    triples = Triples.of(*(np.array([1, 2], kind) for kind in (np.int32, np.uint8, np.int64)))
    assert triples.weights.tolist() == [1, 1] and triples.heads.dtype == triples.relations.dtype == np.int64
    assert triples.take(np.array([1])).tails.tolist() == [2] and len(triples) == 2


@settings(max_examples=50, deadline=None)
@given(known=facts, asked=facts)
def test_answers_are_those_of_a_dict(known, asked):
    expected: dict[tuple[int, int], set[int]] = {}
    for head, relation, tail in known:
        expected.setdefault((head, relation), set()).add(tail)
        expected.setdefault((tail, relation + RELATIONS), set()).add(head)
    answers = Answers.of(Questions.of(triples_of(known), RELATIONS), RELATIONS)
    assert len(answers.keys) == len(expected) and answers.starts[-1] == len(answers.entities)
    questions = Questions.of(triples_of(asked), RELATIONS)
    rows = answers.rows(questions)
    entities, of = answers.lists(questions)
    for place, pair in enumerate(zip(questions.given.tolist(), questions.sides.tolist(), strict=True)):
        assert entities[of == place].tolist() == sorted(expected.get(pair, ()))
        assert (rows[place] >= 0) == (pair in expected)
    assert (np.diff(of) >= 0).all()  # one question after another
