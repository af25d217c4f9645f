"""Entities added to a linker and taken out of it, beside a linker that is built anew."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.artifact import read_card
from loregraft.errors import WrongArtifact
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.tables.columns import Columns
from loregraft.linking.entities import NewEntity
from loregraft.linking.formats.records import Annotated, Gold
from loregraft.linking.learning.learn import learn_from_labels
from loregraft.linking.learning.texts import learn_from_texts
from loregraft.linking.linker import Linker
from loregraft.records import Document, Mention

WORDS = ["renal", "cyst", "WHO", "fever", "of", "acute", "肾", "囊肿"]
NAMES = [("a", "Renal cyst"), ("a", "Kidney cyst"), ("b", "Fever"), ("c", "肾囊肿"), ("d", "mTOR")]


def linker_of(names):
    columns = {"entity": [id for id, _ in names], "name": [name for _, name in names]}
    first = {id: row for row, (id, _) in reversed(list(enumerate(names)))}
    columns["kind"] = ["preferred" if first[id] == row else "exact" for row, (id, _) in enumerate(names)]
    graph = KnowledgeGraph.gather(
        [Columns("entities", {"id": list(first)}), Columns("names", columns)], source="test"
    )
    return Linker.build(graph)


def said(linker, text):
    return [(link.mention.start, link.mention.end, link.entity) for link in linker.link(text)]


@pytest.fixture
def linker():
    return linker_of(NAMES)


def test_what_is_added_is_found_by_its_names_and_what_is_like_them(linker):
    grown = linker.add_entities([NewEntity("new", ("Yellow fever", "Bunyaviral illness"), description="ill")])
    assert said(grown, "yellow fever, FEVER") == [(0, 12, "new"), (14, 19, "b")]
    assert said(grown, "illness bunyaviral") == [(0, 18, "new")], "in other words too"
    assert grown.link("bunyavral illness", [(0, 17)])[0].entity == "new", "misspelt too"
    assert said(linker, "yellow fever") == [(7, 12, "b")], "the old one is as it was"
    assert grown.index.entities.label(grown.index.entities.numbers["new"]) == "Yellow fever"


def test_a_name_that_is_there_already_gets_another_meaning(linker):
    grown = linker.add_entities(
        [NewEntity("new", ("Fever",)), NewEntity("star", ("Nova",))], [("new", "near", "star")]
    )
    assert grown.link("Fever near the nova.")[0].entity == "new"
    assert grown.index.entities.fact(0) == "Fever -near-> Nova"
    assert linker.link("Fever near the nova.")[0].entity == "b"


def test_a_name_that_needed_its_capitals_does_so_no_more(linker):
    assert said(linker, "MTOR or mTOR") == [(8, 12, "d")]
    grown = linker.add_entities([NewEntity("town", ("mtor",))]).with_settings(nil=0)
    assert [(start, end) for start, end, _ in said(grown, "MTOR or mTOR")] == [(0, 4), (8, 12)]


def test_what_is_removed_is_found_no_more_and_others_of_its_name_are(linker):
    grown = linker.add_entities([NewEntity("new", ("Fever",))]).remove(["b"])
    assert said(grown, "fever") == [(0, 5, "new")]
    assert said(grown.remove(["new"]), "fever and a renal cyst") == [(12, 22, "a")]
    assert linker.remove(["a"]).link("renal cysts", [(0, 11)])[0].entity is None
    assert said(linker.remove(["a", "b", "c", "d"]), "fever") == []


def test_what_cannot_be_is_refused(linker):
    with pytest.raises(ValueError, match="'b' is an entity of this linker already"):
        linker.add_entities([NewEntity("b", ("Cold",))])
    with pytest.raises(ValueError, match="comes twice"):
        linker.add_entities([NewEntity("x", ("Cold",)), NewEntity("x", ("Cold",))])
    with pytest.raises(ValueError, match="'nowhere', which is no entity"):
        linker.add_entities([NewEntity("x", ("Cold",))], [("x", "near", "nowhere")])
    with pytest.raises(ValueError, match="'q' is no entity"):
        linker.remove(["q"])


def test_what_was_learned_stays(linker):
    taught = learn_from_texts(linker.add_entities([NewEntity("fe", ("Fever",))]), ["Fever."] * 20).linker
    grown = taught.add_entities([NewEntity("ague", ("Ague", "Acute ague"))]).remove(["c"])
    lexicon, before = grown.index.lexicon, taught.index.lexicon
    assert len(grown.prior) == len(lexicon.entities)
    kept = {int(e): float(p) for e, p in zip(before.entities, taught.prior, strict=True) if p}
    assert kept == {int(e): float(p) for e, p in zip(lexicon.entities, grown.prior, strict=True) if p}


def test_what_is_removed_does_not_come_back_with_labels(linker):
    texts = [
        Annotated(Document(str(number), "Pyrexia."), (Gold(Mention(0, 7, "Pyrexia"), (id,)),))
        for number, id in enumerate("aaabaaabaaaaaaab")
    ]
    taught = learn_from_labels(linker.remove(["b"]), texts)
    assert taught.link("Pyrexia and fever.", [(0, 7)])[0].entity == "a"
    assert said(taught, "fever") == []


def _saved_key(linker, folder):
    linker.save(folder / "other")
    return read_card(folder / "other", "linker").key


def test_a_folder_of_an_older_version_is_refused(linker, tmp_path):
    linker.save(tmp_path / "old")
    (tmp_path / "old" / "layers.first.npy").unlink()
    with pytest.raises(WrongArtifact, match=r"older version.*Build it again"):
        Linker.load(tmp_path / "old")


def test_saved_changed_linkers_open_and_are_changed_again(linker, tmp_path):
    grown = linker.add_entities([NewEntity("new", ("Yellow fever",))]).remove(["b"])
    grown.save(tmp_path / "grown")
    loaded = Linker.load(tmp_path / "grown")
    text = "Yellow fever, fever, a renal cyst and dengue"
    assert said(loaded, text) == said(grown, text) == [(0, 12, "new"), (23, 33, "a")]
    assert read_card(tmp_path / "grown", "linker").key != _saved_key(grown.remove(["d"]), tmp_path)
    again = loaded.add_entities([NewEntity("dengue", ("Dengue",))])
    assert said(again, text) == [(0, 12, "new"), (23, 33, "a"), (38, 44, "dengue")]
    assert list(again.pipe([text] * 3, workers=2)) == [again.link(text)] * 3
    again.save(tmp_path / "again")
    assert said(Linker.load(tmp_path / "again"), text) == said(again, text)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=3), min_size=1, max_size=4),
    st.lists(st.sampled_from(WORDS), max_size=8),
)
def test_names_are_found_as_by_a_linker_that_is_built_anew(new, text):
    """Where names are found as they are; what is like them may differ, as words are weighed otherwise."""
    added = [NewEntity(f"n{place}", (" ".join(words),)) for place, words in enumerate(new)]
    grown = linker_of(NAMES).add_entities(added[:1]).add_entities(added[1:])
    anew = linker_of([*NAMES, *((one.id, one.names[0]) for one in added)])
    plain = " ".join(text)
    places = [
        [(s, e) for s, e, _ in said(one.with_settings(overlaps="all", variants=False), plain)]
        for one in (grown, anew)
    ]
    assert places[0] == places[1]
