"""A graph written as Neo4j's import CSV is read back as the same, up to what the writer says."""

import csv
import json
import re

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.readers import recognise
from loregraft.kg.readers.neo4j.csv_files import read_neo4j_csv
from loregraft.kg.readers.rows.triples import pack_qualifiers
from loregraft.kg.tables.columns import Columns
from loregraft.kg.writers import write

NASTY = st.text(st.sampled_from("ab\"',;:|#\\ \t\r\n\u3000中é[]{}()"), min_size=1, max_size=4)
PLAIN = st.sampled_from(["a", "b", "c", "a,b", 'say "hi"', "中文", "HP:1", "7", "http://x/?a=1"])
IDS = st.one_of(PLAIN, PLAIN, NASTY)
TEXTS = st.one_of(PLAIN, NASTY)
SCALARS = st.one_of(TEXTS, st.booleans(), st.integers(-9, 9), st.sampled_from([0.5, 1e-9, 2.0, 1 << 80]))
KEYS = st.sampled_from(["dose", "onset", "source", "a:b"])
ROWS = {
    "entities": {"id": IDS, "type": st.sampled_from(["", "Gene", "a b", "biolink:Gene", "x;y", ":z"])},
    "names": {
        "entity": IDS,
        "name": TEXTS,
        "kind": st.sampled_from(["preferred", "exact", "lay", "broad"]),
        "language": st.sampled_from(["en", "zh", ""]),
    },
    "descriptions": {"entity": IDS, "text": TEXTS, "language": st.sampled_from(["en", "zh"])},
    "attributes": {
        "entity": IDS,
        "property": st.sampled_from(["age", "seen", "xref", "a:b", "Name", "x\ty", "c;d"]),
        "value": st.sampled_from(["1", "-20", "007", "0.5", "true", "2020-01-02", "a;b", " c ", "d"]),
        "datatype": st.sampled_from(["", "integer", "double", "boolean", "date", "dateTime", "decimal"]),
        "unit": st.sampled_from(["", "", "mg"]),
    },
    "triples": {
        "head": IDS,
        "relation": IDS,
        "tail": IDS,
        "negated": st.booleans(),
        "references": st.sampled_from(["", "PMID:1", "PMID:1|http://x/?a=1,2", "http://x/a;b|c"]),
        "qualifiers": st.dictionaries(KEYS, SCALARS, max_size=2).map(pack_qualifiers),
        "confidence": st.one_of(st.just(1.0), st.floats(0, 1, width=32)),
        "valid_from": st.sampled_from(["", "2020-01-02"]),
        "licence": st.sampled_from(["", "CC BY 4.0"]),
        "split": st.sampled_from(["", "train", "test"]),
        "source": st.sampled_from(["", "one.tsv", "two"]),
    },
}
GRAPHS = st.fixed_dictionaries(
    {table: st.lists(st.fixed_dictionaries(columns), max_size=6) for table, columns in ROWS.items()}
)


def graph_of(tables):
    batches = [
        Columns(table, {column: [row[column] for row in rows] for column in rows[0]})
        for table, rows in tables.items()
        if rows
    ]
    return KnowledgeGraph.gather([Columns("entities", {"id": ["a"]}), *batches])


def content(graph):
    """Give each table as rows with ids for indexes, in an order of their own."""
    numbered = {"entity": graph.ids, "head": graph.ids, "tail": graph.ids, "relation": graph.relation_ids}
    found = {}
    for table, rows in graph.tables.items():
        named = [
            {name: numbered[name][cell] if name in numbered else cell for name, cell in row.items()}
            for row in rows.to_pylist()
        ]
        for row in named:
            if "qualifiers" in row:
                row["qualifiers"] = sorted(json.loads(row["qualifiers"] or "{}").items(), key=repr)
        found[table] = sorted(map(repr, named))
    return found


