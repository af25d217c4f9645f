"""Training that goes on from older vectors: rows and state by id, the rest drawn, a key that tells it."""

from collections.abc import Callable

import pytest
import torch

from loregraft.artifact import read_card, verify
from loregraft.errors import BadInput, WrongArtifact
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.store import save_graph
from loregraft.kg.tables.columns import Columns
from loregraft.kge.growth.older import Matched, take_over
from loregraft.kge.learn import is_learnt, learn_vectors
from loregraft.kge.parts import parts_of
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Tables
from loregraft.kge.vectors import open_vectors

SIZES = {"dim": 8, "batch": 32, "negatives": 16, "workers": 1, "epochs": 2}


def newer(graph: KnowledgeGraph, leave_out: Callable[[str, str, str], bool] = lambda *_: False):
    """The ring's facts in another order, two new entities and a new relation before them."""
    rows = {"head": [], "relation": [], "tail": [], "split": []}
    first = [("E:new", "next", "E:0"), ("E:3", "beside", "E:newer"), ("E:new", "beside", "E:3")]
    facts = [(t.head, t.relation, t.tail, t.split) for t in graph.statements(range(len(graph.triples)))]
    for fact in [*((*fact, "train") for fact in first), *reversed(facts)]:
        if not leave_out(*fact[:3]):
            for name, value in zip(rows, fact, strict=True):
                rows[name].append(value)
    return KnowledgeGraph.gather([Columns("triples", rows)])


@pytest.fixture(scope="module")
def older(ring_graph, tmp_path_factory):
    folder = tmp_path_factory.mktemp("older") / "vectors"
    learn_vectors(ring_graph, "key", folder, KgeSettings(**SIZES))
    return folder


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"by_row": True},
        {"optimizer": "adam"},
        {"reciprocal": False},
        {"model": "tucker"},
        {"model": "cp"},
    ],
    ids=str,
)
def test_rows_and_states_go_by_id_and_the_rest_is_drawn(ring_graph, tmp_path, more):
    settings = KgeSettings(**{**SIZES, **more})
    had = learn_vectors(ring_graph, "key", tmp_path / "older", settings)
    graph = newer(ring_graph, lambda *fact: "E:7" in fact)
    tables = Tables.start(len(graph), len(graph.relation_ids), settings)
    drawn = {name: tensor.clone() for name, tensor in tables.named().items()}
    matched = Matched.of(had, graph.ids, graph.relation_ids)
    take_over(tables, had, matched)
    assert (matched.gone, (matched.entities < 0).sum(), (matched.relations < 0).sum()) == (1, 2, 1)
    now, before = tables.named(), had.tables.named()
    assert graph.ids != ring_graph.ids[: len(graph.ids)]  # the order is another one
    for index, id in enumerate(graph.ids):
        for name in ("entities", "entities_state"):
            expected = drawn[name][index] if id.startswith("E:new") else before[name][had.index(id)]
            assert torch.equal(now[name][index], expected), (name, id)
    sides = 2 if settings.reciprocal else 1
    for side in range(sides):
        for index, id in enumerate(graph.relation_ids):
            row = index + side * len(graph.relation_ids)
            for name in ("relations", "relations_state"):
                old = None if id == "beside" else had.relation_index(id) + side * len(had.relation_ids)
                expected = drawn[name][row] if old is None else before[name][old]
                assert torch.equal(now[name][row], expected), (name, id, side)
    if tables.core is not None:
        assert torch.equal(now["core"], before["core"]) and torch.equal(
            now["core_state"], before["core_state"]
        )
    assert before["entities_state"].abs().sum() > 0


