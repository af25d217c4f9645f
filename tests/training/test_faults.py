"""Real kills and a full disk: whatever happens, the run that goes on ends with the same bits.

`faults.py` does all of it in one process and its forks.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    ran = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("faults.py")), str(tmp_path_factory.mktemp("faults"))],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_killed_at_each_change_of_the_files(outcomes):
    """Before each file opened, renamed or removed, of each of the three checkpoints of a run of 4 steps."""
    found = outcomes["killed at each change"]
    assert found["places"] >= 30
    assert found["ends"] == [outcomes["whole"]]


def test_killed_while_tensors_are_half_written(outcomes):
    """Two tensor files for each of the three checkpoints."""
    assert outcomes["killed while writing"] == {"places": 6, "ends": [outcomes["whole"]]}


def test_killed_from_outside_again_and_again(outcomes):
    found = outcomes["killed by chance"]
    assert found["kills"] >= 1
    assert found["end"] == outcomes["whole of 30"]


def test_a_full_disk_is_told_and_spoils_nothing(outcomes):
    found = outcomes["full disk"]
    assert "step-000002: the disk is full. Free some space" in found["error"]
    assert found["left"] == {"step-000001": []}  # intact, and nothing half written beside it
    assert found["step"] == 1
