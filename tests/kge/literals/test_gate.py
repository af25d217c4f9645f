"""The gate: the paper's formula, its gradients, and that every step and rank goes through it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file

from loregraft.artifact import read_card, verify
from loregraft.errors import BadInput
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.tables.columns import Columns
from loregraft.kge.asking import grouped
from loregraft.kge.learn import learn_vectors
from loregraft.kge.literals.gate import Mixed, start_gate
from loregraft.kge.questions import Questions, Triples
from loregraft.kge.ranking import rank
from loregraft.kge.scorers import SCORERS
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Tables
from loregraft.kge.training.negatives import Negatives
from loregraft.kge.training.step import Batch, step
from loregraft.kge.training.train import train
from loregraft.kge.vectors import open_vectors

SMALL = {"dim": 8, "batch": 16, "negatives": 16, "workers": 1, "epochs": 6, "patience": 1000}


def paper(e, literals, z_rows, h_rows):
    """The equations of Kristiadi et al. 2019, one entity at a time."""
    made, d = [], e.shape[1]
    for own, numbers in zip(e, literals, strict=True):
        w_ze, w_zl, b = z_rows[:d], z_rows[d:-1], z_rows[-1]
        z = torch.sigmoid(own @ w_ze + numbers @ w_zl + b)
        h = torch.tanh(torch.cat([own, numbers]) @ h_rows)
        made.append(z * h + (1 - z) * own)
    return torch.stack(made)


def drawn(rows=5, width=4, columns=3):
    generator = torch.Generator().manual_seed(1)
    e, literals = (
        torch.randn(rows, width, generator=generator),
        torch.randn(rows, columns, generator=generator),
    )
    z, h = start_gate(width, columns, 0.5, generator)
    z[-1] = torch.randn(width, generator=generator)
    return [t.double() for t in (e, literals, z, h)]


def test_the_gate_is_the_papers():
    e, literals, z, h = drawn()
    assert torch.allclose(Mixed.of(e, literals, z, h).vectors, paper(e, literals, z, h))


def test_the_gates_gradients_are_autograds():
    e, literals, z, h = (t.requires_grad_() for t in drawn())
    made = paper(e, literals, z, h)
    gradient = torch.randn_like(made)
    expected = torch.autograd.grad(made, (e, z, h), gradient)
    with torch.no_grad():
        found = Mixed.of(e, literals, z, h).backward(gradient, z, h)
    for one, other in zip(found, expected, strict=True):
        assert torch.allclose(one, other) and other.abs().max() > 0.1


def gated_tables(name="distmult", **changes):
    settings = KgeSettings(**{"model": name, "dim": 8, "literals": "gate", "rate": 0.01, **changes})
    literals = torch.randn(20, 3, generator=torch.Generator().manual_seed(2))
    return Tables.start(20, 3, settings, literals), settings


def batch_of(tables):
    """Four questions with two negatives; entities 4 and 8 stand twice."""
    questions = Questions(
        np.array([0, 1, 2, 4]), np.array([0, 1, 5, 3]), np.array([4, 5, 6, 8]), np.ones(4, np.float32)
    )
    return Batch(*grouped(tables, questions), Negatives(torch.tensor([8, 9]), torch.zeros(2), None))


@pytest.mark.parametrize("name", sorted(SCORERS))
def test_a_step_goes_back_through_the_gate(name):
    """Gradients by the vectors are those of a plain step on them; autograd takes these through the gate."""
    tables, settings = gated_tables(name, n3=0.1)
    for table in (tables.entities, tables.gate.h):  # the first numbers are small, and their gradients smaller
        table.values.mul_(20)
    own, z, h = (t.values.clone().requires_grad_() for t in (tables.entities, tables.gate.z, tables.gate.h))
    plain = tables.final()
    by_vectors = torch.zeros_like(plain.entities.values)

    class Catching(type(plain.entities)):
        def step(self, indexes, gradients, rate):
            by_vectors.index_add_(0, indexes, gradients)

    unchanged = replace(plain.relations, values=plain.relations.values.clone())
    core = plain.core and replace(plain.core, values=plain.core.values.clone())
    caught = Catching(plain.entities.values, plain.entities.state)
    batch = batch_of(tables)
    plain_loss = step(
        replace(plain, entities=caught, relations=unchanged, core=core), batch, settings, bf16=False
    )
    expected = torch.autograd.grad(paper(own, tables.gate.literals, z, h), (own, z, h), by_vectors)
    before = [t.detach().clone() for t in (own, z, h)]
    tables.relations.state.zero_()
    assert step(tables, batch, settings, bf16=False) == pytest.approx(plain_loss, rel=1e-5)
    after = (tables.entities, tables.gate.z, tables.gate.h)
    for table, gradient in zip(after[1:], expected[1:], strict=True):
        assert torch.allclose(table.state, gradient**2, rtol=1e-3, atol=1e-8)
    for table, gradient, old in zip(after, expected, before, strict=True):
        clear = gradient.abs() > 1e-3
        assert clear.any()
        assert (table.values - old)[clear].sign().eq(-gradient[clear].sign()).all()


def test_without_literals_nothing_changes():
    tables, settings = gated_tables()
    plain = Tables.start(20, 3, settings)
    assert torch.equal(plain.entities.values, tables.entities.values) and plain.final() is plain
    assert torch.equal(plain.relations.values, tables.relations.values)
    assert set(plain.named()) == {
        f"{name}{end}" for name in ("entities", "relations") for end in ("", "_state")
    }


def test_tensors_by_name_make_the_same_tables():
    tables, settings = gated_tables()
    again = Tables.of(tables.named(), settings)
    assert again.gate is not None and again.named().keys() == tables.named().keys()
    assert all(torch.equal(again.named()[name], tensor) for name, tensor in tables.named().items())


def test_ranks_are_those_of_what_comes_out():
    tables, _ = gated_tables()
    triples = Triples.of(np.arange(10), np.arange(10) % 3, np.arange(10, 20))
    questions = Questions.of(triples, 3)
    plain = tables.final()
    assert not torch.allclose(plain.entities.values, tables.entities.values, atol=1e-3)
    found, expected = rank(tables, questions, None), rank(plain, questions, None)
    ungated = rank(replace(tables, gate=None), questions, None)
    assert (found.above == expected.above).all() and (found.above != ungated.above).any()


@pytest.fixture(scope="module")
def numbered_ring():
    """A ring with a number for each entity but E:0."""
    rows = {"entity": [f"E:{n}" for n in range(1, 40)], "property": ["n"] * 39}
    rows |= {"value": [str(n) for n in range(1, 40)], "datatype": ["integer"] * 39}
    columns = {"head": [], "relation": [], "tail": [], "split": []}
    for entity in range(40):
        for jump in (1, 5):
            part = {0: "valid", 1: "test"}.get((7 * entity + jump) % 10, "train")
            row = (f"E:{entity}", f"by {jump}", f"E:{(entity + jump) % 40}", part)
            for name, value in zip(columns, row, strict=True):
                columns[name].append(value)
    return KnowledgeGraph.gather([Columns("triples", columns), Columns("attributes", rows)])


def test_a_folder_holds_the_vectors_and_the_gate(numbered_ring, tmp_path):
    settings = KgeSettings(**SMALL, literals="gate")
    made = learn_vectors(numbered_ring, "key", tmp_path / "out", settings)
    opened = open_vectors(tmp_path / "out")
    assert verify(tmp_path / "out") == [] and made.tables.gate is None and opened.tables.gate is None
    assert torch.equal(made.tables.entities.values, opened.tables.entities.values)
    assert [one.id for one in made.neighbours("E:3")] == [one.id for one in opened.neighbours("E:3")]
    held = load_file(tmp_path / "out" / "vectors.safetensors")
    gated = Tables.of({name: tensor for name, tensor in held.items() if name != "entities"}, settings)
    assert torch.equal(gated.final().entities.values, held["entities"])
    assert not torch.allclose(held["ungated"], held["entities"], atol=1e-2)
    assert read_card(tmp_path / "out").facts["literals"]["used"] == {"n": 39}


def test_cut_off_it_goes_on_to_the_same_bits(numbered_ring, tmp_path):
    settings = KgeSettings(**SMALL, literals="shuffled")
    straight = learn_vectors(numbered_ring, "key", tmp_path / "straight", settings)

    def stop(now, parts):
        if now.epoch == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn_vectors(numbered_ring, "key", tmp_path / "out", settings, stop)
    assert (tmp_path / ".out.training" / "best").exists()
    again = learn_vectors(numbered_ring, "key", tmp_path / "out", settings)
    assert read_card(tmp_path / "out").facts["epochs"] == 6
    one, other = (load_file(tmp_path / name / "vectors.safetensors") for name in ("straight", "out"))
    assert one.keys() == other.keys() and {"gate_z_state", "gate_h", "literals"} <= one.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert torch.equal(again.tables.entities.values, straight.tables.entities.values)


def test_the_control_trains_on_other_numbers(numbered_ring, tmp_path):
    held = {}
    for name in ("gate", "shuffled"):
        learn_vectors(
            numbered_ring, "key", tmp_path / name, KgeSettings(**{**SMALL, "epochs": 1}, literals=name)
        )
        held[name] = load_file(tmp_path / name / "vectors.safetensors")["literals"]
    assert torch.equal(held["gate"][:, 1], held["shuffled"][:, 1])  # who has a number
    assert torch.equal(held["gate"][:, 0].sort().values, held["shuffled"][:, 0].sort().values)
    assert (held["gate"][:, 0] != held["shuffled"][:, 0]).float().mean() > 0.7


def test_what_does_not_go_together_is_refused(numbered_ring, ring_graph, ring_parts, tmp_path):
    settings = KgeSettings(**SMALL, literals="gate")
    with pytest.raises(ValidationError, match="drawn is all, which literals cannot do"):
        KgeSettings(drawn="all", literals="gate")
    with pytest.raises(ValidationError, match="set partitions to 1"):
        KgeSettings(partitions=2, literals="gate")
    with pytest.raises(BadInput, match="no property with different numbers"):
        learn_vectors(ring_graph, "key", tmp_path / "out", settings)
    with pytest.raises(BadInput, match="the tables have none"):
        train(Tables.start(ring_parts.entities, ring_parts.relations, settings), ring_parts, settings)
    learn_vectors(numbered_ring, "key", tmp_path / "older", KgeSettings(**{**SMALL, "epochs": 1}))
    with pytest.raises(BadInput, match="cannot start from older vectors"):
        learn_vectors(numbered_ring, "key", tmp_path / "out", settings, older=tmp_path / "older")
    assert [path.name for path in tmp_path.iterdir()] == ["older"]
