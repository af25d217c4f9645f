"""Exports of APOC: nodes and relationships of JSON Lines, and what properties become."""

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
from loregraft.kg.readers.neo4j.json_lines import read_neo4j_json


def node(id, labels=(), /, **properties):
    return {"type": "node", "id": id, "labels": list(labels), "properties": properties}


def relationship(start, label, end, **properties):
    ends = {"start": {"id": start, "labels": ["User"]}, "end": {"id": end, "labels": []}}
    return {"id": "7", "type": "relationship", "label": label, **ends, "properties": properties}


OBJECTS = [
    node(
        "0",
        ["User", "Admin"],
        name="Adam",
        title="Mr",
        aliases=["Ad", "A"],
        description="A man.",
        age=42,
        height=1.8,
        male=True,
        kids=["Sam", "Anna"],
        place={"crs": "wgs-84", "latitude": 1.5},
        none=None,
        empty="",
    ),
    node("1", ["User"], Title="Bo"),
    node(2),
    relationship(
        "0",
        "KNOWS",
        "1",
        since=1993,
        bffSince="P5M1DT12H",
        places=["a", "b"],
        confidence=0.25,
        source="census",
    ),
    relationship("1", "KNOWS", "2", confidence=87, negated=True, references=["PMID:1", "PMID:2"], split="x"),
]


def write(path, objects, pack=bytes):
    path.write_bytes(pack("".join(f"{json.dumps(found)}\n" for found in objects).encode()))
    return path


def rows_of(path, problems=None):
    found = defaultdict(list)
    for batch in read_neo4j_json(path, problems):
        columns = [pa.array(column).to_pylist() for column in batch.rows.values()]
        found[batch.table] += [dict(zip(batch.rows, row, strict=True)) for row in zip(*columns, strict=True)]
    return found


def test_worked_example(tmp_path):
    path = write(tmp_path / "all.json", OBJECTS)
    assert recognise(path) == "neo4j_json"
    rows = rows_of(path)
    assert [tuple(row.values()) for row in rows["entities"]] == [
        ("0", "User"),
        ("0", "Admin"),
        ("1", "User"),
        ("2", ""),
    ]
    assert [tuple(row.values()) for row in rows["names"]] == [
        ("0", "Adam", "preferred"),
        ("0", "Ad", "exact"),
        ("0", "A", "exact"),
        ("1", "Bo", "preferred"),
    ]
    assert [tuple(row.values()) for row in rows["descriptions"]] == [("0", "A man.")]
    assert [tuple(row.values())[1:] for row in rows["attributes"]] == [
        ("title", "Mr", ""),
        ("age", "42", "integer"),
        ("height", "1.8", "double"),
        ("male", "true", "boolean"),
        ("kids", "Sam", ""),
        ("kids", "Anna", ""),
        ("place", '{"crs": "wgs-84", "latitude": 1.5}', ""),
    ]
    by_tail = {row["tail"]: row for row in rows["triples"]}
    knows = by_tail["1"]
    assert (knows["head"], knows["relation"], knows["confidence"], knows["source"]) == (
        "0",
        "KNOWS",
        0.25,
        "census",
    )
    assert json.loads(knows["qualifiers"]) == {"since": 1993, "bffSince": "P5M1DT12H", "places": "a|b"}
    other = by_tail["2"]
    assert (other["negated"], other["references"], other["confidence"]) == (True, "PMID:1|PMID:2", 1.0)
    assert json.loads(other["qualifiers"]) == {"confidence": 87, "split": "x"}


def test_it_gathers_into_a_graph(tmp_path):
    graph = KnowledgeGraph.gather(read(write(tmp_path / "all.json", OBJECTS)))
    assert (len(graph), len(graph.tables["triples"]), len(graph.tables["negated"])) == (3, 1, 1)
    assert graph.entity("0").name == "Adam"


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_packed_files_and_arrays(pack, tmp_path):
    path = write(tmp_path / "all.json.gz", OBJECTS, pack)
    assert recognise(path) == "neo4j_json"
    whole = rows_of(path)
    array = tmp_path / "array.json"
    array.write_text("[" + ",\n".join(map(json.dumps, OBJECTS)) + "]\n")
    assert recognise(array) == "neo4j_json"
    assert rows_of(array) == whole
    assert recognise(write(tmp_path / "links.json", OBJECTS[3:])) == "neo4j_json"


BAD = {
    "type": ({"type": "path", "id": "1"}, "neither a node nor a relationship"),
    "id": (node(None), "a node without an id"),
    "end": (relationship("0", "KNOWS", None), "a node without an id"),
    "no end": ({"type": "relationship", "label": "A", "start": {"id": "1"}}, "a node without an id"),
    "label": (relationship("0", "", "1"), "a relationship without a label"),
    "labels": ({"type": "node", "id": "1", "labels": "User"}, "expected a list of texts, found 'User'"),
    "properties": ({"type": "node", "id": "1", "properties": ["a"]}, "the properties are no object"),
    "list": (["a"], "no JSON object"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_lines_are_named_and_the_rest_is_read(case, tmp_path):
    bad, found = BAD[case]
    path = write(tmp_path / "all.json", [OBJECTS[0], bad, *OBJECTS[1:]])
    with pytest.raises(BadInput) as caught:
        rows_of(path)
    assert caught.value.line == 2
    assert found in caught.value.found
    assert caught.value.fix.endswith(".")
    problems = []
    assert rows_of(path, problems) == rows_of(write(tmp_path / "good.json", OBJECTS))
    assert [problem.line for problem in problems] == [2]


names = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=8).filter(str.strip)
scalars = (
    st.booleans() | st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False) | names
)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(names, scalars, max_size=5), st.lists(st.tuples(names, names, names), max_size=5))
def test_what_is_written_is_read(tmp_path_factory, properties, facts):
    objects = [node("n", ["L"], **properties), *(relationship(*fact, **properties) for fact in facts)]
    rows = rows_of(write(tmp_path_factory.mktemp("neo4j") / "all.json", objects))
    assert [(row["head"], row["relation"], row["tail"]) for row in rows["triples"]] == facts
    for row in rows["triples"]:
        assert json.loads(row["qualifiers"] or "{}") == properties
    texts = {row["property"]: row["value"] for row in rows["attributes"]}
    for property, value in properties.items():
        if property in texts:
            assert texts[property] == (
                value
                if isinstance(value, str)
                else str(value).lower()
                if isinstance(value, bool)
                else repr(value)
            )
