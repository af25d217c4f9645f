"""Forms as patterns of an automaton: padded for the search, saved, and read when they are first needed."""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Int32, Int64

from loregraft.errors import MissingExtra, WrongArtifact
from loregraft.linking.mentions.automata import (
    CJK_CLASS,
    Automaton,
    Daachorse,
    Engine,
    engine_version,
    make_automaton,
)

Rows = Int32[np.ndarray, " patterns"]

FIX = "Build the linker again."
_log = logging.getLogger(__name__)


@dataclass(eq=False)
class Patterns:
    """Some forms, and what finds them.

    Attributes:
        rows: Row of the form of each pattern.
        engine: What finds them.
        forms: All forms; None where only the saved automaton is there.
        saved: Where the automaton is saved, and what its facts are.
    """

    rows: Rows
    engine: Engine
    forms: pa.LargeStringArray | None = None
    saved: tuple[Path, Mapping[str, Any]] | None = None

    @cached_property
    def automaton(self) -> Automaton:
        """What finds the patterns: read from its file, else built from the forms.

        Raises:
            WrongArtifact: It cannot be read, and the forms are not there.
        """
        reason = "its automaton was not saved"
        if self.saved is not None:
            try:
                return read_automaton(*self.saved)
            except (OSError, ValueError, MissingExtra) as error:
                reason = str(error)
        if self.forms is None:
            where = self.saved[0] if self.saved else Path("linker")
            raise WrongArtifact(where, reason, FIX)
        if self.saved is not None:
            _log.warning("%s: %s; built again from the names", self.saved[0], reason)
        return make_automaton(padded(self.forms, self.rows), self.engine)

    def ready(self) -> "Patterns":
        """Build or read the automaton now."""
        _ = self.automaton
        return self

    def find(
        self, text: str
    ) -> tuple[Int64[np.ndarray, " found"], Int64[np.ndarray, " found"], Int32[np.ndarray, " found"]]:
        """Give starts and ends, padding included, and rows of forms."""
        if not len(self.rows) or not text.strip(" "):
            none = np.zeros(0, np.int64)
            return none, none, none.astype(np.int32)
        starts, ends, numbers = self.automaton.find(text)
        return starts.astype(np.int64), ends.astype(np.int64), self.rows[numbers]


def have_cjk(forms: pa.LargeStringArray) -> np.ndarray:
    """Tell which forms have a CJK character."""
    return np.asarray(pc.match_substring_regex(forms, CJK_CLASS))


def padded(forms: pa.LargeStringArray, rows: Rows) -> pa.LargeStringArray:
    """Give some forms with a space at each end that is not CJK: as they stand in a view."""
    chosen = forms.take(pa.array(rows))
    nothing, space = pa.scalar("", forms.type), pa.scalar(" ", forms.type)
    sides = [
        pc.if_else(pc.match_substring_regex(chosen, end), nothing, space)
        for end in (f"^{CJK_CLASS}", f"{CJK_CLASS}$")
    ]
    return pc.binary_join_element_wise(sides[0], chosen, sides[1], nothing)


def write_automaton(automaton: Automaton, path: Path) -> dict[str, Any]:
    """Write an automaton into a file, if it has a saved form, and give the facts to read it by."""
    if not isinstance(automaton, Daachorse):
        return {}
    content = automaton.to_bytes()
    path.write_bytes(content)
    return {
        "wide": automaton.wide,
        "longest": automaton.longest,
        "version": engine_version("daachorse"),
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def read_automaton(path: Path, facts: Mapping[str, Any]) -> Automaton:
    """Read an automaton.

    Raises:
        MissingExtra: What finds with it is not installed.
        OSError: The file cannot be read.
        ValueError: It is of another version, or not as it was written.
    """
    version = engine_version("daachorse")
    if facts.get("version") != version:
        raise ValueError(
            f"it was written by daachorse {facts.get('version')}, and this is {version or 'none'}"
        )
    content = path.read_bytes()
    # Checked because daachorse does not notice every change, and would search wrongly.
    if hashlib.sha256(content).hexdigest() != facts.get("sha256"):
        raise ValueError(f"its {len(content):,} bytes are not those that were written")
    return Daachorse.restore(content, bool(facts["wide"]), int(facts["longest"]))


def fingerprint_forms(forms: pa.LargeStringArray) -> str:
    """Hash forms and their order."""
    digest = hashlib.sha256(np.asarray(pc.binary_length(forms)).astype(np.int64).tobytes())
    if len(forms):
        _, offsets, content = forms.buffers()
        ends = np.frombuffer(offsets, np.int64)[[forms.offset, forms.offset + len(forms)]].tolist()
        digest.update(memoryview(content or b"")[slice(*ends)])
    return digest.hexdigest()[:32]
