"""Texts of files: every format, what cannot be read, and what ends a command before it begins."""

import bz2
import csv
import gzip
import io
import json
import lzma
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loregraft.errors import BadInput
from loregraft.kg.readers.text.lines import Problems
from loregraft.linking.texts.sources import Source, open_sources, read_sources
from loregraft.linking.texts.tables import NoColumn

WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).map(str.strip).filter(bool)


def read(*paths, column="text", problems=None):
    return [(row.id, row.text) for row in read_sources(open_sources(paths, column), problems)]


def written(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def table(path, **columns):
    pq.write_table(pa.table(columns), path)
    return path


def test_a_line_is_a_text(tmp_path):
    path = written(tmp_path / "a.txt", "\ufeffFever came.\r\n\n  asthma \n # no comment")
    assert read(path) == [(None, "Fever came."), (None, "  asthma "), (None, " # no comment")]
    assert read(written(tmp_path / "no_end", "Fever")) == [(None, "Fever")]


def test_an_object_is_a_text(tmp_path):
    rows = [{"id": 7, "text": "Fever"}, {"id": "b", "text": ""}, {"text": "发热", "more": 1}, {"body": "x"}]
    path = written(tmp_path / "a.jsonl", "\n".join(map(json.dumps, rows)))
    problems = Problems()
    assert read(path, problems=problems) == [(7, "Fever"), ("b", ""), (None, "发热")]
    (problem,) = problems
    assert (problem.line, problem.found) == (4, "there is no 'text' in 'body'")
    assert read(path, column="body", problems=Problems()) == [(None, "x")]


@pytest.mark.parametrize("mark", [",", ";"])
def test_a_cell_is_a_text(tmp_path, mark):
    content = f'id{mark}more{mark}text\n1{mark}x{mark}"Fever, ""high""\nand; asthma"\n{mark}{mark}\n'
    path = written(tmp_path / "a.csv", content)
    assert read(path) == [("1", 'Fever, "high"\nand; asthma'), (None, "")]
    assert read(path, column="MORE") == [("1", "x"), (None, "")]


def test_a_cell_between_tabs_is_a_text_as_it_is(tmp_path):
    path = written(tmp_path / "a.tsv", '# id\tText\tID\n#1\t "Fever" came \t7\n')
    assert read(path) == [("7", ' "Fever" came ')]


def test_a_value_of_a_column_is_a_text(tmp_path):
    path = table(tmp_path / "a.parquet", more=[1, 2, 3], id=[10, 11, None], text=["Fever", None, ""])
    problems = Problems()
    assert read(path, problems=problems) == [(10, "Fever"), (None, "")]
    assert [(problem.line, problem.found) for problem in problems] == [
        (2, "the text is None, which is no text")
    ]
    repeated = pa.array(["Fever", "Fever", "x"]).dictionary_encode()
    assert read(table(tmp_path / "named_otherwise", body=repeated), column="body")[0] == (None, "Fever")


def test_ids_that_lack_in_a_column_of_numbers_are_none(tmp_path):
    assert read(table(tmp_path / "a.parquet", id=[1.5, float("nan")], text=["a", "b"])) == [
        (1.5, "a"),
        (None, "b"),
    ]


@pytest.mark.parametrize(
    ("end", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress)]
)
def test_what_is_packed_is_unpacked(tmp_path, end, pack):
    path = written(tmp_path / f"A.JSONL{end}", pack(b'{"text": "Fever"}\n'))
    assert read(path) == [(None, "Fever")]
    assert read(written(tmp_path / f"a.csv{end}", pack(b"text\nFever\n"))) == [(None, "Fever")]


