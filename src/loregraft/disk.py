"""The disk: one writer at a time, whole or not at all, and its refusals in words.

What is to replace a file or folder is built beside it under a hidden name, synced and renamed. A kill at
any moment leaves the old one or the new.
"""

import contextlib
import ctypes
import errno
import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from loregraft.errors import CannotWrite


@contextlib.contextmanager
def hold(path: Path) -> Iterator[None]:
    """Hold a file or folder that is to be written for this process; a process that died holds nothing.

    Also puts back a folder whose replacement was cut off between two renames.

    Raises:
        CannotWrite: Another process holds it, or nothing can be written beside it.
    """
    given, path = path, real_path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = _locked(beside(path, "lock"))
    except BlockingIOError as error:
        fix = "Wait for it to end and run the same command again."
        raise CannotWrite(given, "another loregraft process is writing it", fix) from error
    except OSError as error:
        raise cannot_write(given, error) from error
    with file:
        try:
            _put_back(path)
            yield
        finally:
            with contextlib.suppress(OSError):
                os.unlink(file.name)


@contextlib.contextmanager
def lock(folder: Path, choose: str = "Choose another folder") -> Iterator[None]:
    """Hold a folder for this process; the lock of a process that died is free at once.

    Also puts back a folder inside it whose replacement was cut off between two renames.

    Args:
        choose: What else to do, as the start of a sentence.

    Raises:
        CannotWrite: Another process holds it, or the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("a")
    except OSError as error:
        raise cannot_write(folder, error, choose) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            fix = f"Wait for it to end. {choose}, if you cannot wait."
            raise CannotWrite(folder, "another loregraft process is using this folder", fix) from error
        for old in sorted(folder.rglob(".*.replaced")):
            with hold(old.with_name(old.name.removeprefix(".").removesuffix(".replaced"))):
                pass  # that puts it back
        yield


def keep_apart(out: Path, sources: Iterable[Path]) -> None:
    """Refuse an output that is one of the things that are read for it, or a folder that holds one.

    Raises:
        CannotWrite: It is so.
    """
    for source in sources:
        if real_path(source).is_relative_to(real_path(out)):
            found = (
                "it is what is read"
                if real_path(source) == real_path(out)
                else f"{source} is in it and is read"
            )
            raise CannotWrite(out, found, "Choose another place for the output.")


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a hidden path to write to, and rename it to `path` when the block ends well.

    If the block raises, nothing is left and an older file of that name stays as it was.

    Raises:
        CannotWrite: No permission, the disk is full, another process is writing it, or there is a folder of
            that name.
    """
    building = beside(path, "writing")
    with hold(path):
        try:
            yield building
            sync(building)
            building.replace(path)
            sync(path.parent)
        except BaseException as error:
            with contextlib.suppress(OSError):
                building.unlink()
            if isinstance(error, OSError):
                raise cannot_write(path, error) from error
            raise


def replace_file(path: Path, content: str) -> None:
    """Write a text file whole or not at all; see `whole_file`."""
    with whole_file(path) as building:
        building.write_text(content, encoding="utf-8")


def write_json(path: Path, content: object) -> None:
    """Write JSON as people read it: indented, UTF-8, keys in the order given."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def cannot_write(path: Path, error: OSError, choose: str = "Choose another folder") -> CannotWrite:
    """Turn the machine's refusal into an error that says what to do."""
    if error.errno == errno.ENOSPC or error.errno == errno.EDQUOT or error.errno == errno.EFBIG:
        return CannotWrite(path, "the disk is full", "Free some space and run the same command again.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return CannotWrite(path, "no permission to write here", f"{choose}, or change the permission.")
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return CannotWrite(path, "a file is in the way of a folder", f"{choose}.")
    if error.errno == errno.EISDIR:
        return CannotWrite(path, "a folder is in the way of a file", "Choose another name.")
    reason = error.strerror or str(error)
    return CannotWrite(path, f"writing failed ({reason})", "Run the same command again.")


def refusal_in_words(error: BaseException) -> OSError | None:
    """Read the machine's refusal out of an error of safetensors or tokenizers, which is no OSError."""
    found = re.search(r"\(os error (\d+)\)", str(error))
    return OSError(int(found[1]), os.strerror(int(found[1]))) if found else None


def replace_folder(building: Path, folder: Path) -> None:
    """Put a built folder in the place of another, in one step where the machine can."""
    if folder.exists() and not _exchanged(building, folder):
        old = beside(folder, "replaced")
        folder.rename(old)  # a kill from here on leaves only `old`, which `_put_back` knows
        building.rename(folder)
        building = old
    elif not folder.exists():
        building.rename(folder)
    sync(folder.parent)
    shutil.rmtree(building, ignore_errors=True)


def real_path(path: Path) -> Path:
    """Give the absolute path, links followed, so that all names of a folder have one lock."""
    return Path(os.path.realpath(path))


def beside(path: Path, role: str) -> Path:
    """Give the hidden name beside a path that it has while it is written, locked or replaced."""
    return path.with_name(f".{path.name}.{role}")


def sync(path: Path) -> None:
    """Have a file or folder written to the disk itself."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _exchanged(first: Path, second: Path) -> bool:
    """Let two folders change names in one step; False where the machine or the disk cannot."""
    here, exchange = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    return bool(rename(here, os.fsencode(first), here, os.fsencode(second), exchange) == 0)


def _put_back(path: Path) -> None:
    """Finish what a writer left that was cut off; the caller holds the path."""
    old = beside(path, "replaced")
    if path.exists():
        shutil.rmtree(old, ignore_errors=True)
    elif old.is_dir():
        with contextlib.suppress(OSError):
            old.rename(path)


def _locked(path: Path) -> IO[str]:
    """Open a lock file and lock it; whoever unlocks it removes it, so that none is left behind."""
    while True:
        file = path.open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(file.fileno()).st_ino == path.stat().st_ino:
                return file
        except FileNotFoundError:
            pass  # whoever had it removed it after it was opened here
        except BaseException:
            file.close()
            raise
        file.close()