def read_again(graph, path):
    told = write(graph, path, "neo4j_csv")
    assert recognise(path) == "neo4j_csv"
    return KnowledgeGraph.gather([Columns("entities", {"id": ["a"]}), *read_neo4j_csv(path)]), told


def facts_of(graph, columns):
    found = set()
    for rows, negated in ((graph.triples, False), (graph.negated, True)):
        for row in rows.to_pylist():
            ends = (graph.ids[row["head"]], graph.relation_ids[row["relation"]], graph.ids[row["tail"]])
            found.add((*ends, negated, *(row[column] for column in columns)))
    return found


@settings(max_examples=40, deadline=None)
@given(tables=GRAPHS)
def test_all_that_is_said_of_a_fact_is_read_back(tables, tmp_path_factory):
    graph = graph_of(tables)
    again, told = read_again(graph, tmp_path_factory.mktemp("neo4j") / "a")
    columns = ("references", "confidence", "valid_from", "licence", "split", "source")
    facts = facts_of(graph, columns)
    held = {row for row in facts if all(end == end.strip() for end in row[:3])}
    assert facts_of(again, columns) == {(*row[:4], row[4].replace(";", "%3B"), *row[5:]) for row in held}
    statements = len(graph.triples) + len(graph.negated)
    written = told.written["relationships"] + told.written["negated facts"]
    assert written + told.left_out.get("statements with ids of blanks or many lines", 0) == statements


@settings(max_examples=40, deadline=None)
@given(tables=GRAPHS)
def test_nodes_keep_names_labels_and_typed_values(tables, tmp_path_factory):
    graph = graph_of(tables)
    again, told = read_again(graph, tmp_path_factory.mktemp("neo4j") / "a")
    held = [id for id in graph.ids if id == id.strip()]
    assert again.ids[: len(held)] == held or set(again.ids) == set(held)
    assert told.written["nodes"] == len(held)
    lost = {"names": 0, "types": 0}
    for id in held:
        names = [name.text.strip() for name in graph.entity(id).names if name.kind != "broad"]
        kept = [name for place, name in enumerate(names) if not place or ";" not in name]
        assert {name.text for name in again.entity(id).names} == set(kept)
        types = [row["type"] for row in graph.rows_of("types", graph.index(id))]
        kept = [type for type in types if ";" not in type and type[0] != ":"]
        assert [row["type"] for row in again.rows_of("types", again.index(id))] == kept
        lost["types"] += len(types) - len(kept)
    if len(held) == len(graph):
        assert told.left_out.get("types", 0) == lost["types"]
    given = {
        (graph.ids[row["entity"]], row["property"], row["value"].strip(), row["datatype"])
        for row in graph.attributes.to_pylist()
    }
    read = {
        (again.ids[row["entity"]], row["property"], row["value"], row["datatype"])
        for row in again.attributes.to_pylist()
    }
    assert {row[:3] for row in read} <= {row[:3] for row in given}
    assert {row for row in read if row[3]} <= given, "no datatype is made up"


@settings(max_examples=40, deadline=None)
@given(tables=GRAPHS)
def test_what_was_read_is_written_without_loss(tables, tmp_path_factory):
    folder = tmp_path_factory.mktemp("neo4j")
    once, _ = read_again(graph_of(tables), folder / "a")
    again, told = read_again(once, folder / "b")
    assert content(again) == content(once)
    assert told.left_out == {}


