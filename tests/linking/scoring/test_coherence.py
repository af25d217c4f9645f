"""Coherence: by hand, against a slow walk written out, what must not change it, and homonyms told apart."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.linking.neighbours import HUB, Neighbours, join_weights
from loregraft.linking.scoring.coherence import STEPS, WALK_ON, coherence, evidence, vector_coherence
from loregraft.linking.scoring.windows import MOST_CANDIDATES, MOST_MENTIONS, TextCandidates, windows


def joined(*pairs, size):
    heads, tails = np.array(pairs, np.int32).reshape(-1, 2).T
    return Neighbours.of(heads, np.zeros(len(heads), np.int32), tails, size)


def text_of(*mentions, step=10, ends=None, window=1_500):
    """A text whose mentions begin every `step` characters, each a dict of entity -> local score."""
    numbers = np.array([n for n, shares in enumerate(mentions) for _ in shares], np.int64)
    entities = np.array([entity for shares in mentions for entity in shares], np.int64)
    local = np.array([share for shares in mentions for share in shares.values()], np.float64)
    return TextCandidates(numbers, entities, local, np.arange(len(mentions)) * step, ends, window)


def drawn(seed, size=40):
    """A graph and a text of mentions with different candidates, all at random."""
    generator = np.random.default_rng(seed)
    neighbours = joined(
        *generator.integers(0, size, (int(generator.integers(0, 120)), 2)).tolist(), size=size
    )
    mentions = []
    for _ in range(int(generator.integers(1, 9))):
        chosen = generator.choice(size, int(generator.integers(1, 5)), replace=False)
        mentions.append(dict(zip(chosen.tolist(), generator.dirichlet(np.ones(len(chosen))), strict=True)))
    return text_of(*mentions), neighbours


def slow(text, neighbours):
    """Walk from each mention over the nodes, in loops. All mentions have different candidates."""
    size = len(text.entities)
    different = np.unique(text.entities)
    weights = np.zeros((size, size))
    table = join_weights(neighbours, different, different)
    for i in range(size):
        for j in range(size):
            if text.mentions[i] != text.mentions[j]:
                weights[i, j] = table[tuple(np.searchsorted(different, text.entities[[i, j]]))]
    steps = WALK_ON * weights / np.maximum(weights.sum(1), 1)[:, None]
    weight = np.zeros(size)
    for mention in np.unique(text.mentions):
        own = text.mentions == mention
        now = start = np.where(own, text.local, 0)
        for _ in range(STEPS):
            now = start + now @ steps
        weight += np.where(own, 0, now)
    return 1 - np.exp(-weight)


def test_two_mentions_by_hand():
    """0 - 1, nothing else: what starts at 0 goes to and fro; so much comes to 1 at steps 1, 3, 5, ..."""
    neighbours = joined((0, 1), size=3)
    text = text_of({0: 0.5}, {1: 1.0}, {2: 1.0})
    step = WALK_ON / np.log(3)
    to_and_fro = sum(step**n for n in range(1, STEPS + 1, 2))
    expected = [1 - np.exp(-to_and_fro), 1 - np.exp(-0.5 * to_and_fro), 0]
    assert coherence(text, neighbours) == pytest.approx(expected, abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_it_is_what_a_slow_walk_gives(seed):
    text, neighbours = drawn(seed)
    if len({tuple(sorted(text.entities[text.mentions == m])) for m in range(len(text.starts))}) < len(
        text.starts
    ):
        return  # two mentions with the same candidates have one voice
    assert coherence(text, neighbours) == pytest.approx(slow(text, neighbours), abs=1e-5)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_order_does_not_matter_and_values_are_shares(seed):
    text, neighbours = drawn(seed)
    generator = np.random.default_rng(seed)
    vectors = generator.normal(size=(40, 6))
    rename = generator.permutation(len(text.starts))
    order = generator.permutation(len(text.entities))
    starts = np.empty_like(text.starts)
    starts[rename] = text.starts
    moved = TextCandidates(rename[text.mentions][order], text.entities[order], text.local[order], starts)
    for function in (lambda t: coherence(t, neighbours), lambda t: vector_coherence(vectors, t)):
        found = function(text)
        assert function(moved) == pytest.approx(found[order], abs=1e-6)
        assert ((found >= 0) & (found <= 1)).all()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_triples_between_rivals_change_nothing(seed):
    """Each candidate of mention 0 has a triple with an entity of its own, or instead with a rival."""
    text, _ = drawn(seed)
    generator = np.random.default_rng(seed + 1)
    pairs = generator.integers(0, 40, (50, 2)).tolist()
    rivals = text.entities[text.mentions == 0].tolist()
    pairs = [pair for pair in pairs if not set(pair) <= set(rivals)]
    among = [(one, other) for n, one in enumerate(rivals) for other in rivals[:n]]
    alone = []
    for one, other in among:  # of the same degree, so that nothing else changes
        alone += [(one, 100 + 2 * len(alone)), (other, 101 + 2 * len(alone))]
    without, with_them = joined(*pairs, *alone, size=200), joined(*pairs, *among, size=200)
    mentions = text.mentions
    own = np.isin(text.entities, rivals) & (mentions > 0)
    if own.any():  # there a rival is a candidate of another mention too
        return
    assert coherence(text, with_them) == pytest.approx(coherence(text, without), abs=1e-6)


def test_support_does_not_come_back():
    """Only what starts elsewhere counts: a share of 1 or of 0.1 for a candidate is the same for itself."""
    neighbours = joined((0, 1), (1, 2), size=4)
    for share in (0.1, 1.0):
        found = coherence(text_of({0: share}, {1: 0.0}, {2: 0.0}), neighbours)
        assert found[0] == 0
        assert found[1] > found[2] > 0


@pytest.mark.parametrize("homonym", [0, 1])
def test_a_planted_homonym_is_resolved(homonym):
    """Entities 0 and 1 have one name; one of them is joined to what else the text speaks of."""
    pairs = [(homonym, 2), (homonym, 3), (1 - homonym, 5), (1 - homonym, 6), (3, 4)]
    text = text_of({0: 0.5, 1: 0.5}, {2: 1.0}, {3: 0.9, 6: 0.1}, {4: 1.0})
    found = coherence(text, joined(*pairs, size=7))
    assert found[homonym] > 3 * found[1 - homonym]
    vectors = np.eye(7)
    vectors[[2, 3, 4], homonym] = 1
    found = vector_coherence(vectors, text)
    assert found[homonym] > 0.5
    assert found[1 - homonym] == 0


@pytest.mark.parametrize("seed", range(4))
def test_many_planted_homonyms_are_resolved(seed):
    """Thirty fields of twenty entities; each name of the text's field is one of another field too."""
    generator = np.random.default_rng(seed)
    fields = generator.permutation(600).reshape(30, 20)
    pairs = [generator.choice(field, 2, replace=False).tolist() for field in fields for _ in range(40)]
    pairs += generator.integers(0, 600, (300, 2)).tolist()
    right, namesakes = (
        fields[0, :12].tolist(),
        generator.choice(fields[1:].ravel(), 8, replace=False).tolist(),
    )
    mentions = [{entity: 0.4, other: 0.6} for entity, other in zip(right, namesakes, strict=False)]
    text = text_of(*mentions, *({entity: 1.0} for entity in right[8:]))
    found = coherence(text, joined(*pairs, size=600))[:16].reshape(8, 2)
    assert (found[:, 0] > found[:, 1]).mean() >= 0.85


