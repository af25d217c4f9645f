"""What a run tells while it works. The command line draws it; a program may listen or stay silent."""

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Protocol

Advance = Callable[[float, str], object]
"""(share done 0..1, a few words)"""


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


class Timed:
    """Passes everything on and keeps what each stage took, in seconds."""

    def __init__(self, inner: Talk) -> None:
        self.inner = inner
        self.spent: list[tuple[str, float]] = []

    def begin(self, stage: str, doing: str) -> None:
        """Pass on."""
        self.inner.begin(stage, doing)

    def advance(self, share: float, words: str) -> None:
        """Pass on."""
        self.inner.advance(share, words)

    def end(self, stage: str, line: str, seconds: float) -> None:
        """Keep the time and pass on."""
        arm = f" {line.split(':')[0]}" if stage == "pretrain" else ""
        self.spent.append((stage + arm, seconds))
        self.inner.end(stage, line, seconds)

    def say(self, line: str) -> None:
        """Pass on."""
        self.inner.say(line)
