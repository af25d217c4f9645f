"""The linking stage: whose mentions are kept, what is counted, and when it is done again."""

import pyarrow.parquet as pq
import pytest

from loregraft.artifact import read_card
from loregraft.errors import BadInput
from loregraft.linking.linker import Linker
from loregraft.linking.settings import LinkSettings
from loregraft.recipe import linking
from loregraft.recipe.knowledge import Texts
from loregraft.recipe.linking import (
    count_generators,
    count_links,
    find_links,
    link_settings,
    linking_stage,
    tainted_by,
)
from loregraft.recipe.settings import EvaluateSettings, Recipe
from loregraft.recipe.talk import Silence
from loregraft.records import Document

SAID = [
    "Fever with viral infections.",
    "Nothing here.",
    "Rash and fever; bronchial asthma (BA), then BA again.",
]


def texts_of(said, about=None):
    documents = tuple(Document(str(number), text) for number, text in enumerate(said))
    return Texts(documents, tuple(about or [-1] * len(said)))


@pytest.fixture
def found(tiny_graph):
    """Link texts that are about entities (-1: none), and list what each says: text, entity."""
    linker = Linker.build(tiny_graph)

    def find(said, about=None):
        rows = find_links(linker, texts_of(said, about), Silence()).to_pylist()
        return [
            [
                (text[row["start"] : row["end"]], tiny_graph.id_at(row["entity"]))
                for row in rows
                if row["document"] == number
            ]
            for number, text in enumerate(said)
        ]

    return find


def test_mentions_by_text_and_place(found):
    fever, nothing, rash = found(SAID)
    assert fever == [("Fever", "P:1"), ("viral infections", "D:4")]
    assert nothing == []
    assert rash == [
        ("Rash", "P:5"), ("fever", "P:1"), ("bronchial asthma", "D:3"), ("BA", "D:3"), ("BA", "D:3")
    ]  # fmt: skip


def test_what_a_definition_is_about_is_left_out_and_so_is_a_part_of_its_name(found, tiny_graph):
    own = tiny_graph.index("D:3")
    assert found(["Bronchial asthma with fever"] * 2, [own, -1]) == [
        [("fever", "P:1")],
        [("Bronchial asthma", "D:3"), ("fever", "P:1")],
    ]


def test_texts_are_linked_some_at_a_time_and_the_same(tiny_graph, monkeypatch):
    linker = Linker.build(tiny_graph)
    whole = find_links(linker, texts_of(SAID), Silence())
    monkeypatch.setattr(linking, "CHUNK", 2)
    assert find_links(linker, texts_of(SAID), Silence()) == whole


def test_counts_of_links_and_of_how_they_were_found(tiny_graph):
    links = find_links(Linker.build(tiny_graph), texts_of(SAID), Silence())
    assert count_links(links, len(SAID)) == {
        "documents": 3,
        "documents_with_link": 2,
        "mentions": 7,
        "ambiguous": 0,
    }
    assert count_generators(links) == {"name": 4, "variant": 1, "abbreviation": 2}
    assert set(links["score"].to_pylist()) <= {
        score for score in links["score"].to_pylist() if 0.5 <= score <= 1
    }


def test_no_text_has_no_link(tiny_graph):
    links = find_links(Linker.build(tiny_graph), texts_of([]), Silence())
    assert links.column_names[:4] == ["document", "start", "end", "entity"]
    assert set(count_links(links, 0).values()) == set(count_generators(links).values()) == {0}


def test_the_prefix_is_that_of_what_is_asked_for_unless_it_is_wider(tiny_graph):
    recipe = Recipe(evaluate=EvaluateSettings(prefix="P:"))
    assert link_settings(recipe, tiny_graph).prefix == "P:"
    wider = recipe.model_copy(update={"linking": LinkSettings(prefix="P")})
    assert link_settings(wider, tiny_graph).prefix == "P"


@pytest.mark.parametrize(
    ("settings", "asked", "missed"),
    [
        (LinkSettings(prefix="D:"), "P:", "P:1"),
        (LinkSettings(prefix="P:2"), "P:", "P:1"),
        (LinkSettings(under=("D:4",)), "D:", "D:3"),
    ],
)
def test_settings_that_leave_out_what_is_asked_for_are_refused(tiny_graph, settings, asked, missed):
    recipe = Recipe(linking=settings, evaluate=EvaluateSettings(prefix=asked))
    with pytest.raises(BadInput, match=f"not for '{missed}' and") as caught:
        link_settings(recipe, tiny_graph)
    assert "linking.prefix" in caught.value.fix


def test_a_stage_writes_links_and_says_whom_they_taint(tiny_graph, tmp_path):
    texts = texts_of(SAID, [tiny_graph.index("D:2"), tiny_graph.index("D:1"), -1])
    folder = tmp_path / "links"
    linking_stage(Recipe(), tiny_graph, "key", texts, folder, Silence())
    assert tainted_by(folder, texts, [tiny_graph.index("P:1")]) == {tiny_graph.index("D:2")}
    assert tainted_by(folder, texts, [tiny_graph.index("D:1")]) == frozenset()
    card = read_card(folder, "links")
    (example,) = card.facts["examples"]
    assert [link["entity"] for link in example["links"]] == ["P:1", "D:4"]
    assert len(pq.read_table(folder / "links.parquet")) == card.facts["counts"]["mentions"]


def test_a_stage_is_done_again_when_its_settings_change(tiny_graph, tmp_path):
    folder, texts = tmp_path / "links", texts_of(SAID)

    def key(**settings):
        recipe = Recipe(linking=LinkSettings(**settings))
        linking_stage(recipe, tiny_graph, "key", texts, folder, Silence())
        return read_card(folder, "links").key

    first = key()
    written = (folder / "card.json").stat().st_mtime_ns
    assert key() == first and (folder / "card.json").stat().st_mtime_ns == written
    assert key(variants=False) != first
    assert read_card(folder).facts["by_generator"]["variant"] == 0
