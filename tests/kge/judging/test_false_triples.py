"""False triples are false, near the true ones, and left out only where none can be made."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.kge.judging import false_triples as module
from loregraft.kge.judging.false_triples import false_triples
from loregraft.kge.parts import Parts
from loregraft.kge.questions import Triples


def of(rows):
    return Triples.of(*np.array(rows, np.int64).reshape(-1, 3).T)


def rows_of(triples):
    return list(zip(triples.heads.tolist(), triples.relations.tolist(), triples.tails.tolist(), strict=True))


@st.composite
def graphs(draw):
    """Some of all facts that few entities and relations can have, dealt out to the parts."""
    entities, relations = draw(st.integers(1, 5)), draw(st.integers(1, 2))
    every = [(h, r, t) for h in range(entities) for r in range(relations) for t in range(entities)]
    facts = draw(st.permutations(every))[: draw(st.integers(1, len(every)))]
    cut = draw(st.integers(0, len(facts)))
    half = draw(st.integers(0, cut))
    return Parts(of(facts[cut:]), of(facts[:half]), of(facts[half:cut]), entities, relations)


def possible(parts, row):
    """By looking at every entity: false triples with another head or tail of the relation, or else any."""
    facts = {one for part in (parts.train, parts.valid, parts.test) for one in rows_of(part)}
    h, r, t = row
    heads = {(e, r, t) for e in range(parts.entities)} - facts
    tails = {(h, r, e) for e in range(parts.entities)} - facts
    near_heads = {one for one in heads if any((one[0], r) == fact[:2] for fact in facts)}
    near_tails = {one for one in tails if any((r, one[2]) == fact[1:] for fact in facts)}
    return (near_heads | near_tails) or (heads | tails)


@pytest.mark.parametrize("draws", [0, 20], ids=["looked up", "drawn"])
@settings(max_examples=50, deadline=None)
@given(parts=graphs(), part=st.sampled_from(["valid", "test"]), seed=st.integers(0, 99))
def test_they_are_those_that_a_loop_allows(draws, parts, part, seed):
    before, module.DRAWS = module.DRAWS, draws
    try:
        pairs = false_triples(parts, part, seed)
    finally:
        module.DRAWS = before
    allowed = {row: possible(parts, row) for row in rows_of(getattr(parts, part))}
    assert rows_of(pairs.true) == [row for row, others in allowed.items() if others]
    assert pairs.left_out == len(allowed) - len(pairs.true)
    for true, false in zip(rows_of(pairs.true), rows_of(pairs.false), strict=True):
        assert false in allowed[true]
    assert rows_of(pairs.triples) == rows_of(pairs.true) + rows_of(pairs.false)
    assert pairs.labels.tolist() == [True] * len(pairs.true) + [False] * len(pairs.true)


@pytest.mark.parametrize("draws", [0, 20], ids=["looked up", "drawn"])
def test_head_and_tail_change_alike_often_and_all_entities_are_alike_likely(monkeypatch, draws):
    monkeypatch.setattr(module, "DRAWS", draws)
    # Another head of 1 can be 5 only; another tail of 0 can be 2, 3 or 4. 6 is in no place of the relation.
    parts = Parts(of([(5, 0, 2), (5, 0, 3), (5, 0, 4)]), of([(0, 0, 1)] * 1200), of([]), 7, 1)
    drawn = Counter(rows_of(false_triples(parts, "valid").false))
    assert set(drawn) == {(5, 0, 1), (0, 0, 2), (0, 0, 3), (0, 0, 4)}
    assert 500 < drawn[5, 0, 1] < 700
    assert all(140 < drawn[0, 0, tail] < 260 for tail in (2, 3, 4))


def test_where_the_relation_s_own_entities_make_facts_any_other_will_do():
    parts = Parts(of([(0, 0, 1), (2, 0, 1)]), of([(3, 0, 1)] * 200), of([]), 5, 1)
    drawn = rows_of(false_triples(parts, "valid").false)
    assert set(drawn) == {(1, 0, 1), (4, 0, 1), *((3, 0, tail) for tail in (0, 2, 3, 4))}


def test_the_seed_says_it_all_and_the_parts_differ(ring_parts):
    parts = Parts(ring_parts.train, ring_parts.valid, ring_parts.valid, 40, 4)
    one, again, other = (rows_of(false_triples(parts, "valid", seed).false) for seed in (0, 0, 1))
    assert one == again != other
    assert rows_of(false_triples(parts, "test", 0).false) != one
