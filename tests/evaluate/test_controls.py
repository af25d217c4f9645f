"""Shuffling views: kinds stay apart where there are enough of each, and a rare kind stops nothing."""

from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from loregraft.evaluate.controls import RARE, shuffle_views, true_pairs
from loregraft.kg.names import fold_name
from loregraft.pretrain.views import Views, collect_views


def views_of(*rows):
    """Make views from (concept, text, kind)."""
    concepts, texts, kinds = zip(*rows, strict=True)
    return Views(np.array(concepts, np.int64), texts, kinds, ("made",) * len(rows), {})


def common(concepts, *kinds):
    """For each concept a preferred name and a view of each kind."""
    return [
        (concept, f"{kind} {concept}", kind) for concept in range(concepts) for kind in ("preferred", *kinds)
    ]


def test_the_only_shuffle_of_two_concepts():
    """a: A and alpha, b: B and beta: alpha and beta change places, whatever the seed."""
    views = views_of(
        (0, "A", "preferred"), (0, "alpha", "exact"), (1, "B", "preferred"), (1, "beta", "exact")
    )
    for seed in range(5):
        assert shuffle_views(views, seed).texts == ("A", "beta", "B", "alpha")


def test_true_pairs_are_all_pairs_of_folded_texts(tiny_graph):
    views = collect_views(tiny_graph, np.arange(len(tiny_graph)), held_out=())
    expected = {
        tuple(sorted((fold_name(views.texts[a]), fold_name(views.texts[b]))))
        for a, b in combinations(range(len(views)), 2)
        if views.concepts[a] == views.concepts[b]
    }
    assert true_pairs(views) == expected
    assert ("fever", "pyrexia") in expected and ("fever", "rash") not in expected


def test_kinds_change_places_with_their_like():
    views = views_of(*common(RARE, "exact", "lay"))
    shuffled = shuffle_views(views, 0)
    assert shuffled.kinds == views.kinds
    assert all(text.split()[0] == kind for text, kind in zip(shuffled.texts, shuffled.kinds, strict=True))


@pytest.mark.parametrize("rare", [1, 2, 5])
def test_a_rare_kind_is_dealt_with_the_next_larger(rare):
    """One abbreviation in a large graph has no other abbreviation to change places with."""
    rows = common(80, "exact") + [(7, f"abbreviation {number}", "abbreviation") for number in range(rare)]
    views = views_of(*sorted(rows, key=lambda row: (row[0], row[2] != "preferred")))
    shuffled = shuffle_views(views, 0)
    assert not true_pairs(views) & true_pairs(shuffled)
    assert Counter(zip(shuffled.texts, shuffled.kinds, strict=True)) == Counter(
        zip(views.texts, views.kinds, strict=True)
    )


def test_a_name_of_two_concepts_goes_to_neither():
    rows = [*common(40, "exact"), (3, "twice", "exact"), (4, "TWICE", "exact")]
    views = views_of(*sorted(rows, key=lambda row: (row[0], row[2] != "preferred")))
    for seed in range(20):
        shuffled = shuffle_views(views, seed)
        owners = [
            c for c, text in zip(shuffled.concepts, shuffled.texts, strict=True) if text.lower() == "twice"
        ]
        assert len(owners) == 2 and not {3, 4} & set(owners)


def test_the_tiny_graph_can_be_shuffled(tiny_graph):
    views = collect_views(tiny_graph, np.arange(len(tiny_graph)), held_out=())
    for seed in range(5):
        assert not true_pairs(views) & true_pairs(shuffle_views(views, seed))