def test_who_is_alone_has_nothing():
    neighbours = joined((0, 1), size=4)
    assert coherence(text_of({0: 0.5, 1: 0.5}), neighbours).tolist() == [0, 0], "one mention"
    assert coherence(text_of({0: 1.0}, {2: 1.0}), neighbours).tolist() == [0, 0], "no triple"
    assert coherence(text_of({0: 1.0}, {0: 0.9, 3: 0.1}), neighbours).tolist() == [0, 0, 0], "the same"
    empty = text_of()
    assert coherence(empty, neighbours).shape == (0,)
    assert vector_coherence(np.eye(4), empty).shape == (0,)
    assert evidence(empty, neighbours, np.zeros(0, np.int64)) == []
    assert coherence(text_of({}, {}), joined(size=0)).shape == (0,)
    assert vector_coherence(np.eye(4), text_of({0: 1.0})).tolist() == [0]


def test_a_repeated_mention_has_one_voice():
    neighbours = joined((0, 1), (2, 1), (0, 2), size=3)
    once = coherence(text_of({0: 0.5, 2: 0.5}, {1: 1.0}), neighbours)
    often = coherence(text_of({0: 0.5, 2: 0.5}, {1: 1.0}, {0: 0.7, 2: 0.3}, {2: 0.7, 0: 0.3}), neighbours)
    assert often[:3] == pytest.approx(once)
    assert often[3:] == pytest.approx(once[[0, 1, 1, 0]])


