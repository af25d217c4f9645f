"""Entities that are added: all else bit for bit the same, and better than any row that learnt nothing."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from loregraft.artifact import read_card, verify
from loregraft.errors import BadInput, CannotWrite
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.store import save_graph
from loregraft.kg.tables.columns import Columns
from loregraft.kge.growth.first_rows import fill_first_rows, ridge
from loregraft.kge.growth.grow import add_entities, grow
from loregraft.kge.learn import learn_vectors
from loregraft.kge.parts import parts_of
from loregraft.kge.questions import Questions, Triples
from loregraft.kge.ranking import rank
from loregraft.kge.scorers import SCORERS
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Tables
from loregraft.kge.training.step import step
from loregraft.kge.training.train import train
from loregraft.kge.vectors import Vectors, open_vectors

SIZES = {"dim": 8, "batch": 32, "negatives": 16, "workers": 1, "epochs": 2}
LONE = ("E:lone", "E:loner")


def facts_of(graph):
    return [(t.head, t.relation, t.tail, t.split) for t in graph.statements(range(len(graph.triples)))]


def graph_of(facts, entities=()):
    columns = dict(
        zip(("head", "relation", "tail", "split"), map(list, zip(*facts, strict=True)), strict=True)
    )
    more = {"id": [id for id, _ in entities], "type": [kind for _, kind in entities]}
    return KnowledgeGraph.gather([Columns("triples", columns), Columns("entities", more)])


@pytest.fixture(scope="module")
def grown_graph(ring_graph):
    """Two entities with triples, one of them only with the other, and two without; E:7 is gone."""
    new = [
        ("E:new", "next", "E:1", "train"),
        ("E:39", "next", "E:new", "train"),
        ("E:new", "second", "E:2", "train"),
    ]
    new += [("E:newer", "fifth", "E:new", "train"), ("E:newer", "fifth", "E:5", "test")]
    kept = [fact for fact in reversed(facts_of(ring_graph)) if "E:7" not in fact]
    kinds = [(LONE[0], "even"), (LONE[1], ""), *((f"E:{i}", "even") for i in range(0, 40, 2))]
    return graph_of([*new, *kept], kinds)


@pytest.mark.parametrize("more", [{}, {"optimizer": "adam"}, {"by_row": True}, {"drawn": "all"}], ids=str)
@pytest.mark.parametrize("name", sorted(SCORERS))
def test_all_else_stays_bit_for_bit(ring_graph, grown_graph, tmp_path, name, more):
    if more and name not in ("complex", "tucker", "transh"):
        pytest.skip("once is enough")
    settings = KgeSettings(**{**SIZES, "model": name, "epochs": 1, **more})
    older = learn_vectors(ring_graph, "key", tmp_path / "older", settings)
    found = add_entities(tmp_path / "older", tmp_path / "out", grown_graph, "new key", epochs=2)
    assert found.ids == grown_graph.ids != older.ids and found.relation_ids == grown_graph.relation_ids
    now, before = found.tables.named(), older.tables.named()
    for id in set(grown_graph.ids) & set(older.ids):
        for table in ("entities", "entities_state"):
            assert torch.equal(now[table][found.index(id)], before[table][older.index(id)]), (table, id)
    backwards = len(older.relation_ids)
    for id in older.relation_ids:
        for shift in (0, backwards):
            for table in ("relations", "relations_state"):
                mine, theirs = found.relation_index(id) + shift, older.relation_index(id) + shift
                assert torch.equal(now[table][mine], before[table][theirs]), (table, id)
    for table in ("core", "core_state"):
        assert table not in before or torch.equal(now[table], before[table])
    assert all(tensor.isfinite().all() for tensor in now.values())
    assert now["entities_state"][found.index("E:new")].abs().sum() > 0  # it was trained
    assert not np.allclose(found.vector("E:new"), found.vector("E:newer"))


def test_entities_without_a_triple_are_told_and_get_a_mean(ring_graph, grown_graph, tmp_path):
    learn_vectors(ring_graph, "key", tmp_path / "older", KgeSettings(**SIZES))
    found = add_entities(tmp_path / "older", tmp_path / "out", grown_graph, "new key", epochs=1)
    facts = read_card(tmp_path / "out").facts
    assert facts["without_triple"] == {"entities": 2, "mean_of_type": 1, "first": list(LONE)}
    assert facts["from"]["new_entities"] == 4 and facts["from"]["left_out_entities"] == 1
    assert facts["triples"] == {"train": 4}
    every = [id for id in found.ids if id[2:].isdigit()]
    even = [id for id in every if int(id[2:]) % 2 == 0]
    for id, known in zip(LONE, (even, every), strict=True):
        assert found.vector(id) == pytest.approx(np.mean([found.vector(one) for one in known], 0), abs=1e-6)
    assert verify(tmp_path / "out") == [] and open_vectors(tmp_path / "out").graph_key == "new key"


def test_done_once_and_the_same_bits_each_time(ring_graph, grown_graph, tmp_path):
    learn_vectors(ring_graph, "key", tmp_path / "older", KgeSettings(**SIZES))
    first, again = (
        add_entities(tmp_path / "older", tmp_path / name, grown_graph, "new key", epochs=2).tables.named()
        for name in ("out", "again")
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    before = (tmp_path / "out" / "vectors.safetensors").stat().st_mtime_ns
    add_entities(tmp_path / "older", tmp_path / "out", grown_graph, "new key", epochs=2)
    assert (tmp_path / "out" / "vectors.safetensors").stat().st_mtime_ns == before
    add_entities(tmp_path / "older", tmp_path / "out", grown_graph, "new key", epochs=3)
    assert (tmp_path / "out" / "vectors.safetensors").stat().st_mtime_ns != before


def test_dropout_leaves_out_other_numbers_in_each_step(ring_graph, grown_graph, tmp_path, monkeypatch):
    seeds = []

    def watched(tables, batch, settings, bf16):
        assert settings.dropout == 0.5
        seeds.append(batch.seed)
        return step(tables, batch, settings, bf16)

    settings = KgeSettings(**{**SIZES, "dropout": 0.5, "batch": 4})
    learn_vectors(ring_graph, "key", tmp_path / "older", settings)
    monkeypatch.setattr("loregraft.kge.growth.grow.step", watched)
    add_entities(tmp_path / "older", tmp_path / "out", grown_graph, "new key", epochs=2)
    assert len(seeds) > 2 and len(set(seeds)) == len(seeds)


def test_what_cannot_be_added_is_told_and_nothing_is_left(ring_graph, tmp_path):
    learn_vectors(ring_graph, "key", tmp_path / "older", KgeSettings(**SIZES))
    facts = facts_of(ring_graph)
    beside = graph_of([*facts, ("E:1", "beside", "E:2", "train")])
    with pytest.raises(BadInput, match=r"1 relations of the graph have no vector.*'beside'. Train on"):
        add_entities(tmp_path / "older", tmp_path / "out", beside, "new key")
    other = graph_of([("A:1", "next", "A:2", "train")])
    with pytest.raises(BadInput, match=r"not one of its 2 entities is known to the vectors \('E:"):
        add_entities(tmp_path / "older", tmp_path / "out", other, "new key")
    with pytest.raises(CannotWrite, match="it is what is read"):
        add_entities(tmp_path / "older", tmp_path / "older", ring_graph, "new key")
    assert [path.name for path in tmp_path.iterdir()] == ["older"]


def test_ridge_is_the_least_squares_solution():
    """Over triples and over numbers the same; checked by its gradient, which is zero."""
    generator = torch.Generator().manual_seed(0)
    for count in (3, 20):
        vectors = torch.randn(count, 5, generator=generator)
        weights = torch.rand(count, generator=generator)
        x = ridge(vectors, weights, 2.0)
        penalty = (vectors * vectors).sum(1).mean()
        gradient = vectors.T @ (weights * (vectors @ x - 2.0)) + penalty * x
        assert gradient.abs().max() < 1e-4 and x.abs().max() > 0.01


@pytest.mark.parametrize("name", ["transe", "transe_l1", "rotate", "rotate_l2"])
def test_where_scores_are_lengths_the_first_row_is_the_mean_of_what_it_should_answer(ring_parts, name):
    settings = KgeSettings(**{**SIZES, "model": name, "reciprocal": False})
    tables = Tables.start(ring_parts.entities, ring_parts.relations, settings)
    h, r, t = (torch.from_numpy(getattr(ring_parts.train, name)) for name in ("heads", "relations", "tails"))
    values, relations, scorer = tables.entities.values, tables.relations.values, tables.scorer
    as_tail = scorer.query(values[h[t == 5]], relations[r[t == 5]])
    as_head = scorer.query(values[t[h == 5]], scorer.inverse(relations[r[h == 5]]))
    assert len(as_tail) and len(as_head)
    expected = torch.cat([as_tail, as_head]).mean(0)
    new = np.zeros(ring_parts.entities, bool)
    new[5] = True
    fill_first_rows(tables, ring_parts.train, new)
    assert torch.allclose(values[5], expected, atol=1e-6)


@pytest.mark.parametrize("name", ["distmult", "complex", "rescal", "cp", "tucker"])
@pytest.mark.parametrize("reciprocal", [False, True])
def test_where_scores_are_products_the_first_row_scores_its_triples_above_the_mean_row(
    ring_graph, name, reciprocal
):
    settings = KgeSettings(**{**SIZES, "model": name, "reciprocal": reciprocal})
    parts = parts_of(ring_graph)
    tables = Tables.start(parts.entities, parts.relations, settings)
    train(tables, parts, settings)
    new = np.zeros(parts.entities, bool)
    new[5] = True
    touching = np.flatnonzero(new[parts.train.heads] ^ new[parts.train.tails])
    vectors = Vectors(tables, ring_graph.ids, ring_graph.relation_ids, settings, "key")
    triples = parts.train.take(touching)
    named = [
        (ring_graph.ids[h], ring_graph.relation_ids[r], ring_graph.ids[t])
        for h, r, t in zip(triples.heads, triples.relations, triples.tails, strict=True)
    ]
    tables.entities.values[5] = tables.entities.values.mean(0)
    mean = vectors.score(named).mean()
    fill_first_rows(tables, parts.train, new)
    assert vectors.score(named).mean() > mean


def held_out(data, seed=0):
    """UMLS with a twentieth of its entities taken out of train; half of their triples come back later."""
    triples = Triples.of(*data.training.mapped_triples.numpy().T)
    generator = np.random.default_rng(seed)
    new = np.zeros(data.num_entities, bool)
    new[generator.permutation(len(new))[: len(new) // 20]] = True
    touching = generator.permutation(np.flatnonzero(new[triples.heads] | new[triples.tails]))
    old = np.flatnonzero(~new[triples.heads] & ~new[triples.tails])
    half = len(touching) // 2

    def facts(rows, part):
        columns = (column[rows].tolist() for column in (triples.heads, triples.relations, triples.tails))
        return [(f"E:{h}", f"r:{r}", f"E:{t}", part) for h, r, t in zip(*columns, strict=True)]

    before = graph_of(facts(old, "train"))
    fewer = {fact[1] for fact in facts(old, "train")}
    after = [*facts(old, "train"), *facts(touching[:half], "train"), *facts(touching[half:], "test")]
    return (
        before,
        graph_of([fact for fact in after if fact[1] in fewer]),
        {f"E:{i}" for i in np.flatnonzero(new)},
    )


def mrr(tables, parts):
    questions = Questions.of(parts.test, parts.relations)
    return float((1 / rank(tables, questions, parts.known()).realistic).mean())


@pytest.mark.parametrize("name", ["complex", "transe"])
def test_added_entities_of_umls_are_nearer_to_retrained_than_to_any_row_that_learnt_nothing(name):
    """The rest of their triples is ranked; the controls are drawn rows, other entities' rows and the mean."""
    data = pytest.importorskip("pykeen.datasets").UMLS()
    before, after, new = held_out(data)
    settings = KgeSettings(model=name, dim=32, epochs=8, negatives=64, batch=512, workers=1, n3=0.01)
    parts = parts_of(after)
    older = Vectors(trained(parts_of(before), settings), before.ids, before.relation_ids, settings, "key")
    grown, _ = grow(older, after, "new key", epochs=20)
    rows = torch.tensor([id in new for id in after.ids])
    found, retrained = mrr(grown.tables, parts), mrr(trained(parts, settings), parts)
    values, controls = grown.tables.entities.values.clone(), []
    drawn = Tables.start(parts.entities, parts.relations, settings).entities.values
    others = values[~rows][torch.randperm(int((~rows).sum()), generator=torch.Generator().manual_seed(0))]
    for control in (drawn[rows], others[: int(rows.sum())], values[~rows].mean(0)):
        grown.tables.entities.values[rows] = control
        controls.append(mrr(grown.tables, parts))
    assert found > (retrained + max(controls)) / 2, (found, retrained, controls)