@given(rows=st.lists(st.tuples(WORDS, WORDS), max_size=5))
def test_all_formats_say_the_same(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("same")
    sheet = io.StringIO()
    csv.writer(sheet, quoting=csv.QUOTE_ALL).writerows([("id", "text"), *rows])
    objects = "".join(json.dumps({"id": id, "text": text}) + "\n" for id, text in rows)
    paths = [
        written(folder / "a.csv", sheet.getvalue()),
        written(folder / "a.tsv", "".join(f"{id}\t{text}\n" for id, text in [("id", "text"), *rows])),
        written(folder / "a.jsonl", objects),
        table(
            folder / "a.parquet", id=[id for id, _ in rows], text=pa.array([t for _, t in rows], pa.string())
        ),
    ]
    assert [read(path) for path in paths] == [rows] * 4


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl", "a.csv", "a.tsv"])
def test_an_empty_file_has_no_texts(tmp_path, name):
    assert read(written(tmp_path / name, "")) == []


@pytest.mark.parametrize("end", ["txt", "jsonl", "csv", "tsv", "parquet"])
def test_a_text_may_be_long(tmp_path, end):
    text = "Fever " * 200_000
    path = tmp_path / f"a.{end}"
    if end == "parquet":
        table(path, text=[text])
    else:
        before = "" if end in ("txt", "jsonl") else "text\n"
        written(path, before + (json.dumps({"text": text}) if end == "jsonl" else text) + "\n")
    limit = csv.field_size_limit()
    assert [len(found.strip()) for _, found in read(path)] == [len(text) - 1]
    assert csv.field_size_limit() == limit


BAD_OBJECTS = [
    (b"caf\xe9", "byte 4 (0xe9) is not UTF-8"),
    (b"Fever", "no JSON"),
    (b'{"id": 1}', "there is no 'text' in 'id'"),
    (b"{}", "there is no 'text' in it"),
    (b'{"text": 5}', "the text is 5, which is no text"),
    (b'{"text": null}', "the text is None"),
    (b'{"text": "a", "id": [1]}', "'id' holds [1]"),
    (b'{"text": "a", "id": true}', "'id' holds True"),
]


@pytest.mark.parametrize(("line", "found"), BAD_OBJECTS)
def test_a_bad_line_is_left_out_and_named(tmp_path, line, found):
    path = written(tmp_path / "a.jsonl", b'{"text": "Fever"}\n' + line + b'\n{"text": "asthma"}\n')
    problems = Problems()
    assert [text for _, text in read(path, problems=problems)] == ["Fever", "asthma"]
    assert problems.total == 1 and problems[0].line == 2 and problems[0].path == path
    assert found in problems[0].found
    with pytest.raises(BadInput, match=r"a\.jsonl, line 2"):
        read(path)


def test_a_row_of_another_width_is_left_out(tmp_path):
    for name, mark in (("a.csv", ","), ("a.tsv", "\t")):
        path = written(tmp_path / name, f"id{mark}text\n1{mark}a{mark}b\n2{mark}Fever\n")
        problems = Problems()
        assert read(path, problems=problems) == [("2", "Fever")]
        assert "expected 2 cells as in the first row, found 3" in str(problems[0])


NOT_TEXT = {
    "binary.txt": (b"Fever\n\x7fELF\0\0", "line 2: a NUL byte: this is a binary file"),
    "binary.csv": (b"\0\1\2", "line 1: a NUL byte: this is a binary file"),
    "cut.jsonl.gz": (gzip.compress(b'{"text": "x"}' * 9_999)[:-20], "it cannot be unpacked"),
    "cut.parquet": (b"PAR1 and no more", "it cannot be read"),
    "empty.parquet": (b"", "it does not start as a Parquet file does"),
    "zip.txt": (b"PK\x03\x04", "this is an archive of several files"),
}


@pytest.mark.parametrize("name", NOT_TEXT)
def test_a_file_that_is_no_text_is_one_problem_and_the_next_are_read(tmp_path, name):
    content, found = NOT_TEXT[name]
    paths = [written(tmp_path / name, content), written(tmp_path / "good.txt", "Fever\n")]
    problems = Problems()
    assert read(*paths, problems=problems) == [(None, "Fever")]
    assert problems.total == 1 and found in str(problems[0])


def test_damage_inside_a_parquet_file_is_one_problem(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(
        pa.table({"text": [f"text {n}" for n in range(4_000)]}),
        path,
        row_group_size=1_024,
        compression="gzip",
    )
    content = bytearray(path.read_bytes())
    second = pq.ParquetFile(path).metadata.row_group(1).column(0)
    content[second.dictionary_page_offset + 60 : second.dictionary_page_offset + 90] = b"x" * 30
    path.write_bytes(bytes(content))
    problems = Problems()
    assert len(read(path, problems=problems)) == 1_024
    assert problems.total == 1 and "it cannot be read" in problems[0].found


def test_a_text_of_a_parquet_file_that_is_not_utf8_is_left_out(tmp_path):
    texts = pa.Array.from_buffers(pa.string(), 2, pa.array([b"caf\xe9", b"ok"], pa.binary()).buffers())
    problems = Problems()
    assert read(table(tmp_path / "a.parquet", text=texts), problems=problems) == [(None, "ok")]
    assert "byte 4 of the text (0xe9) is not UTF-8" in problems[0].found


COLUMNS = "there is no column 'text'; there are 'id', 'body'"


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("a.csv", "id,body\n1,x\n", COLUMNS),
        ("a.tsv", "id\tbody\n1\tx\n", COLUMNS),
        ("a.csv", "text,Text,text\n", "the column 'text' stands twice"),
        ("a.parquet", {"id": [1], "body": ["x"]}, COLUMNS),
        ("a.parquet", {"text": [1]}, "the column 'text' holds int64, not texts"),
    ],
)
def test_a_column_that_is_not_there_is_said_at_once(tmp_path, name, content, found):
    path = tmp_path / name
    if isinstance(content, dict):
        table(path, **content)
    else:
        written(path, content)
    with pytest.raises(NoColumn) as error:
        open_sources([written(tmp_path / "good.txt", "Fever"), path])
    assert found in str(error.value)


@pytest.mark.parametrize(("name", "found"), [("none.txt", "there is no such file"), ("", "this is a folder")])
def test_a_file_that_is_not_there_is_said_at_once(tmp_path, name, found):
    with pytest.raises(BadInput, match=found):
        open_sources([tmp_path / name])


def test_standard_input_is_read_line_by_line(monkeypatch):
    stream = io.BytesIO(b"\xef\xbb\xbfFever\r\n\ncaf\xe9\n" + b"x" * (16 << 20) + b"xx\nasthma")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(stream))
    problems = Problems()
    assert read(Path("-"), problems=problems) == [(None, "Fever"), (None, "asthma")]
    assert [str(problem).partition(":")[0] for problem in problems] == [
        "standard input, line 3",
        "standard input, line 4",
    ]


def test_files_are_read_as_a_stream(tmp_path):
    path = written(tmp_path / "a.jsonl", '{"text": "Fever"}\n' * 3 + "no JSON\n")
    rows = Source(path).rows()
    assert [next(rows).text for _ in range(3)] == ["Fever"] * 3
    with pytest.raises(BadInput):
        next(rows)


def test_how_much_has_been_read_is_told(tmp_path):
    first = written(tmp_path / "a.txt", "aaaa\nbbbb\n")
    second = table(tmp_path / "b.parquet", text=["a", "b"])
    shares = []
    list(read_sources(open_sources([first, second]), None, shares.append))
    assert shares == sorted(shares) and len(shares) == 4
    assert 0 < shares[0] < 0.1 and shares[-1] == 1.0
