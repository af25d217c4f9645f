"""Linked texts as files: what was written is what is read, whole or not at all."""

import gzip
import json
import os
import signal
import subprocess
import sys

import pyarrow.parquet as pq
import pytest

from loregraft.errors import CannotWrite
from loregraft.linking.formats import read as read_annotated
from loregraft.linking.texts import writers
from loregraft.linking.texts.rows import TextRow
from loregraft.linking.texts.writers import check_output, writing_links
from loregraft.records import Link, Mention

LINKED = [
    (TextRow("Fever came.", 7), [Link(Mention(0, 5, "Fever"), "P:1", 0.9)]),
    (TextRow("发热", "b"), []),
    (TextRow("", None), []),
]
WANTED = [
    {
        "id": 7,
        "text": "Fever came.",
        "links": [{"start": 0, "end": 5, "text": "Fever", "entity": "P:1", "score": 0.9}],
    },
    {"id": "b", "text": "发热", "links": []},
    {"text": "", "links": []},
]


def write(path, linked=LINKED):
    with writing_links(path, lambda links: {}) as write_one:
        for row, links in linked:
            write_one(row, links)
    return path


def test_json_lines(tmp_path):
    lines = write(tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line) for line in lines] == WANTED


def test_what_is_written_can_be_read_as_labelled_texts(tmp_path):
    (first, second, _) = read_annotated(write(tmp_path / "a.jsonl"), "")
    assert first.document.id == "7" and first.gold[0].entities == ("P:1",)
    assert second.document.text == "发热" and not second.gold


def test_packed_json_lines_are_the_same_bytes_again(tmp_path):
    first, second = (write(tmp_path / name) for name in ("a.jsonl.gz", "B.JSONL.GZ"))
    assert first.read_bytes() == second.read_bytes()
    lines = gzip.decompress(first.read_bytes()).decode().splitlines()
    assert [json.loads(line) for line in lines] == WANTED


@pytest.mark.parametrize("at_once", [1, 2, 4_096])
def test_parquet_has_a_row_a_text(tmp_path, monkeypatch, at_once):
    monkeypatch.setattr(writers, "ROWS_AT_ONCE", at_once)
    rows = pq.read_table(write(tmp_path / "a.parquet")).to_pylist()
    assert rows == [{"id": None, **row} | ({"id": str(row["id"])} if "id" in row else {}) for row in WANTED]


@pytest.mark.parametrize("end", writers.WRITERS)
def test_a_file_of_no_texts_is_whole(tmp_path, end):
    assert write(tmp_path / f"a{end}", []).exists()
    if end == ".parquet":
        assert pq.read_table(tmp_path / "a.parquet").schema.equals(writers.SCHEMA)


def test_a_name_that_says_no_format_and_a_file_that_is_there_are_refused(tmp_path):
    with pytest.raises(CannotWrite, match=r"End it with one of \.jsonl, \.jsonl\.gz, \.parquet, \.html\."):
        check_output(tmp_path / "a.xlsx", force=True)
    path = write(tmp_path / "a.jsonl")
    check_output(path, force=True)
    with pytest.raises(CannotWrite, match="it exists already"):
        check_output(path, force=False)


@pytest.mark.parametrize("end", writers.WRITERS)
def test_an_error_leaves_the_older_file(tmp_path, end):
    path = write(tmp_path / f"a{end}")
    old = path.read_bytes()
    with pytest.raises(ZeroDivisionError), writing_links(path, lambda links: {}) as write_one:
        write_one(*LINKED[0])
        raise ZeroDivisionError
    assert path.read_bytes() == old and os.listdir(tmp_path) == [path.name]


KILLED = """
import sys
from pathlib import Path
from loregraft.linking.texts.rows import TextRow
from loregraft.linking.texts.writers import writing_links
with writing_links(Path(sys.argv[1]), lambda links: {}) as write:
    while True:
        write(TextRow("x" * 100_000), [])
        print("written", flush=True)
"""


@pytest.mark.parametrize("end", writers.WRITERS)
def test_a_kill_leaves_no_half_file(tmp_path, end):
    path = tmp_path / f"a{end}"
    with subprocess.Popen([sys.executable, "-c", KILLED, path], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        for _ in range(5):
            assert process.stdout.readline() == b"written\n"
        process.send_signal(signal.SIGKILL)
    assert not path.exists()
    assert write(path).exists()  # what the kill left is in nobody's way
    assert [name for name in os.listdir(tmp_path) if not name.endswith(".lock")] == [path.name]