def test_mentions_that_overlap_do_not_support_each_other():
    """`breast cancer` and the `cancer` in it; and another `cancer` elsewhere, that does."""
    neighbours = joined((0, 1), size=2)
    inside = text_of({0: 1.0}, {1: 1.0}, step=7, ends=np.array([13, 13]))
    assert coherence(inside, neighbours).tolist() == [0, 0]
    assert coherence(text_of({0: 1.0}, {1: 1.0}, step=7), neighbours).min() > 0
    touching = text_of({0: 1.0}, {1: 1.0}, step=7, ends=np.array([7, 13]))
    assert coherence(touching, neighbours).min() > 0
    vectors = np.ones((2, 3))
    assert vector_coherence(vectors, inside).tolist() == [0, 0]
    assert vector_coherence(vectors, touching) == pytest.approx([1, 1])
    again = text_of({0: 1.0}, {1: 1.0}, {1: 1.0}, step=7, ends=np.array([13, 13, 21]))
    assert coherence(again, neighbours).min() > 0
    (support,), (other,) = evidence(again, neighbours, np.array([0, 1]))
    assert (support.mention, support.by, support.candidate) == (0, 2, 2), "not the one inside"
    assert (other.mention, other.by) == (1, 0)


def test_a_hub_says_little():
    """A triple with an entity of many triples counts less than one with an entity of few."""
    many = [(0, other) for other in range(10, 10 + HUB)]
    neighbours = joined((0, 1), (2, 3), *many, size=10 + HUB)
    found = coherence(text_of({0: 1.0}, {1: 1.0}, {2: 1.0}, {3: 1.0}), neighbours)
    assert 0 < found[1] < 0.7 * found[3]


def test_the_likeliest_candidates_take_part():
    crowd = {entity: 0.05 + 0.001 * entity for entity in range(MOST_CANDIDATES + 2)}
    neighbours = joined(*[(entity, 50) for entity in crowd], size=51)
    found = coherence(text_of(crowd, {50: 1.0}), neighbours)
    assert (found[:2] == 0).all()
    assert (found[2:-1] > 0).all()


def test_far_mentions_do_not_support_each_other():
    neighbours = joined((0, 1), size=2)
    assert coherence(text_of({0: 1.0}, {1: 1.0}, step=1_500), neighbours).min() > 0
    assert coherence(text_of({0: 1.0}, {1: 1.0}, step=1_501), neighbours).max() == 0
    assert coherence(text_of({0: 1.0}, {1: 1.0}, step=1_501, window=1_501), neighbours).min() > 0


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 300))
def test_each_candidate_is_judged_in_one_window(seed, count):
    generator = np.random.default_rng(seed)
    starts = np.sort(generator.integers(0, int(generator.integers(1, 20_000)), count))
    mentions = np.sort(generator.integers(0, count, 2 * count))
    text = TextCandidates(mentions, np.arange(2 * count), np.ones(2 * count), starts)
    found = list(windows(text))
    assert sorted(row for window in found for row in window.own.tolist()) == list(range(2 * count))
    for window in found:
        inside = starts[mentions[window.rows]]
        assert inside.max() - inside.min() <= 1_500
        assert len(np.unique(mentions[window.rows])) <= MOST_MENTIONS


def test_a_mention_in_the_middle_of_a_long_text_sees_both_sides():
    """400 mentions, 20 characters apart: each is supported by a mention 15 before it or 15 after it."""
    neighbours = joined(*[(n, n + 15) for n in range(385)], size=400)
    text = text_of(*[{n: 1.0} for n in range(400)], step=20)
    found = coherence(text, neighbours)
    assert (found > 0).mean() > 0.95


