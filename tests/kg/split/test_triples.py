"""Parts of triples: no fact in two, nothing told across, and what the mode promises holds for any graph."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from loregraft.errors import BadInput
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.split.triples import COUNTED, PARTS, SplitSettings, split_triples, with_split
from loregraft.kg.store import open_graph, save_graph
from loregraft.kg.tables.columns import Columns


def graph_of(rows):
    """Make a graph of (head, relation, tail, source, split, negated)."""
    columns = (list(column) for column in zip(*rows, strict=True))
    names = ("head", "relation", "tail", "source", "split", "negated")
    return KnowledgeGraph.gather([Columns("triples", dict(zip(names, columns, strict=True)))])


def facts(pairs, relation="r"):
    return [(head, relation, tail, "s", "", False) for head, tail in pairs]


ROWS = st.lists(
    st.tuples(
        st.sampled_from("abcdefghij"),
        st.sampled_from("rst"),
        st.sampled_from("abcdefghij"),
        st.sampled_from("xy"),
        st.sampled_from(["", "train", "valid", "test"]),
        st.booleans(),
    ),
    min_size=12,
    max_size=80,
)
DRAWN = (ROWS, st.sampled_from(["transductive", "inductive"]), st.floats(0, 0.3), st.floats(0.1, 0.4))


KEPT = SplitSettings(mode="kept")


def wanted(mode, valid, test, seed=0):
    return SplitSettings(mode=mode, valid=valid, test=test, seed=seed)


def drawn(rows, mode, valid, test, seed=0):
    """Split, or give up on an example of which nothing can be held out."""
    graph = graph_of(rows)
    try:
        return graph, split_triples(graph, wanted(mode, valid, test, seed))
    except BadInput:
        assume(False)
        raise


def parts_of(graph, split, of):
    """Give what `of` makes of the triples of each part, as sets."""
    return [{of(graph.triple(int(row))) for row in split.rows(part)} for part in PARTS]


def apart(sets):
    return all(not one & other for place, one in enumerate(sets) for other in sets[place + 1 :])


@settings(max_examples=50, deadline=None)
@given(*DRAWN)
def test_no_fact_is_in_two_parts_nor_are_two_facts_of_the_same_two_entities(rows, mode, valid, test):
    graph, split = drawn(rows, mode, valid, test)
    assert len(split.parts) == len(graph.triples)
    assert apart(parts_of(graph, split, lambda fact: fact))
    assert apart(parts_of(graph, split, lambda fact: frozenset((fact.head, fact.tail))))
    counted = [len(found) for found in parts_of(graph, split, lambda fact: fact)]
    assert counted == [split.counts[part] for part in PARTS]


@settings(max_examples=50, deadline=None)
@given(ROWS, st.floats(0, 0.3), st.floats(0.1, 0.4))
def test_transductive_train_knows_every_entity_and_relation(rows, valid, test):
    graph, split = drawn(rows, "transductive", valid, test)
    for of in (lambda fact: fact.head, lambda fact: fact.tail):
        known, *held_out = parts_of(graph, split, of)
        everything = known | parts_of(graph, split, lambda fact: fact.tail)[0]
        everything |= parts_of(graph, split, lambda fact: fact.head)[0]
        assert all(found <= everything for found in held_out)
    known, *held_out = parts_of(graph, split, lambda fact: fact.relation)
    assert all(found <= known for found in held_out)
    assert split.counts["unseen_entities"] == 0


@settings(max_examples=50, deadline=None)
@given(ROWS, st.floats(0, 0.3), st.floats(0.1, 0.4))
def test_inductive_every_fact_held_out_has_an_entity_that_train_does_not_know(rows, valid, test):
    graph, split = drawn(rows, "inductive", valid, test)
    ends = parts_of(graph, split, lambda fact: (fact.head, fact.tail))
    known, of_valid, of_test = ({end for pair in pairs for end in pair} for pairs in ends)
    assert all(not set(pair) <= known for pair in ends[1] | ends[2])
    # What only test has is not met in valid: settings are chosen without it.
    assert all(not set(pair) <= known | of_valid for pair in ends[2])
    assert split.counts["unseen_entities"] == len((of_valid | of_test) - known)
    relations = parts_of(graph, split, lambda fact: fact.relation)
    assert relations[1] | relations[2] <= relations[0]


@settings(max_examples=30, deadline=None)
@given(*DRAWN, st.integers(0, 1000))
def test_a_seed_decides(rows, mode, valid, test, seed):
    graph, split = drawn(rows, mode, valid, test, seed)
    assert np.array_equal(split.parts, split_triples(graph, wanted(mode, valid, test, seed)).parts)


@settings(max_examples=50, deadline=None)
@given(ROWS)
def test_kept_parts_stay_and_a_fact_in_several_stays_in_the_first(rows):
    assume(any(row[4] and not row[5] for row in rows))
    graph = graph_of(rows)
    split = split_triples(graph, KEPT)
    stated = {}
    for row in range(len(graph.triples)):
        stated.setdefault(graph.triple(row), set()).add(graph.triple(row).split)
    for row, place in enumerate(split.parts.tolist()):
        given_parts = stated[graph.triple(row)] - {""} or {"train"}
        assert PARTS[place] == min(given_parts, key=PARTS.index)
    several = sum(len(given_parts - {""}) > 1 for given_parts in stated.values())
    assert split.counts["moved_earlier"] == several
    assert split.counts["without_part"] == sum(given_parts == {""} for given_parts in stated.values())


@settings(max_examples=30, deadline=None)
@given(*DRAWN)
def test_the_graph_of_a_split_has_the_same_statements_with_their_part(rows, mode, valid, test):
    graph, split = drawn(rows, mode, valid, test)
    made = with_split(graph, split)

    def told(fact, part):
        return fact, fact.source, part

    expected = {told(graph.triple(row), PARTS[place]) for row, place in enumerate(split.parts.tolist())}
    found = [told(made.triple(row), made.triple(row).split) for row in range(len(made.triples))]
    assert set(found) == expected and len(found) == len(expected)
    assert len(made.triples) + made.tally["triples_merged"] + len(made.negated) == len(rows)
    false = list(made.statements(range(len(made.negated)), negated=True))
    assert {fact.split for fact in false} <= {""}
    assert split_triples(made, KEPT).counts["leaks"] == 0


GRID = facts((f"{row}", f"{column}") for row in range(30) for column in range(30) if row < column)


@pytest.mark.parametrize("mode", ["transductive", "inductive"])
def test_the_shares_are_as_asked_where_they_can_be(mode):
    split = split_triples(graph_of(GRID), wanted(mode, 0.1, 0.2, 1))
    asked = {"valid": round(0.1 * len(GRID)), "test": round(0.2 * len(GRID))}
    for part, count in asked.items():
        assert abs(split.counts[part] - count) <= (0 if mode == "transductive" else 29)
    assert split.counts["short"] == sum(asked.values()) - split.counts["valid"] - split.counts["test"]


def test_seeds_differ_and_each_fact_is_as_likely_as_another():
    graph = graph_of(GRID)
    drawn_rows = [
        tuple(split_triples(graph, SplitSettings(seed=seed)).rows("test").tolist()) for seed in range(60)
    ]
    assert len(set(drawn_rows)) == 60
    times = np.bincount(np.concatenate(drawn_rows), minlength=len(GRID))
    assert times.max() < 20 and (times == 0).sum() < 10  # 6 on average


def test_what_was_moved_is_told():
    forth = facts((f"{row}", f"{column}") for row in range(20) for column in range(20) if row < column)
    back = [(tail, "inverse", head, *rest) for head, _, tail, *rest in forth]
    again = [(head, "copy", tail, *rest) for head, _, tail, *rest in forth]
    twice = [(*fact[:3], "other", *fact[4:]) for fact in forth]
    split = split_triples(graph_of([*forth, *back, *again, *twice]), wanted("transductive", 0.0, 0.1, 0))
    test = split.counts["test"]
    assert test % 3 == 0 and split.counts["valid"] == 0
    assert split.counts["moved_with_reverse"] + split.counts["moved_with_parallel"] == 2 * test // 3
    assert split.counts["moved_with_reverse"] >= test // 3 <= split.counts["moved_with_parallel"] + test // 3
    assert split.counts["statements_together"] == test // 3
    assert set(split.counts) <= set(COUNTED)


def test_leaks_of_kept_parts_are_counted_not_mended():
    rows = [
        ("a", "r", "b", "s", "train", False),
        ("b", "inverse", "a", "s", "test", False),
        ("a", "r", "c", "s", "valid", False),
        ("a", "s", "c", "s", "test", False),
        ("a", "r", "d", "s", "test", False),
    ]
    split = split_triples(graph_of(rows), KEPT)
    assert (split.counts["leaks"], split.counts["test"], split.counts["unseen_entities"]) == (2, 3, 2)


def test_a_hub_stays_known_when_its_facts_are_too_many():
    star = facts((f"{number}", "hub") for number in range(50))
    split = split_triples(graph_of(star), wanted("inductive", 0.1, 0.1, 3))
    assert (split.counts["test"], split.counts["valid"], split.counts["unseen_entities"]) == (5, 5, 10)
    splits = [split_triples(graph_of(star), wanted("inductive", 0.1, 0.1, seed)) for seed in range(40)]
    assert {split.counts["hubs_kept"] for split in splits} == {0, 1}


def test_nothing_to_hold_out_is_said():
    with pytest.raises(BadInput, match=r"valid 0\.1 and test 0\.1 of 3 facts is none to hold out") as caught:
        split_triples(graph_of(facts(["ab", "cd", "ef"])))
    assert caught.value.fix and caught.value.line == 0
    with pytest.raises(BadInput, match="every fact is the only one of an entity") as caught:
        split_triples(graph_of(facts((f"a{n}", f"b{n}") for n in range(20))))
    assert "more triples" in caught.value.fix
    with pytest.raises(BadInput, match="no triple came with a part") as caught:
        split_triples(graph_of(facts(["ab"])), KEPT)
    assert "--mode" in caught.value.fix
    with pytest.raises(BadInput, match="no entity has so few facts") as caught:
        split_triples(
            graph_of(facts((a, b) for a in "abcd" for b in "abcd" if a < b)), SplitSettings(mode="inductive")
        )
    assert "larger share" in caught.value.fix


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ((-0.1, 0.1), "valid\\n.* greater than or equal to 0"),
        ((0.5, 0.5), "valid 0.5 and test 0.5 leave no triple"),
        ((0.1, 1.0), "test\\n.* less than 1"),
        ((math.nan, 0.1), "valid\\n.* finite"),
        ((0.1, math.inf), "test\\n.* finite"),
    ],
)
def test_shares_leave_something_for_train(shares, said):
    with pytest.raises(ValueError, match=said):
        wanted("transductive", *shares)


@pytest.mark.parametrize("mode", ["transductive", "inductive"])
@pytest.mark.parametrize(
    ("part", "shares"), [("valid", (0.1, 0.0)), ("test", (0.0, 0.1)), ("valid", (0.1, 1e-9))]
)
def test_one_part_may_be_none(mode, part, shares):
    split = split_triples(graph_of(GRID), wanted(mode, *shares))
    assert split.counts[part] > 20
    assert split.counts["train"] == len(GRID) - split.counts[part]


def test_a_split_survives_the_disk(tmp_path, tiny_graph):
    split = split_triples(tiny_graph, wanted("transductive", 0.0, 0.1, 0))
    save_graph(with_split(tiny_graph, split), tmp_path / "split", "key")
    opened = open_graph(tmp_path / "split")
    assert np.array_equal(split_triples(opened, KEPT).parts, split.parts)
    assert len(opened.negated) == 1 and opened.counts()["triples"] == 11
