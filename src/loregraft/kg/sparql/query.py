"""SPARQL over a graph folder: an index made on the first query, and queries that cannot do harm.

The graph as `kg/rdf/quads.py` writes it lies in `sparql-index/` inside the folder, an artifact with a card
of its own. `kg/sparql/guard.py` reads a query first; `kg/sparql/child.py` runs it in a process that
is bounded in time, memory and rows. Nothing is ever sent over a network.
"""

import contextlib
import fcntl
import json
import logging
import math
import os
import re
import signal
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

from loregraft.artifact import CARD, fingerprint, is_current, read_card, sha256_file, writing
from loregraft.disk import cannot_write
from loregraft.errors import BadInput, WrongArtifact
from loregraft.kg.rdf.quads import pyoxigraph, quads
from loregraft.kg.rdf.vocabulary import XSD, id_of
from loregraft.kg.readers.text.opening import open_bytes
from loregraft.kg.sparql import child as sparql_child
from loregraft.kg.sparql.guard import MAX_CHARACTERS, guard
from loregraft.kg.store import FIX, KIND, open_graph

INDEX = "sparql-index"
INDEX_LAYOUT = 1
"""Of what `kg/rdf/quads.py` writes into an index; one of another layout is made anew."""

Cell = str | int | float | bool | None
"""An id, a text, a number or a truth value; None where a variable has no value."""

MAX_ANSWER_MB = 64
_WIDEST = 60
_INTEGER = re.compile(r"[+-]?[0-9]{1,1000}")
"""Python refuses to read or write more than some thousand digits; a longer number stays a text."""
_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """What one query may take.

    Attributes:
        time_s: Seconds by the clock.
        memory_mb: Address space, of which some 500 MB are needed for nothing.
        rows: Of the answer, which may have `MAX_ANSWER_MB` as well.
    """

    time_s: float = 30.0
    memory_mb: int = 2_048
    rows: int = 10_000

    def __post_init__(self) -> None:
        if not all(0 < limit < math.inf for limit in (self.time_s, self.memory_mb, self.rows)):
            raise ValueError(f"limits must be above 0 and finite, got {self}")


@dataclass(frozen=True)
class Answer:
    """What a query gave: one column for each variable.

    ASK gives one row with the column `answer`; CONSTRUCT and DESCRIBE give head, relation and tail.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


LIMITS = Limits()


def query(folder: Path, text: str, limits: Limits = LIMITS, path: Path = Path("query")) -> Answer:
    """Answer a SPARQL 1.1 query (SELECT, ASK, CONSTRUCT or DESCRIBE) over a graph folder.

    The first query of a graph makes its index (about 20 s and 800 MB for a million triples); each one
    compares its checksum (about 1 s per GB). The prefixes of `kg/rdf/vocabulary.py` need not be declared,
    nor `id`, for ids that are no address: `id:has_phenotype`. Triples stand in the default graph, and
    once more in the named graph of their source.

    Args:
        path: What errors name: the file the query comes from.

    Raises:
        BadInput: The query is refused, is not SPARQL, or takes more than `limits`.
        WrongArtifact: It is no graph folder.
        CannotWrite: The index cannot be written into the folder.
        MissingExtra: pyoxigraph is not installed.
    """
    safe = guard(text, path)
    told = _run(sparql_index(folder), safe, limits, path)
    if told.get("error"):
        raise _problem(told, limits, path)
    return Answer(tuple(told["columns"]), tuple(tuple(map(_cell, row)) for row in told["rows"]))


def read_query(path: Path) -> str:
    """Read the text of a query from a file.

    Raises:
        BadInput: It cannot be read, or is not UTF-8.
    """
    with open_bytes(path) as file:
        content = file.read(4 * MAX_CHARACTERS + 4)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"byte 0x{content[error.start]:02x} is not UTF-8"
        raise BadInput(path, line, found, "Save the file as UTF-8.") from error


def sparql_index(folder: Path) -> Path:
    """Give the index of a graph folder; one that is missing, damaged or of another graph is made anew.

    Raises:
        WrongArtifact: It is no graph folder.
        CannotWrite: The index cannot be written into the folder.
        MissingExtra: pyoxigraph is not installed.
    """
    folder = Path(folder)
    read_card(folder, KIND)
    store = pyoxigraph().Store
    index = folder / INDEX
    with _one_at_a_time(folder):
        key = fingerprint(sha256_file(folder / CARD), INDEX_LAYOUT, version("pyoxigraph"))
        if is_current(index, INDEX, key):
            return index
        graph = open_graph(folder)
        _log.info("making the SPARQL index of %s (%d triples)", folder, graph.counts()["triples"])
        with writing(index, INDEX, key, parents={"graph": key}) as (building, facts):
            made = store(str(building))
            made.bulk_extend(quads(graph))
            made.flush()
            facts["quads"] = len(made)
            del made  # closes it
            for name in ("LOG", "LOCK"):  # the log names the machine, and nobody reads it
                (building / name).unlink(missing_ok=True)
    return index


def as_table(answer: Answer) -> str:
    """Give an answer as lines of aligned columns; long cells are cut, with an ellipsis."""
    lines = [answer.columns, *([_shown(cell) for cell in row] for row in answer.rows)]
    widths = [max(_width(line[column]) for line in lines) for column in range(len(answer.columns))]
    return "\n".join(
        "  ".join(
            cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    )


@contextlib.contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Wait until no other process makes the index of this graph; the lock of a dead one is free.

    The card is what is locked, so that a folder that nobody may write can be asked too.
    """
    with _locked_card(folder):
        yield


