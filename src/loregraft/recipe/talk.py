"""What a run tells while it works. The command line draws it; a program may listen or stay silent."""

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable

from loregraft.disk import replace_file

Advance = Callable[[float, str], object]
"""(share done 0..1, a few words)"""


@runtime_checkable
class Talk(Protocol):
    """Listens to a run."""

    def begin(self, stage: str, doing: str) -> None:
        """Hear that a stage starts; `doing` says what it reads and makes."""

    def advance(self, share: float, words: str) -> None:
        """Hear how far the stage is (0..1)."""

    def end(self, stage: str, line: str, seconds: float) -> None:
        """Hear that the stage has ended; `line` says what came in and went out."""

    def say(self, line: str) -> None:
        """Hear something a person should know."""


class Silence:
    """A Talk that says nothing."""

    def begin(self, stage: str, doing: str) -> None:
        """Say nothing."""

    def advance(self, share: float, words: str) -> None:
        """Say nothing."""

    def end(self, stage: str, line: str, seconds: float) -> None:
        """Say nothing."""

    def say(self, line: str) -> None:
        """Say nothing."""


@contextlib.contextmanager
def stage(talk: Talk, name: str, doing: str) -> Iterator[list[str]]:
    """Announce a stage and, when it ends well, its line (what the block appends to the list)."""
    started = time.monotonic()
    line: list[str] = []
    talk.begin(name, doing)
    yield line
    talk.end(name, " ".join(line), time.monotonic() - started)


UNCHANGED = "(unchanged)"
"""What the line of a stage ends with that found its result ready."""


class Timed:
    """Passes everything on and keeps in a file what each stage took when it last did its work, in seconds."""

    def __init__(self, inner: Talk, path: Path) -> None:
        self.inner, self.path = inner, path
        self.spent: dict[str, float] = {}
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            written = json.loads(path.read_text(encoding="utf-8"))
            self.spent = {str(name): float(seconds) for name, seconds in written.items()}
        self.done: list[str] = []

    def begin(self, stage: str, doing: str) -> None:
        """Pass on."""
        self.inner.begin(stage, doing)

    def advance(self, share: float, words: str) -> None:
        """Pass on."""
        self.inner.advance(share, words)

    def end(self, stage: str, line: str, seconds: float) -> None:
        """Keep the time and pass on."""
        name = f"{stage} {line.split(':')[0]}" if stage == "pretrain" else stage
        self.done.append(name)
        if UNCHANGED not in line or name not in self.spent:
            self.spent[name] = round(seconds, 1)
            replace_file(self.path, json.dumps(self.spent, indent=1) + "\n")
        self.inner.end(stage, line, seconds)

    def say(self, line: str) -> None:
        """Pass on."""
        self.inner.say(line)

    def stages(self) -> list[tuple[str, float]]:
        """List the stages of this run in order, with what each took when it last did its work."""
        return [(name, self.spent[name]) for name in dict.fromkeys(self.done)]
