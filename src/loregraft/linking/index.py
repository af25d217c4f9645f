"""All that a linker looks up, made of a graph once and kept in files: names, automata, neighbours."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32
from numpy.typing import NDArray

from loregraft.encoder.load import Encoder
from loregraft.errors import WrongArtifact
from loregraft.kg.graph import KnowledgeGraph
from loregraft.linking.arrays import read_arrays, write_arrays
from loregraft.linking.candidates.dense import Dense, Vectors
from loregraft.linking.candidates.generate import Candidates, LeftOut, Rows
from loregraft.linking.entities import Entities, NewEntity
from loregraft.linking.layers import Layer
from loregraft.linking.lexicon import Lexicon, Names, load_names, save_names
from loregraft.linking.lookups import Known, Lookups, Part
from loregraft.linking.mentions.automata import Engine
from loregraft.linking.mentions.scanner import Spans, merged
from loregraft.linking.mentions.variants import Variant
from loregraft.linking.normalize import Rules, View, normalize_name
from loregraft.linking.scoring.context import described, profiles, words_of
from loregraft.linking.tfidf import Weighed

NEAR_BY_MEANING = 20
"""Names that are nearest a string by meaning and become candidates."""

NAMES_TOLD, DESCRIPTION_TOLD = 5, 160
"""Names of an entity, and characters of its description, that `in_words` tells at most."""

ADDED = "added-"
"""Begins the name of the folder of a layer that was added."""

Progress = Callable[[str], object]


@dataclass(frozen=True)
class Index:
    """What is looked up, and nothing that is learned.

    Attributes:
        entities: Of the graph, all of them.
        names: Those that are looked for.
        layers: What finds the forms of the lexicon: those it was built of; then those that were added.
        dense: Vectors of the names, where there is an encoder.
        vectors: Vectors of the entities, a row each, where some are given.
        removed: Entities that are not found any more, ascending.
        folder: Where it was read from, if it is still what is there.
        memory: What was found for strings lately, by how many candidates were asked for and the string.
    """

    rules: Rules
    entities: Entities
    names: Names
    lexicon: Lexicon
    layers: tuple[Layer, ...]
    dense: Dense | None = None
    vectors: Float32[np.ndarray, "entities width"] | None = None
    removed: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
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
        layer = Layer.of(lexicon, 0, names, engine)
        dense = None
        if encoder is not None:
            progress("vectors of names")
            dense = Dense.of(encoder, names.texts.to_pylist())
        return cls(rules, entities, names, lexicon, (layer,), dense, vectors)

    def with_names(self, more: Sequence[tuple[str, int]]) -> "Index":
        """Give an index with more names, each with the index of its entity; only these are encoded anew.

        Names of removed entities are left out.
        """
        kept = np.flatnonzero(~np.isin(self.names.entities, self.removed))
        added = Names.exact([name for name, _ in more], [entity for _, entity in more])
        both = self.names.take(kept).with_more(added)
        order = np.argsort(both.entities, kind="stable")
        made = Index.of_names(self.entities, both.take(order), self.rules, vectors=self.vectors)
        made = replace(made, removed=self.removed)
        if self.dense is None:
            return made
        encoder = self.dense.encoder
        new = Dense.of(encoder, added.texts.to_pylist()).vectors
        return replace(made, dense=Dense(encoder, np.concatenate([self.dense.vectors[kept], new])[order]))

    def without(self, gone: Bool[np.ndarray, " entities"]) -> "Index":
        """Give an index that never finds some entities; nothing of it is made anew."""
        removed = np.union1d(self.removed, np.flatnonzero(gone))
        return self._changed(self.lexicon.without(gone), self.profiles, removed=removed)

    def with_more(
        self, new: Sequence[NewEntity], triples: Sequence[tuple[str, str, str]] = ()
    ) -> tuple["Index", Bool[np.ndarray, " meanings"]]:
        """Give an index with more entities; only their own names are indexed and encoded.

        Returns:
            The index; and which meanings of its lexicon were there before.

        Raises:
            ValueError: An id is there already, or a triple names what is not there.
        """
        entities = self.entities.with_more(new, triples)
        pairs = [(name, len(self.entities) + place) for place, one in enumerate(new) for name in one.names]
        added = Names.added(pairs)
        keys = [normalize_name(name, self.rules) for name, _ in pairs]
        lexicon, old = self.lexicon.with_more(keys, added, len(self.names))
        names, base = self.names.with_more(added), self.layers[0]
        rows = lexicon.name_forms[len(self.names) :]
        of_base = np.where(rows < len(base.lexicon), rows, -1)
        scanner = base.scanner.with_spellings(base.lexicon.forms, of_base, added.texts)
        # What was added before is indexed again with this: it is little.
        more = Layer.of(lexicon, len(base.lexicon), names, scanner.engine)
        dense, vectors = self.dense, self.vectors
        if dense is not None:
            encoded = Dense.of(dense.encoder, added.texts.to_pylist()).vectors
            dense = Dense(dense.encoder, np.concatenate([dense.vectors, encoded]), dense.index)
        if vectors is not None:
            vectors = np.pad(vectors, ((0, len(new)), (0, 0)))
        profiles = self.profiles.with_more(described(entities, self.rules, len(self.entities)))
        changed = {"entities": entities, "names": names, "dense": dense, "vectors": vectors}
        layers = replace(base, scanner=scanner).keeping(base), more
        return self._changed(lexicon=lexicon, profiles=profiles, layers=layers, **changed), old

    def _changed(self, lexicon: Lexicon, profiles: Weighed, **changes: Any) -> "Index":
        layers = changes.pop("layers", self.layers)
        within = tuple(layer.within(lexicon) for layer in layers)
        index = replace(self, lexicon=lexicon, layers=within, folder=None, **changes)
        index.__dict__["profiles"] = profiles
        return index

    def scan(self, views: Sequence[View]) -> Spans:
        """Find names in texts, those that mean something."""
        found = [layer.scan(views) for layer in self.layers]
        spans = found[0] if len(found) == 1 else merged(found)
        nothing = self.lexicon.meaningless
        return spans if nothing is None else spans.take(~nothing[spans.forms])

    def variants(self, views: Sequence[View]) -> Variant:
        """Find names in other words in texts."""
        found = [vars(layer.variants(views)).values() for layer in self.layers]
        return Variant(*(np.concatenate(column) for column in zip(*found, strict=True)))

    @cached_property
    def profiles(self) -> Weighed:
        """What describes each entity; made or read when first asked for."""
        if self.folder:
            return Weighed.load(self.folder, "profiles", words_of)
        return profiles(self.entities, self.rules)

    def in_words(self, entity: int) -> str:
        """Tell of an entity: a few of its names, the preferred one first, and how its description begins."""
        first, last = np.searchsorted(self.names.entities, (entity, entity + 1)).tolist()
        names = self.names.texts[first : min(last, first + NAMES_TOLD)].to_pylist()
        named = "; ".join(dict.fromkeys([self.entities.label(entity), *names]))
        told = self.entities.table["description"][entity].as_py()[:DESCRIPTION_TOLD]
        return f"{named}: {told}" if told else named

    def candidates(self, keys: Sequence[str], most: int, left_out: LeftOut | None = None) -> Lookups:
        """Find the candidates of different folded strings, by letters, by words and by meaning.

        Args:
            left_out: What may not be found for each string, as if the graph had it not.
        """
        vectors = self.dense.encode(keys) if self.dense else None
        more = self._near_by_meaning(vectors) if vectors is not None else None
        parts = [layer.find(keys, most, more=more, left_out=left_out) for layer in self.layers]
        found = Candidates.merged(parts, most)
        return self._looked_up(found, len(keys), vectors)

    def compared(self, keys: Sequence[str], forms: tuple[Rows, Rows], most: int) -> Lookups:
        """Compare different folded strings with some forms: place of the string, row of the form."""
        parts = [layer.find(keys, most, only=forms) for layer in self.layers]
        found = Candidates.merged(parts, most)
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
        for number, layer in enumerate(self.layers):
            part = folder / f"{ADDED}{number}" if number else folder
            part.mkdir(exist_ok=True)
            layer.save(part)
        write_arrays({"removed": self.removed}, folder, "entities")
        write_arrays({"first": np.array([layer.first for layer in self.layers])}, folder, "layers")
        self.profiles.save(folder, "profiles")
        if self.dense is not None:
            self.dense.save(folder)
        if self.vectors is not None:
            write_arrays({"rows": self.vectors}, folder, "vectors")

    @classmethod
    def load(cls, folder: Path, rules: Rules, encoder: Encoder | None = None) -> "Index":
        """Map a folder into memory; names have vectors only where the encoder is given."""
        layered = read_arrays(folder, "layers")
        if "first" not in layered:
            found = "it was built by an older version"
            raise WrongArtifact(folder, found, "Build it again: loregraft link build.")
        names, lexicon = load_names(folder)
        dense = None if encoder is None else Dense.load(folder, encoder)
        vectors: Mapping[str, NDArray[np.float32]] = read_arrays(folder, "vectors")
        firsts = layered["first"].tolist()
        ends = zip(firsts, [*firsts[1:], len(lexicon)], strict=True)
        layers = tuple(
            Layer.load(folder / f"{ADDED}{number}" if number else folder, lexicon, first, last)
            for number, (first, last) in enumerate(ends)
        )
        entities = Entities.load(folder)
        removed = read_arrays(folder, "entities")["removed"]
        return cls(rules, entities, names, lexicon, layers, dense, vectors.get("rows"), removed, folder)
