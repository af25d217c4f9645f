"""The log of a run: one line of JSON for each step, also where the run was cut off and went on."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from loregraft.disk import replace_file
from loregraft.training.loop import Progress

STEPS_LOG = "steps.jsonl"
Line = Callable[[Progress, Mapping[str, float]], object]


@contextmanager
def logging_steps(path: Path) -> Iterator[Line]:
    """Give a function that writes a line for a step, with its losses as they are, not divided.

    What the log has of that step and later ones, from before the run was cut off, goes with its first line.

    Raises:
        CannotWrite: The log cannot be written.
    """
    opened = None
    try:

        def write(progress: Progress, losses: Mapping[str, float]) -> None:
            nonlocal opened
            if opened is None:
                replace_file(path, "".join(_lines_before(path, progress.step)))
                opened = path.open("a", encoding="utf-8")
            opened.write(json.dumps({**asdict(progress), "losses": dict(losses)}) + "\n")
            opened.flush()

        yield write
    finally:
        if opened is not None:
            opened.close()


def _lines_before(path: Path, step: int) -> Iterator[str]:
    """Yield the whole lines of earlier steps."""
    if not path.exists():
        return
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        try:
            earlier = json.loads(line)["step"] < step
        except (ValueError, KeyError, TypeError):
            continue  # a line that was being written when the run was cut off
        if earlier:
            yield line
