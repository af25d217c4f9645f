"""Example cards and marked texts."""

from hypothesis import given
from hypothesis import strategies as st

from loregraft.report.samples import groups, linked_texts, pieces


def link(start, end, entity="E:1"):
    return {"start": start, "end": end, "entity": entity, "name": "Thing", "score": 0.9}


def test_pieces_by_hand():
    found = pieces("a bad cold", [link(2, 10)])
    assert [(piece.text, piece.entity, piece.score) for piece in found] == [
        ("a ", "", ""),
        ("bad cold", "E:1", "0.90"),
    ]


def test_of_overlapping_links_the_first_and_longest_is_marked():
    found = pieces("abcdef", [link(1, 3, "late"), link(0, 2, "short"), link(0, 4, "long")])
    assert [(piece.text, piece.entity) for piece in found] == [("abcd", "long"), ("ef", "")]


@given(st.text(max_size=60), st.lists(st.tuples(st.integers(-5, 70), st.integers(-5, 70)), max_size=8))
def test_pieces_join_to_the_text(text, spans):
    found = pieces(text, [link(start, end) for start, end in spans])
    assert "".join(piece.text for piece in found) == text


def test_groups_come_in_order(results):
    results["examples"].reverse()
    found = groups(results)
    assert [group.name for group in found] == ["Fixed", "Broken", "Random"]
    assert [len(group.cards) for group in found] == [4, 4, 4]


def test_the_right_answer_is_marked(results):
    card = groups(results)[0].cards[0]
    assert [arm.arm for arm in card.arms] == ["untouched", "shuffled", "grafted"]
    assert [arm.rank for arm in card.arms] == ["rank 17", "rank 40", "rank 1"]
    assert [arm.is_right for arm in card.arms] == [False, False, True]
    assert [answer.is_right for answer in card.arms[2].answers] == [True, False, False]


def test_what_is_left_out_is_counted(results):
    results["examples"] *= 3
    assert [(len(group.cards), group.left_out) for group in groups(results)] == [(8, 4)] * 3
    results["linking"]["examples"] *= 10
    texts, more = linked_texts(results)
    assert (len(texts), more) == (12, 18)


def test_a_matched_name_is_shown_only_if_it_differs(results):
    results["examples"][0]["answers"]["grafted"][0]["matched"] = "numbness OF the hand"
    assert groups(results)[0].cards[0].arms[2].answers[0].matched == ""
