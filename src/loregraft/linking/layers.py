"""A stretch of a lexicon's forms with all that finds them; what is added later is a stretch of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from loregraft.linking.candidates.generate import Candidates, Generator, LeftOut, Rows
from loregraft.linking.lexicon import Lexicon, Names
from loregraft.linking.mentions.automata import Engine
from loregraft.linking.mentions.scanner import Scanner, Spans
from loregraft.linking.mentions.variants import Variant, Variants
from loregraft.linking.normalize import View


@dataclass(frozen=True, eq=False)
class Layer:
    """Some forms in a row of a lexicon; outside of it they are told by their rows there.

    Attributes:
        lexicon: These forms; what they mean is told by the rows of the whole.
        first: Row of the first one in the whole lexicon.
        folder: Where it was read from, where it was.
    """

    lexicon: Lexicon
    first: int
    scanner: Scanner
    folder: Path | None = None

    @classmethod
    def of(cls, lexicon: Lexicon, first: int, names: Names, engine: Engine | None = None) -> "Layer":
        """Take the forms of a lexicon from one on.

        Args:
            engine: What scans texts; None: the quickest that is installed.
        """
        part = lexicon.part(first, len(lexicon))
        rows = np.where(lexicon.name_forms >= first, lexicon.name_forms - first, -1)
        return cls(part, first, Scanner.of(part.forms, (rows, names.texts), engine=engine))

    @cached_property
    def generator(self) -> Generator:
        """Candidates by letters and words; made or read when first asked for."""
        return Generator.load(self.folder, self.lexicon) if self.folder else Generator.of(self.lexicon)

    @cached_property
    def _variants(self) -> Variants:
        return Variants(self.generator.wording, self.generator.rewrites)

    def scan(self, views: Sequence[View]) -> Spans:
        """Find forms in texts."""
        spans = self.scanner.scan(views)
        return replace(spans, forms=spans.forms + np.int32(self.first))

    def variants(self, views: Sequence[View]) -> Variant:
        """Find forms in other words in texts; those that need their exact spelling are none."""
        found = self._variants.find(views)
        free = ~self.scanner.strict[found.forms]
        columns = (column[free] for column in (found.texts, found.starts, found.ends, found.forms))
        texts, starts, ends, forms = columns
        return Variant(texts, starts, ends, forms + self.first)

    def find(
        self,
        keys: Sequence[str],
        most: int,
        *,
        more: tuple[Rows, Rows] | None = None,
        left_out: LeftOut | None = None,
        only: tuple[Rows, Rows] | None = None,
    ) -> Candidates:
        """Find candidates; see `Generator.find`. Forms of other layers are passed over."""
        return self.generator.find(keys, most, more=self._own(more), left_out=left_out, only=self._own(only))

    def _own(self, pairs: tuple[Rows, Rows] | None) -> tuple[Rows, Rows] | None:
        if pairs is None:
            return None
        strings, forms = pairs
        own = (forms >= self.first) & (forms < self.first + len(self.lexicon))
        return strings[own], forms[own] - self.first

    def within(self, lexicon: Lexicon) -> "Layer":
        """Give the same forms in a lexicon where they mean something else."""
        part = lexicon.part(self.first, self.first + len(self.lexicon))
        layer = replace(self, lexicon=part).keeping(self)
        if "generator" in layer.__dict__:
            layer.__dict__["generator"] = layer.generator.with_lexicon(part)
        return layer

    def keeping(self, other: "Layer") -> "Layer":
        """Take over what another layer of the same forms has made already."""
        for name in ("generator", "_variants"):
            if name in other.__dict__:
                self.__dict__[name] = other.__dict__[name]
        return self

    def save(self, folder: Path) -> None:
        """Write into a folder, all but the lexicon."""
        self.scanner.save(folder)
        self.generator.save(folder)

    @classmethod
    def load(cls, folder: Path, lexicon: Lexicon, first: int, last: int) -> "Layer":
        """Map into memory: the forms from one on, before another one."""
        part = lexicon.part(first, last)
        return cls(part, first, Scanner.load(folder, part.forms), folder)
