"""Wikidata's dump: names by language, statements with what is said of them, properties as relations."""

import bz2
import gzip
import json
from collections import defaultdict

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.errors import BadInput
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.readers import read, recognise
from loregraft.kg.readers.wikidata.dump import read_wikidata


def snak(property, kind, value, datatype=""):
    value = {"type": kind, "value": value}
    return {"snaktype": "value", "property": property, "datatype": datatype, "datavalue": value}


def item(property, id):
    return snak(property, "wikibase-entityid", {"entity-type": "item", "id": id}, "wikibase-item")


def time(property, text, precision=11, calendar="Q1985727"):
    calendar = f"http://www.wikidata.org/entity/{calendar}"
    return snak(property, "time", {"time": text, "precision": precision, "calendarmodel": calendar}, "time")


def statement(main, rank="normal", **said):
    return {"mainsnak": main, "type": "statement", "rank": rank, **said}


def entity(id, labels=(), claims=(), kind="item", aliases=(), descriptions=()):
    by_property = defaultdict(list)
    for claim in claims:
        by_property[claim["mainsnak"]["property"]].append(claim)
    many = defaultdict(list)
    for language, value in aliases:
        many[language].append({"language": language, "value": value})
    single = [
        {language: {"language": language, "value": value} for language, value in texts}
        for texts in (labels, descriptions)
    ]
    return {
        "type": kind,
        "id": id,
        "labels": single[0],
        "descriptions": single[1],
        "aliases": many,
        "claims": by_property,
    }


def dump(path, entities, pack=bytes):
    lines = [json.dumps(entity) for entity in entities]
    path.write_bytes(pack(("[\n" + ",\n".join(lines) + "\n]\n").encode()))
    return path


def rows_of(path, problems=None):
    found = defaultdict(list)
    for batch in read_wikidata(path, problems):
        columns = [pa.array(column).to_pylist() for column in batch.rows.values()]
        found[batch.table] += [dict(zip(batch.rows, row, strict=True)) for row in zip(*columns, strict=True)]
    return found


ADAMS = entity(
    "Q42",
    [("en", "Douglas Adams"), ("zh", "道格拉斯·亚当斯")],
    [
        statement(item("P31", "Q5")),
        statement(
            item("P26", "Q14623681"),
            qualifiers={
                "P580": [time("P580", "+1991-11-24T00:00:00Z")],
                "P582": [time("P582", "+2001-05-00T00:00:00Z", 10)],
                "P2842": [item("P2842", "Q84"), item("P2842", "Q1")],
                "P1545": [{"snaktype": "somevalue", "property": "P1545"}],
            },
            references=[
                {
                    "snaks": {
                        "P248": [item("P248", "Q36578")],
                        "P854": [snak("P854", "string", "http://a.b/?c|d", "url")],
                        "P698": [snak("P698", "string", "123", "external-id")],
                        "P813": [time("P813", "+2013-12-07T00:00:00Z")],
                    }
                },
                {"snaks": {"P248": [item("P248", "Q36578")]}},
            ],
        ),
        statement(item("P27", "Q145"), rank="preferred"),
        statement(item("P27", "Q30"), rank="deprecated"),
        statement({"snaktype": "novalue", "property": "P40"}),
        statement({"snaktype": "somevalue", "property": "P22"}),
        statement(
            snak("P2048", "quantity", {"amount": "+1.96", "unit": "http://www.wikidata.org/entity/Q11573"})
        ),
        statement(snak("P18", "string", "Douglas adams, 1.JPG", "commonsMedia")),
        statement(snak("P990", "string", "Voice.ogg", "commonsMedia")),
        statement(snak("P996", "string", "Scan.pdf", "commonsMedia")),
        statement(snak("P214", "string", "113230702", "external-id"), qualifiers={"P1": [item("P1", "Q1")]}),
        statement(snak("P7", "new-type", {"x": 1})),
    ],
    aliases=[("en", "DNA"), ("en", "Douglas Noël Adams"), ("de", "DNA")],
    descriptions=[("en", "English writer")],
)