def test_evidence_names_the_triples():
    """0 is joined to 1 by triple 2, to 3 by way of 5 (triples 0 and 3), and to 4 by way of hub 6."""
    around = [(6, other) for other in range(10, 10 + HUB)]
    pairs = [(5, 0), (7, 8), (1, 0), (3, 5), (0, 6), (4, 6), *around]
    neighbours = joined(*pairs, size=10 + HUB)
    text = text_of({0: 0.6, 9: 0.4}, {1: 1.0}, {3: 1.0}, {4: 1.0})
    first, second = evidence(text, neighbours, np.array([0, 1]))
    assert second == []
    assert [(s.mention, s.by, s.candidate, s.triples, s.middle) for s in first] == [
        (0, 1, 2, (2,), None),
        (0, 2, 3, (0, 3), 5),
    ]
    assert sum(s.share for s in first) == pytest.approx(1)
    chosen = np.array([True, False, False, True, True])
    (only,) = evidence(text, neighbours, np.array([0]), chosen)[0]
    assert (only.by, only.share) == (2, pytest.approx(first[1].share))
    assert len(evidence(text, neighbours, np.array([0]), most=1)[0]) == 1


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_every_triple_named_is_one_of_the_graph(seed):
    generator = np.random.default_rng(seed)
    heads, tails = generator.integers(0, 40, (2, 60)).astype(np.int32)
    neighbours = Neighbours.of(heads, generator.integers(0, 4, 60).astype(np.int32), tails, 40)
    text, _ = drawn(seed)
    supported = coherence(text, neighbours)
    found = evidence(text, neighbours, np.arange(len(text.entities)), most=100)
    for row, supports in enumerate(found):
        assert (len(supports) > 0) == (supported[row] > 0)
        shares = [support.share for support in supports]
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) == pytest.approx(1 if supports else 0)
        for support in supports:
            ends = [int(text.entities[row]), int(text.entities[support.candidate])]
            assert (text.mentions[row], text.mentions[support.candidate]) == (support.mention, support.by)
            assert support.mention != support.by
            walked = ends if support.middle is None else [ends[0], support.middle, ends[1]]
            for triple, one, other in zip(support.triples, walked[:-1], walked[1:], strict=True):
                assert {int(heads[triple]), int(tails[triple])} == {one, other}


def test_cosines_by_hand():
    """The three nearest of four; an opposite one is 0; for a mention speaks its likeliest candidate."""
    angles = np.radians([0, 30, 60, 90, 150, 10])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1) * [[1], [2], [3], [4], [5], [6]]
    text = text_of({0: 1.0}, {1: 1.0}, {2: 1.0}, {3: 0.6, 5: 0.4}, {4: 1.0})
    found = vector_coherence(vectors, text)
    assert found[0] == pytest.approx((np.cos(np.radians(30)) + 0.5 + 0) / 3)
    # Entity 5 is of the mention that 3 speaks for, so that 3 does not count: 10, 20 and 50 degrees away.
    assert found[4] == pytest.approx(np.cos(np.radians([10, 20, 50])).mean())
    assert vector_coherence(vectors, text, most=1)[0] == pytest.approx(np.cos(np.radians(30)))
    two = text_of({0: 1.0}, {1: 1.0})
    assert vector_coherence(vectors, two) == pytest.approx([np.cos(np.radians(30))] * 2), (
        "of one, not of three"
    )
    assert vector_coherence(np.zeros((6, 2)), text).tolist() == [0] * 6


def test_only_the_rows_of_candidates_are_read(tmp_path):
    """Float16 vectors in a mapped file; those of other entities are not even numbers."""
    vectors = np.full((1_000, 4), np.nan, np.float16)
    vectors[[3, 500]] = [1, 0, 0, 0]
    np.save(tmp_path / "vectors.npy", vectors)
    mapped = np.load(tmp_path / "vectors.npy", mmap_mode="r")
    assert vector_coherence(mapped, text_of({3: 1.0}, {500: 1.0})) == pytest.approx([1, 1])


def test_an_entity_counts_once_and_not_for_itself():
    vectors = np.array([[1.0, 0], [1, 1], [0, 1]])
    text = text_of({0: 1.0}, {1: 0.9, 2: 0.1}, {1: 1.0}, {0: 0.9, 2: 0.1})
    found = vector_coherence(vectors, text)
    assert found[0] == pytest.approx(np.sqrt(0.5)), "1 once; 0 in the other mention says nothing new"


def test_wrong_arguments():
    neighbours = joined((0, 1), size=2)
    with pytest.raises(ValueError, match="entity 2 is none of the graph's 2"):
        coherence(text_of({0: 1.0}, {2: 1.0}), neighbours)
    with pytest.raises(ValueError, match=r"local scores must be 0..1, got -3"):
        text_of({0: -3.0})
    with pytest.raises(ValueError, match="local scores"):
        text_of({0: float("nan")})
    with pytest.raises(ValueError, match="mention 4 has no start; there are 2"):
        TextCandidates(np.array([4]), np.array([0]), np.ones(1), np.arange(2))
