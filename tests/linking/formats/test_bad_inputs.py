"""Each reader says what is wrong, where, and what to do; the rest is read; what is left out is counted."""

import logging
from collections import Counter

import pytest

from loregraft.errors import BadInput
from loregraft.linking.formats import read, recognise
from loregraft.linking.formats.bioc import MAX_GAP
from loregraft.linking.formats.ids import join_ids, split_ids
from loregraft.linking.formats.records import Gold, mention_at
from loregraft.records import Mention


def bad(path, format, text, kept=None):
    """Read with and without a list of problems; give the problems."""
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    problems = []
    found = list(read(path, format, problems, Counter()))
    with pytest.raises(BadInput) as caught:
        list(read(path, format, left_out=Counter()))
    assert (caught.value.line, caught.value.found) == (problems[0].line, problems[0].found)
    assert all(problem.fix.endswith((".", "?")) for problem in problems)
    if kept is not None:
        assert sum(len(one.gold) for one in found) == kept
    return [(problem.line, problem.found) for problem in problems]


PUBTATOR = """1|t|Fever and rash
1|a|No cough.
1\t0\t5\tFever\tsign\tP:1
1\t10\t14\trash\tsign\tP:2|P:3
1\t18\t23\tcough\tCompositeMention\tP:4|P:5
1\t0\t14\tFever and rash\tsign\tP:1+P:2
1\tCID\tP:1\tP:2
1\t18\t23\tcough\tsign
"""


def test_pubtator_by_hand(tmp_path, caplog):
    (tmp_path / "x").write_text("\ufeff" + PUBTATOR)
    assert recognise(tmp_path / "x") == "pubtator"
    with caplog.at_level(logging.WARNING):
        (found,) = read(tmp_path / "x")
    assert "left out: 1 relations" in caplog.text
    assert found.document.text == "Fever and rash\nNo cough."
    assert [(one.entities, one.composite) for one in found.gold] == [
        (("P:1", "P:2"), True),
        (("P:1",), False),
        (("P:2", "P:3"), False),
        (("P:4", "P:5"), True),
        ((), False),
    ]


def test_bad_pubtator(tmp_path):
    text = (
        "1\t0\t1\tx\ty\tz\n"
        + PUBTATOR
        + "1\t0\t5\tCough\tsign\tP:1\n1\t0\t99\tFever\tsign\tP:1\n1\t3\t3\t\tsign\tP:1\n"
        + "what is this\n2|a|lost\n1|a|again\n1\ta\tb\tc\td\te\n"
    )
    assert bad(tmp_path / "x", "pubtator", text, kept=5) == [
        (1, "a line that belongs to no text: '1\\t0\\t1\\tx\\ty\\tz'"),
        (10, "at 0 to 5 stands 'Fever', not 'Cough'"),
        (11, "a mention from 0 to 99 in a text of 24 characters"),
        (12, "a mention from 3 to 3 in a text of 24 characters"),
        (13, "a line that belongs to no text: 'what is this'"),
        (14, "an abstract of '2' without its title"),
        (15, "an abstract of '1' after its abstract or mentions"),
        (16, "neither text, mention nor relation: '1\\ta\\tb\\tc\\td\\te'"),
    ]


def test_blanks_may_differ_and_the_text_wins(tmp_path):
    (tmp_path / "x").write_text("1|t|high  fever\n1\t0\t11\thigh fever  \tsign\tP:1\n")
    (found,) = read(tmp_path / "x")
    assert found.gold == (Gold(Mention(0, 11, "high  fever"), ("P:1",), type="sign"),)


def test_bytes_that_are_no_text(tmp_path):
    assert bad(tmp_path / "x", "pubtator", b"1|t|Fever\n1|a|\xff\n1\t0\t5\tFever\ts\tP:1\n", kept=1) == [
        (2, "byte 5 (0xff) is not UTF-8")
    ]


def test_bad_gsc(tmp_path):
    text = "1\nFever here\n0\t5\tFever\tP:1\n0\t5\tRash\tP:1\n0\t5\tFever\n\n2\n\n3\tx\ntext\n"
    assert bad(tmp_path / "x", "gsc", text, kept=1) == [
        (4, "at 0 to 5 stands 'Fever', not 'Rash'"),
        (5, "no line of a mention: '0\\t5\\tFever'"),
        (7, "a document that begins with '2' and has no text"),
        (9, "a document that begins with '3\\tx'"),
    ]


