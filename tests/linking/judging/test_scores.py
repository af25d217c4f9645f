"""Matching and scores: by hand, by properties, and as scikit-learn has them."""

import json
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.linking.formats.records import Gold
from loregraft.linking.judging.matching import PROTOCOLS, Protocol, count
from loregraft.linking.judging.scores import MATCHES, PARTS, judge, macro, micro, told
from loregraft.records import Link, Mention

GRAPH = {"A", "B", "C"}


def mention(start, end):
    return Mention(start, end, "x" * (end - start))


def right(start, end, *ids, composite=False):
    return Gold(mention(start, end), ids, composite)


def said(start, end, id):
    return Link(mention(start, end), id, 1.0)


GOLD = [
    [right(0, 5, "A"), right(10, 20, "B"), right(12, 15, "C"), right(30, 35)],
    [right(0, 4, "A", "B"), right(6, 9, "Z")],
]
FOUND = [
    [said(0, 5, "A"), said(10, 19, "B"), said(12, 15, "A"), said(30, 35, None), said(40, 42, "C")],
    [said(0, 4, "B"), said(6, 9, None)],
]


@pytest.mark.parametrize(
    ("part", "match", "expected"),
    [
        # In the first document A at 0 and NIL at 30 are right; B is only nearly at its place.
        ("all", "strong", [(2, 5, 4), (2, 2, 2)]),
        ("all", "weak", [(3, 5, 4), (2, 2, 2)]),
        ("in_graph", "strong", [(1, 4, 3), (1, 1, 1)]),
        ("in_graph", "weak", [(2, 4, 3), (1, 1, 1)]),
        ("nil", "strong", [(1, 1, 1), (1, 1, 1)]),
        ("detection", "strong", [(3, 5, 4), (2, 2, 2)]),
        ("detection", "weak", [(4, 5, 4), (2, 2, 2)]),
    ],
)
def test_counts_by_hand(part, match, expected):
    counts = count(GOLD, FOUND, match, part, in_graph=GRAPH)
    assert [tuple(row) for row in counts.columns.tolist()] == expected


def test_scores_by_hand():
    counts = count(GOLD, FOUND, in_graph=GRAPH)
    scores = micro(counts)
    assert (scores.precision, scores.recall) == (pytest.approx(4 / 7), pytest.approx(4 / 6))
    assert scores.f1 == pytest.approx(8 / 13)
    assert macro(counts).f1 == pytest.approx((4 / 9 + 1) / 2)
    assert macro(counts).precision == pytest.approx((2 / 5 + 1) / 2)


def test_composite_mentions_by_protocol():
    gold = [[right(0, 9, "A", "B", composite=True), right(10, 12, "C")]]
    one, both = [said(0, 9, "A"), said(10, 12, "C")], [said(0, 9, "A"), said(0, 9, "B"), said(10, 12, "C")]

    def columns(found, *protocol, **more):
        return count(gold, [found], protocol=Protocol(*protocol, **more)).columns.tolist()

    assert columns(one, "any") == [[2, 2, 2]]
    assert columns(one, "all") == [[2, 2, 3]]
    assert columns(both, "all") == [[3, 3, 3]]
    assert columns(both, "any") == [[2, 3, 2]]  # one id is enough, so the second is one too many
    assert columns(both, "any", keep_composite=False) == [[1, 1, 1]]
    assert columns([said(0, 9, "C")], "all") == [[0, 1, 3]]


def test_mentions_out_of_the_graph_by_protocol():
    gold = [[right(0, 9, "Z"), right(10, 12, "A"), right(20, 22)]]
    found = [[said(0, 9, "B"), said(10, 12, "A"), said(20, 22, None)]]
    with_all = count(gold, found, in_graph=GRAPH)
    without = count(gold, found, protocol=Protocol(keep_out_of_graph=False), in_graph=GRAPH)
    assert with_all.columns.tolist() == [[2, 3, 3]]
    assert without.columns.tolist() == [[2, 2, 2]]  # what was found at its place does not count either
    assert count(gold, [[said(0, 9, None)]], in_graph=GRAPH).right.tolist() == [1]
    assert count(gold, [[said(0, 9, None)]]).right.tolist() == [0]