def test_worked_example(tmp_path):
    rows = rows_of(dump(tmp_path / "a.json", [ADAMS]))
    assert rows["entities"] == [{"id": "Q42", "type": "Q5"}]
    names = [tuple(row.values())[1:] for row in rows["names"]]
    assert names == [
        ("Douglas Adams", "preferred", "en"),
        ("道格拉斯·亚当斯", "preferred", "zh"),
        ("DNA", "exact", "en"),
        ("Douglas Noël Adams", "exact", "en"),
        ("DNA", "exact", "de"),
    ]
    assert rows["descriptions"] == [{"entity": "Q42", "text": "English writer", "language": "en"}]
    by_tail = {row["tail"]: row for row in rows["triples"]}
    assert [(row["relation"], tail) for tail, row in by_tail.items()] == [
        ("P31", "Q5"),
        ("P26", "Q14623681"),
        ("P27", "Q145"),
    ]
    spouse = by_tail["Q14623681"]
    assert (spouse["valid_from"], spouse["valid_to"]) == ("1991-11-24", "2001-05")
    assert json.loads(spouse["qualifiers"]) == {"P2842": "Q84|Q1", "P1545": "unknown value"}
    assert spouse["references"] == "Q36578|http://a.b/?c%7Cd|P698:123"
    assert json.loads(by_tail["Q145"]["qualifiers"]) == {"rank": "preferred"}
    assert {row["confidence"] for row in rows["triples"]} == {1.0}
    files = "http://commons.wikimedia.org/wiki/Special:FilePath/"
    assert [(row["reference"], row["kind"]) for row in rows["media"]] == [
        (f"{files}Douglas_adams%2C_1.JPG", "image"),
        (f"{files}Voice.ogg", "audio"),
    ]
    told = [
        (row["property"], row["value"], row["datatype"], row["unit"])
        for row in rows["attributes"]
        if row["entity"]
    ]
    assert told == [
        ("P2048", "1.96", "decimal", "Q11573"),
        ("P996", f"{files}Scan.pdf", "anyURI", ""),
        ("P214", "113230702", "http://wikiba.se/ontology#ExternalId", ""),
    ]
    assert [(row["property"], row["value"]) for row in rows["attributes"] if not row["entity"]] == [
        ("deprecated", "Q42 P27"),
        ("no_value", "Q42 P40"),
        ("unknown_value", "Q42 P22"),
        ("qualifiers_of_attribute", "Q42 P214"),
        ("unknown_type", "Q42 P7"),
    ]


def test_properties_become_relations_and_lexemes_are_counted(tmp_path):
    parent = entity(
        "P40",
        [("en", "child"), ("de", "Kind")],
        [
            statement(item("P1696", "P8810") | {"datatype": "wikibase-property"}),
            statement(item("P31", "Q18608871")),
        ],
        "property",
        [("en", "has child")],
    )
    spouse = entity("P26", [("en", "spouse")], [statement(item("P2302", "Q21510862"))], "property")
    itself = entity("P47", [], [statement(item("P1696", "P47"))], "property")
    lexeme = {"type": "lexeme", "id": "L1", "lemmas": {}}
    path = dump(tmp_path / "a.json", [parent, spouse, itself, lexeme])
    rows = rows_of(path)
    assert [tuple(row.values()) for row in rows["relations"]] == [
        ("P40", "child", "en", "P8810", False),
        ("P40", "Kind", "de", "P8810", False),
        ("P40", "has child", "en", "P8810", False),
        ("P26", "spouse", "en", "", True),
        ("P47", "", "en", "", True),
    ]
    assert set(rows) == {"relations", "attributes"}
    graph = KnowledgeGraph.gather(read(dump(tmp_path / "b.json", [ADAMS, parent, lexeme])))
    assert graph.tally["left_out_lexeme"] == graph.tally["left_out_deprecated"] == 1
    assert graph.entity("Q42").type == "Q5"


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_packed_dumps_are_recognised_and_read(pack, tmp_path):
    path = dump(tmp_path / "latest-all.json", [ADAMS], pack)
    assert recognise(path) == "wikidata"
    assert rows_of(path) == rows_of(dump(tmp_path / "b.json", [ADAMS]))


