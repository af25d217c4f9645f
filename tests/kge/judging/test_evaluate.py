"""Metrics over ranks, worked by hand."""

import json

import numpy as np
import pytest
import torch

from loregraft.kge.judging.evaluate import Ranking, metrics, rank_part, summary, unseen_relations
from loregraft.kge.parts import Parts
from loregraft.kge.questions import Triples
from loregraft.kge.ranking import Ranks
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Tables


def of(*rows):
    return Triples.of(*np.array(rows, np.int64).reshape(-1, 3).T)


def flat(entities, relations):
    """Vectors of nothing: all entities score alike."""
    tables = Tables.start(entities, relations, KgeSettings(model="distmult", dim=4))
    tables.entities.values.zero_()
    return tables


@pytest.mark.parametrize(("rank", "amri"), [(1.0, 1), (6.0, 0), (11.0, -1)])
def test_the_adjusted_index_is_1_when_perfect_and_0_by_chance(rank, amri):
    assert metrics(np.full(3, rank), np.full(3, 11))["amri"] == pytest.approx(amri)


def test_the_adjusted_index_takes_each_question_s_own_number_of_candidates():
    # Chance has a mean rank of (3 + 6) / 2 = 4.5; these have 2.5.
    assert metrics(np.array([1.0, 4.0]), np.array([5, 11]))["amri"] == pytest.approx(1 - 1.5 / 3.5)
    assert metrics(np.ones(2), np.ones(2, np.int64))["amri"] == 1  # nothing else to rank


def test_a_summary_by_hand():
    train = of((0, 0, 1), (2, 0, 3), (0, 1, 1), (0, 1, 2), (0, 1, 3), (1, 2, 0), (2, 2, 0))
    ranking = Ranking(
        of((2, 0, 1), (0, 1, 4)),  # tails 1 and 4, heads 2 and 0
        3,
        Ranks(np.array([0, 3, 1, 0]), np.array([0, 2, 0, 1]), np.array([5, 4, 5, 5])),
        "realistic",
    )
    told = summary(ranking, train, ["is", "has", "in"])  # ranks 1, 5, 2, 1.5
    assert told["n"] == 4 and told["mr"] == pytest.approx(9.5 / 4)
    assert told["mrr"] == pytest.approx((1 + 1 / 5 + 1 / 2 + 1 / 1.5) / 4)
    assert (told["hits@1"], told["hits@3"], told["hits@10"]) == (0.25, 0.75, 1)
    assert told["sides"]["tail"]["mr"] == 3 and told["sides"]["head"]["mr"] == pytest.approx(1.75)
    assert {name: one["mr"] for name, one in told["relations"].items()} == {"is": 1.5, "has": 3.25}
    assert {name: one["n"] for name, one in told["categories"].items()} == {"1-1": 2, "1-N": 2}
    # In train 0 has six triples, 1 three, 2 three and 4 none.
    assert {name: one["n"] for name, one in told["degrees"].items()} == {"0": 1, "1 to 9": 3}
    assert told["degrees"]["0"]["mr"] == 5
    json.dumps(told, allow_nan=False)


def test_ties_are_named_and_the_mean_is_the_rule():
    parts = Parts(of((0, 0, 1), (2, 0, 3)), of(), of((0, 0, 3)), 4, 1)
    shown = {ties: rank_part(flat(4, 1), parts, "test", ties=ties).values.tolist() for ties in TIES}
    # Three entities compete for each question: 1 is a known tail of 0, and 2 a known head of 3.
    assert shown == {"realistic": [2, 2], "optimistic": [1, 1], "pessimistic": [3, 3]}
    assert rank_part(flat(4, 1), parts, "test").values.tolist() == [2, 2]
    assert rank_part(flat(4, 1), parts, "test", filtered=False).values.tolist() == [2.5, 2.5]


TIES = ("realistic", "optimistic", "pessimistic")


@pytest.mark.parametrize("ties", TIES)
def test_an_entity_that_train_does_not_know_is_last_however_it_scores(ties):
    parts = Parts(of((0, 0, 1), (1, 0, 2)), of(), of((0, 0, 3), (0, 0, 2)), 4, 1)
    tables = flat(4, 1)
    tables.relations.values.fill_(1.0)
    tables.entities.values[3] = 9.0  # untrained, it would be best
    tables.entities.values[0] = 1.0
    ranking = rank_part(tables, parts, "test", ties=ties)
    # (0, ?, 3): 1 and 2 are other right tails; 0 and 3 are left, so last is 2. Its head: four compete.
    assert ranking.ranks.candidates.tolist() == [2, 2, 4, 3]
    assert ranking.values[[0, 2]].tolist() == [2, 4]


def test_a_perfect_scorer_has_a_perfect_score():
    """Vectors of one place each; relation 0 turns the place of e into that of e + 1."""
    tables = Tables.start(4, 1, KgeSettings(model="transe_l1", dim=2, reciprocal=False))
    tables.entities.values[:] = torch.tensor([[0.0, 0], [1, 0], [2, 0], [3, 0]])
    tables.relations.values[:] = torch.tensor([[1.0, 0]])
    parts = Parts(of((0, 0, 1), (2, 0, 3)), of(), of((1, 0, 2)), 4, 1)
    told = summary(rank_part(tables, parts, "test"), parts.train, ["next"])
    assert (told["mrr"], told["mr"], told["hits@1"], told["amri"]) == (1, 1, 1, 1)


@pytest.mark.parametrize("ties", TIES)
def test_a_relation_that_train_does_not_know_ranks_its_answers_last(ties):
    parts = Parts(of((0, 0, 1), (1, 0, 2)), of(), of((0, 1, 2), (0, 0, 2)), 3, 2)
    tables = flat(3, 2)
    tables.relations.values.fill_(1.0)
    tables.entities.values[0] = tables.entities.values[2] = 1.0  # 0 and 2 would be first
    ranking = rank_part(tables, parts, "test", ties=ties)
    assert ranking.values[[0, 2]].tolist() == [3, 3]
    assert unseen_relations(parts, parts.test).tolist() == [1]
    assert not len(unseen_relations(parts, parts.train))
    told = summary(ranking, parts.train, ["is", "has"])
    assert told["relations"]["has"]["mr"] == 3 > told["relations"]["is"]["mr"]
