"""The control contract, over all controls: as much of everything, seeded, and no true pair among it."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.errors import BadInput
from loregraft.evaluate.controls import shuffle_views, true_pairs
from loregraft.pretrain.views import Views

CONTROLS = {"shuffled": shuffle_views}
KINDS = ("exact", "exact", "exact", "lay", "lay", "definition", "abbreviation")


def world(seed, concepts, shared):
    """Make concepts of 1 to 5 views; a share of the strings names two concepts, in other spelling."""
    generator = np.random.default_rng(seed)
    rows = []
    for concept in range(concepts):
        rows.append((concept, f"preferred {concept}", "preferred", "made"))
        for number in range(generator.integers(0, 5)):
            text = f"name {concept} {number}"
            if generator.random() < shared and concept:
                text = f"NAME-{generator.integers(0, concept)} {number}"
            source = "rare" if generator.random() < 0.02 else "made"
            rows.append((concept, text, str(generator.choice(KINDS)), source))
    columns, texts, kinds, sources = zip(*rows, strict=True)
    return Views(np.array(columns, np.int64), texts, kinds, sources, {"exact": 3})


@pytest.fixture(params=CONTROLS)
def control(request):
    return CONTROLS[request.param]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(40, 120), st.sampled_from([0.0, 0.1]), st.integers(0, 99))
@pytest.mark.parametrize("name", CONTROLS)
def test_same_size_and_no_true_pair(name, seed, concepts, shared, control_seed):
    views = world(seed, concepts, shared)
    shuffled = CONTROLS[name](views, control_seed)
    assert not true_pairs(views) & true_pairs(shuffled)
    assert np.array_equal(views.concepts, shuffled.concepts)  # as many for each concept
    before, after = (zip(v.texts, v.kinds, v.sources, strict=True) for v in (views, shuffled))
    assert Counter(before) == Counter(after)  # each text, of its kind and source
    first = np.flatnonzero(np.r_[True, np.diff(views.concepts) > 0])
    assert [shuffled.texts[row] for row in first] == [views.texts[row] for row in first]
    assert shuffled.removed == views.removed


def test_the_seed_decides(control):
    views = world(0, 60, 0.05)
    assert control(views, 1).texts == control(views, 1).texts
    assert len({control(views, seed).texts for seed in range(5)}) == 5


def test_what_it_is_given_is_left_alone(control):
    views = world(0, 60, 0.05)
    kept = views.texts, views.kinds, views.concepts.tolist()
    control(views, 1)
    assert (views.texts, views.kinds, views.concepts.tolist()) == kept


@pytest.mark.parametrize("concepts", [1, 2])
def test_too_small_a_world_is_told(control, concepts):
    """Nowhere to go: with one concept there is no other, with two of three names each the pairs survive."""
    rows = [(c, f"name {c} {n}", "exact", "made") for c in range(concepts) for n in range(3)]
    columns, texts, kinds, sources = zip(*rows, strict=True)
    with pytest.raises(BadInput, match="cannot be shuffled apart") as caught:
        control(Views(np.array(columns, np.int64), texts, kinds, sources, {}), 0)
    assert "more entities" in caught.value.fix


def test_no_view_to_shuffle(control):
    nothing = Views(np.zeros(0, np.int64), (), (), (), {})
    assert control(nothing, 0).texts == ()
    firsts = Views(np.arange(3), ("a", "b", "c"), ("preferred",) * 3, ("made",) * 3, {})
    assert control(firsts, 0).texts == ("a", "b", "c")
