"""What is written is read back: random texts in all formats, and the real corpora."""

import json
import os
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loregraft.errors import BadInput, CannotWrite, MissingExtra
from loregraft.linking.formats import READERS, WRITERS, read, recognise, write
from loregraft.linking.formats.records import Annotated, Gold, in_order
from loregraft.records import Document, Link, Mention

DATA = Path(os.environ.get("LOREGRAFT_DATA", Path(__file__).parents[4] / "shared" / "data"))
EXACT = ("jsonl", "elevant", "elevant_links", "nif", "brat")
"""Formats that hold any text; the others turn some characters into blanks."""
IDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
PLAIN_IDS = st.from_regex(r"[A-Za-z0-9:_.é疫-]{1,10}", fullmatch=True).filter(
    lambda id: id not in ("-", "-1", "NIL", "None")
)


@st.composite
def drafts(draw, texts, ids, scores=False):
    """Give id, text and (start, end, ids, composite, score); records are made outside of strategies."""
    text = draw(texts)
    places = st.tuples(st.integers(0, len(text)), st.integers(0, len(text))).map(sorted).map(tuple)
    links = []
    for start, end in draw(st.lists(places, max_size=5, unique=True)):
        entities = tuple(draw(st.lists(ids, max_size=3, unique=True)))
        composite = len(entities) > 1 and draw(st.booleans())
        if start < end:
            links.append((start, end, entities, composite, draw(st.floats(0, 1)) if scores else 1.0))
    return draw(ids), text, links


def annotated(draft):
    id, text, links = draft
    gold = [Gold(Mention(start, end, text[start:end]), *rest) for start, end, *rest in links]
    return [Annotated(Document(id, text), in_order(gold))]


def plain(document):
    """Give what all formats hold: ELEVANT says more of a mention than it was given."""
    return (document.document, [(one.link, one.entities, one.composite) for one in document.gold])


def round_trip(folder, format, given):
    path = folder / f"out.{format}"
    write(given, path, format, force=True)
    back = list(read(path, format.removesuffix("_links"), left_out=Counter()))
    if format == "brat":  # a folder has its own order
        return sorted(back, key=lambda one: one.document.id)
    return back


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=drafts(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), PLAIN_IDS))
@pytest.mark.parametrize("format", EXACT)
def test_any_text_survives(tmp_path, format, drawn):
    given = annotated(drawn)
    assert [plain(one) for one in round_trip(tmp_path, format, given)] == [plain(one) for one in given]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    drawn=drafts(
        st.text(
            st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), max_size=40
        ),
        PLAIN_IDS,
    )
)
@pytest.mark.parametrize("format", ["pubtator", "bioc"])
def test_texts_without_control_characters_survive(tmp_path, format, drawn):
    given = annotated(drawn)
    assert [plain(one) for one in round_trip(tmp_path, format, given)] == [plain(one) for one in given]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=drafts(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), IDS, scores=True))
@pytest.mark.parametrize("format", ["jsonl", "nif"])
def test_any_id_and_score_survives(tmp_path, format, drawn):
    given = annotated(drawn)
    assert [plain(one) for one in round_trip(tmp_path, format, given)] == [plain(one) for one in given]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=drafts(st.text(st.characters(exclude_categories=["Cs"]), max_size=40), PLAIN_IDS))
@pytest.mark.parametrize("format", ["pubtator", "bioc"])
def test_places_survive_where_characters_become_blanks(tmp_path, format, drawn):
    (given,) = annotated(drawn)
    document, gold = given.document, given.gold
    (back,) = round_trip(tmp_path, format, [given])
    assert len(back.document.text) in (len(document.text), len(document.text.rstrip("\n")))
    expected = [(one.mention.start, one.mention.end, one.entities) for one in gold]
    if len(back.document.text) == len(document.text):
        assert [(one.mention.start, one.mention.end, one.entities) for one in back.gold] == expected


def test_a_mention_that_holds_the_last_line_end_is_cut_to_the_text(tmp_path):
    given = annotated(("1", "fever\n", [(0, 6, ("a",), False, 1.0), (5, 6, ("b",), False, 1.0)]))
    (back,) = round_trip(tmp_path, "pubtator", given)
    assert [(one.mention.start, one.mention.end, one.entities) for one in back.gold] == [(0, 5, ("a",))]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ids=st.lists(IDS, min_size=1, max_size=4, unique=True))
def test_any_document_id_is_a_name_of_a_brat_file(tmp_path_factory, ids):
    folder = tmp_path_factory.mktemp("brat")
    given = [Annotated(Document(id, "words")) for id in ids]
    assert {one.document.id for one in round_trip(folder, "brat", given)} == set(ids)


def test_a_brat_id_that_stands_twice_keeps_both_documents(tmp_path):
    told = write([Annotated(Document("1", "a")), Annotated(Document("1", "b"))], tmp_path / "out", "brat")
    assert told.left_out == {"documents with another id, since theirs stands twice": 1}
    assert [one.document for one in read(tmp_path / "out")] == [Document("1", "a"), Document("1~2", "b")]


def test_candidates_features_and_evidence_are_kept_as_given(tmp_path):
    more = {"candidates": ["P:1", "P:2"], "features": {"name": 0.5}, "evidence": [["P:1", "is_a", "P:2"]]}
    gold = Gold(Mention(0, 5, "Fever"), ("P:1",), score=0.25, type="sign", more=more)
    given = Annotated(Document("7", "Fever!"), (gold,), "en", {"title": "A case"})
    write([given], tmp_path / "out.jsonl", "jsonl")
    assert list(read(tmp_path / "out.jsonl")) == [given]
    line = json.loads((tmp_path / "out.jsonl").read_text())
    assert list(line) == ["id", "text", "language", "links", "title"]
    assert line["links"][0] == {
        **{"start": 0, "end": 5, "text": "Fever", "entity": "P:1", "score": 0.25, "type": "sign"},
        **more,
    }