def trained(parts, settings):
    tables = Tables.start(parts.entities, parts.relations, settings)
    train(tables, replace(parts, valid=parts.train.take(np.zeros(0, np.int64))), settings)
    return tables


def test_on_the_command_line(ring_graph, grown_graph, tmp_path, commands):
    learn_vectors(ring_graph, "key", tmp_path / "older", KgeSettings(**SIZES))
    save_graph(grown_graph, tmp_path / "graph", "new key")
    ended = commands.run("kge", "add", "older", "out", "--graph", "graph", cwd=tmp_path)
    assert ended.code == 0, ended.err
    assert "4 entities added from 4 triples; 39 stay as they were, 1 left out" in ended.out
    assert "2 of them are in no triple of train: E:lone, E:loner; 1 have the mean" in ended.err
    ranked = commands.run("kge", "rank", "out", "--graph", "graph", cwd=tmp_path)
    assert ranked.code == 0 and ranked.out.startswith("all   mrr 0."), ranked.err
    assert commands.run("kge", "add", "older", "out", "--graph", "graph", cwd=tmp_path).code == 0
    more = ("kge", "add", "older", "out", "--graph", "graph", "--epochs", "3")
    ended = commands.run(*more, cwd=tmp_path)
    assert ended.code == 2 and "it exists already" in ended.err
    assert commands.run(*more, "--force", "--json", cwd=tmp_path).code == 0
