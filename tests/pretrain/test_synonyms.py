"""Synonyms: multi-similarity, its miner and the triples against plain loops; zero; what is drawn."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.corpus.corpus import read_corpus
from loregraft.errors import BadInput
from loregraft.fusion.knowledge import Knowledge
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.tables.columns import Columns
from loregraft.pretrain.make import make_objective
from loregraft.pretrain.objectives.alignment import alignment
from loregraft.pretrain.objectives.sentences import pooled
from loregraft.pretrain.objectives.synonyms import (
    Synonyms,
    SynonymSettings,
    draw_other,
    margin_loss,
    mined,
    multi_similarity,
    taught,
)
from loregraft.pretrain.views import collect_views


def made(trunk, knowledge, **chosen):
    torch.manual_seed(0)
    corpus = read_corpus(["fever"], [[]], trunk.encoder.tokenizer, knowledge.index)
    return make_objective("synonyms", trunk, corpus, knowledge, SynonymSettings(**chosen))


def problem(seed, concepts):
    """Vectors of two texts each, which are right for which, and which wrong (some left out)."""
    generator = torch.Generator().manual_seed(seed)
    count = 2 * concepts
    vectors = F.normalize(torch.randn(count, 3, generator=generator, dtype=torch.float64), dim=-1)
    near = torch.eye(count, dtype=torch.bool).roll(concepts, 0)
    left_out = torch.rand(count, count, generator=generator) < 0.2
    far = ~(near | torch.eye(count, dtype=torch.bool) | left_out | left_out.T)
    return vectors, (near, far)


PROBLEM = (st.integers(0, 10**6), st.integers(1, 5))


@settings(max_examples=30, deadline=None)
@given(*PROBLEM, st.floats(0, 0.5))
def test_the_miner_keeps_what_is_in_a_hard_triplet(seed, concepts, margin):
    """Triplets (a, p, n) with d(a, n) < d(a, p) + margin, one by one."""
    vectors, (near, far) = problem(seed, concepts)
    kept = torch.zeros_like(near), torch.zeros_like(far)
    points = vectors.float()
    distance = [[math.sqrt(max(0.0, float(2 - 2 * a @ b))) for b in points] for a in points]
    for a in range(len(vectors)):
        for p in torch.nonzero(near[a]).flatten().tolist():
            for n in torch.nonzero(far[a]).flatten().tolist():
                if distance[a][n] < distance[a][p] + margin:
                    kept[0][a, p] = kept[1][a, n] = True
    found = mined(vectors, (near, far), margin)
    assert torch.equal(found[0], kept[0]) and torch.equal(found[1], kept[1])


@settings(max_examples=30, deadline=None)
@given(*PROBLEM, st.floats(0.5, 4), st.floats(1, 60))
def test_multi_similarity_is_the_loop_of_the_paper(seed, concepts, alpha, beta):
    vectors, (near, far) = problem(seed, concepts)
    for i, cost in enumerate(multi_similarity(vectors, (near, far), alpha, beta, 0.5).tolist()):
        pull = push = 0.0
        for j in range(len(vectors)):
            cosine = float(vectors[i] @ vectors[j])
            pull += math.exp(-alpha * (cosine - 0.5)) if near[i, j] else 0
            push += math.exp(beta * (cosine - 0.5)) if far[i, j] else 0
        expected = math.log(1 + pull) / alpha + math.log(1 + push) / beta
        assert cost == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_names_that_are_apart_cost_nothing():
    """Partners at one place and others opposite: no triplet is hard, so nothing is left to learn."""
    vectors = torch.tensor([[1.0, 0], [-1, 0], [1, 0], [-1, 0]])
    near = torch.eye(4, dtype=torch.bool).roll(2, 0)
    pairs = mined(vectors, (near, ~near & ~torch.eye(4, dtype=torch.bool)), 0.2)
    assert not pairs[0].any() and not pairs[1].any()
    assert multi_similarity(vectors, pairs, 1, 60, 0.5).tolist() == [0] * 4


def test_margin_loss_by_hand():
    """Distances 5 and 1: 1 + 5 - 1; the other way round: nothing."""
    here, five, one = torch.zeros(1, 2), torch.tensor([[3.0, 4]]), torch.tensor([[1.0, 0]])
    assert margin_loss(here, five, one, 1.0).item() == 5
    assert margin_loss(here, one, five, 1.0).item() == 0


@pytest.mark.parametrize("loss", ["multi_similarity", "nt_xent"])
def test_the_loss_is_that_of_the_two_views(loss, trunk, knowledge):
    objective = made(trunk, knowledge, loss=loss)
    items = objective.items(0, 0)
    vectors = F.normalize(pooled(trunk, [i.first for i in items] + [i.second for i in items]), dim=-1)
    concepts = [int(objective.views.concepts[i.rows[0]]) for i in items]
    assert len(set(concepts)) == len(items) == objective.size > 5
    assert [int(objective.views.concepts[i.rows[1]]) for i in items] == concepts
    same = torch.eye(len(items), dtype=torch.bool).repeat(2, 2)
    if loss == "nt_xent":
        expected = alignment(*vectors.chunk(2), same, 0.05) * len(items)
    else:
        partners = torch.eye(len(same), dtype=torch.bool).roll(len(items), 0)
        expected = multi_similarity(vectors, mined(vectors, (partners, ~same), 0.2), 1, 60, 0.5).sum() / 2
    found = objective.loss(trunk, items)
    assert found.count == len(items)
    assert found.total.item() == pytest.approx(expected.item(), rel=1e-5)


@torch.no_grad()
def test_a_string_of_two_concepts_is_no_negative(trunk):
    """Both are called flu, so that only Influenza and grippe are pushed apart."""
    names = [("A", "Influenza", "preferred"), ("A", "flu", "exact"), ("B", "Flu", "preferred")]
    ids, words, kinds = (list(column) for column in zip(*names, ("B", "grippe", "exact"), strict=True))
    names_table = Columns("names", {"entity": ids, "name": words, "kind": kinds})
    objective = made(trunk, Knowledge(KnowledgeGraph.gather([names_table])), margin=3.0)
    items = objective.items(0, 0)
    vectors = F.normalize(pooled(trunk, [i.first for i in items] + [i.second for i in items]), dim=-1)
    rows = [i.rows[0] for i in items] + [i.rows[1] for i in items]
    apart = {objective.views.texts.index(name) for name in ("Influenza", "grippe")}
    expected = 0.0
    for i, row in enumerate(rows):
        for j, other in enumerate(rows):
            cosine = float(vectors[i] @ vectors[j])
            if j == (i + 2) % 4 and row in apart:  # the others have no wrong text, so no triplet
                expected += math.log(1 + math.exp(0.5 - cosine)) / 2
            elif {row, other} == apart:
                expected += math.log(1 + math.exp(60 * (cosine - 0.5))) / 60 / 2
    assert objective.loss(trunk, items).total.item() == pytest.approx(expected, rel=1e-4)


@torch.no_grad()
def test_triples_pull_the_tail_nearer(trunk, knowledge):
    objective = made(trunk, knowledge, relations=1.0)
    plain = made(trunk, knowledge)
    items = objective.items(0, 0)
    told = [item for item in items if item.relation >= 0]
    assert 0 < len(told) < len(items)
    expected = plain.loss(trunk, items_without(items)).total.item()
    for item in told:
        head, tail, wrong = (
            F.normalize(trunk.read([ids]).mean(0), dim=0) for ids in (item.first, item.tail, item.wrong)
        )
        reached = head + objective.relation_vectors[item.relation]
        expected += max(0.0, 1.0 + float((reached - tail).norm()) - float((reached - wrong).norm()))
    assert objective.loss(trunk, items).total.item() == pytest.approx(expected, rel=1e-4)


def items_without(items):
    return [type(i)(i.rows, i.first, i.second, -1, [], [], i.type) for i in items]


def test_triples_are_true_and_wrong_tails_are_not(trunk, tiny_graph, knowledge):
    """And what is held out is not used."""
    objective = made(trunk, knowledge, relations=1.0)
    columns = tiny_graph.heads, tiny_graph.relation_indexes, tiny_graph.tails
    true = set(zip(*(column.tolist() for column in columns), strict=True))
    first = {tuple(objective.tokenized.text(row)): concept for concept, row in objective.first_rows.items()}
    seen = set()
    for step in range(40):
        for item in objective.items(0, step):
            concept = int(objective.views.concepts[item.rows[0]])
            if item.relation >= 0:
                seen.add((concept, item.relation, first[tuple(item.tail)]))
                assert (concept, item.relation, first[tuple(item.wrong)]) not in true
    assert len(seen) > 6 and seen <= true
    objective.taught[:] = False
    assert all(item.relation < 0 for item in objective.items(0, 0))


@settings(max_examples=60, deadline=None)
@given(st.sets(st.integers(0, 12), min_size=1), st.sets(st.integers(0, 14)), st.integers(0, 10**6))
def test_another_concept_is_drawn_as_from_a_list_of_the_others(concepts, excluded, seed):
    others = [one for one in sorted(concepts) if one not in excluded]
    drawn = draw_other(np.array(sorted(concepts)), excluded, np.random.default_rng(seed))
    if not others:
        assert drawn is None
    else:
        assert drawn == others[int(np.random.default_rng(seed).integers(len(others)))]


def test_only_triples_of_train_are_taught():
    ends = {"head": list("ABCD"), "relation": ["r"] * 4, "tail": list("BCDA")}
    columns = Columns("triples", {**ends, "split": ["train", "valid", "test", ""]})
    assert taught(KnowledgeGraph.gather([columns])).tolist() == [True, False, False, True]


@torch.no_grad()
def test_types_are_told_from_the_first_view(trunk, knowledge):
    objective, plain = made(trunk, knowledge, types=0.1), made(trunk, knowledge)
    items = objective.items(0, 0)
    expected = plain.loss(trunk, items).total.item()
    for item in items:
        concept = int(objective.views.concepts[item.rows[0]])
        chances = objective.type_head(trunk.read([item.first]).mean(0)).log_softmax(-1)
        expected -= 0.1 * float(chances[objective.names.index(knowledge.types[concept])])
    assert objective.loss(trunk, items).total.item() == pytest.approx(expected, rel=1e-4)


def test_definitions_are_views_by_their_weight(trunk, knowledge):
    def kinds(**weights):
        objective = made(trunk, knowledge, weights=weights)
        drawn = [item for step in range(20) for item in objective.items(0, step)]
        return [objective.views.kinds[item.rows[1]] for item in drawn]

    assert "definition" in kinds(definition=1.0) and "definition" not in kinds(definition=0.0)


def test_views_without_what_is_held_out_may_be_given(trunk, tiny_graph, knowledge):
    views = collect_views(tiny_graph, np.arange(len(tiny_graph)), {"measles"})
    objective = Synonyms(trunk, knowledge, SynonymSettings(), views=views)
    assert "Measles" not in [objective.views.texts[r] for i in objective.items(0, 0) for r in i.rows]


def test_a_graph_without_second_names_is_refused(trunk):
    graph = KnowledgeGraph.gather(
        [Columns("names", {"entity": ["A"], "name": ["flu"], "kind": ["preferred"]})]
    )
    with pytest.raises(BadInput, match="no entity has two names"):
        made(trunk, Knowledge(graph))


def test_no_items_are_zero_and_a_resting_encoder_can_be_trained_around(trunk, knowledge):
    objective = made(trunk, knowledge)
    assert objective.loss(trunk, []).total.item() == 0
    trunk.frozen = True
    objective.loss(trunk, objective.items(0, 0)).total.backward()
