"""A run is a folder: written whole or not at all, described by its card, checked by `verify`.

Every stage writes through `writing(...)` and reads through `read_card(...)`. A folder is built as
a hidden sibling, synced to disk and renamed, so a kill at any moment leaves the old one or the new.
Only one process at a time writes a folder or a file (`hold`).
"""

import contextlib
import ctypes
import errno
import fcntl
import hashlib
import importlib.metadata
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from loregraft.errors import CannotWrite, WrongArtifact

CARD = "card.json"
FORMAT = 1
PACKAGES = ("loregraft", "torch", "transformers", "tokenizers", "safetensors", "pyarrow", "numpy")
Json = None | bool | int | float | str | list[Any] | dict[str, Any]
"""What JSON can hold. Not recursive: the run-time type check of the tests does not follow that."""


@dataclass(frozen=True)
class Card:
    """What a folder says of itself.

    Attributes:
        kind: What the folder is: graph, links, model, evaluation, ...
        key: Fingerprint of everything the content depends on; equal keys, equal content.
        settings: The stage's settings with defaults filled in.
        inputs: sha256 by name of what was read.
        outputs: sha256 by relative path of what was written.
        facts: What the stage wants to tell: counts, findings, costs.
    """

    kind: str
    key: str
    settings: Mapping[str, Json] = field(default_factory=dict)
    seed: int | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    parents: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Json] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    format: int = FORMAT


def fingerprint(*parts: object) -> str:
    """Hash JSON-like values, order of mapping keys aside, to a short hex string."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def sha256_file(path: Path) -> str:
    """Hash a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_folder(path: Path) -> str:
    """Hash a folder's files, names included, in sorted order."""
    files = sorted(file for file in path.rglob("*") if file.is_file())
    return fingerprint([[file.relative_to(path).as_posix(), sha256_file(file)] for file in files])


@contextlib.contextmanager
def writing(
    folder: Path,
    kind: str,
    key: str,
    *,
    settings: Mapping[str, Json] | None = None,
    seed: int | None = None,
    inputs: Mapping[str, str] | None = None,
    parents: Mapping[str, str] | None = None,
    held: bool = False,
) -> Iterator[tuple[Path, dict[str, Json]]]:
    """Give a hidden folder to write into, and rename it to `folder` when the block ends well.

    The block gets the folder and a dict of facts for the card. If it raises, nothing is left and
    an older folder of that name stays as it was. What is replaced is an empty folder or one with a card,
    never another one. Of a link to a folder, the folder is written.

    Args:
        held: The caller holds the folder (`hold`).

    Raises:
        CannotWrite: No permission, the disk is full, another process is writing it, or there is
            something that loregraft did not write.
    """
    given, folder = folder, _real(folder)  # messages name it as the caller did
    building = _beside(folder, "writing")
    with contextlib.nullcontext() if held else hold(given):
        try:
            _refuse_foreign(folder, given)
            shutil.rmtree(building, ignore_errors=True)
            building.mkdir()
            facts: dict[str, Json] = {}
            yield building, facts
            outputs = {
                file.relative_to(building).as_posix(): sha256_file(file)
                for file in sorted(building.rglob("*"))
                if file.is_file()
            }
            card = Card(
                kind, key, settings or {}, seed, inputs or {}, outputs, parents or {}, facts, _versions()
            )
            write_json(building / CARD, card.__dict__)
            for path in sorted(building.rglob("*")):
                _sync(path)
            _sync(building)
            _replace(building, folder)
        except BaseException as error:
            shutil.rmtree(building, ignore_errors=True)
            refusal = error if isinstance(error, OSError) else _refusal_in_words(error)
            if refusal is not None:
                raise cannot_write(given, refusal) from error
            raise


