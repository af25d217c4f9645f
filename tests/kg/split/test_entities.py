"""The split: the parts share nothing, sizes are as asked, and the seed decides."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.errors import BadInput
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.split.entities import folded_names, split_entities
from loregraft.kg.tables.columns import Columns


def graph_of(*ids):
    return KnowledgeGraph.gather([Columns("entities", {"id": ids})], source="made")


BIG = graph_of(*(f"A:{number}" for number in range(100)), *(f"B:{number}" for number in range(40)))


@settings(max_examples=40, deadline=None)
@given(st.floats(0.01, 0.5), st.floats(0, 0.4), st.integers(0, 10**6))
def test_parts_hold_each_entity_once(test_share, valid_share, seed):
    split = split_entities(BIG, "A:", test_share, valid_share, seed)
    assert len(split.test) == round(test_share * 100) and len(split.valid) == round(valid_share * 100)
    together = np.concatenate([split.train, split.valid, split.test])
    assert sorted(together.tolist()) == list(range(140))
    for part in (split.train, split.valid, split.test):
        assert np.all(np.diff(part) > 0)
    held_out = np.concatenate([split.valid, split.test])
    assert all(BIG.ids[entity].startswith("A:") for entity in held_out)
    again = split_entities(BIG, "A:", test_share, valid_share, seed)
    assert np.array_equal(split.test, again.test) and np.array_equal(split.valid, again.valid)


def test_seeds_differ_and_the_test_part_does_not_depend_on_the_valid_share():
    tests = {tuple(split_entities(BIG, "A:", 0.1, 0.1, seed).test.tolist()) for seed in range(10)}
    assert len(tests) == 10
    with_valid, without = (split_entities(BIG, "A:", 0.1, share, 3) for share in (0.3, 0.0))
    assert np.array_equal(with_valid.test, without.test) and len(without.valid) == 0


def test_an_empty_prefix_means_all():
    assert len(split_entities(BIG, "", 0.5, 0.0, 0).test) == 70


def test_each_entity_is_as_likely_as_another():
    """40 draws of 10 of 100: each is drawn 4 times on average, and hardly any 14 times."""
    drawn = np.concatenate([split_entities(BIG, "A:", 0.1, 0.0, seed).test for seed in range(40)])
    counts = np.bincount(drawn, minlength=140)
    assert counts[:100].sum() == 400 and counts[:100].max() < 14 and (counts[:100] == 0).sum() < 10


def test_no_entity_has_the_prefix():
    with pytest.raises(BadInput, match="no entity's id starts with 'HP:'") as caught:
        split_entities(BIG, "HP:", 0.1, 0.1, 0)
    assert "such as A:, B:" in caught.value.fix
    with pytest.raises(BadInput):
        split_entities(graph_of("plain"), "HP:", 0.1, 0.1, 0)


def test_too_few_to_hold_one_out():
    with pytest.raises(BadInput, match="2% of 10 entities is none to hold out") as caught:
        split_entities(graph_of(*"abcdefghij"), "", 0.02, 0.0, 0)
    assert "evaluate.held_out" in caught.value.fix


def test_folded_names_are_of_every_kind(tiny_graph):
    chosen = [tiny_graph.index("P:2"), tiny_graph.index("P:5")]
    assert folded_names(tiny_graph, chosen) == {
        "cephalalgia", "headache", "ha", "exanthem", "rash", "skin lesion"
    }  # fmt: skip
    assert folded_names(tiny_graph, []) == frozenset()
