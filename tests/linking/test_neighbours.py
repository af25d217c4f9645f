"""Who is joined to whom: by hand, against loops over the triples, and out of mapped files."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.linking.neighbours import HUB, MOST_TWO_STEPS, TWO_STEPS, Neighbours, join_weights

NONE = np.zeros(0, np.int64)


def joined(*pairs, size):
    heads, tails = np.array(pairs, np.int32).reshape(-1, 2).T
    return Neighbours.of(heads, np.zeros(len(heads), np.int32), tails, size)


def rarity(degree):
    return 1 / np.log(2 + degree)


def two_steps(between, *degrees):
    return min(MOST_TWO_STEPS, TWO_STEPS * between / np.sqrt(np.prod(np.maximum(degrees, 1))))


def test_triples_by_hand():
    """0-1 twice, both ways; a loop at 2; 3 alone. Relation 1 is the rarer one."""
    heads, relations, tails = (np.array(x, np.int32) for x in ([0, 1, 2, 1], [0, 1, 0, 0], [1, 0, 2, 2]))
    found = Neighbours.of(heads, relations, tails, 4)
    assert found.pointers.tolist() == [0, 1, 3, 4, 4]
    assert found.neighbours.tolist() == [1, 0, 2, 1]
    assert found.rows.tolist() == [1, 1, 3, 3]
    assert found.degrees(np.arange(4)).tolist() == [1, 2, 1, 0]
    assert found.triple(0, 1) == found.triple(1, 0) == 1
    assert found.triple(0, 2) is None
    assert found.triple(3, 0) is None
    assert found.between(0, 2, HUB, NONE) == 1
    assert found.between(0, 2, 2, NONE) is None, "1 has two neighbours"
    assert found.between(0, 2, HUB, np.array([1])) is None
    assert len(found) == 4


def test_no_triples_and_no_entities():
    assert joined(size=3).pointers.tolist() == [0, 0, 0, 0]
    assert joined(size=0).pointers.tolist() == [0]


def test_the_first_of_triples_of_one_relation_stands_for_all():
    assert joined((1, 0), (0, 1), (1, 0), size=2).rows.tolist() == [0, 0]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_neighbours_are_those_of_a_loop(seed):
    generator = np.random.default_rng(seed)
    size, count = int(generator.integers(1, 12)), int(generator.integers(0, 40))
    heads, tails = generator.integers(0, size, (2, count)).astype(np.int32)
    relations = generator.integers(0, 3, count).astype(np.int16)
    found = Neighbours.of(heads, relations, tails, size)
    uses = np.bincount(relations, minlength=3)
    for one in range(size):
        rows = {}
        for row in range(count):
            ends = {int(heads[row]), int(tails[row])}
            if one in ends and len(ends) == 2:
                rows.setdefault((ends - {one}).pop(), []).append((uses[relations[row]], row))
        assert found.of_entity(one).tolist() == sorted(rows)
        for other, all_rows in rows.items():
            assert found.triple(one, other) == min(all_rows)[1]
    owners, places = found.listed(np.arange(size)[::-1])
    assert (size - 1 - owners).tolist() == sorted((size - 1 - owners).tolist(), reverse=True)
    assert found.neighbours[places].tolist() == [
        x for one in range(size)[::-1] for x in found.of_entity(one).tolist()
    ]


def test_weights_by_hand():
    """0 - 1, and 0 - 4 - 2, 0 - 5 - 2: one triple, and two ways of two steps. 3 is joined to nobody."""
    neighbours = joined((0, 1), (0, 4), (4, 2), (5, 0), (2, 5), size=6)
    among = np.arange(4)
    weights = join_weights(neighbours, among, among)
    assert weights[0, 1] == pytest.approx(np.sqrt(rarity(3) * rarity(1)))
    assert weights[0, 2] == pytest.approx(two_steps(2 * rarity(2), 3, 2))
    # 4 is a candidate of the text itself: the walk goes there by itself.
    assert join_weights(neighbours, among, np.arange(5))[0, 2] == pytest.approx(two_steps(rarity(2), 3, 2))
    assert np.count_nonzero(weights) == 4
    assert (weights == weights.T).all()


@pytest.mark.parametrize("more", [0, 1])
def test_a_hub_joins_none_by_two_steps_and_some_by_one(more):
    """Entity 0 has HUB - 1 neighbours or HUB; it is joined to 1, and 1 to 2 by way of it."""
    ends = [(0, other) for other in range(1, HUB + more)]
    neighbours = joined(*ends, size=HUB + 2)
    weights = join_weights(neighbours, np.array([1, 2]), np.array([1, 2]))
    assert (weights[0, 1] > 0) == (more == 0)
    direct = join_weights(neighbours, np.array([0, 1]), np.array([0, 1]))
    assert direct[0, 1] == pytest.approx(np.sqrt(rarity(HUB - 1 + more) * rarity(1)))


def test_hubs_are_joined_to_each_other_by_a_triple():
    ends = [(hub, 2 + other) for hub in (0, 1) for other in range(HUB)]
    apart, together = joined(*ends, size=HUB + 2), joined(*ends, (1, 0), size=HUB + 2)
    both = np.array([0, 1])
    assert join_weights(apart, both, both)[0, 1] == 0
    assert join_weights(together, both, both)[0, 1] == pytest.approx(rarity(HUB + 1))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_weights_are_those_of_a_loop(seed):
    generator = np.random.default_rng(seed)
    size = int(generator.integers(2, 30))
    pairs = generator.integers(0, size, (int(generator.integers(0, 90)), 2))
    neighbours = joined(*pairs.tolist(), size=size)
    but = np.unique(generator.integers(0, size, int(generator.integers(1, size + 1))))
    among = but[generator.random(len(but)) < 0.7]
    near = [set(neighbours.of_entity(one).tolist()) for one in range(size)]
    weights = join_weights(neighbours, among, but) if len(among) else np.zeros((0, 0))
    for i, one in enumerate(among.tolist()):
        for j, other in enumerate(among.tolist()):
            middles = (near[one] & near[other]) - set(but.tolist()) if i != j else set()
            between = sum(rarity(len(near[middle])) for middle in middles)
            expected = two_steps(between, len(near[one]), len(near[other]))
            if other in near[one]:
                expected += np.sqrt(rarity(len(near[one])) * rarity(len(near[other])))
            assert weights[i, j] == pytest.approx(expected, abs=1e-6)


def test_mapped_files_serve_as_well(tmp_path):
    """Read-only columns that lie on disk, as a linker's folder holds them."""
    generator = np.random.default_rng(5)
    neighbours = joined(*generator.integers(0, 300, (900, 2)).tolist(), size=300)
    for name, array in vars(neighbours).items():
        np.save(tmp_path / f"{name}.npy", array)
    mapped = Neighbours(
        **{name: np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in vars(neighbours)}
    )
    among = np.arange(0, 300, 7)
    assert isinstance(mapped.neighbours, np.memmap)
    assert (join_weights(mapped, among, among) == join_weights(neighbours, among, among)).all()
    assert [mapped.triple(0, x) for x in range(9)] == [neighbours.triple(0, x) for x in range(9)]
