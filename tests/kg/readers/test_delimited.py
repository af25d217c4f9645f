"""CSV of triples and of entities: what columns mean, and what damaged files give."""

import time

import pytest

from loregraft.errors import BadInput
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.readers import READERS, delimited, read, recognise
from loregraft.kg.readers.text import quoted
from loregraft.records import Entity, Name, Triple


def file_of(folder, content, name="a.csv"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def rows_of(path, format="csv", problems=None):
    return [
        row
        for batch in READERS[format](path, problems)
        for row in zip(*(batch.rows[end] for end in ("head", "relation", "tail")), strict=True)
    ]


def refused(path, format="csv"):
    with pytest.raises(BadInput) as caught:
        list(READERS[format](path, None))
    assert caught.value.path == path and caught.value.fix.endswith((".", "?"))
    return caught.value.line, caught.value.found


def test_all_that_a_row_says(tmp_path):
    head = (
        "tail,head,relation,negated,references,qualifiers,confidence,valid_from,licence,split,source,dose\n"
    )
    row = 'b,a,r,No,PMID:1|PMID:2,"{""onset"": ""late""}",0.25,2020-01-01,CC0,valid,me,1 mg\n'
    path = file_of(tmp_path, head + row + "c,a,r,TRUE,,,,,,,,\n")
    graph = KnowledgeGraph.gather(read(path))
    true, false = graph.facts("a")
    assert true == Triple("a", "r", "b") and false == Triple("a", "r", "c", negated=True)
    assert (true.references, true.confidence, true.valid_from) == (("PMID:1", "PMID:2"), 0.25, "2020-01-01")
    assert true.qualifiers == (("onset", "late"), ("dose", "1 mg"))
    assert (true.licence, true.split, true.source, false.source) == ("CC0", "valid", "me", "a.csv")


@pytest.mark.parametrize(
    "cells, found",
    [
        ("a,r,b,maybe,,,", "'negated' is 'maybe'"),
        ("a,r,b,,1.5,,", "'confidence' is '1.5'"),
        ("a,r,b,,nan,,", "'confidence' is 'nan'"),
        ("a,r,b,,,tset,", "there is no split 'tset'"),
        ("a,r,b,,,,[1]", "'qualifiers' is '[1]'"),
        ('a,r,b,,,,"{""x"": [1]}"', "the qualifier 'x' is [1]"),
        ("a,,b,,,,", "a row without a relation"),
        (" ,r,b,,,,", "a row without a head"),
        ("a,r,b", "expected 7 cells as in the first row, found 3 in 'a,r,b'"),
        ('a,r,"b"x,,,,', "',' expected after '\"' in 'a,r,\"b\"x,,,,'"),
        ('a,r,"b,,,,', "a quote that is not closed in 'a,r,\"b,,,,'"),
        ("a,r,b\rc,,,,", None),
    ],
)
def test_a_wrong_cell_is_named(tmp_path, cells, found):
    header = "head,relation,tail,negated,confidence,split,qualifiers\n"
    path = file_of(tmp_path, f"{header}x,r,y,,,,\n{cells}\nz,r,y,,,,\n")
    line, told = refused(path)
    assert line == 3 and (found is None or told == found)
    problems = []
    assert rows_of(path, problems=problems) == [("x", "r", "y"), ("z", "r", "y")]
    assert [problem.line for problem in problems] == [3]


@pytest.mark.parametrize(
    "header, found",
    [
        ("head,relat,tail", "the header has no column 'relation' (Did you mean 'relat'?)"),
        ("head,relation,tail,,x", "column 4 has no name"),
        ("head,relation,tail,x,x", "the header has the column 'x' twice"),
        ("a,b", "the header has no column 'head'"),
    ],
)
def test_a_wrong_header_ends_the_reading(tmp_path, header, found):
    path = file_of(tmp_path, f"{header}\na,r,b\n")
    line, told = refused(path)
    assert line == 1 and told.startswith(found)
    problems = []
    assert rows_of(path, problems=problems) == [] and len(problems) == 1


def test_no_header_semicolons_and_quotes_with_line_ends(tmp_path):
    path = file_of(tmp_path, 'a, r ,"b, ""or"" c"\n\n"two\n\nlines",r,a\n')
    assert recognise(path) == "csv"
    assert rows_of(path) == [("a", "r", 'b, "or" c'), ("two\n\nlines", "r", "a")]
    path = file_of(tmp_path, "head;relation;tail\na,1;r;b\n", "semicolons")
    assert recognise(path) == "csv"
    assert rows_of(path) == [("a,1", "r", "b")]
    assert rows_of(file_of(tmp_path, "head,relation,tail\n")) == []
    assert rows_of(file_of(tmp_path, "")) == []


def test_formats_are_told_apart(tmp_path):
    for content, format in {
        "head\trelation\ttail\na\tr\tb\n": "triples_tsv",
        "a\tr\tb\n": "tsv",
        "id,name\na,Ada\n": "entities_csv",
        '"id";"name"\na;Ada\n': "entities_csv",
        "\ufeffhead,relation,tail\r\na,r,b\r\n": "csv",
    }.items():
        assert recognise(file_of(tmp_path, content, "no ending")) == format
    with pytest.raises(BadInput, match="no known format"):
        recognise(file_of(tmp_path, "a,b,c\n", "a.txt"))


def test_damaged_files(tmp_path, monkeypatch):
    header = b"head,relation,tail\n"
    assert refused(file_of(tmp_path, header + b"a,r,b\0\n")) == (2, "a NUL character")
    assert refused(file_of(tmp_path, "head,relation,tail\n".encode("utf-16")))[0] == 1
    assert refused(file_of(tmp_path, header + b"a,r,\xff\n")) == (2, "byte 5 (0xff) is not UTF-8")
    long = file_of(tmp_path, header + b"x" * (17 << 20) + b"\na,r,b\n")
    assert refused(long) == (2, "a line of more than 16,777,216 bytes")
    problems = []
    assert rows_of(long, problems=problems) == [("a", "r", "b")] and len(problems) == 1
    cell = file_of(tmp_path, header + b'a,r,"' + b"x" * 200_000 + b'"\n')
    assert refused(cell)[0] == 2


def test_an_open_quote_takes_no_time_without_end(tmp_path):
    for line in ('a","b\n', 'a,"\n', '"""\n', 'x,y,"z\n'):
        path = file_of(tmp_path, "head,relation,tail\n" + line * 10_000 + "a,r,b\n")
        begun, problems = time.process_time(), []
        rows_of(path, problems=problems)
        assert problems and time.process_time() - begun < 10


def test_a_row_ends_within_bounds(tmp_path, monkeypatch):
    monkeypatch.setattr(quoted, "MAX_ROW_LINES", 3)
    path = file_of(tmp_path, 'a,r,"1\n2\n3"\nb,r,"1\n2\n3\n4"\nc,r,d\n')
    problems = []
    assert rows_of(path, problems=problems) == [("a", "r", "1\n2\n3"), ("c", "r", "d")]
    assert [problem.line for problem in problems] == [4, 5, 6, 7]


def test_entities(tmp_path):
    rows = [
        "id,name,language,description,type,colour",
        'a,Apple,,"A fruit,\nround.",fruit,red',
        "a,Apfel,de,,,",
    ]
    path = file_of(tmp_path, "\n".join(rows))
    graph = KnowledgeGraph.gather(read(path))
    names = (Name("Apple", "preferred"), Name("Apfel", "exact", "de"))
    assert graph.entity("a") == Entity("a", names, "A fruit,\nround.", "fruit")
    assert [(row.property, row.value) for row in graph.attributes_of("a")] == [("colour", "red")]


@pytest.mark.parametrize(
    "row, found",
    [
        (",Ada,", "a row without an id"),
        ("a,,", "name-less entity: 'a' has no name"),
        ("a,Ada,pet", "there is no kind of name 'pet'"),
    ],
)
def test_wrong_entities(tmp_path, row, found):
    assert refused(file_of(tmp_path, f"id,name,kind\n{row}\n"), "entities_csv") == (2, found)


def test_tsv_with_a_header_keeps_quotes(tmp_path):
    path = file_of(tmp_path, 'head\trelation\ttail\n5" disk\tr\t"b"\n')
    assert rows_of(path, "triples_tsv") == [('5" disk', "r", '"b"')]
    assert delimited.fits_triples_tsv(path, path.read_text())


def test_what_is_in_quotes_tells_nothing_of_the_delimiter(tmp_path):
    path = file_of(tmp_path, '"a;b;c;d",r,"x;y"\n')
    assert recognise(path) == "csv"
    assert rows_of(path) == [("a;b;c;d", "r", "x;y")]
    path = file_of(tmp_path, '"head";"relation, or so";"x,y,z"\n')
    assert rows_of(path) == [("head", "relation, or so", "x,y,z")]