def test_each_mention_has_one_link_at_most():
    """The long link could take either mention; as many pairs as possible are made."""
    gold = [[right(0, 4, "A"), right(5, 9, "A")]]
    found = [[said(0, 9, "A"), said(5, 9, "A"), said(5, 9, "A")]]
    assert count(gold, found, "weak").columns.tolist() == [[2, 2, 2]]
    assert count(gold, [[said(0, 9, "A")]], "weak").columns.tolist() == [[1, 1, 2]]


def test_touching_is_not_overlapping_and_documents_are_apart():
    assert count([[right(0, 4, "A")]], [[said(4, 8, "A")]], "weak").right.tolist() == [0]
    assert count([[right(0, 4, "A")], []], [[], [said(0, 4, "A")]], "weak").right.tolist() == [0, 0]


def test_nothing_asked_and_nothing_given_is_right():
    empty = judge([[]], [[]])
    assert all(row.micro.f1 == row.macro.f1 == 1 for row in empty.rows)
    assert judge([], []).documents == 0
    assert micro(count([[right(0, 1, "A")]], [[]])).as_dict() == {"precision": 0, "recall": 0, "f1": 0}
    assert micro(count([[]], [[said(0, 1, "A")]])).f1 == 0
    with pytest.raises(ValueError, match="gold of 1 documents, links of 2"):
        judge([[]], [[], []])


places = st.tuples(st.integers(0, 12), st.integers(1, 5)).map(lambda at: (at[0], at[0] + at[1]))
ids = st.sampled_from(["A", "B", "C", "Z"])
gold_rows = st.lists(
    st.tuples(places, st.lists(ids, max_size=2, unique=True), st.booleans()), max_size=8, unique_by=str
)
found_rows = st.lists(st.tuples(places, st.none() | ids), max_size=8)
worlds = st.lists(st.tuples(gold_rows, found_rows), max_size=4)


def built(world):
    gold = [
        [right(*place, *ids, composite=both and len(ids) > 1) for place, ids, both in rows]
        for rows, _ in world
    ]
    found = [[said(*place, id) for place, id in rows] for _, rows in world]
    return gold, found


@settings(max_examples=50, deadline=None)
@given(world=worlds, seed=st.integers(0, 99), protocol=st.sampled_from(range(len(PROTOCOLS))))
def test_properties_of_counts(world, seed, protocol):
    gold, found = built(world)
    rule = PROTOCOLS[protocol]
    shuffled = random.Random(seed)
    other_gold = [shuffled.sample(rows, len(rows)) for rows in gold]
    other_found = [shuffled.sample(rows, len(rows)) for rows in found]
    for part in PARTS:
        strong, weak = (count(gold, found, match, part, rule, GRAPH) for match in MATCHES)
        assert (strong.right <= weak.right).all()
        assert (strong.found == weak.found).all() and (strong.gold == weak.gold).all()
        for match, counts in zip(MATCHES, (strong, weak), strict=True):
            assert (counts.right <= np.minimum(counts.found, counts.gold)).all()
            again = count(other_gold, other_found, match, part, rule, GRAPH)
            assert (again.columns == counts.columns).all()
            assert 0 <= micro(counts).f1 <= 1
            for row in range(len(gold)):
                alone = count(gold[row : row + 1], found[row : row + 1], match, part, rule, GRAPH)
                assert (alone.columns == counts.columns[row]).all()
                assert micro(alone) == macro(alone)


