"""A linker judged beside the simplest ones, and by slices."""

import pytest

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.tables.columns import Columns
from loregraft.linking.formats.records import Annotated, Gold
from loregraft.linking.judging.evaluation import evaluate, floors_of
from loregraft.linking.linker import Linker
from loregraft.records import Document, Mention

NAMES = [("planet", "Mercury"), ("metal", "Mercury"), ("venus", "Venus"), ("venus", "Morning star")]
TRIPLES = [("planet", "near", "venus"), ("metal", "in", "ore"), ("metal", "in", "thermometer")]


@pytest.fixture(scope="module")
def linker():
    kinds = ["preferred", "preferred", "preferred", "lay"]
    columns = {"entity": [id for id, _ in NAMES], "name": [name for _, name in NAMES], "kind": kinds}
    head, relation, tail = (list(column) for column in zip(*TRIPLES, strict=True))
    return Linker.build(
        KnowledgeGraph.gather(
            [
                Columns("names", columns),
                Columns("triples", {"head": head, "relation": relation, "tail": tail}),
            ],
            source="test",
        )
    )


def text_of(content, *mentions, language=""):
    gold = tuple(
        Gold(Mention(content.index(surface), content.index(surface) + len(surface), surface), (id,))
        for surface, id in mentions
    )
    return Annotated(Document("1", content), gold, language)


TEXTS = [
    text_of("Mercury and Venus.", ("Mercury", "planet"), ("Venus", "venus"), language="en"),
    text_of("The morning star, and Venuz.", ("morning star", "venus"), ("Venuz", "venus"), language="en"),
]


def test_simplest_linkers_by_hand(linker):
    floors = floors_of(linker)
    text = "Mercury, Venus and the stars of morning"
    found = {name: [(o.mention.text, o.entity) for o in one.link(text)] for name, one in floors.items()}
    assert found["prior only"] == [("Mercury", "metal"), ("Venus", "venus")], "metal has more neighbours"
    assert [mention for mention, _ in found["exact only"]] == ["Mercury", "Venus"]
    assert floors["exact only"].link("Venuz", [(0, 5)])[0].entity is None


def test_floors_and_slices(linker):
    found = evaluate(linker, TEXTS, places_given=True)
    assert found.judged.row("all").right == 4
    assert found.floors["prior only"].row("all").right == 2
    cut = {(one.name, one.label): (one.right, one.mentions) for one in found.slices}
    assert cut["meanings", "0"] == (1, 1) and cut["meanings", "2-5"] == (1, 1)
    assert (
        cut["name", "lay"] == (1, 1) and cut["name", "none"] == (1, 1) and cut["name", "preferred"] == (2, 2)
    )
    assert cut["nesting", "flat"] == (4, 4) and cut["language", "en"] == (4, 4)
    told = "\n".join(found.told())
    assert "exact only, strong" in told and "name: lay" in told
    as_dict = found.as_dict()
    assert set(as_dict["floors"]) == {"exact only", "prior only"} and len(as_dict["slices"]) == len(cut)


def test_texts_without_a_mention_of_the_graph_have_no_slices(linker):
    found = evaluate(linker, [text_of("Nothing."), text_of("A gnat.", ("gnat", "elsewhere"))])
    assert found.slices == ()
    assert found.told()[-1].startswith("prior only")
