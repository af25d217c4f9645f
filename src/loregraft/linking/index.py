"""All that a linker looks up, made of a graph once and kept in files: names, automata, neighbours."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32
from numpy.typing import NDArray

from loregraft.encoder.load import Encoder
from loregraft.kg.graph import KnowledgeGraph
from loregraft.linking.arrays import read_arrays, write_arrays
from loregraft.linking.candidates.dense import Dense, Vectors
from loregraft.linking.candidates.generate import Candidates, Generator, LeftOut, Rows
from loregraft.linking.entities import Entities
from loregraft.linking.lexicon import Lexicon, Names, load_names, save_names
from loregraft.linking.lookups import Known, Lookups, Part
from loregraft.linking.mentions.automata import Engine
from loregraft.linking.mentions.scanner import Scanner
from loregraft.linking.mentions.variants import Variants
from loregraft.linking.normalize import Rules
from loregraft.linking.scoring.context import profiles, words_of
from loregraft.linking.tfidf import Weighed

NEAR_BY_MEANING = 20
"""Names that are nearest a string by meaning and become candidates."""

Progress = Callable[[str], object]


@dataclass(frozen=True)
class Index:
    """What is looked up, and nothing that is learned.

    Attributes:
        entities: Of the graph, all of them.
        names: Those that are looked for.
        dense: Their vectors, where there is an encoder.
        vectors: Vectors of the entities, a row each, where some are given.
        folder: Where it was read from, where it was.
        memory: What was found for strings lately, by how many candidates were asked for and the string.
    """

    rules: Rules
    entities: Entities
    names: Names
    lexicon: Lexicon
    scanner: Scanner
    dense: Dense | None = None
    vectors: Float32[np.ndarray, "entities width"] | None = None
    folder: Path | None = None
    memory: dict[tuple[int, str], Part] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def of(
        cls,
        graph: KnowledgeGraph,
        rules: Rules,
        *,
        eligible: Bool[np.ndarray, " entities"] | None = None,
        engine: Engine | None = None,
        encoder: Encoder | None = None,
        vectors: Float32[np.ndarray, "entities width"] | None = None,
        progress: Progress = lambda stage: None,
    ) -> "Index":
        """Index the names of a graph's entities.

        Args:
            eligible: Entities that are looked for; None: all.
            engine: What scans texts; None: the quickest that is installed.
            progress: Told what is made next.
        """
        progress("entities")
        entities, names = Entities.of(graph), Names.of(graph, eligible)
        return cls.of_names(
            entities, names, rules, engine=engine, encoder=encoder, vectors=vectors, progress=progress
        )

    @classmethod
    def of_names(
        cls,
        entities: Entities,
        names: Names,
        rules: Rules,
        *,
        engine: Engine | None = None,
        encoder: Encoder | None = None,
        vectors: Float32[np.ndarray, "entities width"] | None = None,
        progress: Progress = lambda stage: None,
    ) -> "Index":
        """Index names."""
        progress("names")
        lexicon = Lexicon.of(names, rules)
        progress("automata")
        scanner = Scanner.of(lexicon.forms, (lexicon.name_forms, names.texts), engine=engine)
        dense = None
        if encoder is not None:
            progress("vectors of names")
            dense = Dense.of(encoder, names.texts.to_pylist())
        return cls(rules, entities, names, lexicon, scanner, dense, vectors)

    def with_names(self, more: Sequence[tuple[str, int]]) -> "Index":
        """Give an index with more names, each with the index of its entity; only these are encoded anew."""
        added = Names.exact([name for name, _ in more], [entity for _, entity in more])
        both = self.names.with_more(added)
        order = np.argsort(both.entities, kind="stable")
        made = Index.of_names(self.entities, both.take(order), self.rules, vectors=self.vectors)
        if self.dense is None:
            return made
        encoder = self.dense.encoder
        new = Dense.of(encoder, added.texts.to_pylist()).vectors
        return replace(made, dense=Dense(encoder, np.concatenate([self.dense.vectors, new])[order]))

    @cached_property
    def generator(self) -> Generator:
        """Candidates by letters and words; made or read when first asked for."""
        return Generator.load(self.folder, self.lexicon) if self.folder else Generator.of(self.lexicon)

    @cached_property
    def variants(self) -> Variants:
        """Names in other words; made when first asked for."""
        return Variants(self.generator.wording, self.generator.rewrites)

    @cached_property
    def profiles(self) -> Weighed:
        """What describes each entity; made or read when first asked for."""
        if self.folder:
            return Weighed.load(self.folder, "profiles", words_of)
        return profiles(self.entities, self.rules)

    def candidates(self, keys: Sequence[str], most: int, left_out: LeftOut | None = None) -> Lookups:
        """Find the candidates of different folded strings, by letters, by words and by meaning.

        Args:
            left_out: What may not be found for each string, as if the graph had it not.
        """
        vectors = self.dense.encode(keys) if self.dense else None
        more = self._near_by_meaning(vectors) if vectors is not None else None
        found = self.generator.find(keys, most, more=more, left_out=left_out)
        return self._looked_up(found, len(keys), vectors)

    def compared(self, keys: Sequence[str], forms: tuple[Rows, Rows], most: int) -> Lookups:
        """Compare different folded strings with some forms: place of the string, row of the form."""
        found = self.generator.find(keys, most, only=forms)
        return self._looked_up(found, len(keys), self.dense.encode(keys) if self.dense else None)

    def _near_by_meaning(self, vectors: Vectors) -> tuple[Rows, Rows]:
        """Give the forms of the names that are nearest some strings: place of the string, row of the form."""
        assert self.dense is not None
        rows, _ = self.dense.nearest(vectors, NEAR_BY_MEANING)
        strings = np.repeat(np.arange(len(rows)), rows.shape[1])
        forms = self.lexicon.name_forms[rows.ravel()].astype(np.int64)
        return strings[forms >= 0], forms[forms >= 0]

    def _looked_up(self, found: Candidates, strings: int, vectors: Vectors | None) -> Lookups:
        cosines = np.zeros(len(found.strings), np.float32)
        if vectors is not None and self.dense is not None:
            named = self.names.entities
            cosines = self.dense.cosines_of_entities(vectors, found.strings, found.entities, named)
        return Lookups.of_candidates(found, strings, cosines)

    def known(self, prior: NDArray[np.float32] | None = None) -> Known:
        """Gather what is known of entities and meanings.

        Args:
            prior: Of each meaning of the lexicon; None: nothing is known.
        """
        every = np.arange(len(self.entities))
        names = np.bincount(self.names.entities, minlength=len(self.entities))
        prior = np.zeros(len(self.lexicon.entities), np.float32) if prior is None else prior
        return Known(names, self.entities.degrees(every), prior)

    def save(self, folder: Path) -> None:
        """Write all into a folder."""
        self.entities.save(folder)
        save_names(self.names, self.lexicon, folder)
        self.scanner.save(folder)
        self.generator.save(folder)
        self.profiles.save(folder, "profiles")
        if self.dense is not None:
            self.dense.save(folder)
        if self.vectors is not None:
            write_arrays({"rows": self.vectors}, folder, "vectors")

    @classmethod
    def load(cls, folder: Path, rules: Rules, encoder: Encoder | None = None) -> "Index":
        """Map a folder into memory; names have vectors only where the encoder is given."""
        names, lexicon = load_names(folder)
        dense = None if encoder is None else Dense.load(folder, encoder)
        vectors: Mapping[str, NDArray[np.float32]] = read_arrays(folder, "vectors")
        scanner = Scanner.load(folder, lexicon.forms)
        entities = Entities.load(folder)
        return cls(rules, entities, names, lexicon, scanner, dense, vectors.get("rows"), folder)
