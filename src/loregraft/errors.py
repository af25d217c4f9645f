"""Errors that a user can fix: what was found, where, and what to do next.

Every room raises these for wrong data or a wrong machine; the command line prints them without a
traceback and ends with exit code 2. A wrong argument in code is a plain `ValueError`.
"""

import difflib
from collections.abc import Iterable
from pathlib import Path


class LoregraftError(Exception):
    """Base of all: `except LoregraftError` catches whatever a user can fix."""


class BadInput(LoregraftError):
    """A file is not what its reader expects; `line` counts from 1, as editors do (0: the whole file)."""

    def __init__(self, path: Path, line: int, found: str, fix: str) -> None:
        self.path, self.line, self.found, self.fix = Path(path), line, found, fix
        where = f"{path}, line {line}" if line else str(path)
        super().__init__(f"{where}: {found}. {fix}")


class WrongArtifact(LoregraftError):
    """A folder is not the artifact it should be, or its files are not the ones its card lists."""

    def __init__(self, path: Path, found: str, fix: str) -> None:
        self.path = Path(path)
        super().__init__(f"{path}: {found}. {fix}")


class CannotWrite(LoregraftError):
    """The machine refused to write: permission, a full disk, or another run that holds the folder."""

    def __init__(self, path: Path, found: str, fix: str) -> None:
        self.path = Path(path)
        super().__init__(f"{path}: {found}. {fix}")


class MissingExtra(LoregraftError):
    """A package that only some users need is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        fix = f"Install it with: pip install 'loregraft[{extra}]'"
        super().__init__(f"the package {package!r} is not installed. {fix}")


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """Name the (up to three) known words nearest to a wrong one, as a sentence for an error's fix."""
    choices = sorted(known)
    near = difflib.get_close_matches(wrong, choices, n=3, cutoff=0.5) or choices[:3]
    return f"Did you mean {' or '.join(repr(word) for word in near)}?" if near else "None is known."
