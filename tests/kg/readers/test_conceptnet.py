"""ConceptNet: terms with names by language, weights as confidence, negated relations."""

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
from loregraft.kg.readers import conceptnet, read, recognise
from loregraft.kg.readers.conceptnet import read_conceptnet


def line(relation, start, end, **said):
    return "\t".join(
        [f"/a/[{relation}/,{start}/,{end}/]", relation, start, end, json.dumps(said, ensure_ascii=False)]
    )


LINES = [
    line(
        "/r/UsedFor",
        "/c/en/ice_cream/n/wn/food",
        "/c/zh/甜点",
        dataset="/d/conceptnet/4/en",
        license="cc:by/4.0",
        weight=2.0,
        sources=[
            {"contributor": "/s/contributor/omcs/a", "activity": "/s/activity/x"},
            {"contributor": "/s/contributor/omcs/b"},
            {"contributor": "/s/contributor/omcs/a"},
        ],
        surfaceText="[[ice cream]] is used for [[dessert]]",
    ),
    line("/r/NotDesires", "/c/en/person", "/c/en/pain", weight=1.0),
    line("/r/Synonym", "/c/en/person", "/c/en/human", weight=4.472),
    line(
        "/r/ExternalURL",
        "/c/en/person",
        "http://dbpedia.org/resource/Person",
        dataset="/d/dbpedia/en",
        weight=1.0,
    ),
    line("/r/dbpedia/genre", "/c/en/person", "/c/en/human"),
]


def write(path, lines=LINES, pack=bytes):
    path.write_bytes(pack("".join(f"{line}\n" for line in lines).encode()))
    return path


def rows_of(path, problems=None):
    found = defaultdict(list)
    for batch in read_conceptnet(path, problems):
        columns = [pa.array(column).to_pylist() for column in batch.rows.values()]
        found[batch.table] += [dict(zip(batch.rows, row, strict=True)) for row in zip(*columns, strict=True)]
    return found


def test_worked_example(tmp_path):
    path = write(tmp_path / "assertions.csv")
    assert recognise(path) == "conceptnet"
    rows = rows_of(path)
    assert [tuple(row.values()) for row in rows["names"]] == [
        ("/c/en/ice_cream/n/wn/food", "ice cream", "preferred", "en"),
        ("/c/zh/甜点", "甜点", "preferred", "zh"),
        ("/c/en/person", "person", "preferred", "en"),
        ("/c/en/pain", "pain", "preferred", "en"),
        ("/c/en/human", "human", "preferred", "en"),
    ]
    assert [(row["id"], row["name"], row["symmetric"]) for row in rows["relations"]] == [
        ("/r/UsedFor", "used for", False),
        ("/r/Desires", "desires", False),
        ("/r/Synonym", "synonym", True),
        ("/r/dbpedia/genre", "genre", False),
    ]
    used, desires, synonym, genre = rows["triples"]
    assert (used["source"], used["licence"]) == ("/d/conceptnet/4/en", "cc:by/4.0")
    assert used["references"] == "/s/contributor/omcs/a|/s/contributor/omcs/b"
    assert json.loads(used["qualifiers"]) == {"weight": 2.0}
    assert (desires["relation"], desires["negated"]) == ("/r/Desires", True)
    assert [triple["confidence"] for triple in (used, desires)] == [0.75, 0.5]
    assert synonym["confidence"] == pytest.approx(0.955, abs=1e-3)
    assert (genre["confidence"], genre["qualifiers"]) == (1.0, "")
    (xref,) = rows["attributes"]
    assert (xref["entity"], xref["property"], xref["value"]) == (
        "/c/en/person",
        "xref",
        "http://dbpedia.org/resource/Person",
    )


def test_negated_facts_stand_apart(tmp_path):
    graph = KnowledgeGraph.gather(read(write(tmp_path / "a.csv")))
    assert (len(graph.tables["triples"]), len(graph.tables["negated"])) == (3, 1)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_packed_files(pack, tmp_path):
    path = write(tmp_path / "assertions.csv.gz", pack=pack)
    assert recognise(path) == "conceptnet"
    assert rows_of(path) == rows_of(write(tmp_path / "plain.csv"))


def test_names_forgotten_are_given_again_and_merged(tmp_path, monkeypatch):
    path = write(tmp_path / "a.csv")
    whole = KnowledgeGraph.gather(read(path))
    monkeypatch.setattr(conceptnet, "MAX_KNOWN", 1)
    assert len(rows_of(path)["names"]) > 5
    again = KnowledgeGraph.gather(read(path))
    assert again.tables["names"].equals(whole.tables["names"])


BAD = {
    "columns": ("/a/\t/r/IsA\t/c/en/a\t/c/en/b", "expected 5 columns, found 4", "one tab between"),
    "relation": (line("IsA", "/c/en/a", "/c/en/b"), "does not begin with /r/", "one tab between"),
    "term": (line("/r/IsA", "a", "/c/en/b"), "'a' is no term", "/c/en/ice_cream"),
    "language": (line("/r/IsA", "/c/en/a", "/c//b"), "'/c//b' is no term", "/c/en/ice_cream"),
    "json": (line("/r/IsA", "/c/en/a", "/c/en/b")[:-1], "no JSON", "weight"),
    "list": (line("/r/IsA", "/c/en/a", "/c/en/b")[:-2] + "[]", "no JSON object", "weight"),
    "weight": (line("/r/IsA", "/c/en/a", "/c/en/b", weight=-1), "the weight is -1", "not negative"),
    "text": (line("/r/IsA", "/c/en/a", "/c/en/b", dataset=3), "'dataset' is 3", "as a text"),
    "sources": (line("/r/IsA", "/c/en/a", "/c/en/b", sources=["x"]), "'sources' is ['x']", "list of objects"),
    "surrogate": (
        line("/r/IsA", "/c/en/a", "/c/en/b")[:-1] + '"dataset": "\\udc00"}',
        "half of a character",
        "",
    ),
    "deep": (line("/r/IsA", "/c/en/a", "/c/en/b")[:-2] + "[" * 100_000, "nested too deep", ""),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_lines_are_named_and_the_rest_is_read(case, tmp_path):
    bad, found, fix = BAD[case]
    path = write(tmp_path / "a.csv", [LINES[0], bad, *LINES[1:]])
    with pytest.raises(BadInput) as caught:
        rows_of(path)
    assert caught.value.line == 2
    assert found in caught.value.found
    assert fix in caught.value.fix
    problems = []
    assert rows_of(path, problems) == rows_of(write(tmp_path / "good.csv"))
    assert [problem.line for problem in problems] == [2]


words = st.text(st.characters(whitelist_categories=("L", "N")), min_size=1, max_size=8)
terms = st.tuples(st.sampled_from(["en", "de", "zh"]), words).map(lambda pair: f"/c/{pair[0]}/{pair[1]}")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(terms, st.sampled_from(["/r/IsA", "/r/NotIsA"]), terms, st.floats(0, 40))))
def test_what_is_written_is_read(tmp_path_factory, facts):
    lines = [line(relation, start, end, weight=weight) for start, relation, end, weight in facts]
    rows = rows_of(write(tmp_path_factory.mktemp("net") / "a.csv", lines))
    found = [
        (
            row["head"],
            "/r/NotIsA" if row["negated"] else row["relation"],
            row["tail"],
            json.loads(row["qualifiers"])["weight"],
        )
        for row in rows["triples"]
    ]
    assert found == facts
    assert all(0 <= row["confidence"] <= 1 for row in rows["triples"])
    assert {row["entity"] for row in rows["names"]} == {term for fact in facts for term in (fact[0], fact[2])}
