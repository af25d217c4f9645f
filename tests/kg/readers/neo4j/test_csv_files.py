"""CSV files of Neo4j: headers with types and id spaces, folders, headers apart, and APOC's one table."""

import bz2
import gzip
import json
from collections import defaultdict

import pyarrow as pa
import pytest

from loregraft.errors import BadInput
from loregraft.kg.readers import read, recognise
from loregraft.kg.readers.neo4j.csv_files import fits_neo4j_csv, read_neo4j_csv

PEOPLE = (
    "personId:ID(Person),name,:LABEL,born:int,tags:string[],seen:date,x:IGNORE\n"
    'k,"Keanu, R.",Actor;Person,1964,a;b,2020-01-02,z\nl,,,,,,\n'
)
MOVIES = "movieId:ID(Movie),title,year:int\nk,The Matrix,1999\n"
ROLES = (
    ":START_ID(Person),role,good:boolean,since:date,:END_ID(Movie),:TYPE\nk,Neo,true,1999-03-31,k,ACTED_IN\n"
)


def rows_of(path, problems=None):
    found = defaultdict(list)
    for batch in read_neo4j_csv(path, problems):
        columns = [pa.array(column).to_pylist() for column in batch.rows.values()]
        found[batch.table] += [dict(zip(batch.rows, row, strict=True)) for row in zip(*columns, strict=True)]
    return found


def write(folder, pack=bytes, ending="", **files):
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.csv{ending}").write_bytes(pack(text.encode()))
    return folder


def test_worked_example(tmp_path):
    folder = write(tmp_path / "import", people=PEOPLE, movies=MOVIES, roles=ROLES)
    assert recognise(folder) == "neo4j_csv"
    rows = rows_of(folder)
    assert [tuple(row.values()) for row in rows["entities"]] == [
        ("Movie:k", ""),
        ("Person:k", "Actor"),
        ("Person:k", "Person"),
        ("Person:l", ""),
    ]
    assert [tuple(row.values()) for row in rows["names"]] == [
        ("Movie:k", "The Matrix", "preferred"),
        ("Person:k", "Keanu, R.", "preferred"),
    ]
    assert [tuple(row.values()) for row in rows["attributes"]] == [
        ("Movie:k", "movieId", "k", ""),
        ("Movie:k", "year", "1999", "integer"),
        ("Person:k", "personId", "k", ""),
        ("Person:k", "born", "1964", "integer"),
        ("Person:k", "tags", "a", ""),
        ("Person:k", "tags", "b", ""),
        ("Person:k", "seen", "2020-01-02", "date"),
        ("Person:l", "personId", "l", ""),
    ]
    (role,) = rows["triples"]
    assert (role["head"], role["relation"], role["tail"]) == ("Person:k", "ACTED_IN", "Movie:k")
    assert json.loads(role["qualifiers"]) == {"role": "Neo", "good": True, "since": "1999-03-31"}
    assert {batch.rows["source"][0].as_py() for batch in read(folder, source="db")} == {"db"}


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_packed_files_and_headers_apart(pack, tmp_path):
    whole = rows_of(write(tmp_path / "whole", people=PEOPLE, roles=ROLES))
    packed = write(tmp_path / "packed", pack, ".gz", people=PEOPLE, roles=ROLES)
    assert recognise(packed) == "neo4j_csv"
    assert rows_of(packed) == whole
    assert recognise(packed / "people.csv.gz") == "neo4j_csv"
    header, first, second = PEOPLE.splitlines(keepends=True)
    apart = write(
        tmp_path / "apart", roles=ROLES, **{"people-header": header, "people-part1": first, "people2": second}
    )
    assert recognise(apart) == "neo4j_csv"
    assert rows_of(apart) == whole


def test_apoc_writes_one_table(tmp_path):
    path = tmp_path / "all.csv"
    path.write_text(
        '"_id","_labels","age","name","_start","_end","_type","since"\n'
        '"0",":User:Admin","42","Adam",,,,""\n"1",":User","","Jim",,,,""\n,,,,"0","1","KNOWS","1993"\n'
    )
    assert recognise(path) == "neo4j_csv"
    rows = rows_of(path)
    assert [tuple(row.values()) for row in rows["entities"]] == [("0", "User"), ("0", "Admin"), ("1", "User")]
    assert [(row["head"], row["relation"], row["tail"]) for row in rows["triples"]] == [("0", "KNOWS", "1")]
    assert json.loads(rows["triples"][0]["qualifiers"]) == {"since": "1993"}