def test_bad_jsonl(tmp_path):
    lines = [
        '{"id": "1", "text": "Fever", "links": [{"start": 0, "end": 5, "entity": "P:1"}]}',
        '{"id": "2"}',
        '{"text": 3}',
        "[1]",
        '{"text": "Fever", "links": [1, {"start": 0}, {"start": true, "end": 5}]}',
        '{"text": "Fever", "links": [{"start": 0, "end": 5, "entity": "a", "entities": ["b"]}]}',
        '{"text": "Fever", "links": [{"start": 0, "end": 5, "entities": ["b", "b"]}]}',
        '{"text": "Fever", "links": [{"start": 0, "end": 4, "text": "Rash", "entity": null}]}',
        '{"text": "Fever", "links": {}}',
    ]
    assert bad(tmp_path / "x", "jsonl", "\n".join(lines), kept=1) == [
        (2, "there is no 'text' in 'id'"),
        (3, "'text' holds 3"),
        (4, "no JSON object in '[1]'"),
        (5, "'links' holds 1"),
        (5, "there is no 'end' in 'start'"),
        (5, "'start' holds True"),
        (6, "'entity' is 'a' and the first of 'entities' 'b'"),
        (7, "'entities' holds ['b', 'b']"),
        (8, "at 0 to 4 stands 'Feve', not 'Rash'"),
        (9, "'links' holds {}"),
    ]


def test_jsonl_without_ids_and_links(tmp_path):
    (tmp_path / "x").write_text('\n{"text": "Fever"}\n')
    (found,) = read(tmp_path / "x", "jsonl")
    assert (found.document.id, found.gold) == ("2", ())


ELEVANT = (
    '{"id": 1, "title": "T", "text": "Heidi lives in Vegas.", "evaluation_span": [0, 21], "labels": ['
    '{"id": 0, "span": [0, 5], "entity_id": "Q60036", "name": "Heidi Klum", "parent": null},'
    '{"id": 1, "span": [15, 20], "entity_id": "Unknown1", "optional": true}],'
    ' "entity_mentions": [{"span": [0, 5], "id": "Q1"}]}\n'
    '{"id": 2, "text": "Seal", "entity_mentions": [{"span": [0, 4], "id": "Q218091", "candidates": ["Q1"]},'
    ' {"span": [0, 4], "id": null}]}\n'
)


def test_elevant_by_hand(tmp_path):
    (tmp_path / "x").write_text(ELEVANT)
    left_out = Counter()
    assert recognise(tmp_path / "x") == "elevant"
    first, second = read(tmp_path / "x", left_out=left_out)
    assert left_out == {"entity mentions beside labels": 1}
    assert [one.entities for one in first.gold] == [("Q60036",), ()]
    assert first.gold[1].more == {"optional": True}
    assert (first.document.id, first.more) == ("1", {"title": "T"})
    assert [one.entities for one in second.gold] == [("Q218091",), ()]
    assert second.gold[0].more == {"candidates": ["Q1"]}


def test_bad_elevant(tmp_path):
    lines = [
        '{"id": 1, "labels": []}',
        '{"text": "Seal", "labels": [{"span": [0, 9], "entity_id": "Q1"}, {"span": [0]},'
        ' {"entity_id": "Q"}, 7]}',
        '{"text": "Seal", "labels": [{"span": [0, 4], "entity_id": "Q1", "also": [1]}]}',
    ]
    assert bad(tmp_path / "x", "elevant", "\n".join(lines), kept=0) == [
        (1, "there is no 'text' in 'id', 'labels'"),
        (2, "a mention from 0 to 9 in a text of 4 characters"),
        (2, "'span' holds [0]"),
        (2, "there is no 'span' in 'entity_id'"),
        (2, "'labels' holds 7"),
        (3, "'also' holds [1]"),
    ]