def test_links_of_a_linker_are_annotated_texts():
    links = [Link(Mention(3, 4, "d"), None, 0.5), Link(Mention(0, 4, "ab d"), "P:1", 0.75)]
    found = Annotated.of(Document("1", "ab d"), links)
    assert found.gold == (
        Gold(Mention(0, 4, "ab d"), ("P:1",), score=0.75),
        Gold(Mention(3, 4, "d"), (), score=0.5),
    )
    assert found.links == (links[1], links[0])


def corpus(name):
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"there is no {path} (set LOREGRAFT_DATA)")
    return path


@pytest.mark.parametrize(
    ("part", "documents", "mentions", "several", "composite"),
    [("develop", 100, 787, 30, 24), ("test", 100, 960, 15, 12), ("train", 593, 5145, 115, 84)],
)
def test_the_ncbi_disease_corpus_is_read_whole(part, documents, mentions, several, composite):
    found = list(read(corpus(f"ncbi_disease_linking/NCBI{part}set_corpus.txt")))
    gold = [one for document in found for one in document.gold]
    assert (len(found), len(gold)) == (documents, mentions)
    assert sum(len(one.entities) > 1 for one in gold) == several
    assert sum(one.composite for one in gold) == composite
    for document in found:
        for one in document.gold:
            place = one.mention
            assert document.document.text[place.start : place.end] == place.text
            assert one.entities and all(id == id.strip() for id in one.entities)


@pytest.mark.parametrize("format", [format for format in WRITERS if format != "docbin"])
def test_the_development_corpus_survives_every_format(tmp_path, format):
    given = list(read(corpus("ncbi_disease_linking/NCBIdevelopset_corpus.txt")))
    path = tmp_path / f"out.{format}"
    told = write(given, path, format)
    assert told.written == {"documents": 100, "mentions": 787}
    assert recognise(path) == format.removesuffix("_links")
    back = {one.document.id: one for one in read(path)}

    assert [plain(back[one.document.id]) for one in given] == [plain(one) for one in given]


def test_the_gsc_corpus_is_read_whole():
    path = corpus("gsc_plus/GSCplus_dev_gold.tsv")
    assert recognise(path) == "gsc"
    found = list(read(path))
    assert (len(found), sum(len(one.gold) for one in found)) == (22, 173)
    assert found[0].document.id == "11312426"
    assert found[0].gold[0] == Gold(Mention(7, 27, "basal cell carcinoma"), ("HP:0002671",))
    for document in found:
        for one in document.gold:
            assert document.document.text[one.mention.start : one.mention.end] == one.mention.text
            assert all(id.startswith("HP:") for id in one.entities)


def test_docbin_survives(tmp_path):
    pytest.importorskip("spacy")
    text = "Fever, and  high  fever\n in 发热疫苗."
    gold = (
        Gold(Mention(0, 5, "Fever"), ("P:1", "P:2"), type="sign"),
        Gold(Mention(12, 23, "high  fever"), ("P:1", "P:3"), composite=True),
        Gold(Mention(18, 23, "fever"), ()),
        Gold(Mention(28, 30, "发热"), ("P:1",)),
    )
    given = [
        Annotated(Document("a", text), gold),
        Annotated(Document("b", "")),
        Annotated(Document("c", " x ")),
    ]
    assert [plain(one) for one in round_trip(tmp_path, "docbin", given)] == [plain(one) for one in given]
    path = tmp_path / "out.spacy"
    write(given, path, "docbin")
    assert recognise(path) == "docbin"


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=drafts(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), PLAIN_IDS))
def test_any_text_survives_docbin(tmp_path, drawn):
    pytest.importorskip("spacy")
    given = annotated(drawn)
    assert [plain(one) for one in round_trip(tmp_path, "docbin", given)] == [plain(one) for one in given]


def test_docbin_without_spacy_says_how_to_install_it(tmp_path):
    try:
        import spacy  # noqa: F401
    except ImportError:
        with pytest.raises(MissingExtra, match=r"spacy.*pip install 'loregraft\[spacy\]'"):
            write([], tmp_path / "out.spacy", "docbin")
        assert not (tmp_path / "out.spacy").exists()
    else:
        pytest.skip("spaCy is installed")


def test_every_reader_has_a_name_by_which_files_are_told(tmp_path):
    assert set(READERS) <= set(WRITERS) | {"gsc"}
    (tmp_path / "x.txt").write_text("Just a text.\nNothing more.\n")
    with pytest.raises(BadInput) as caught:
        recognise(tmp_path / "x.txt")
    assert caught.value.line == 0
    assert caught.value.found == "no known format of annotated texts"
    assert caught.value.fix.startswith("Name the format: jsonl, pubtator")


def test_wrong_formats_and_taken_names_are_refused(tmp_path):
    (tmp_path / "x").write_text("1|t|Title\n")
    with pytest.raises(BadInput, match=r"there is no format 'pubtater'.*'pubtator'"):
        list(read(tmp_path / "x", "pubtater"))
    with pytest.raises(BadInput, match="no format 'niv' to write"):
        write([], tmp_path / "y", "niv")
    with pytest.raises(CannotWrite, match="it exists already"):
        write([], tmp_path / "x", "jsonl")
    assert (tmp_path / "x").read_text() == "1|t|Title\n"


def test_a_failing_source_leaves_nothing(tmp_path):
    def broken():
        yield Annotated(Document("1", "a"))
        raise KeyError("gone")

    for format in set(WRITERS) - {"docbin"}:
        with pytest.raises(KeyError):
            write(broken(), tmp_path / format, format)
    assert list(tmp_path.iterdir()) == []
