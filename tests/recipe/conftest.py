"""What two runs of the same recipe must have in common."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from loregraft.artifact import sha256_file

Essence = Callable[[Path], dict[str, object]]


def essence_of(out: Path) -> dict[str, object]:
    """Give a run's results without dates, times and sizes of memory, and the hash of its model."""
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))
    for name in ("date", "costs"):
        del results[name]
    del results["reproduce"]["commit"]
    del results["vectors"]["seconds"]
    for arm in results["pretraining"]["arms"].values():
        del arm["seconds"]
    return {"results": results, "model": sha256_file(out / "model" / "model.safetensors")}


@pytest.fixture
def essence() -> Essence:
    """`essence(folder / "out")`: what does not depend on when and how fast a run was."""
    return essence_of


@pytest.fixture
def nothing_half_written() -> Callable[[Path], list[str]]:
    """List what a killed run may leave and a finished one may not."""

    def left(out: Path) -> list[str]:
        wrong = ("*.writing", "*.replaced", "*.checkpoints", "*.training")
        return sorted(str(path.relative_to(out)) for pattern in wrong for path in out.rglob(pattern))

    return left
