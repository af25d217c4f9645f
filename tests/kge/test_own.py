"""A scorer of the user's own: the same numbers as a built-in one, errors in words, never imported unasked."""

import sys
from dataclasses import replace

import pytest
import torch

from loregraft.artifact import verify
from loregraft.errors import BadInput
from loregraft.kge import own
from loregraft.kge.asking import Asked, Group
from loregraft.kge.learn import is_learnt, learn_vectors
from loregraft.kge.own import own_scorer, use_scorer
from loregraft.kge.scorers.transh import onto_plane
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Tables
from loregraft.kge.training.train import train
from loregraft.kge.vectors import open_vectors

SETTINGS = {"dim": 8, "batch": 32, "negatives": 16, "workers": 1, "epochs": 4}


def one_step(x, r):
    return x + r


def on_plane_step(x, r):
    return onto_plane(x, r) + r[..., :8]


STEP = own_scorer("step_on", one_step, "l2", inverse=lambda r: -r)
PLANE = replace(own_scorer("plane", on_plane_step, "l2", onto_plane), relation_width=lambda dim: 2 * dim)


@pytest.fixture(autouse=True)
def nobody_named_any(monkeypatch):
    monkeypatch.setattr(own, "_named", {})


@pytest.mark.parametrize("drawn", ["uniform", "all"])
@pytest.mark.parametrize(
    ("mine", "built_in", "reciprocal", "epochs", "near"),
    [(STEP, "transe", True, 4, 0), (STEP, "transe", False, 4, 0), (PLANE, "transh", True, 1, 1e-4)],
    ids=["transe", "transe without reciprocal relations", "transh"],
)
def test_a_users_transe_and_transh_train_to_the_built_in_numbers(
    ring_parts, mine, built_in, reciprocal, epochs, near, drawn
):
    """TransE bit for bit; TransH's closed gradients round otherwise, and each epoch makes that larger."""
    settings = {**SETTINGS, "reciprocal": reciprocal, "drawn": drawn, "epochs": epochs}
    found, expected = [], []
    for model, kept in ((use_scorer(mine), found), (built_in, expected)):
        one = KgeSettings(**settings, model=model)
        tables = Tables.start(ring_parts.entities, ring_parts.relations, one)
        kept.append({name: tensor.clone() for name, tensor in tables.named().items()})
        train(tables, ring_parts, one)
        kept.append(tables.named())
    for name, tensor in expected[1].items():
        assert torch.equal(found[0][name], expected[0][name])
        assert torch.allclose(found[1][name], tensor, rtol=near, atol=near), name
    assert (expected[1]["entities"] - expected[0]["entities"]).abs().max() > 0.05  # it did train


def test_an_inverse_need_not_be_its_own_gradient():
    mine = own_scorer("rolled", lambda x, r: x * r * r, inverse=lambda r: 2 * r.roll(1, -1))
    x, r, gradient = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0))
    asked = Asked(Group(0, slice(0, 4), torch.arange(4), heads=True), r, r)
    x.requires_grad_(), r.requires_grad_()
    expected = torch.autograd.grad(x * (2 * r.roll(1, -1)) ** 2, (x, r), gradient)
    with torch.no_grad():
        found = asked.query_backward(mine, gradient, x)
    assert all(torch.allclose(a, b) for a, b in zip(found, expected, strict=True))


MODULE = """\
from pathlib import Path
from loregraft.kge.own import own_scorer

with Path({trace!r}).open("a") as file:
    file.write("imported ")

def ask(x, r):
    return x * r

MINE = own_scorer("mine", ask)
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module `my_scorers` in the folder one stands in, which leaves a trace when it is imported."""
    trace = tmp_path / "trace"
    (tmp_path / "my_scorers.py").write_text(MODULE.format(trace=str(trace)))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield trace
    sys.modules.pop("my_scorers", None)


def test_a_name_is_imported_where_the_user_writes_it_and_not_where_a_folder_has_it(
    ring_graph, tmp_path, module, monkeypatch
):
    settings = KgeSettings(**SETTINGS, model="my_scorers:MINE")
    assert not module.exists()
    made = learn_vectors(ring_graph, "key", tmp_path / "out", settings)
    assert module.read_text() == "imported " and verify(tmp_path / "out") == []
    sys.modules.pop("my_scorers")
    monkeypatch.setattr(own, "_named", {})  # as a new process begins
    with pytest.raises(
        BadInput, match=r"need the scorer 'my_scorers:MINE'.*--scorer my_scorers:MINE"
    ) as told:
        open_vectors(tmp_path / "out")
    assert told.value.line == 0 and module.read_text() == "imported "
    use_scorer("my_scorers:MINE")
    opened = open_vectors(tmp_path / "out")
    triples = [("E:1", "next", "E:2"), ("E:5", "before", "E:4")]
    assert opened.score(triples).tolist() == made.score(triples).tolist()


def test_a_given_scorer_must_be_given_again(ring_graph, tmp_path, monkeypatch):
    settings = KgeSettings(**SETTINGS, model=use_scorer(STEP))
    learn_vectors(ring_graph, "key", tmp_path / "out", settings)
    monkeypatch.setattr(own, "_named", {})
    with pytest.raises(BadInput, match=r"Give the scorer 'step_on' again"):
        open_vectors(tmp_path / "out")
    with pytest.raises(BadInput, match="was an object, which no name finds"):
        use_scorer("given:step_on")
    use_scorer(STEP)
    assert len(open_vectors(tmp_path / "out")) == len(ring_graph)