def test_the_files_are_those_of_neo4j(tiny_graph, tmp_path):
    told = write(tiny_graph, tmp_path / "a", "neo4j_csv")
    assert sorted(file.name for file in (tmp_path / "a").glob("*.csv")) == [
        "negated.csv", "nodes.csv", "relationships.csv",
    ]  # fmt: skip
    rows = {}
    for name in ("nodes", "relationships", "negated"):
        with (tmp_path / "a" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            rows[name] = list(csv.reader(file))
    assert rows["nodes"][0] == [":ID", ":LABEL", "name", "aliases:string[]", "description", "xref:string"]
    assert rows["nodes"][1][:4] == ["P:1", "phenotype", "Fever", "High temperature;Pyrexia;发热"]
    assert rows["relationships"][0] == [":START_ID", ":TYPE", ":END_ID", "source", "references:string[]"]
    assert ["P:3", "is_a", "P:2", "tiny", "PMID:0"] in rows["relationships"] and len(
        rows["relationships"]
    ) == 12
    assert rows["negated"] == [
        [":START_ID", ":TYPE", ":END_ID", "source", "references:string[]", "negated:boolean"],
        ["D:2", "has_phenotype", "P:5", "tiny", "PMID:8", "true"],
    ]
    assert told.written == {"nodes": 12, "relationships": 11, "negated facts": 1}
    assert told.left_out == {
        "names": 3, "kinds of names, now preferred or exact": 8, "languages, now en": 1,
        "sources of names, types and attributes": 63,
    }  # fmt: skip
    again = KnowledgeGraph.gather(read_neo4j_csv(tmp_path / "a"))
    assert set(again.ids) == set(tiny_graph.ids) and len(again.negated) == 1 and len(again.triples) == 11


def test_values_have_types_where_all_are_of_one_and_the_rest_is_counted(tmp_path):
    attributes = {
        "entity": ["a", "b", "a", "b", "a", "a", "a", "a"],
        "property": ["age", "age", "size", "size", "tag", "tag", "tag", "label"],
        "value": ["1", "2", "1", "x", "m", "n;o", "p", "q"],
        "datatype": ["integer", "integer", "integer", "", "", "", "", ""],
    }
    triples = {
        "head": ["a", "b"], "relation": ["r", "r"], "tail": ["b", "a"],
        "qualifiers": ['{"dose": 1.5, "on": true, "mix": 1}', '{"dose": 2.0, "mix": "x", "split": "s"}'],
    }  # fmt: skip
    graph = KnowledgeGraph.gather([Columns("attributes", attributes), Columns("triples", triples)])
    told = write(graph, tmp_path / "a", "neo4j_csv")
    header = (tmp_path / "a" / "nodes.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header.endswith(",description,tag:string[],age:long,size:string")
    header = (tmp_path / "a" / "relationships.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header == ":START_ID,:TYPE,:END_ID,dose:double,mix:string,on:boolean"
    assert told.left_out == {
        "attributes": 2, "datatypes, units and languages of attributes": 1, "values of qualifiers": 1,
        "types of qualifiers, now text": 1,
    }  # fmt: skip
    again = KnowledgeGraph.gather(read_neo4j_csv(tmp_path / "a"))
    assert again.triples["qualifiers"].to_pylist() == [
        '{"dose": 1.5, "mix": "1", "on": true}', '{"dose": 2.0, "mix": "x"}',
    ]  # fmt: skip
    assert [row.datatype for row in again.attributes_of("b")] == ["integer", ""]


def test_a_very_long_text_and_very_many_names_are_read_back(tmp_path):
    lines = "\n".join(map(str, range(1_500)))
    many = [f"name {number} of many" for number in range(9_000)]
    batches = [
        Columns("names", {"entity": ["a"] * len(many), "name": many}),
        Columns("descriptions", {"entity": ["a"], "text": [lines]}),
    ]
    graph = KnowledgeGraph.gather(batches)
    told = write(graph, tmp_path / "a", "neo4j_csv")
    again = KnowledgeGraph.gather(read_neo4j_csv(tmp_path / "a"))
    assert again.entity("a").description == lines.replace("\n", " ")
    assert 5_000 < len(again.names) == len(graph.names) - told.left_out["names"] < 9_000
    assert told.left_out["texts changed in blanks, line ends or semicolons"] == 1
    assert re.search(r"[\d,]+ names", str(told))
    assert np.asarray(again.names["entity"]).max() == 0
