"""The plan of a run: a number of steps, made once, so that a run that goes on and its peers do as many."""

import json
from collections.abc import Callable
from pathlib import Path

from loregraft.artifact import Json
from loregraft.disk import replace_file
from loregraft.training.ranks import agreed, rank

PLAN = "plan.json"


def read_plan(path: Path, key: str) -> int | None:
    """Give the steps that were planned for the same run; None where there is no plan, or another's."""
    try:
        written = json.loads(path.read_text(encoding="utf-8"))
        return int(written["steps"]) if written["key"] == key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def planned_steps(path: Path, key: str, make: Callable[[], int], **told: Json) -> int:
    """Give the steps that were planned before for the same run, or plan them and write that down.

    Of several processes, all have the first one's plan.

    Args:
        make: A calibration, for example.
        told: What else the file says, for who reads it.

    Raises:
        CannotWrite: The plan cannot be written.
    """
    before = agreed(read_plan(path, key) or 0)
    steps = before or agreed(make())
    if not before and rank() == 0:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, json.dumps({"key": key, **told, "steps": steps}, indent=1) + "\n")
    return steps