def _locked_card(folder: Path) -> IO[bytes]:
    while True:
        try:
            file = (folder / CARD).open("rb")
        except OSError as error:
            raise WrongArtifact(folder, f"there is no {CARD} any more ({error.strerror})", FIX) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.fstat(file.fileno()).st_ino == (folder / CARD).stat().st_ino:
                return file
        except FileNotFoundError:
            pass  # the folder was removed meanwhile
        except OSError as error:
            file.close()
            raise cannot_write(folder, error) from error
        file.close()  # the folder was replaced meanwhile, and this is the card of the old one


def _run(index: Path, safe: str, limits: Limits, path: Path) -> dict[str, Any]:
    request = {
        "index": str(index),
        "query": safe,
        "rows": limits.rows,
        "answer_bytes": MAX_ANSWER_MB << 20,
        "memory_mb": limits.memory_mb,
        # Whoever waits stops it by the clock. This is for a child whose parent was killed.
        "cpu_s": int(limits.time_s * (os.cpu_count() or 1)) + 2,
    }
    command = [sys.executable, "-P", sparql_child.__file__]
    environment = {**os.environ, "MALLOC_ARENA_MAX": "2"}  # each arena takes 64 MB of address space
    try:
        ran = subprocess.run(
            command,
            input=json.dumps(request).encode(),
            capture_output=True,
            timeout=limits.time_s,
            check=False,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        return {"error": "time"}
    if ran.returncode == 0:
        return dict(json.loads(ran.stdout))
    return _died(ran.returncode, ran.stderr.decode(errors="replace"))


def _died(code: int, said: str) -> dict[str, Any]:
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        return {"error": "time"}
    if code == -signal.SIGSEGV or "overflowed its stack" in said:
        return {"error": "depth"}
    if code == -signal.SIGABRT or any(word in said for word in ("MemoryError", "alloc", "Cannot allocate")):
        return {"error": "memory"}
    return {
        "error": "failed",
        "found": said.strip().splitlines()[-1] if said.strip() else f"exit code {code}",
    }


def _problem(told: dict[str, Any], limits: Limits, path: Path) -> BadInput:
    kind, found = told["error"], str(told.get("found", ""))
    if kind == "syntax":
        place = re.match(r"error at (\d+):\d+: (.*)", found, re.DOTALL)
        line, words = (int(place[1]), place[2]) if place else (0, found)
        fix = "Correct it; mind the spaces around < and >, and the prefixes."
        return BadInput(path, line, f"this is not SPARQL ({words:.200})", fix)
    found, fix = {
        "time": (f"the query took more than {limits.time_s:g} s", "Make it narrower, or allow more time."),
        "memory": (
            f"the query needs more than {limits.memory_mb:,} MB of memory",
            "Make it narrower, or allow more memory.",
        ),
        "rows": (
            f"the answer has more than {limits.rows:,} rows",
            "Add LIMIT to the query, or allow more rows.",
        ),
        "bytes": (
            f"the answer has more than {MAX_ANSWER_MB} MB",
            "Add LIMIT to the query, or ask for less of each row.",
        ),
        "depth": ("the query is nested too deeply", "Write it with fewer levels."),
        "failed": (f"the query failed ({found:.200})", "Delete the folder sparql-index and try again."),
    }[kind]
    return BadInput(path, 0, found, fix)


def _cell(term: list[str]) -> Cell:
    kind, *parts = term
    if kind == "iri":
        return id_of(parts[0])
    if kind == "blank":
        return f"_:{parts[0]}"
    if kind == "text":
        return _value(parts[0], parts[1].removeprefix(XSD))
    return parts[0] if parts else None


def _value(text: str, datatype: str) -> Cell:
    """Give a number for what is one; a text that is none after all, or has no end in JSON, stays a text."""
    if datatype == "boolean" and text in ("true", "false", "0", "1"):
        return text in ("true", "1")
    if datatype == "integer" and _INTEGER.fullmatch(text):
        return int(text)
    if datatype in ("decimal", "double", "float") and _FLOAT.fullmatch(text):
        value = float(text)
        return value if math.isfinite(value) else text
    return text


def _shown(cell: Cell) -> str:
    if cell is None:
        return ""
    text = str(cell).lower() if isinstance(cell, bool) else str(cell)
    text = "".join(character if character.isprintable() else " " for character in text[: 2 * _WIDEST])
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"


def _width(text: str) -> int:
    """Count the columns of a terminal: wide characters take two, marks none."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return len(text) + wide - sum(unicodedata.combining(character) > 0 for character in text)
