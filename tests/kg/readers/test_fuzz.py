"""No file breaks a reader: a minute of fuzzing for every format."""

import subprocess
import sys
from pathlib import Path

import pytest

from loregraft.kg.readers import READERS

SCRIPT = Path(__file__).with_name("fuzz_readers.py")


@pytest.mark.slow
@pytest.mark.parametrize("format", sorted(READERS))
def test_a_minute_of_broken_files(format, tmp_path):
    pytest.importorskip("atheris", reason="needs atheris, which has wheels for Python 3.11 to 3.13")
    command = [sys.executable, str(SCRIPT), format, "60"]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=180)
    assert ran.returncode == 0, ran.stderr[-3000:]
