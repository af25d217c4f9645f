"""Relations are ranked as a loop over all of them ranks, filtered and raw, with ties."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.kge.judging import relation_ranking
from loregraft.kge.judging.relation_ranking import known_relations, rank_relations, relation_summary
from loregraft.kge.parts import Parts
from loregraft.kge.questions import Triples
from loregraft.kge.scorers import SCORERS
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Tables

ENTITIES, RELATIONS = 4, 6


def parts_of(seed, counts=(20, 5, 15)):
    """Few entities and more relations, so that most pairs have several."""
    generator = np.random.default_rng(seed)
    every = np.array([(h, r, t) for h in range(ENTITIES) for r in range(RELATIONS) for t in range(ENTITIES)])
    facts = generator.permutation(every)[: sum(counts)]
    cuts = np.split(facts, np.cumsum(counts)[:-1])
    return Parts(*(Triples.of(*rows.T) for rows in cuts), ENTITIES, RELATIONS)


def tables_of(name, seed, reciprocal):
    options = KgeSettings(model=name, dim=8, seed=seed, reciprocal=reciprocal)
    tables = Tables.start(ENTITIES, RELATIONS, options)
    values = tables.relations.values
    values[4::RELATIONS] = values[2::RELATIONS]  # twins are ties, both ways
    return tables


def rows_of(triples):
    return list(zip(triples.heads.tolist(), triples.relations.tolist(), triples.tails.tolist(), strict=True))


def score(tables, h, r, t):
    """In double precision, by the formula; the mean of both sides."""
    scorer, values = tables.scorer, tables.entities.values.double()

    def of(h, r, t):
        relation = tables.relations.values[[r]].double()
        if tables.core is not None:
            relation = scorer.compose(relation, tables.core.values.double())
        return float(scorer.score(values[[h]], relation, values[[t]]))

    return (of(h, r, t) + of(t, r + RELATIONS, h)) / 2 if tables.reciprocal else of(h, r, t)


def brute(tables, parts, filtered):
    facts = {row for part in (parts.train, parts.valid, parts.test) for row in rows_of(part)}
    found = []
    for h, r, t in rows_of(parts.test):
        others = [o for o in range(RELATIONS) if o != r and not (filtered and (h, o, t) in facts)]
        twins = [o for o in others if {o, r} == {2, 4}]
        true = score(tables, h, r, t)
        above = sum(score(tables, h, o, t) > true for o in others if o not in twins)
        found.append((above, len(twins), len(others) + 1))
    return [list(column) for column in zip(*found, strict=True)]


@pytest.mark.parametrize("reciprocal", [False, True])
@pytest.mark.parametrize("name", sorted(SCORERS))
def test_ranks_are_those_of_a_loop(name, reciprocal, monkeypatch):
    monkeypatch.setattr(relation_ranking, "SCORES_AT_ONCE", 20)
    tables, parts = tables_of(name, 0, reciprocal), parts_of(0)
    for filtered in (False, True):
        found = rank_relations(tables, parts.test, known_relations(parts) if filtered else None)
        shown = [column.tolist() for column in (found.above, found.alike, found.candidates)]
        assert shown == brute(tables, parts, filtered)
    assert found.alike.sum() > 0 and (found.candidates < RELATIONS).any()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), filtered=st.booleans(), reciprocal=st.booleans())
def test_any_graph(seed, filtered, reciprocal):
    tables, parts = tables_of("complex", seed, reciprocal), parts_of(seed)
    found = rank_relations(tables, parts.test, known_relations(parts) if filtered else None)
    shown = [column.tolist() for column in (found.above, found.alike, found.candidates)]
    assert shown == brute(tables, parts, filtered)


def line():
    """Entities on a line; relation 0 is one step up, 1 one step down, 2 two steps up."""
    tables = Tables.start(5, 3, KgeSettings(model="transe_l1", dim=1, reciprocal=False))
    tables.entities.values[:] = torch.arange(5.0)[:, None]
    tables.relations.values[:] = torch.tensor([[1.0], [-1.0], [2.0]])
    return tables


def of(*rows):
    return Triples.of(*np.array(rows, np.int64).reshape(-1, 3).T)


def test_metrics_by_hand():
    # (0, ?, 2) is two steps: 0 scores -1, 1 -3 and 2 0. That it is 1 has rank 3, filtered by 2 rank 2.
    train = of((0, 0, 1), (1, 1, 0), (0, 2, 2))
    parts = Parts(train, of(), of((1, 0, 2), (0, 1, 2)), 5, 3)
    raw = relation_summary(line(), parts, "test", filtered=False)
    assert raw["relation_mrr"] == pytest.approx((1 + 1 / 3) / 2) and raw["relation_mr"] == 2
    told = relation_summary(line(), parts, "test")
    assert told["relation_mrr"] == pytest.approx((1 + 1 / 2) / 2)
    assert (told["relation_hits@1"], told["relation_hits@3"], told["n"]) == (0.5, 1, 2)
    assert not {"mrr", "hits@1"} & set(told)


@pytest.mark.parametrize("test", [(0, 0, 4), (3, 0, 4), (1, 1, 0)], ids=["tail", "both", "relation"])
def test_what_train_does_not_know_is_last(test):
    parts = Parts(of((0, 0, 1), (1, 0, 2)), of(), of(test), 5, 3)
    assert relation_summary(line(), parts, "test", ties="optimistic")["relation_mr"] == 3


def test_ties_take_the_mean_unless_told_otherwise():
    tables, parts = line(), Parts(of((0, 0, 1), (1, 0, 2)), of(), of((0, 0, 2)), 5, 3)
    tables.relations.values.fill_(1.0)
    shown = {ties: relation_summary(tables, parts, "test", ties=ties)["relation_mr"] for ties in TIES}
    assert shown == {"realistic": 2, "optimistic": 1, "pessimistic": 3}


TIES = ("realistic", "optimistic", "pessimistic")
