"""Files made to fill the memory end in an error, in less than 1 GB, whatever their format is."""

import gzip
import subprocess
import sys
from pathlib import Path

import pytest

GIGABYTE = 1 << 30
PIECE = 1 << 20
BEGINNINGS = {
    "facts.tsv": "a\tknows\tb\nc\tknows\t",
    "facts.csv": "head,relation,tail\na,knows,b\nc,knows,",
    "facts.jsonl": '{"head": "a", "relation": "knows", "tail": "',
    "facts.nt": "<http://x/a> <http://x/knows> <http://x/",
    "facts.ttl": "@prefix x: <http://x/> .\nx:a x:knows x:",
    "terms.obo": "format-version: 1.2\n\n[Term]\nid: X:1\nname: ",
    "facts.spo": "a\tknows\tb\nc\tknows\t",
}
CHILD = """
import resource, subprocess, sys
command = [sys.executable, "-m", "loregraft", "kg", "import", *sys.argv[1:]]
ran = subprocess.run(command, capture_output=True, text=True)
print(ran.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, ran.stderr.splitlines()[-1])
"""


def imported(path: Path, out: Path) -> tuple[int, int, str]:
    """Import a file in a process of its own: its exit code, its peak memory in KiB, its last words."""
    ran = subprocess.run(
        [sys.executable, "-c", CHILD, str(path), str(out)], capture_output=True, text=True, timeout=300
    )
    code, peak, words = ran.stdout.split(" ", 2)
    return int(code), int(peak), words


def test_the_peak_is_that_of_the_import(tmp_path):
    path = tmp_path / "facts.tsv"
    path.write_text("a\tknows\tb\n", encoding="utf-8")
    code, peak, _ = imported(path, tmp_path / "out")
    assert code == 0 and 20_000 < peak < GIGABYTE // 1024


@pytest.mark.slow
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize("name", BEGINNINGS)
def test_a_line_of_a_gigabyte(tmp_path, name, packed):
    path = tmp_path / (f"{name}.gz" if packed else name)
    opened = gzip.open(path, "wb", compresslevel=1) if packed else path.open("wb")
    with opened as file:
        file.write(BEGINNINGS[name].encode())
        for _ in range(GIGABYTE // PIECE):
            file.write(b"a" * PIECE)
    code, peak, words = imported(path, tmp_path / "out")
    assert code == 2 and words.startswith("error: "), words
    assert peak < GIGABYTE // 1024, f"{peak:,} KiB"
    assert not (tmp_path / "out").exists()