@contextlib.contextmanager
def hold(path: Path) -> Iterator[None]:
    """Hold a file or folder that is to be written for this process; a process that died holds nothing.

    Also puts back a folder whose replacement was cut off between two renames.

    Raises:
        CannotWrite: Another process holds it, or nothing can be written beside it.
    """
    given, path = path, _real(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = _locked(_beside(path, "lock"))
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


def keep_apart(out: Path, sources: Iterable[Path]) -> None:
    """Refuse an output that is one of the things that are read for it, or a folder that holds one.

    Raises:
        CannotWrite: It is so.
    """
    for source in sources:
        if _real(source).is_relative_to(_real(out)):
            found = "it is what is read" if _real(source) == _real(out) else f"{source} is in it and is read"
            raise CannotWrite(out, found, "Choose another place for the output.")


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


def _refusal_in_words(error: BaseException) -> OSError | None:
    """Read the machine's refusal out of an error of safetensors or tokenizers, which is no OSError."""
    found = re.search(r"\(os error (\d+)\)", str(error))
    return OSError(int(found[1]), os.strerror(int(found[1]))) if found else None


def write_json(path: Path, content: object) -> None:
    """Write JSON as people read it: indented, UTF-8, keys in the order given."""
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def replace_file(path: Path, content: str) -> None:
    """Write a text file whole or not at all.

    Raises:
        CannotWrite: No permission, the disk is full, or another process is writing it.
    """
    building = _beside(path, "writing")
    with hold(path):
        try:
            building.write_text(content, encoding="utf-8")
            _sync(building)
            building.replace(path)
            _sync(path.parent)
        except BaseException as error:
            with contextlib.suppress(OSError):
                building.unlink()
            if isinstance(error, OSError):
                raise cannot_write(path, error) from error
            raise


def read_card(folder: Path, kind: str | None = None) -> Card:
    """Read a folder's card; the files themselves are checked by `verify`.

    A folder whose replacement was cut off between two renames is put back first.

    Raises:
        WrongArtifact: No card, an unreadable one, one of another kind, or of a newer format.
    """
    path = folder / CARD
    if not folder.exists() and _beside(_real(folder), "replaced").is_dir():
        with contextlib.suppress(CannotWrite), hold(folder):
            pass
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        newer = _is_newer(content)
        card = None if newer else _card_of(content)
    except FileNotFoundError as error:
        fix = "Give a folder that a loregraft command wrote."
        raise WrongArtifact(folder, f"there is no {CARD}", fix) from error
    except (ValueError, TypeError, OSError, RecursionError) as error:
        raise WrongArtifact(path, f"the card cannot be read ({error})", "Make the folder again.") from error
    if card is None:  # it may have fields that are not known here
        found = f"format {content['format']}, and this version reads up to {FORMAT}"
        raise WrongArtifact(folder, found, "Install a newer loregraft.")
    if kind is not None and card.kind != kind:
        raise WrongArtifact(folder, f"this is a {card.kind}, not a {kind}", f"Give a {kind} folder.")
    return card


def is_current(folder: Path, kind: str, key: str) -> bool:
    """Tell whether a whole folder of this kind and key is there, so that its stage can be skipped.

    A folder with a missing or changed file is not: its stage is done again. Takes about 1 s per GB.
    """
    try:
        card = read_card(folder, kind)
    except WrongArtifact:
        return False
    return card.key == key and all(_is_intact(folder / name, hash) for name, hash in card.outputs.items())


def verify(folder: Path) -> list[str]:
    """List what differs from the card: missing, changed and unlisted files. Empty means intact.

    A folder inside it that is an artifact too, or was being written when its process ended, is not
    looked into.

    Raises:
        WrongArtifact: The card itself cannot be read.
    """
    card = read_card(folder)
    problems = []
    for name, expected in card.outputs.items():
        path = folder / name
        if not path.is_file():
            problems.append(f"{name}: missing")
        elif sha256_file(path) != expected:
            problems.append(f"{name}: changed since it was written")
    present = {path.relative_to(folder).as_posix() for path in _own_files(folder)}
    problems += [f"{name}: not listed in the card" for name in sorted(present - set(card.outputs) - {CARD})]
    return problems


@contextlib.contextmanager
def lock(folder: Path) -> Iterator[None]:
    """Hold a folder for this process; the lock of a process that died is free at once.

    Also puts back a folder inside it whose replacement was cut off between two renames.

    Raises:
        CannotWrite: Another process holds it, or the folder cannot be made.
    """
    choose = "Choose another folder with --out"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("a")
    except OSError as error:
        raise cannot_write(folder, error, choose) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            fix = "Wait for it to end, or choose another folder with --out."
            raise CannotWrite(folder, "another loregraft process is using this folder", fix) from error
        for old in sorted(folder.rglob(".*.replaced")):
            with hold(old.with_name(old.name.removeprefix(".").removesuffix(".replaced"))):
                pass  # that puts it back
        yield


def _real(path: Path) -> Path:
    """Give the absolute path, links followed, so that all names of a folder have one lock."""
    return Path(os.path.realpath(path))


def _beside(path: Path, role: str) -> Path:
    return path.with_name(f".{path.name}.{role}")


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


def _refuse_foreign(folder: Path, given: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    if folder.is_dir() and any(folder.iterdir()):
        try:
            read_card(folder)
        except WrongArtifact as error:
            found = f"a folder without a readable {CARD}, so that it may be yours, is never replaced"
            raise CannotWrite(given, found, "Choose another folder, or move this one away.") from error


def _replace(building: Path, folder: Path) -> None:
    if folder.exists() and not _exchanged(building, folder):
        old = _beside(folder, "replaced")
        folder.rename(old)  # a kill from here on leaves only `old`, which `_put_back` knows
        building.rename(folder)
        building = old
    elif not folder.exists():
        building.rename(folder)
    _sync(folder.parent)
    shutil.rmtree(building, ignore_errors=True)


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
    old = _beside(path, "replaced")
    if path.exists():
        shutil.rmtree(old, ignore_errors=True)
    elif old.is_dir():
        with contextlib.suppress(OSError):
            old.rename(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _own_files(folder: Path) -> Iterator[Path]:
    """Yield the files of an artifact, but not those of artifacts inside it."""
    for path in folder.iterdir():
        if path.is_file() and not re.fullmatch(r"\..+\.lock", path.name):
            yield path
        elif path.is_dir() and not path.is_symlink() and not _is_of_another(path):
            yield from _own_files(path)


def _is_of_another(folder: Path) -> bool:
    if re.fullmatch(r"\..+\.(writing|replaced)", folder.name):
        return True
    with contextlib.suppress(WrongArtifact):
        return bool(read_card(folder))
    return False


def _is_newer(content: object) -> bool:
    written = content.get("format") if isinstance(content, dict) else None
    return isinstance(written, int) and written > FORMAT


def _card_of(content: Any) -> Card:
    card = Card(**content)
    mappings = (card.settings, card.inputs, card.outputs, card.parents, card.facts, card.packages)
    plain = isinstance(card.kind, str) and isinstance(card.key, str) and isinstance(card.format, int)
    if not plain or not all(isinstance(mapping, dict) for mapping in mappings):
        raise TypeError("a field is of another type than it should be")
    return card


def _is_intact(path: Path, sha256: str) -> bool:
    return path.is_file() and sha256_file(path) == sha256


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found
