"""The proof with its control: numbers are said to help where a relation follows from them, and only there."""

import json

import numpy as np
import pytest

from loregraft.cli.kge_literals import prove_literals_of
from loregraft.errors import BadInput
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.store import save_graph
from loregraft.kg.tables.columns import Columns
from loregraft.kge.literals.proof import ARMS, compared, differences, literal_proof
from loregraft.kge.settings import KgeSettings

SETTINGS = KgeSettings(model="transe", dim=16, epochs=8, batch=64, negatives=32, workers=1, rate=0.05)


def people(count=200, towns=5):
    """People who were born in a time, which their birth year says, and live in a town, which nothing says."""
    generator = np.random.default_rng(0)
    years = generator.integers(1900, 2000, count)
    columns = {name: [] for name in ("head", "relation", "tail", "split")}
    for person in range(count):
        lives_in = f"town:{generator.integers(towns)}"
        for relation, tail in (("born_in", f"time:{(years[person] - 1900) // 20}"), ("lives_in", lives_in)):
            part = generator.choice(["train", "valid", "test"], p=[0.55, 0.1, 0.35])
            for name, value in zip(columns, (f"P:{person}", relation, tail, part), strict=True):
                columns[name].append(value)
    ids = [f"P:{person}" for person in range(count)]
    born = {"entity": ids, "property": ["born"] * count, "value": years.astype(str).tolist()}
    return KnowledgeGraph.gather([Columns("triples", columns), Columns("attributes", born)])


@pytest.fixture(scope="module")
def proof():
    return literal_proof(people(), SETTINGS, [0, 1])


def test_numbers_help_where_a_relation_follows_from_them(proof):
    found = proof["relations"]["born_in"]
    assert found["verdict"] == "helped" and found["mrr"]["gate"] > 1.2 * found["mrr"]["shuffled"]
    assert found["differences"]["gate - shuffled"]["low"] > 0


def test_numbers_do_not_help_where_it_does_not(proof):
    found = proof["relations"]["lives_in"]
    assert found["verdict"] == "no evidence"


def test_the_report_is_whole(proof):
    assert set(proof["mrr"]) == set(ARMS) and proof["seeds"] == [0, 1]
    assert proof["literals"]["without_datatype"] == ["born"]
    each = proof["relations"].values()
    assert sum(one["n"] for one in each) == proof["n"]
    for arm in ARMS:
        assert proof["mrr"][arm] == pytest.approx(np.mean(proof["mrr_by_seed"][arm]))
        assert proof["mrr"][arm] == pytest.approx(
            sum(one["n"] * one["mrr"][arm] for one in each) / proof["n"]
        )


def arms_of(gate, shuffled, none):
    return np.stack([np.atleast_2d(values) for values in (none, gate, shuffled)]).astype(np.float64)


def test_the_interval_is_paired():
    """Triples differ much more than arms do; a difference that all of them have is no chance."""
    base = np.random.default_rng(0).random(400)
    gap = differences(arms_of(base + 0.02, base, base))["gate", "shuffled"]
    assert (gap.low, gap.high) == (pytest.approx(0.02), pytest.approx(0.02))


def test_the_interval_is_as_wide_as_theory_says():
    gains = np.random.default_rng(1).normal(0.01, 0.3, 900)
    gap = differences(arms_of(gains, np.zeros(900), np.zeros(900)))["gate", "none"]
    half = 1.96 * gains.std() / 30
    assert (gap.high - gap.low) / 2 == pytest.approx(half, rel=0.1) and gap.value == pytest.approx(
        gains.mean()
    )


def test_seeds_that_disagree_are_no_evidence():
    gate = np.stack([np.full(500, 0.9), np.full(500, 0.3)])
    even = np.full((2, 500), 0.5)
    told = compared(arms_of(gate, even, even))
    assert told["mrr"]["gate"] == pytest.approx(0.6) and told["verdict"] == "no evidence"
    assert compared(arms_of(even - 0.1, even, even))["verdict"] == "hurt"


def test_what_proves_nothing_is_refused(ring_graph):
    with pytest.raises(BadInput, match="no property with different numbers"):
        literal_proof(ring_graph, SETTINGS, [0])
    for seeds in ([], [1, 1]):
        with pytest.raises(BadInput, match="Give one or more, each once"):
            literal_proof(people(), SETTINGS, seeds)
    numbers = {"entity": [f"E:{n}" for n in range(20)], "property": ["n"] * 20}
    numbers["value"] = [str(n) for n in range(20)]
    facts = {"head": ["E:0", "E:1"], "relation": ["r", "r"], "tail": ["E:1", "E:2"], "split": ["train"] * 2}
    trained = KnowledgeGraph.gather([Columns("triples", facts), Columns("attributes", numbers)])
    with pytest.raises(BadInput, match="the part test of the graph is empty"):
        literal_proof(trained, SETTINGS, [0])


def test_the_command_says_it_all(proof, tmp_path, capsys):
    """The arms are trained in this process: to warm up another one takes longer than all of them."""
    save_graph(people(60), tmp_path / "graph", "key")
    few = ["dim=4", "epochs=1", "workers=1", "model=distmult"]
    prove_literals_of(tmp_path / "graph", 1, None, few, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told.keys() == proof.keys() and told["seeds"] == [0]
    prove_literals_of(tmp_path / "graph", 1, None, [*few, "seed=3"], as_json=False)
    said = capsys.readouterr().out
    assert "numbers of born (60)" in said and "gate - shuffled" in said and "  lives_in: none 0." in said
    assert [path.name for path in tmp_path.iterdir()] == ["graph"]


def test_the_command_refuses_an_arm_of_its_own(tmp_path, commands):
    save_graph(people(60), tmp_path / "graph", "key")
    ran = commands.run("kge", "prove-literals", "graph", "--set", "literals=gate", cwd=tmp_path)
    assert ran.code == 2 and "literals is gate. Leave it out: each arm has its own." in ran.err