def test_brat_by_hand(tmp_path):
    (tmp_path / "a.txt").write_text("Fever, rash and\ncough.")
    (tmp_path / "a.ann").write_text(
        "N1\tReference T1 HP:1\tFever\nT1\tSign 0 5\tFever\nN2\tReference T1 id:x\tFever\n"
        "T2\tSign 0 5;12 15\tFever and\nT3\tSign 7 15;16 21\trash and cough\nN3\tReference T2 HP:1\n"
        "N4\tReference T3 HP:2\tx\nN5\tReference T3 HP:3\tx\nA1\tComposite T3\nA2\tNegation T1\n"
        "R1\tOf Arg1:T1 Arg2:T2\nE1\tSee:T1\n*\tEquiv T1 T2\n#1\tNote T1\twhat\n"
    )
    (tmp_path / "b.txt").write_text("Alone.")
    left_out = Counter()
    assert recognise(tmp_path) == recognise(tmp_path / "a.ann") == recognise(tmp_path / "a.txt") == "brat"
    first, second = read(tmp_path, left_out=left_out)
    assert [(one.mention.text, one.entities, one.composite) for one in first.gold] == [
        ("Fever", ("HP:1", "x"), False),
        ("rash and\ncough", ("HP:2", "HP:3"), True),
    ]
    assert (second.document.id, second.gold) == ("b", ())
    assert left_out == {
        **{"mentions in pieces": 1, "references of mentions in pieces": 1, "relations": 1, "events": 1},
        **{"attributes": 1, "equivalences": 1, "notes": 1, "texts without annotations": 1},
    }
    assert [one.document.id for one in read(tmp_path / "a.ann")] == ["a"]


def test_bad_brat(tmp_path):
    (tmp_path / "x.txt").write_text("Fever")
    text = "T1\tSign 0 5\tRash\nT2 Sign 0 5 Fever\nT3\tS 0 5\tFever\nT3\tS 0 5\tFever\n"
    text += "N1\tReference T9 a:1\nhm\n"
    assert bad(tmp_path / "x.ann", "brat", text, kept=1) == [
        (1, "at 0 to 5 stands 'Fever', not 'Rash'"),
        (2, "a line of no known kind: 'T2 Sign 0 5 Fever'"),
        (4, "a second mention with the id 'T3'"),
        (6, "a line of no known kind: 'hm'"),
        (5, "a reference of 'T9', no mention"),
    ]
    (tmp_path / "y.ann").write_text("")
    with pytest.raises(BadInput, match=r"y.ann: annotations without their text. Put the .txt file"):
        list(read(tmp_path, "brat"))
    (tmp_path / "y.txt").write_bytes(b"a\nb\xff")
    with pytest.raises(BadInput, match=r"y.txt, line 2: byte 0xff is not UTF-8"):
        list(read(tmp_path / "y.txt", "brat"))


BIOC = """<?xml version="1.0"?>
<!DOCTYPE collection SYSTEM "BioC.dtd">
<collection><source>x</source><date/><key/><document><id>1</id><infon key="j">y</infon>
<passage><infon key="type">title</infon><offset>0</offset><text>Fièvre &amp; rash</text>
<annotation id="1"><infon key="type">sign</infon><infon key="MESH">D1|D2</infon><infon key="note">n</infon>
<location offset="0" length="6"/><text>Fièvre</text></annotation>
<annotation id="2"><location offset="10" length="4"/><text>rash</text></annotation></passage>
<passage><offset>20</offset><sentence><offset>20</offset><text>No cough.</text>
<annotation id="3"><infon key="identifier">D3</infon>
<location offset="23" length="5"/><text>cough</text></annotation>
<annotation id="4"><location offset="20" length="2"/><location offset="23" length="5"/></annotation>
</sentence></passage><relation id="r"><infon key="x">y</infon></relation></document></collection>
"""


