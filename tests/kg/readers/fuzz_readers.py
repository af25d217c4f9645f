"""Feed a reader broken files: `fuzz_readers.py FORMAT SECONDS` ends with 0 when none broke it.

Whatever the file holds, a reader yields rows, raises an error of ours, or adds to its list of problems.
Of a folder the first byte says which file the others become.
"""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["loregraft"]):
    from loregraft.errors import BadInput, LoregraftError
    from loregraft.kg.graph import KnowledgeGraph
    from loregraft.kg.readers import READERS, read, recognise
    from loregraft.kg.store import save_graph

FORMAT, SECONDS = sys.argv[1], sys.argv[2]
SEEDS = Path(sys.argv[3]) if len(sys.argv) > 3 else None
PATH = Path(tempfile.mkdtemp()) / "fuzz"


TRIPLES = b"a\tr\tb\n"
FOLDERS = {
    "openke": {
        "entity2id.txt": b"2\na\t0\nb\t1\n",
        "relation2id.txt": b"1\nr\t0\n",
        "train2id.txt": b"1\n0 1 0\n",
        "entity2text.txt": b"a\tAda\n",
        "entity2wikidata.json": b'{"a": {"label": "Ada"}}',
    },
    "splits": {
        "train.tsv": b"0\t0\t1\n",
        "test.tsv": TRIPLES,
        "entities.tsv": b"0\ta\n1\tb\n",
        "relations.tsv": b"0\tr\n",
        "relation2text.txt": b"r\trelates\n",
    },
    "umls": {
        "MRCONSO.RRF": b"C0000001|ENG|P|L1|PF|S1|Y|A1|||||PT|NOCODE|fever|0|N||\n",
        "MRSTY.RRF": b"C0000001|T1|A1|Finding|AT1||\n",
        "MRDEF.RRF": b"C0000001|A1|AT1||MSH|hot|N||\n",
        "MRREL.RRF": b"C0000001|A1|AUI|RO|C0000002|A2|AUI||R1||MSH|MSH|||N||\n",
    },
}


def _folder() -> dict[str, bytes]:
    """Give the files of a good folder of the format; none where it is one file."""
    if FORMAT != "graph":
        return FOLDERS.get(FORMAT, {})
    (PATH.parent / "a.tsv").write_bytes(TRIPLES)
    good = PATH.parent / "good"
    save_graph(KnowledgeGraph.gather(read(PATH.parent / "a.tsv")), good, "fuzz")
    return {file.name: file.read_bytes() for file in sorted(good.iterdir()) if file.is_file()}


FILES = _folder()


def _write(data: bytes) -> None:
    if not FILES:
        PATH.write_bytes(data)
        return
    PATH.mkdir(exist_ok=True)
    changed = list(FILES)[(data[0] if data else 0) % len(FILES)]
    for name, content in FILES.items():
        (PATH / name).write_bytes(data[1:] if name == changed else content)


def one_input(data: bytes) -> None:
    """Read the bytes, strictly and leniently."""
    _write(data)
    for problems in (None, []):
        try:
            KnowledgeGraph.gather(READERS[FORMAT](PATH, problems))
        except LoregraftError:
            pass
    try:
        recognise(PATH)
    except BadInput:
        pass


folders = [str(SEEDS)] if SEEDS else []
options = [f"-max_total_time={SECONDS}", "-max_len=2048", "-rss_limit_mb=1024", "-timeout=5", "-verbosity=0"]
atheris.Setup([sys.argv[0], *options, *folders], one_input)
atheris.Fuzz()