def test_training_goes_on_from_there(ring_graph, older, tmp_path):
    """At a rate of nearly nothing the known rows are the older ones; at the usual one they are better."""
    graph, out = newer(ring_graph), tmp_path / "out"
    still = KgeSettings(**{**SIZES, "rate": 1e-9})
    found = learn_vectors(graph, "new key", out, still, older=older)
    had = open_vectors(older)
    for id in had.ids:
        assert found.vector(id) == pytest.approx(had.vector(id), abs=1e-6)
    card = read_card(out)
    assert verify(out) == [] and card.parents["graph"] == "new key"
    assert card.facts["from"] == {
        "key": read_card(older).key,
        "entities": 40,
        "new_entities": 2,
        "left_out_entities": 0,
        "relations": 4,
        "new_relations": 1,
        "left_out_relations": 0,
    }
    usual = KgeSettings(**{**SIZES, "epochs": 1})
    learn_vectors(graph, "new key", tmp_path / "on", usual, older=older)
    learn_vectors(graph, "new key", tmp_path / "anew", usual)
    on, anew = (read_card(tmp_path / name).facts["loss"] for name in ("on", "anew"))
    assert on < 0.95 * anew
    assert len(parts_of(graph).valid)


def test_the_key_holds_the_older_key(ring_graph, older, tmp_path):
    settings, out = KgeSettings(**SIZES), tmp_path / "out"
    learn_vectors(ring_graph, "key", out, settings, older=older)
    assert is_learnt(out, "key", settings, older) and not is_learnt(out, "key", settings)
    again = tmp_path / "again"
    learn_vectors(ring_graph, "key", again, settings, older=out)
    assert len({read_card(folder).key for folder in (older, out, again)}) == 3
    assert not is_learnt(out, "key", settings, out)


def test_a_run_that_was_cut_off_goes_on_and_ends_with_the_same_bits(ring_graph, older, tmp_path):
    settings = KgeSettings(**{**SIZES, "epochs": 4})
    straight = learn_vectors(ring_graph, "key", tmp_path / "straight", settings, older=older).tables.named()

    def stop(now, parts):
        if now.epoch == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn_vectors(ring_graph, "key", tmp_path / "out", settings, stop, older)
    again = learn_vectors(ring_graph, "key", tmp_path / "out", settings, older=older).tables.named()
    assert all(torch.equal(again[name], tensor) for name, tensor in straight.items())


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"dim": 10}, "trained with dim 8, and dim 10 is asked for. Set dim to 8"),
        ({"model": "distmult"}, "trained with model complex, and model distmult is asked for"),
        ({"reciprocal": False}, "trained with reciprocal true, and reciprocal false is asked for"),
        ({"optimizer": "adam"}, "trained with optimizer adagrad"),
        ({"by_row": True}, "trained with by_row false"),
    ],
)
def test_vectors_of_another_kind_are_refused_and_nothing_is_left(ring_graph, older, tmp_path, more, said):
    with pytest.raises(BadInput, match=said) as told:
        learn_vectors(ring_graph, "key", tmp_path / "out", KgeSettings(**{**SIZES, **more}), older=older)
    assert told.value.path == older and list(tmp_path.iterdir()) == []


def test_a_folder_of_something_else_is_refused(ring_graph, tmp_path):
    save_graph(ring_graph, tmp_path / "graph", "key")
    for folder in ("graph", "nowhere"):
        with pytest.raises(WrongArtifact):
            learn_vectors(ring_graph, "key", tmp_path / "out", KgeSettings(**SIZES), older=tmp_path / folder)
    assert [path.name for path in tmp_path.iterdir()] == ["graph"]


def test_on_the_command_line(ring_graph, older, tmp_path, commands):
    save_graph(newer(ring_graph), tmp_path / "graph", "new key")
    sizes = [part for name, value in SIZES.items() for part in ("--set", f"{name}={value}")]
    train = ("kge", "train", "graph", "out", *sizes, "--from", older)
    ended = commands.run(*train, cwd=tmp_path)
    assert ended.code == 0, ended.err
    assert "40 entities and 4 relations go on from" in ended.out and "2 and 1 are new" in ended.out
    assert commands.run(*train, cwd=tmp_path).code == 0  # done, and not done again
    ended = commands.run(*train, "--set", "dim=10", "--force", cwd=tmp_path)
    assert ended.code == 2 and "Set dim to 8" in ended.err
    ended = commands.run("kge", "train", "graph", older, *sizes, "--from", older, "--force", cwd=tmp_path)
    assert ended.code == 2 and "it is what is read" in ended.err and verify(older) == []
