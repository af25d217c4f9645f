"""No text takes time without end: each of these took minutes, hours or years."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from loregraft.kg.readers import READERS, obo
from loregraft.kg.readers.rdf.guard import Depth
from loregraft.kg.readers.text.headers import first_twice

N = 10_000
TEXTS = {
    "neo4j cell": ":a{}{}" * N + "x",
    "neo4j space": ":ID," + ":a(" * N,
    "blank nodes": "_:" + "<a>_:x" * N,
    "dots": "_:a" + "." * 6 * N,
    "blank lines": "\n" * 65_536,
    "blanks after a prefix": "@prefix" + " " * 65_000,
    "triple term": "<a> <b> <<( " + ". " * 30_000 + "x",
    "blanks in a triple term": "<a> <b> <<(" + " " * 60_000 + "x",
    "open text": '<a> <b> "' + '\\"' * 30_000,
    "quotes in Turtle": "@prefix x: <a> .\n" + '\\"' * 30_000,
    "open long text": "@prefix x: <a> .\n" + '"""' + '\\"""a' * N,
    "blanks in Turtle": "@prefix x: <a> .\nx" + " " * 65_000,
    "comments": "@prefix x: <a> .\n" + "\n" * 65_000 + '"',
}

RECOGNISE = """
import sys, pathlib
from loregraft.errors import BadInput
from loregraft.kg.readers import recognise
try:
    print(recognise(pathlib.Path(sys.argv[1])))
except BadInput:
    print("nothing")
"""


@pytest.mark.parametrize("text", TEXTS)
def test_recognising(text, tmp_path):
    path = tmp_path / "a"
    path.write_text(TEXTS[text])
    command = [sys.executable, "-c", RECOGNISE, str(path)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    assert ran.stdout.strip() in {"ntriples", "turtle", "trig", "neo4j_csv", "nothing"}


def _quick(begun):
    return time.process_time() - begun < 3


def test_reading(tmp_path):
    begun = time.process_time()
    path = tmp_path / "a"
    for format, text in {
        "obo": "[Term]\nid: a" + " " * (1 << 20) + "b\n",
        "lexicon": "word\tpolarity\na\t" + "1" * 1_000_000 + "x\n",
        "csv": "head,relation,tail," + ",".join(f"c{n}" for n in range(20_000)) + ",c1\n",
        "entities_tsv": "id\tname\t" + "\t".join(f"c{n}" for n in range(200_000)) + "\tc1\n",
        "jsonl": "{" + ",".join(f'"k{n}": 1' for n in range(50_000)) + ',"k9": 1}\n',
        "cellxgene": "{" + ",".join(f'"A:\\u0031{n}": 1' for n in range(20_000)) + "}",
        "neo4j_csv": ":ID," + ":a{}{}" * N + "x\n1\n",
    }.items():
        path.write_text(text)
        problems = []
        list(READERS[format](path, problems))
        assert problems, format
        assert _quick(begun), format


def test_texts_without_end():
    begun = time.process_time()
    assert obo._QUOTED.match('"' + '\\"' * 1_000_000) is None
    for text in (b'"' + b'\\"' * 1_000_000, b'"""' + b'\\"""a' * 400_000, b"'" * 1_000_000):
        Depth(Path("a")).look(text + b"\n<<(", 1)
    assert first_twice(str(number) for number in range(200_000)) is None
    assert _quick(begun)
