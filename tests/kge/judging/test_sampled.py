"""Ranks against drawn wrong answers: those drawn, by a loop; all of them, by the full ranking."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.kge.judging import sampled
from loregraft.kge.judging.evaluate import rank_part, summary
from loregraft.kge.judging.sampled import named, rank_sampled, sample_part, wrong_answers
from loregraft.kge.parts import Parts
from loregraft.kge.questions import Answers, Questions, Triples
from loregraft.kge.ranking import rank
from loregraft.kge.scorers import SCORERS
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Tables

ENTITIES, RELATIONS = 17, 3


def graph(seed, triples=30):
    generator = np.random.default_rng(seed)
    columns = (generator.integers(0, size, triples) for size in (ENTITIES, RELATIONS, ENTITIES))
    return Triples.of(*columns)


def tables_of(name, seed, reciprocal=False):
    options = KgeSettings(model=name, dim=8, seed=seed, reciprocal=reciprocal)
    tables = Tables.start(ENTITIES, RELATIONS, options)
    tables.entities.values[7] = tables.entities.values[3]  # twins are ties
    return tables


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 20), filtered=st.booleans(), n=st.integers(1, 60))
def test_wrong_answers_are_different_wrong_and_as_many_as_there_are(seed, count, filtered, n):
    facts = graph(seed, n)
    questions = Questions.of(facts, RELATIONS)
    known = Answers.of(questions, RELATIONS) if filtered else None
    drawn, asked = wrong_answers(questions, known, ENTITIES, count, np.random.default_rng(seed))
    rows = set(
        zip(questions.given.tolist(), questions.sides.tolist(), questions.answers.tolist(), strict=True)
    )
    assert (np.diff(asked) >= 0).all()
    for row in range(len(questions)):
        own = drawn[asked == row].tolist()
        given, side, answer = (int(c[row]) for c in (questions.given, questions.sides, questions.answers))
        wrong = {e for e in range(ENTITIES) if e != answer and not (filtered and (given, side, e) in rows)}
        assert len(own) == len(set(own)) == min(count, len(wrong)) and set(own) <= wrong


def test_all_wrong_answers_are_alike_likely():
    questions = Questions.of(Triples.of(*np.tile([[1], [0], [2]], 3000)), 1)
    known = Answers.of(Questions.of(Triples.of(*np.array([[1, 1, 1], [0, 0, 0], [0, 2, 5]])), 1), 1)
    tails = questions.take(np.arange(3000))
    drawn, _ = wrong_answers(tails, known, 8, 2, np.random.default_rng(0))
    counts = np.bincount(drawn, minlength=8)
    assert counts[[0, 2, 5]].tolist() == [0, 0, 0]
    assert (np.abs(counts[[1, 3, 4, 6, 7]] - 1200) < 150).all()


def score(tables, h, r, t, side):
    """In double precision, by the formula."""
    scorer, values = tables.scorer, tables.entities.values.double()
    if tables.reciprocal and side >= RELATIONS:
        h, r, t = t, r + RELATIONS, h
    relation = tables.relations.values[[r]].double()
    if tables.core is not None:
        relation = scorer.compose(relation, tables.core.values.double())
    return float(scorer.score(values[[h]], relation, values[[t]]))


@pytest.mark.parametrize("reciprocal", [False, True])
@pytest.mark.parametrize("name", sorted(SCORERS))
def test_ranks_are_those_of_a_loop_over_what_was_drawn(name, reciprocal, monkeypatch):
    monkeypatch.setattr(sampled, "QUESTIONS_AT_ONCE", 13)
    monkeypatch.setattr(sampled, "PAIRS_AT_ONCE", 11)
    tables, facts, seen = tables_of(name, 0, reciprocal), graph(0), {}

    def recorded(questions, *more):
        drawn, asked = wrong_answers(questions, *more)
        for row in range(len(questions)):
            key = int(questions.given[row]), int(questions.sides[row]), int(questions.answers[row])
            seen.setdefault(key, []).append(drawn[asked == row].tolist())
        return drawn, asked

    monkeypatch.setattr(sampled, "wrong_answers", recorded)
    questions = Questions.of(facts, RELATIONS)
    found = rank_sampled(tables, questions, Answers.of(questions, RELATIONS), 6, seed=4)
    for row in range(len(questions)):
        given, side, answer = (int(c[row]) for c in (questions.given, questions.sides, questions.answers))
        drawn = seen[given, side, answer].pop(0)

        def of(entity, given=given, side=side):
            h, t = (given, entity) if side < RELATIONS else (entity, given)
            return score(tables, h, side % RELATIONS, t, side)

        twins = [e for e in drawn if {e, answer} == {3, 7}]
        assert found.above[row] == sum(of(e) > of(answer) for e in drawn if e not in twins)
        assert (found.alike[row], found.candidates[row]) == (len(twins), 7)
    assert found.alike.sum() > 0


@pytest.mark.parametrize("reciprocal", [False, True])
@pytest.mark.parametrize("filtered", [False, True])
@pytest.mark.parametrize("name", sorted(SCORERS))
def test_against_all_wrong_answers_the_ranks_are_those_of_the_full_ranking(name, filtered, reciprocal):
    tables, questions = tables_of(name, 1, reciprocal), Questions.of(graph(1), RELATIONS)
    known = Answers.of(questions, RELATIONS) if filtered else None
    full, found = rank(tables, questions, known), rank_sampled(tables, questions, known, ENTITIES)
    for column in ("above", "alike", "candidates"):
        assert getattr(found, column).tolist() == getattr(full, column).tolist()


def test_on_average_a_share_of_those_above_is_drawn():
    tables, questions = tables_of("complex", 2), Questions.of(graph(2, 60), RELATIONS)
    known = Answers.of(questions, RELATIONS)
    full = rank(tables, questions, known)
    above = np.mean([rank_sampled(tables, questions, known, 4, seed).above for seed in range(30)])
    assert above == pytest.approx((full.above * 4 / (full.candidates - 1)).mean(), rel=0.05)


def test_the_seed_says_it_all():
    tables, questions = tables_of("complex", 3), Questions.of(graph(3), RELATIONS)
    one, again, other = (rank_sampled(tables, questions, None, 4, seed).above.tolist() for seed in (0, 0, 1))
    assert one == again != other


def test_what_was_not_learnt_is_last_among_what_was_drawn():
    train = Triples.of(*np.array([(0, 0, 1), (1, 0, 2)]).T)
    test = Triples.of(*np.array([(0, 0, 2), (0, 0, 5), (0, 1, 1)]).T)
    tables = tables_of("distmult", 0)
    parts = Parts(train, test.take(np.zeros(0, np.int64)), test, ENTITIES, RELATIONS)
    ranking = sample_part(tables, parts, "test", 3, ties="optimistic")
    assert ranking.values[[1, 2, 4, 5]].tolist() == [4, 4, 4, 4] == ranking.ranks.candidates[:4].tolist()
    every = sample_part(tables, parts, "test", 99, filtered=False, ties="pessimistic")
    full = rank_part(tables, parts, "test", filtered=False, ties="pessimistic")
    assert every.values.tolist() == full.values.tolist()


def test_no_metric_has_the_name_of_one_of_the_full_ranking(ring_parts):
    tables = Tables.start(40, 4, KgeSettings(model="distmult", dim=4))
    ids = ["mrr", "n", "hits@1", "amri"]  # relations may be called anything
    plain = summary(sample_part(tables, ring_parts, "test", 5), ring_parts.train, ids)
    told = named(plain, 5)
    assert told["sampled_mrr@5"] == plain["mrr"] and told["sampled_hits@10@5"] == plain["hits@10"] == 1
    assert not {"mrr", "mr", "hits@1", "hits@3", "hits@10", "amri"} & set(told)
    assert set(told["relations"]) == set(ids) and "sampled_mrr@5" in told["relations"]["mrr"]
    assert told["sides"]["tail"]["sampled_mr@5"] == plain["sides"]["tail"]["mr"]
    assert len(told) == len(plain) and told["n"] == plain["n"]
