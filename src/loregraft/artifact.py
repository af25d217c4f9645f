"""A run is a folder: written whole or not at all, described by its card, checked by `verify`.

Every stage writes through `writing(...)` and reads through `read_card(...)`. A folder is built as
a hidden sibling, synced to disk and renamed, so a kill at any moment leaves the old one or the new.
Only one process at a time writes a folder or a file (`hold`).
"""

import contextlib
import errno
import hashlib
import importlib.metadata
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loregraft.disk import (
    beside,
    cannot_write,
    hold,
    real_path,
    refusal_in_words,
    replace_folder,
    sync,
    write_json,
)
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
    given, folder = folder, real_path(folder)  # messages name it as the caller did
    building = beside(folder, "writing")
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
                sync(path)
            sync(building)
            replace_folder(building, folder)
        except BaseException as error:
            shutil.rmtree(building, ignore_errors=True)
            refusal = error if isinstance(error, OSError) else refusal_in_words(error)
            if refusal is not None:
                raise cannot_write(given, refusal) from error
            raise


def read_card(folder: Path, kind: str | None = None) -> Card:
    """Read a folder's card; the files themselves are checked by `verify`.

    A folder whose replacement was cut off between two renames is put back first.

    Raises:
        WrongArtifact: No card, an unreadable one, one of another kind, or of a newer format.
    """
    path = folder / CARD
    if not folder.exists() and beside(real_path(folder), "replaced").is_dir():
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


def _refuse_foreign(folder: Path, given: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    if folder.is_dir() and any(folder.iterdir()):
        try:
            read_card(folder)
        except WrongArtifact as error:
            found = f"a folder without a readable {CARD}, so that it may be yours, is never replaced"
            raise CannotWrite(given, found, "Choose another folder, or move this one away.") from error


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
