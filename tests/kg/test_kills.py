"""An import that is killed leaves no graph or a whole one, and the next one ends as if nothing had been."""

import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from loregraft.artifact import read_card, verify


def write_triples(path, count):
    generator = np.random.default_rng(0)
    rows = generator.integers(0, count // 5, (count, 2)).tolist()
    path.write_text("".join(f"e{head}\tr{(head + tail) % 50}\te{tail}\n" for head, tail in rows))


def start(source, out):
    command = [sys.executable, "-m", "loregraft", "kg", "import", "--force", str(source), str(out)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.mark.slow
def test_twenty_kills_of_an_import_of_a_million_triples(tmp_path):
    source, straight, out = tmp_path / "a.tsv", tmp_path / "straight", tmp_path / "killed"
    write_triples(source, 1_000_000)
    started = time.monotonic()
    assert start(source, straight).wait() == 0
    took = time.monotonic() - started
    expected = read_card(straight).outputs
    moments, killed, seen = random.Random(0), 0, []
    while killed < 20:
        process = start(source, out)
        time.sleep(moments.uniform(0.05, 1.05) * took)
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        seen.append(out.exists())
        if out.exists():
            assert verify(out) == []
            assert read_card(out).outputs == expected
    assert start(source, out).wait() == 0
    assert read_card(out).outputs == expected
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["a.tsv", "killed", "straight"]