def test_bioc_by_hand(tmp_path):
    """Places in characters and in bytes (the second annotation) both fit; passages keep their offsets."""
    (tmp_path / "x").write_text(BIOC)
    left_out = Counter()
    assert recognise(tmp_path / "x") == "bioc"
    (found,) = read(tmp_path / "x", left_out=left_out)
    assert found.document.id == "1"
    assert found.document.text == "Fièvre & rash       No cough."
    assert [(one.mention.text, one.mention.start, one.entities) for one in found.gold] == [
        ("Fièvre", 0, ("D1", "D2")),
        ("rash", 9, ()),
        ("cough", 23, ("D3",)),
    ]
    assert (found.gold[0].type, found.gold[0].more) == ("sign", {"note": "n"})
    assert left_out == {
        "relations": 1,
        "annotations of several places": 1,
        "infons of documents and passages": 2,
    }


BOMB = (
    '<?xml version="1.0"?>\n<!DOCTYPE collection [\n<!ENTITY a "aaaaaaaaaa">\n<!ENTITY b "&a;&a;&a;">]>\n'
    "<collection><document><id>1</id><passage><offset>0</offset><text>&b;</text></passage></document></collection>"
)


def test_bad_bioc(tmp_path):
    path = tmp_path / "x"
    assert bad(path, "bioc", BOMB) == [(3, "it declares the entity 'a', which can do harm")]
    hidden = BOMB.replace('version="1.0"', 'version="1.0" encoding="cp037"').encode("cp037")
    assert bad(path, "bioc", hidden)[0][1].startswith("no XML")
    assert bad(path, "bioc", "<collection>\n<document></collection>") == [(2, "no XML (mismatched tag)")]
    text = BIOC.replace(">rash</text></ann", ">crash</text></ann").replace(
        '"23" length="5"', '"a" length="5"', 1
    )
    assert bad(path, "bioc", text)[0] == (10, "a location with offset 'a' and length '5'")
    text = BIOC.replace(">rash</text></ann", ">crash</text></ann")
    assert bad(path, "bioc", text, kept=2) == [(7, "a mention from 10 to 14 in a text of 13 characters")]
    for offset in (3, MAX_GAP + 14):
        text = BIOC.replace("<offset>20<", f"<offset>{offset}<")
        assert bad(path, "bioc", text) == [(8, f"a passage at {offset} after a text of 13 characters")]
    text = BIOC.replace('<infon key="note">n', '<infon key="score">2')
    assert bad(path, "bioc", text, kept=2) == [(5, "a score '2'")]
    assert bad(path, "bioc", BIOC.replace("<offset>20<", "<offset>x<"))[0] == (8, "an offset 'x'")
    deep = "<collection>" + "<a>" * 70 + "</a>" * 70 + "</collection>"
    assert bad(path, "bioc", deep) == [(1, "elements nested more than 64 deep")]


NIF = """@prefix nif: <http://persistence.uni-leipzig.org/nlp2rdf/ontologies/nif-core#> .
@prefix itsrdf: <http://www.w3.org/2005/11/its/rdf#> .
<http://x/1#char=6,10> nif:anchorOf "Rash"@en ; nif:beginIndex "6"^^<http://www.w3.org/2001/XMLSchema#int> ;
  nif:endIndex "10" ; nif:referenceContext <http://x/1#char=0,11> ; itsrdf:taConfidence "0.5" ;
  itsrdf:taIdentRef <http://aksw.org/notInWiki/Rash> .
<http://x/1#char=0,11> a nif:Context ; nif:isString "Fever Rash." .
<http://x/1#offset_0_5> nif:anchorOf "Fever" ; nif:beginIndex 0 ; nif:endIndex 5 ;
  nif:referenceContext <http://x/1#char=0,11> ; itsrdf:taIdentRef <http://d/F>, <http://d/G> ;
  itsrdf:taClassRef <http://d/Sign> ; <http://d/other> 1 .
<http://x/2?char=0,4> nif:isString "\U0001f912\U0001f912 Flu" .
_:b nif:anchorOf "Flu" ; nif:beginIndex 5 ; nif:endIndex 8 ; nif:referenceContext <http://x/2?char=0,4> .
"""