def test_all_on_bracketed_lines_and_old_empty_lists(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(
        '[{"type":"item","id":"Q1","labels":[],"aliases":[],"claims":[]},\n{"type":"item","id":"Q2"}]\n'
    )
    assert recognise(path) == "wikidata"
    assert [row["id"] for row in rows_of(path)["entities"]] == ["Q1", "Q2"]


BAD = {
    "no JSON": ('{"type": "item", "id": "Q2"', "no JSON"),
    "no object": ('["Q2"],', "no JSON object"),
    "no id": ('{"type": "item", "labels": {}},', "(no 'id')"),
    "wrong id": ('{"type": "item", "id": "x"},', "its id is not a letter and a number"),
    "no text": (
        '{"type": "item", "id": "Q2", "labels": {"en": {"language": "en", "value": 3}}},',
        "expected a text, found 3",
    ),
    "surrogate": (
        '{"type": "item", "id": "Q2", "labels": {"en": {"language": "en", "value": "\\ud800"}}},',
        "half of a character",
    ),
    "no snak": ('{"type": "item", "id": "Q2", "claims": {"P1": [{"rank": "normal"}]}},', "(no 'mainsnak')"),
    "not a list": ('{"type": "item", "id": "Q2", "claims": {"P1": 7}},', "'int' object is not iterable"),
    "deep": ('{"type": "item", "id": "Q2", "x": ' + "[" * 100_000, "nested too deep"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_lines_are_named_and_the_rest_is_read(case, tmp_path):
    line, found = BAD[case]
    path = tmp_path / "a.json"
    path.write_text(f'[\n{{"type": "item", "id": "Q1"}},\n{line}\n{{"type": "item", "id": "Q3"}}\n]\n')
    with pytest.raises(BadInput) as caught:
        rows_of(path)
    assert caught.value.line == 3
    assert found in caught.value.found
    assert caught.value.fix.endswith(".")
    problems = []
    assert [row["id"] for row in rows_of(path, problems)["entities"]] == ["Q1", "Q3"]
    assert [problem.line for problem in problems] == [3]


words = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=12)
ids = st.integers(1, 10**9).map(lambda number: f"Q{number}")


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            ids,
            st.dictionaries(st.sampled_from(["en", "de", "zh-hant"]), words),
            st.lists(st.tuples(st.integers(1, 999).map(lambda number: f"P{number}"), ids), max_size=4),
        ),
        max_size=5,
    )
)
def test_what_is_written_is_read(tmp_path_factory, things):
    entities = [
        entity(id, labels.items(), [statement(item(property, tail)) for property, tail in facts])
        for id, labels, facts in things
    ]
    rows = rows_of(dump(tmp_path_factory.mktemp("dump") / "a.json", entities))
    assert [(row["entity"], row["language"], row["name"]) for row in rows["names"]] == [
        (id, language, text) for id, labels, _ in things for language, text in labels.items()
    ]
    expected = sorted((id, property, tail) for id, _, facts in things for property, tail in facts)
    assert sorted((row["head"], row["relation"], row["tail"]) for row in rows["triples"]) == expected


@settings(max_examples=50, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | words,
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "mainsnak",
                        "snaktype",
                        "property",
                        "datavalue",
                        "type",
                        "value",
                        "rank",
                        "qualifiers",
                        "references",
                        "snaks",
                        "P1",
                        "id",
                        "en",
                    ]
                ),
                inner,
            )
        ),
        max_leaves=20,
    )
)
def test_any_shape_of_statements_is_read_or_refused(tmp_path_factory, claims):
    path = tmp_path_factory.mktemp("dump") / "a.json"
    path.write_text(json.dumps({"type": "item", "id": "Q1", "claims": claims, "labels": claims}))
    problems = []
    for batch in read_wikidata(path, problems):
        for column in batch.rows.values():
            pa.array(column)