@settings(max_examples=50, deadline=None)
@given(world=worlds)
def test_perfect_is_one(world):
    gold, _ = built(world)
    found = [
        [said(one.mention.start, one.mention.end, id) for one in rows for id in one.entities or (None,)]
        for rows in gold
    ]
    # Of alternatives one alone is enough and a second would be one too many, so all are meant together here.
    single = [[Gold(one.mention, one.entities, len(one.entities) > 1) for one in rows] for rows in gold]
    result = judge(single, found, Protocol("all"), draws=0)
    assert all(row.micro.f1 == row.macro.f1 == 1 and row.f1 is None for row in result.rows)


def slow_weak(gold, found):
    """The most pairs, by trying all: the oracle of the fast matching."""
    if not gold:
        return 0
    first, rest = gold[0], gold[1:]
    best = slow_weak(rest, found)
    for number, link in enumerate(found):
        overlaps = link.mention.start < first.mention.end and link.mention.end > first.mention.start
        if overlaps and (link.entity in first.entities or (link.entity is None and not first.entities)):
            best = max(best, 1 + slow_weak(rest, found[:number] + found[number + 1 :]))
    return best


@settings(max_examples=50, deadline=None)
@given(
    gold=gold_rows.filter(lambda rows: len(rows) <= 5), found=found_rows.filter(lambda rows: len(rows) <= 5)
)
def test_the_matching_is_the_largest(gold, found):
    (mentions,), (links,) = built([(gold, found)])
    unique_gold = list({(one.mention, tuple(sorted(one.entities))): one for one in mentions}.values())
    unique_found = list(dict.fromkeys(links))
    assert count([mentions], [links], "weak").right.tolist() == [slow_weak(unique_gold, unique_found)]


@settings(max_examples=50, deadline=None)
@given(pairs=st.lists(st.tuples(st.none() | ids, st.none() | ids), min_size=1, max_size=30))
def test_agrees_with_scikit_learn(pairs):
    """Where each place has one right and one found entity, F1 is that of a classifier."""
    from sklearn.metrics import precision_recall_fscore_support

    gold = [[right(n * 2, n * 2 + 1, *([id] if id else [])) for n, (id, _) in enumerate(pairs)]]
    found = [[said(n * 2, n * 2 + 1, id) for n, (_, id) in enumerate(pairs)]]
    truth, guess = ([id or "NIL" for id in column] for column in zip(*pairs, strict=True))
    for part, labels in (
        ("all", ["A", "B", "C", "Z", "NIL"]),
        ("in_graph", ["A", "B", "C", "Z"]),
        ("nil", ["NIL"]),
    ):
        ours = micro(count(gold, found, part=part))
        theirs = precision_recall_fscore_support(
            truth, guess, labels=labels, average="micro", zero_division=0
        )
        if set(labels) & set(truth) or set(labels) & set(guess):
            assert (ours.precision, ours.recall, ours.f1) == pytest.approx(theirs[:3])


def test_a_judgement_is_told_and_is_json():
    result = judge(GOLD, FOUND, in_graph=GRAPH)
    lines = told(result)
    assert lines[0] == "all mentions, any id (2 documents)"
    assert lines[2].split() == ["all,", "strong", "6", "7", "4", "57.1", "66.7", "61.5", "44.4-100.0", "72.2"]
    assert len(lines) == 2 + len(PARTS) * len(MATCHES)
    assert max(map(len, lines)) <= 100
    assert told(judge([[]], [[]]))[2].split() == ["all,", "strong", "0", "0", "0", "-", "-", "-", "-"]
    written = json.loads(json.dumps(result.as_dict(), allow_nan=False))
    assert written["rows"][0]["micro"] == {"precision": 0.57143, "recall": 0.66667, "f1": 0.61538}
    assert [protocol.name for protocol in PROTOCOLS] == [
        "all mentions, any id",
        "all mentions, all ids",
        "without out-of-graph, any id",
        "without out-of-graph, all ids",
        "without composite",
        "without composite and out-of-graph",
    ]
