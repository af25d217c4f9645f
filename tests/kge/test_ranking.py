"""Ranks are those of a plain loop over all entities, filtered, with ties, whatever the tile."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.kge import kernels, ranking
from loregraft.kge.questions import Answers, Questions, Triples
from loregraft.kge.ranking import rank
from loregraft.kge.scorers import SCORERS
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Tables

ENTITIES, RELATIONS = 23, 3


def graph(seed, triples=40):
    generator = np.random.default_rng(seed)
    columns = (generator.integers(0, size, triples) for size in (ENTITIES, RELATIONS, ENTITIES))
    return Triples.of(*columns)


def tables_of(name, seed, reciprocal=False):
    tables = Tables.start(
        ENTITIES, RELATIONS, KgeSettings(model=name, dim=8, seed=seed, reciprocal=reciprocal)
    )
    tables.entities.values[7] = tables.entities.values[3]  # twins are ties
    tables.entities.values[9] = tables.entities.values[3]
    return tables


def brute(tables, triples, known):
    """Above, alike and candidates for each question, entity by entity."""
    rows = list(zip(triples.heads.tolist(), triples.relations.tolist(), triples.tails.tolist(), strict=True))
    found = []
    for place, side in ((2, "tail"), (0, "head")):
        for row in rows:
            answer = row[place]
            others = [(e, (*row[:place], e, *row[place + 1 :])) for e in range(ENTITIES) if e != answer]
            others = [(e, other) for e, other in others if not known or other not in rows]
            twins = [e for e, _ in others if e in (3, 7, 9) and answer in (3, 7, 9)]
            true = score(tables, *row, side)
            above = sum(score(tables, *other, side) > true for e, other in others if e not in twins)
            found.append((above, len(twins), len(others) + 1))
    return np.array(found).T


def score(tables, h, r, t, side):
    """In double precision, by the formula."""
    scorer, values = tables.scorer, tables.entities.values.double()
    if tables.reciprocal and side == "head":
        h, r, t = t, r + RELATIONS, h
    relation = tables.relations.values[[r]].double()
    if tables.core is not None:
        relation = scorer.compose(relation, tables.core.values.double())
    return float(scorer.score(values[[h]], relation, values[[t]]))


@pytest.mark.parametrize("fast", [True, False], ids=["numba", "torch"])
@pytest.mark.parametrize("reciprocal", [False, True])
@pytest.mark.parametrize("name", sorted(SCORERS))
def test_ranks_are_those_of_a_loop(name, reciprocal, fast, monkeypatch):
    if not fast:
        monkeypatch.setattr(kernels, "loops", None)
    elif kernels.loops is None:
        pytest.skip("numba is not installed")
    monkeypatch.setattr(ranking, "TILE_ENTITIES", 10)
    monkeypatch.setattr(ranking, "QUESTIONS_AT_ONCE", 32)
    tables, triples = tables_of(name, 0, reciprocal), graph(0)
    questions = Questions.of(triples, RELATIONS)
    for known in (None, Answers.of(questions, RELATIONS)):
        found = rank(tables, questions, known)
        above, alike, candidates = brute(tables, triples, known is not None)
        assert found.above.tolist() == above.tolist()
        assert found.alike.tolist() == alike.tolist()
        assert found.candidates.tolist() == candidates.tolist()


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    triples=st.integers(0, 60),
    name=st.sampled_from(["complex", "transe", "rotate"]),
)
def test_any_graph(seed, triples, name):
    tables, facts = tables_of(name, seed), graph(seed, triples)
    questions = Questions.of(facts, RELATIONS)
    found = rank(tables, questions, Answers.of(questions, RELATIONS))
    if triples:
        above, alike, _ = brute(tables, facts, known=True)
        assert found.above.tolist() == above.tolist() and found.alike.tolist() == alike.tolist()
    assert len(found.realistic) == 2 * triples


def test_where_all_score_alike_the_rank_is_in_the_middle():
    tables = Tables.start(ENTITIES, RELATIONS, KgeSettings(model="distmult", dim=8))
    tables.entities.values.zero_()
    questions = Questions.of(Triples.of(np.array([1]), np.array([0]), np.array([2])), RELATIONS)
    ranks = rank(tables, questions, None)
    assert ranks.realistic.tolist() == [12, 12]
    assert ranks.optimistic.tolist() == [1, 1] and ranks.pessimistic.tolist() == [23, 23]


def test_random_vectors_rank_in_the_middle_on_average():
    tables, triples = tables_of("transe", 5), graph(5, 400)
    questions = Questions.of(triples, RELATIONS)
    assert 10 < rank(tables, questions, None).realistic.mean() < 14
