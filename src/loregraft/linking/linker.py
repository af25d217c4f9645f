"""The linker: find the mentions of a graph's entities in texts and say which entity each means, if any.

Made from a graph's names alone: no text, no label of yours and no encoder is needed. An encoder finds names
by meaning, and labelled texts teach what is usual (`learning/`).
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Float32, Int64

from loregraft.artifact import Json, fingerprint, read_card, writing
from loregraft.disk import write_json
from loregraft.encoder.load import Encoder
from loregraft.errors import BadInput, WrongArtifact
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.hierarchy import below
from loregraft.linking.arrays import read_arrays, write_arrays
from loregraft.linking.entities import NewEntity
from loregraft.linking.index import Index, Progress
from loregraft.linking.mentions.lattice import choose
from loregraft.linking.mentions.patterns import fingerprint_forms
from loregraft.linking.mentions.phrases import with_given
from loregraft.linking.mentions.scanner import Spans
from loregraft.linking.normalize import Rules
from loregraft.linking.pipe import piped
from loregraft.linking.proposer import Place, Proposer
from loregraft.linking.scoring.calibrate import Calibration, log_odds
from loregraft.linking.scoring.cross import CrossEncoder
from loregraft.linking.scoring.features import DEFAULT, DEFAULT_NIL, FEATURES, Pool
from loregraft.linking.scoring.weights import Weights
from loregraft.linking.settings import LinkSettings
from loregraft.records import Link, Mention

KIND = "linker"
LEARNED = "learned.json"
CROSS = "cross"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Judged:
    """The mentions of some texts with all that was found for them, before any is left out.

    Attributes:
        probabilities: Of each mention, that its best candidate is right.
        best: Row of that candidate in the pool; -1 where there is none.
    """

    spans: Spans
    pool: Pool
    scores: Float[np.ndarray, " candidates"]
    probabilities: Float[np.ndarray, " mentions"]
    best: Int64[np.ndarray, " mentions"]


@dataclass(frozen=True)
class Linker:
    """Finds entities of one graph in texts; nothing changes it once it is made.

    Attributes:
        index: What is looked up.
        weights: What each feature counts.
        calibration: From log odds to probabilities, after `fit`; None: the odds as they are.
        prior: Of each meaning of the lexicon, how often its form means it; None: unknown.
        cross: Reads close calls; None: nothing does.
    """

    index: Index
    settings: LinkSettings
    weights: Weights = field(default_factory=lambda: Weights.of(FEATURES, DEFAULT, DEFAULT_NIL))
    calibration: Calibration | None = None
    prior: Float32[np.ndarray, " meanings"] | None = None
    cross: CrossEncoder | None = None

    @classmethod
    def build(
        cls,
        graph: KnowledgeGraph,
        encoder: Encoder | None = None,
        *,
        settings: LinkSettings | None = None,
        vectors: Float32[np.ndarray, "entities width"] | None = None,
        progress: Progress = lambda stage: None,
    ) -> "Linker":
        """Make a linker of a graph's names.

        Args:
            encoder: Finds names by meaning; None: by letters and words alone.
            vectors: Of the graph's entities, a row each, for coherence.
            progress: Told what is made next.
        """
        settings = settings or LinkSettings()
        rules = Rules(settings.marks, settings.simplify)
        eligible = looked_for(graph, settings)
        engine = None if settings.engine == "auto" else settings.engine
        index = Index.of(
            graph,
            rules,
            eligible=eligible,
            engine=engine,
            encoder=encoder,
            vectors=vectors,
            progress=progress,
        )
        return cls(index, settings)

    @cached_property
    def proposer(self) -> Proposer:
        """What proposes mentions and candidates."""
        return Proposer(self.index, self.settings, self.index.known(self.prior))

    def judge(
        self,
        texts: Sequence[str],
        given: Sequence[Sequence[Place]] | None = None,
        *,
        also: Sequence[Sequence[Place]] | None = None,
    ) -> Judged:
        """Find the mentions of some texts, and judge all candidates of each.

        Args:
            given: Places of mentions in each text; then no others are looked for.
            also: Places that something else found, such as a tagger, beside those that are found here.
        """
        views = self.proposer.views(texts)
        phrases = self.proposer.found(views) if given is None else self.proposer.given(views, given)
        if also is not None:
            phrases = with_given(phrases, self.proposer.given(views, also))
        pool = self.proposer.pool(phrases)
        self.proposer.fill(pool, phrases.spans, views, self.weights)
        scores = self.weights.scores(pool.matrix)
        if self.cross is not None and self.settings.narrow:
            self.cross.fill(pool, scores, self.settings.narrow, phrases.spans, texts, self.index)
            scores = self.weights.scores(pool.matrix)
        best, raw = pool.best(scores), np.zeros(len(pool.texts))
        raw[best >= 0] = pool.shares(self.weights)[best[best >= 0]]
        probabilities = raw if self.calibration is None else self.calibration.probabilities(log_odds(raw))
        return Judged(phrases.spans, pool, scores, probabilities, best)

    def link(self, text: str, given: Sequence[Place] | None = None) -> list[Link]:
        """List the entities that a text mentions, by place; see `links`."""
        return self.links([text], None if given is None else [given])[0]

    def links(
        self,
        texts: Sequence[str],
        given: Sequence[Sequence[Place]] | None = None,
        *,
        also: Sequence[Sequence[Place]] | None = None,
    ) -> list[list[Link]]:
        """List the links of each text.

        Args:
            given: Places of mentions in each text: each gets an answer, None where it means no entity of
                the graph, and no others are looked for.
            also: Places that something else found, such as a tagger; they are judged beside those that are
                found here, and left out where they most likely mean nothing.
        """
        judged = self.judge(texts, given, also=also)
        kept = self.kept(judged) if given is None else np.ones(len(judged.best), bool)
        linked: list[list[Link]] = [[] for _ in texts]
        for row in np.flatnonzero(kept).tolist():
            number = int(judged.spans.texts[row])
            linked[number].append(self.link_at(judged, row, texts[number]))
        return linked

    def pipe(self, texts: Iterable[str], *, workers: int = 1, batch: int = 64) -> Iterator[list[Link]]:
        """Link a stream of texts; see `pipe.piped`.

        Args:
            workers: Processes that link; a linker that was not loaded is saved for them first. They read the
                calling script again, so that it needs `if __name__ == "__main__":`, as with multiprocessing.
            batch: Texts that are linked at once.
        """
        return piped(self, texts, workers, batch)

    def without_index(self) -> dict[str, Any]:
        """Give all that is not in the index, by name: what tells linkers of one folder apart."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name != "index"}

    def kept(self, judged: Judged) -> Bool[np.ndarray, " mentions"]:
        """Choose among mentions that overlap, after those that most likely are none."""
        likely = judged.probabilities >= self.threshold
        entities = np.full(len(judged.best), -1, np.int64)
        entities[judged.best >= 0] = judged.pool.entities[judged.best[judged.best >= 0]]
        spans = judged.spans
        gains = np.where(likely, judged.probabilities * (spans.ends - spans.starts), 0.0)
        return choose(spans.texts, spans.starts, spans.ends, gains, self.settings.overlaps, entities)

    @cached_property
    def threshold(self) -> float:
        """The least probability of a link; where a precision cannot be had, the log says what can."""
        nil = self.settings.nil
        if isinstance(nil, float | int):
            return float(nil)
        if self.calibration is None:
            _log.warning("nil is %s, and the linker knows no precision: it links from 0.5 on", nil)
            return 0.5
        point, warning = self.calibration.point_for(float(nil[1:]) / 100)
        if warning:
            _log.warning("nil is %s. %s", nil, warning)
        return point.threshold

    def link_at(self, judged: Judged, row: int, text: str) -> Link:
        """Give what was judged of a mention as a link."""
        start, end = int(judged.spans.starts[row]), int(judged.spans.ends[row])
        p, best = float(judged.probabilities[row]), int(judged.best[row])
        mention = Mention(start, end, text[start:end])
        if best < 0 or p < self.threshold:
            return Link(mention, None, round(1 - p, 4))
        return Link(mention, self.index.entities.id(int(judged.pool.entities[best])), round(p, 4))

    def save(self, folder: Path, *, parents: Mapping[str, str] | None = None) -> None:
        """Write the linker into a folder, which is whole or is not there.

        Args:
            parents: Keys of what it was made from, by kind, such as that of the graph.

        Raises:
            CannotWrite: No permission, a full disk, or something there that loregraft did not write.
        """
        settings: dict[str, Json] = self.settings.model_dump(mode="json")
        dense = self.index.dense
        encoder = "" if dense is None else dense.encoder.sha256
        lexicon = self.index.lexicon
        meant = hashlib.sha256(lexicon.pointers.tobytes() + lexicon.entities.tobytes()).hexdigest()
        forms = [fingerprint_forms(lexicon.forms), meant]
        told = None if self.calibration is None else self.calibration.as_dict()
        prior = None if self.prior is None else hashlib.sha256(self.prior.tobytes()).hexdigest()
        key = fingerprint(
            *("linker", 1, settings, dict(parents or {}), encoder, forms, self.weights.named, told, prior),
            None if self.cross is None else self.cross.sha256,
        )
        with writing(folder, KIND, key, settings=settings, parents=parents) as (target, facts):
            self.index.save(target)
            learned: dict[str, Json] = {"weights": dict(self.weights.named), "nil": self.weights.nil}
            learned["calibration"] = told
            learned["rules"] = self.index.rules.fingerprint()
            learned["encoder"] = encoder
            write_json(target / LEARNED, learned)
            if self.prior is not None:
                write_arrays({"prior": self.prior}, target, "learned")
            if self.cross is not None:
                (target / CROSS).mkdir()
                self.cross.save(target / CROSS)
            facts["names"], facts["entities"] = len(self.index.names), len(self.index.entities)

    @classmethod
    def load(cls, folder: Path, encoder: Encoder | None = None, *, graph_key: str = "") -> "Linker":
        """Open a folder; what is large is mapped into memory and read where it is needed.

        Args:
            encoder: The one that it was built with, if there was one; without it names are found by letters.
            graph_key: Of the graph that it must be made from; empty: of whichever.

        Raises:
            WrongArtifact: It is no linker, of another graph or encoder, or was folded by other rules.
        """
        card = read_card(folder, KIND)
        if graph_key and card.parents.get("graph") != graph_key:
            found = "this linker was built from another graph"
            raise WrongArtifact(folder, found, "Build it from this graph: loregraft link build.")
        settings = LinkSettings.model_validate(dict(card.settings))
        learned = json.loads((folder / LEARNED).read_text())
        rules = Rules(settings.marks, settings.simplify)
        if learned["rules"] != rules.fingerprint():
            found = "its names were folded by another version of Unicode or OpenCC"
            raise WrongArtifact(folder, found, "Build it again: loregraft link build.")
        if encoder is not None and learned["encoder"] != encoder.sha256:
            found = "it was built with " + ("another encoder" if learned["encoder"] else "no encoder")
            raise WrongArtifact(folder, found, "Give the one that it was built with, or build it again.")
        weights = Weights.of(FEATURES, learned["weights"], learned["nil"])
        told, prior = learned["calibration"], read_arrays(folder, "learned").get("prior")
        calibration = None if told is None else Calibration.of_dict(told)
        cross = CrossEncoder.load(folder / CROSS) if (folder / CROSS).exists() else None
        return cls(Index.load(folder, rules, encoder), settings, weights, calibration, prior, cross)

    def add_entities(
        self, entities: Sequence[NewEntity], triples: Sequence[tuple[str, str, str]] = ()
    ) -> "Linker":
        """Give a linker that finds more entities; nothing is learned anew, and only these are indexed.

        After many, build it again: names that were added do not learn from the others what words mean.

        Args:
            triples: Head, relation and tail by id, of entities new and old.

        Raises:
            ValueError: An id is there already, or a triple names what is not there.
        """
        index, old = self.index.with_more(entities, triples)
        prior = None
        if self.prior is not None:
            prior = np.zeros(len(index.lexicon.entities), np.float32)
            prior[old] = self.prior
        return replace(self, index=index, prior=prior)

    def remove(self, ids: Iterable[str]) -> "Linker":
        """Give a linker that never finds some entities, at once: nothing is made or learned anew.

        Raises:
            ValueError: An id is not in the graph.
        """
        gone, numbers = np.zeros(len(self.index.entities), bool), self.index.entities.numbers
        for id in ids:
            if id not in numbers:
                raise ValueError(f"{id!r} is no entity of this linker")
            gone[numbers[id]] = True
        prior = None if self.prior is None else self.prior[~gone[self.index.lexicon.entities]]
        return replace(self, index=self.index.without(gone), prior=prior)

    def with_settings(self, **changes: object) -> "Linker":
        """Give the same linker with other settings; those of its names do not change any more.

        Raises:
            ValueError: A setting is not what it must be.
        """
        settings = LinkSettings.model_validate(self.settings.model_dump() | changes)
        return replace(self, settings=settings)


def looked_for(graph: KnowledgeGraph, settings: LinkSettings) -> Bool[np.ndarray, " entities"]:
    """Mark the entities that the settings ask for.

    Raises:
        BadInput: No entity is left, or one that is named is not in the graph.
    """
    eligible = np.array([id.startswith(settings.prefix) for id in graph.ids], bool)
    if settings.under:
        unknown = [id for id in settings.under if graph.find(id) is None]
        if unknown:
            fix = f"Ids look like {graph.id_at(0)!r}."
            raise BadInput(Path("settings"), 0, f"under names {unknown[0]!r}, which the graph has not", fix)
        eligible &= below(graph, [graph.index(id) for id in settings.under])
    if not eligible.any():
        found = f"no entity has an id that begins with {settings.prefix!r}"
        found += f" and lies below {', '.join(settings.under)}" if settings.under else ""
        raise BadInput(Path("settings"), 0, found, "Set prefix and under to those that you want found.")
    return eligible