def test_options_of_columns(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("key:ID(City){id-type:long},where:point{crs:WGS-84},a:b c\n1,{x:1},d\n")
    assert rows_of(path)["attributes"] == [
        {"entity": "City:1", "property": "key", "value": "1", "datatype": ""},
        {"entity": "City:1", "property": "where", "value": "{x:1}", "datatype": ""},
        {"entity": "City:1", "property": "a:b c", "value": "d", "datatype": ""},
    ]


BAD = {
    "cells": (MOVIES, "m,Up", "expected 3 cells as in the header, found 2", "comma between cells"),
    "id": (MOVIES, ",Up,2009", "a row without :ID", "Fill it in"),
    "int": (MOVIES, "m,Up,MMIX", "'MMIX' is no int", "the column 'year' can hold"),
    "end": (ROLES, "k,Neo,,,,ACTED_IN", "a row without :END_ID", "Fill it in"),
    "type": (ROLES, "k,Neo,,,k,", "a row without :TYPE", "Fill it in"),
    "boolean": (ROLES, "k,Neo,yes,,k,ACTED_IN", "'yes' is no boolean", "the column 'good' can hold"),
    "quote": (MOVIES, 'm,"Up"s,2009', "expected after", "double the quotes"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_lines_are_named_and_the_rest_is_read(case, tmp_path):
    text, bad, found, fix = BAD[case]
    header, row = text.splitlines()
    path = tmp_path / "a.csv"
    path.write_text(f"{header}\n{bad}\n{row}\n")
    with pytest.raises(BadInput) as caught:
        rows_of(path)
    assert caught.value.line == 2
    assert found in caught.value.found
    assert fix in caught.value.fix
    problems = []
    rows = rows_of(path, problems)
    assert [problem.line for problem in problems] == [2]
    path.write_text(text)
    assert rows == rows_of(path)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("id,name", "no header of Neo4j: 'id,name'"),
        (":START_ID,:END_ID", "the header has no column ':TYPE'"),
        (":ID,age:number", "there is no type 'number' of a column"),
    ],
)
def test_wrong_headers_end_the_reading(header, found, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(f"{header}\na,b\n")
    with pytest.raises(BadInput) as caught:
        rows_of(path)
    assert (caught.value.line, caught.value.found) == (1, found)
    assert caught.value.fix.endswith("beside the properties.")
    problems = []
    assert not rows_of(path, problems)
    assert len(problems) == 1


def test_other_tables_are_not_taken(tmp_path):
    for head in (
        "head,relation,tail\n",
        "id,name\n",
        '{"type":"node","id":"0"}\n',
        "@prefix : <x:> .\n",
        "",
        "ID\n",
    ):
        assert not fits_neo4j_csv(tmp_path / "a.csv", head)
    assert not fits_neo4j_csv(write(tmp_path / "folder", a="head,relation,tail\n"), "")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_delimiter_is_that_of_the_header(delimiter, tmp_path):
    header = delimiter.join([":ID", "name", "tags:string[]", ":LABEL"])
    row = delimiter.join(["1", '"a, b; c"', '"a;b;c;d;e"', '"X;Y"'])
    (tmp_path / "people.csv").write_text(f"{header}\n{row}\n")
    apart = tmp_path / "apart"
    apart.mkdir()
    (apart / "people-header.csv").write_text(header + "\n")
    (apart / "people.csv").write_text(row + "\n")
    assert recognise(tmp_path / "people.csv") == recognise(apart) == "neo4j_csv"
    rows = rows_of(tmp_path / "people.csv")
    assert rows_of(apart) == rows
    assert [row["name"] for row in rows["names"]] == ["a, b; c"]
    assert [row["type"] for row in rows["entities"]] == ["X", "Y"]