def test_nif_by_hand(tmp_path):
    """Phrases may stand before their context; Java's places are found (a 🤒 is two of its characters)."""
    (tmp_path / "x").write_text(NIF)
    left_out = Counter()
    assert recognise(tmp_path / "x") == "nif"
    first, second = read(tmp_path / "x", left_out=left_out)
    assert (first.document.id, second.document.id) == ("http://x/1", "http://x/2")
    assert first.gold == (
        Gold(Mention(0, 5, "Fever"), ("http://d/F", "http://d/G"), type="http://d/Sign"),
        Gold(Mention(6, 10, "Rash"), (), score=0.5),
    )
    assert second.gold == (Gold(Mention(3, 6, "Flu")),)
    assert left_out == {"statements of other things": 1}


def test_bad_nif(tmp_path):
    path = tmp_path / "x"
    text = NIF.replace('"6"^^', '"six"^^')
    assert bad(path, "nif", text, kept=2) == [(0, "'http://x/1#char=6,10' has 'six' as nif:beginIndex")]
    assert bad(path, "nif", NIF.replace('"0.5"', '"5"'), kept=2) == [
        (0, "'http://x/1#char=6,10' has '5' as itsrdf:taConfidence")
    ]
    assert bad(path, "nif", NIF.replace('"Fever"', '"Rover"'), kept=2) == [
        (0, "at 0 to 5 stands 'Fever', not 'Rover'")
    ]
    lost = NIF.replace("_:b nif:anchorOf", "<http://x/3#char=5,8> nif:anchorOf").replace(
        "referenceContext <http://x/2?char=0,4>", "referenceContext <http://x/3>"
    )
    assert bad(path, "nif", lost, kept=2) == [
        (0, "the context 'http://x/3' of 'http://x/3#char=5,8' has no nif:isString")
    ]
    ((line, found),) = bad(path, "nif", NIF + "<http://x/4> nif:isString .\n")
    assert line == 12 and found


def test_ids_in_a_cell():
    assert split_ids(" D1 | D2 ") == (("D1", "D2"), False)
    assert split_ids("D1|D2", "CompositeMention") == (("D1", "D2"), True)
    assert split_ids("D1+D2|OMIM:3") == (("D1", "D2", "OMIM:3"), True)
    assert split_ids("D1|D1", "CompositeMention") == (("D1",), False)
    assert split_ids("-1") == split_ids("") == ((), False)
    assert join_ids(["D1", "D2"], True) == "D1+D2"
    assert join_ids(["D1", "D2"], True, "CompositeMention") == "D1|D2"
    assert join_ids([], False) == ""
    assert join_ids(["a|b"], False) is join_ids([" a"], False) is join_ids(["-"], False) is None


def test_places_in_other_units(tmp_path):
    text = "é🤒 flu"
    for unit, place in (("utf-8", (7, 10)), ("utf-16-le", (4, 7))):
        assert mention_at(tmp_path, 1, text, *place, "flu", unit) == Mention(3, 6, "flu")
        with pytest.raises(BadInput, match="Count characters of the text"):
            mention_at(tmp_path, 1, text, *place, "flu")
    with pytest.raises(BadInput):
        mention_at(tmp_path, 1, text, 2, 3, "flu", "utf-8")  # that place cuts a character


def test_an_empty_file_has_no_document(tmp_path):
    (tmp_path / "x").write_text("")
    for format in ("pubtator", "gsc", "jsonl", "elevant", "nif"):
        assert list(read(tmp_path / "x", format)) == []
    with pytest.raises(BadInput, match=r"there is nothing in it"):
        recognise(tmp_path / "x")


def test_documents_come_as_they_are_read(tmp_path):
    """The first is there before the bad last line is met: files are streamed."""
    good = {
        "pubtator": ("1|t|Fever\n2|t|Rash\n", "oh\n"),
        "gsc": ("1\nFever\n\n2\nRash\n\n", "3\n"),
        "jsonl": ('{"text": "Fever", "links": []}\n', "oh\n"),
        "elevant": ('{"text": "Fever", "labels": []}\n', "oh\n"),
        "bioc": (BIOC.replace("</collection>", "<!--" + " " * 200_000 + "-->"), "<oh"),
    }
    for format, (text, end) in good.items():
        (tmp_path / "x").write_text(text + end)
        documents = read(tmp_path / "x", format, left_out=Counter())
        assert next(documents).document.text.startswith("F")
        with pytest.raises(BadInput):
            list(documents)