def test_another_formula_is_another_key(ring_graph, tmp_path, module, monkeypatch):
    settings = KgeSettings(**SETTINGS, model="my_scorers:MINE")
    learn_vectors(ring_graph, "key", tmp_path / "out", settings)
    assert is_learnt(tmp_path / "out", "key", settings)
    file = tmp_path / "my_scorers.py"
    file.write_text(file.read_text().replace("x * r", "x * r * r"))
    sys.modules.pop("my_scorers")
    monkeypatch.setattr(own, "_named", {})
    assert not is_learnt(tmp_path / "out", "key", settings)


def test_the_source_of_a_given_scorer_tells_formulas_apart():
    """These have no file: their code itself is told apart."""

    def made(text):
        space = {}
        exec(text, space)
        return own.source_of(KgeSettings(dim=8, model=use_scorer(own_scorer("one", space["ask"]))))

    first, again = (made("def ask(x, r):\n return x * r * 2.0") for _ in range(2))
    assert first == again != made("def ask(x, r):\n return x * r * 3.0")
    assert own.source_of(KgeSettings()) == []


WRONG = """\
import torch
from loregraft.kge.own import own_scorer

def ask(x, r):
    return x * r

LONELY = own_scorer("lonely", ask)
"""


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        (WRONG, "nowhere_at_all:MINE", "'nowhere_at_all' cannot be imported: ModuleNotFoundError"),
        ("1 / 0", "wrong:MINE", "cannot be imported: ZeroDivisionError"),
        ("raise SystemExit(0)", "wrong:MINE", "cannot be imported: SystemExit"),
        (WRONG, "wrong:LONLY", r"has no 'LONLY'. Did you mean 'LONELY'\?"),
        ("", "wrong:MINE", "has no 'MINE'. A scorer is made by own_scorer"),
        (WRONG, "wrong:ask", "is a function, no scorer. A scorer is made by own_scorer"),
        (WRONG, "wrong", "'wrong' names no scorer of your own"),
    ],
)
def test_a_name_that_leads_to_no_scorer_is_told(tmp_path, monkeypatch, text, name, said):
    (tmp_path / "wrong.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = list(sys.path)
    try:
        with pytest.raises(BadInput, match=said):
            use_scorer(name)
    finally:
        sys.modules.pop("wrong", None)
    assert sys.path == before


@pytest.mark.parametrize(
    ("scorer", "said"),
    [
        (
            own_scorer("a", lambda x, r: torch.cat([x, x * r], -1)),
            "gives 16 numbers, and they meet 8 numbers",
        ),
        (own_scorer("a", lambda x, r: x @ r), "fails for rows of 8 numbers and 8 numbers: RuntimeError"),
        (own_scorer("a", lambda x, r: x - x.mean(0)), "other rows for three at once"),
        (own_scorer("a", lambda x, r: (x * r).detach()), "without detach or numpy"),
        (own_scorer("a", lambda x, r: (x * r).double()), "no float32 rows"),
        (own_scorer("a", lambda x, r: x * r, inverse=lambda r: r[..., :4]), "inverse .* gives rows of 4"),
        (replace(PLANE, by_relation=False), "has a candidate, but not by_relation"),
    ],
)
def test_a_scorer_that_cannot_work_is_told_before_training(scorer, said):
    with pytest.raises(BadInput, match=said):
        Tables.start(5, 2, KgeSettings(dim=8, model=use_scorer(scorer)))


@pytest.mark.parametrize("name", ["transe", "two words", ""])
def test_a_scorer_has_a_name_of_its_own(name):
    with pytest.raises(BadInput, match="Take another name"):
        own_scorer(name, one_step)


@pytest.mark.parametrize("model", ["my_module:", ":MINE", "a b:c", "module.:X", "complx", "a:b:c"])
def test_settings_take_no_other_form(model):
    with pytest.raises(ValueError, match="Or name a scorer of your own as module:NAME"):
        KgeSettings(model=model)


def test_on_the_command_line(ring_graph, tmp_path, module, commands):
    from loregraft.kg.store import save_graph

    save_graph(ring_graph, tmp_path / "graph", "key")
    sizes = ("--dim", "8", "--set", "epochs=1")
    ended = commands.run("kge", "train", "graph", "out", "--model", "my_scorers:MINE", *sizes, cwd=tmp_path)
    assert ended.code == 0, ended.err
    module.unlink()
    ended = commands.run("kge", "rank", "out", "--graph", "graph", cwd=tmp_path)
    assert ended.code == 2 and "--scorer my_scorers:MINE" in ended.err and not module.exists()
    named = ("kge", "--scorer", "my_scorers:MINE", "rank", "out", "--graph", "graph")
    ended = commands.run(*named, cwd=tmp_path)
    assert ended.code == 0 and ended.out.startswith("all   mrr 0."), ended.err
    assert module.read_text() == "imported "
    ended = commands.run("kge", "train", "graph", "new", "--model", "my_scorer:MINE", *sizes, cwd=tmp_path)
    assert ended.code == 2 and "'my_scorer' cannot be imported" in ended.err and "Traceback" not in ended.err
