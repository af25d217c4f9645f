"""Views: what a graph says of a concept, and that nothing held out is among it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.names import fold_name
from loregraft.kg.split.entities import folded_names
from loregraft.kg.tables.columns import Columns
from loregraft.pretrain.views import Leaks, collect_views, first_sentence


def everything(graph):
    return np.arange(len(graph))


def of(views, graph, id):
    """List (text, kind) of one concept's views."""
    rows = np.flatnonzero(views.concepts == graph.index(id))
    return [(views.texts[row], views.kinds[row]) for row in rows]


def graph_of(names, descriptions=()):
    entity, name, kind = (list(column) for column in zip(*names, strict=True))
    batches = [Columns("names", {"entity": entity, "name": name, "kind": kind})]
    if descriptions:
        entity, text = (list(column) for column in zip(*descriptions, strict=True))
        batches.append(Columns("descriptions", {"entity": entity, "text": text}))
    return KnowledgeGraph.gather(batches, source="made")


def test_views_of_a_concept(tiny_graph):
    """All names that mean the same, the preferred one first, and the first sentence of the definition."""
    views = collect_views(tiny_graph, everything(tiny_graph), held_out=())
    fever = of(views, tiny_graph, "P:1")
    assert fever[0] == ("Fever", "preferred")
    assert fever[-1] == ("A body temperature above the normal range.", "definition")
    assert sorted(fever[1:-1]) == [("High temperature", "lay"), ("Pyrexia", "exact"), ("发热", "exact")]
    assert [text for text, _ in of(views, tiny_graph, "P:5")] == [
        "Exanthem", "Rash", "A change of the skin that spreads over the body."
    ]  # fmt: skip
    assert views.removed == {}
    assert set(views.sources) == {"tiny"}
    assert np.all(np.diff(views.concepts) >= 0) and len(views) == len(views.texts) == len(views.concepts)


def test_only_the_concepts_asked_for(tiny_graph):
    chosen = np.array([tiny_graph.index("P:3"), tiny_graph.index("G:2")])
    views = collect_views(tiny_graph, chosen, held_out=())
    assert set(views.concepts.tolist()) == set(chosen.tolist())
    assert views.texts == (
        "Migraine", "Throbbing headache on one side", "A recurrent pain in one half of the head.", "ADRB2"
    )  # fmt: skip


def test_held_out_names_go_as_whole_words_from_names_and_definitions():
    graph = graph_of(
        [
            ("a", "Head ache", "preferred"),
            ("a", "Headache", "exact"),
            ("a", "Aches of the head", "lay"),
            ("b", "ACHE", "preferred"),
            ("c", "Tummy-ache, bad", "exact"),
            ("c", "Toothache", "preferred"),
        ],
        [("a", "An ache of it. A second sentence."), ("c", "Toothaches and headaches. The ache is bad.")],
    )
    views = collect_views(graph, everything(graph), held_out={"ache"})
    assert views.texts == ("Aches of the head", "Headache", "Toothache", "Toothaches and headaches.")
    assert views.removed == {"definition": 1, "exact": 1, "preferred": 2}


def test_a_held_out_name_of_several_words():
    graph = graph_of(
        [("a", text, "exact") for text in ("big red dog", "the big  RED-dog barks", "big dog", "red dog big")]
    )
    views = collect_views(graph, everything(graph), held_out={fold_name("Big red dog")})
    assert sorted(views.texts) == ["big dog", "red dog big"]


def test_a_chinese_name_is_found_inside_of_longer_text():
    """No space tells where a Chinese word ends, so it counts wherever it stands."""
    graph = graph_of(
        [("a", "高热", "exact"), ("a", "持续发热三天", "exact"), ("b", "发 热", "exact")],
        [("b", "病人发热。第二句。"), ("a", "没有。病人发热。")],
    )
    views = collect_views(graph, everything(graph), held_out={"发热"})
    assert sorted(views.texts) == ["发 热", "没有。", "高热"]
    assert views.removed == {"definition": 1, "exact": 1}


def test_tainted_definitions_go_and_names_stay(tiny_graph):
    tainted = [tiny_graph.index("P:1"), tiny_graph.index("G:1")]  # the second has no definition
    views = collect_views(tiny_graph, everything(tiny_graph), held_out=(), tainted=tainted)
    assert views.removed == {"definition": 1}
    kinds = [kind for _, kind in of(views, tiny_graph, "P:1")]
    assert sorted(kinds) == ["exact", "exact", "lay", "preferred"]
    assert ("Pain felt in any part of the head.", "definition") in of(views, tiny_graph, "P:2")


def test_names_that_fold_to_the_same_are_one_view():
    graph = graph_of(
        [
            ("a", "Fever-high", "exact"),
            ("a", "fever high", "lay"),
            ("a", "FEVER HIGH", "preferred"),
            ("b", "fever high", "exact"),
        ],
        [("a", "Fever, high.")],
    )
    views = collect_views(graph, everything(graph), held_out=())
    assert views.texts == ("FEVER HIGH", "fever high")  # of a and of b
    assert views.kinds == ("preferred", "exact")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A fever. It lasts.", "A fever."),
        ("  A fever  ", "A fever"),
        ("", ""),
        ("Is it? Yes!", "Is it?"),
        ("About 3.5 days. (Rarely more.)", "About 3.5 days."),
        ("Caused by E. coli. Bad.", "Caused by E. coli."),
        ("体温升高。常伴寒战。", "体温升高。"),
        ("是吗？是。", "是吗？"),
        ("体温升高", "体温升高"),
    ],
)
def test_first_sentence(text, expected):
    assert first_sentence(text) == expected


def test_no_view_holds_a_held_out_name(tiny_graph):
    """Each entity in turn is held out; nothing of the others speaks its names."""
    for held in range(len(tiny_graph)):
        names = folded_names(tiny_graph, [held])
        train = np.setdiff1d(everything(tiny_graph), [held])
        views = collect_views(tiny_graph, train, names)
        spoken = [f" {fold_name(text)} " for text in views.texts]
        assert not [text for text in spoken for name in names if f" {name} " in text]


WORD = st.sampled_from(["a", "b", "ab", "ba", "热", "发热", "c"])
PHRASE = st.lists(WORD, min_size=1, max_size=4).map(" ".join)


@settings(max_examples=100, deadline=None)
@given(st.lists(PHRASE, max_size=4), st.lists(WORD, max_size=6).map(" ".join))
def test_leaks_are_found_as_a_plain_search_would(names, text):
    def found(name):
        return name in text if any(c > "\u3000" for c in name) else f" {name} " in f" {text} "

    assert Leaks(names).in_folded(text) == any(found(name) for name in names)
