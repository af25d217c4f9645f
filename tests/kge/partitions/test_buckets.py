"""Buckets: every entity has one place, every triple one bucket, every bucket one visit, few loads."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.kge.partitions.buckets import Buckets, Layout, visits
from loregraft.kge.questions import Triples


def triples_of(count, entities, relations=3, seed=0):
    drawn = np.random.default_rng(seed)
    heads, tails = drawn.integers(0, entities, (2, count)) ** 2 // entities  # some are hubs
    weights = drawn.random(count).astype(np.float32)
    return Triples.of(heads, drawn.integers(0, relations, count), tails, weights)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_each_entity_has_a_place_of_its_own(data):
    entities = data.draw(st.integers(1, 200))
    partitions = data.draw(st.integers(1, entities))
    layout = Layout.draw(triples_of(300, entities), entities, partitions, 0)
    places = sorted(zip(layout.partition.tolist(), layout.row.tolist(), strict=True))
    assert places == [(part, row) for part, size in enumerate(layout.sizes) for row in range(size)]
    ordinary = layout.sizes[: layout.hubs]
    assert len(ordinary) == partitions and max(ordinary) - min(ordinary) <= 1
    for part in range(len(layout.sizes)):
        assert (np.diff(layout.row[layout.partition == part]) == 1).all()  # in the order of indexes


def test_one_partition_changes_nothing_and_hubs_are_those_of_most_triples():
    triples = triples_of(2000, 100)
    one = Layout.draw(triples, 100, 1, 0)
    assert one.hubs is None and one.sizes == [100] and (one.row == np.arange(100)).all()
    four = Layout.draw(triples, 100, 4, 0)
    often = np.bincount(np.r_[triples.heads, triples.tails], minlength=100)
    assert four.hubs == 4 and sorted(four.sizes) == [6, 23, 23, 24, 24] and four.sizes[4] == 6
    assert often[four.partition == 4].min() >= often[four.partition < 4].max()
    other = Layout.draw(triples, 100, 4, 1)
    assert (other.partition != four.partition).any()


@pytest.mark.parametrize("hubs", [False, True])
@pytest.mark.parametrize(
    ("partitions", "buffered"), [(1, 2), (2, 2), (3, 2), (4, 2), (9, 2), (9, 4), (10, 3)]
)
def test_each_bucket_is_learnt_once_and_a_visit_loads_one_partition(partitions, buffered, hubs):
    hub = partitions if hubs else None
    found = visits(partitions, buffered, hub, np.random.default_rng(3))
    every = range(partitions + hubs)
    learnt = {(i, j): [] for i in every for j in every}
    for visit in found:
        assert len(set(visit.held)) == min(buffered, partitions) + hubs
        assert sorted(visit.buckets) == sorted((i, j) for i in visit.held for j in visit.held)
        for bucket, part in visit.buckets.items():
            learnt[bucket].append(part)
    for parts in learnt.values():
        assert parts and parts == [(number, len(parts)) for number in range(len(parts))]
    for before, after in pairwise(found):
        assert len(set(after.held) - set(before.held)) == 1
    loads = len(set(found[0].held)) - hubs + len(found) - 1
    if buffered == 2 and partitions > 1:  # each pair of partitions needs a load, the first two
        assert loads == partitions * (partitions - 1) // 2 + 1
    pairs = (partitions * (partitions - 1) - buffered * (buffered - 1)) / 2
    least = max(0, pairs) / (buffered - 1) + min(buffered, partitions)
    assert loads <= 1.3 * least + 1


def test_visits_are_drawn_anew():
    orders = [visits(6, 2, None, np.random.default_rng(seed)) for seed in (0, 1, 0)]
    assert orders[0] != orders[1] and orders[0] == orders[2]


@pytest.mark.parametrize("partitions", [1, 5])
def test_triples_come_back_from_their_buckets(tmp_path, partitions):
    triples = triples_of(500, 60)
    layout = Layout.draw(triples, 60, partitions, 0)
    buckets = Buckets(tmp_path / "buckets", triples, layout)
    entity = {
        (part, row): index
        for index, (part, row) in enumerate(zip(layout.partition.tolist(), layout.row.tolist(), strict=True))
    }
    found = []
    for i in range(len(layout.sizes)):
        for j in range(len(layout.sizes)):
            read = buckets.read((i, j))
            assert len(read) == buckets.count((i, j))
            heads = [entity[i, row] for row in read.heads.tolist()]
            tails = [entity[j, row] for row in read.tails.tolist()]
            found += zip(heads, read.relations.tolist(), tails, read.weights.tolist(), strict=True)
    given = [column.tolist() for column in vars(triples).values()]
    assert sorted(found) == sorted(zip(*given, strict=True))
    if partitions == 1:
        assert found == list(zip(*given, strict=True))  # in the order they were given in


def test_parts_and_pieces_of_a_bucket_are_all_of_it_and_alike(tmp_path):
    triples = triples_of(2000, 60)
    layout = Layout.draw(triples, 60, 2, 0)
    buckets = Buckets(tmp_path / "buckets", triples, layout)
    every = buckets.read((0, 1))
    for found in ([buckets.read((0, 1), part, 7) for part in range(7)], list(buckets.pieces((0, 1)))):
        for name, column in vars(every).items():
            assert np.concatenate([getattr(one, name) for one in found]).tolist() == column.tolist()
    first, last = buckets.read((0, 1), 0, 2).heads.mean(), buckets.read((0, 1), 1, 2).heads.mean()
    assert first == pytest.approx(last, rel=0.3)
    sorted_heads = triples.take(np.argsort(triples.heads, kind="stable"))
    again = Buckets(tmp_path / "sorted", sorted_heads, layout)
    first, last = again.read((0, 1), 0, 2).heads.mean(), again.read((0, 1), 1, 2).heads.mean()
    assert first == pytest.approx(last, rel=0.3)  # though they were given in order
