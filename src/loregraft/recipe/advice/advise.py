"""Advise: from a graph's shape and its reach into texts to objectives and methods, with a reason each."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from loregraft.fusion.knowledge import POLARITIES
from loregraft.kg.check.fitness import Fitness
from loregraft.kg.graph import KnowledgeGraph
from loregraft.linking.coverage import Coverage
from loregraft.pretrain.settings import MixSettings

SOME, MANY = 0.2, 0.5
"""Shares from which there are some of a thing, and many."""
FACTS_A_MINUTE = 120
"""Facts that a small encoder takes in within a minute of one core: each needs tens of exposures.

By benchmarks/fusion.py with all-MiniLM-L6-v2: after 150,000 tokens (100 s) 200 facts are
recalled, of 1,124 a fifth.
"""


@dataclass(frozen=True)
class Advice:
    """One thing to do or to leave.

    Attributes:
        what: The objective, method or command.
        kind: absorb: an objective of `pretrain`; attach: read at inference; warning: what is in the way.
        why: A sentence.
    """

    what: str
    kind: str
    why: str


def advise(
    fit: Fitness, reach: Coverage | None, *, polarities: int = 0, minutes: float = 5.0
) -> list[Advice]:
    """Give advice, the most promising first.

    Args:
        reach: Of the graph into the texts; None: there are no texts.
        polarities: Entities that are words with a polarity.
        minutes: Of training, for what can be absorbed in them.
    """
    return [
        *_warnings(fit, reach),
        *_absorbed(fit, reach, polarities, minutes),
        *_attached(fit, reach, minutes),
    ]


def recipe_of(advice: list[Advice], minutes: float) -> MixSettings:
    """Give settings for `loregraft pretrain` from advice; plain continuation where nothing is advised."""
    objectives = [one.what for one in advice if one.kind == "absorb"]
    return MixSettings(objectives=tuple(objectives or ["masked_words"]), minutes=minutes)


def polarities_of(graph: KnowledgeGraph) -> int:
    """Count the entities that have a polarity."""
    rows = pc.is_in(graph.attributes["property"], value_set=pa.array(POLARITIES, pa.large_string()))
    return len(np.unique(np.asarray(graph.attributes["entity"])[np.asarray(rows)]))


def _warnings(fit: Fitness, reach: Coverage | None) -> Iterator[Advice]:
    if reach is not None and reach.mentioning < SOME:
        yield Advice(
            "link coverage",
            "warning",
            f"only {reach.mentioning:.0%} of the texts mention an entity of the graph: what reads links will "
            "hardly have any; add names, or take texts of the graph's domain",
        )
    if reach is not None and reach.ambiguous > MANY:
        yield Advice(
            "ambiguity",
            "warning",
            f"{reach.ambiguous:.0%} of the mentions may mean several entities: first teach the linker",
        )
    if fit.names < MANY:
        yield Advice(
            "names", "warning", f"only {fit.names:.0%} of the entities have a name: give a table of names"
        )


def _absorbed(fit: Fitness, reach: Coverage | None, polarities: int, minutes: float) -> Iterator[Advice]:
    if fit.aliases >= SOME or fit.descriptions >= SOME:
        named = f"{fit.aliases:.0%} of the entities have two names or more"
        yield Advice(
            "synonyms",
            "absorb",
            f"{named} and {fit.descriptions:.0%} a description, so that the encoder can learn which names "
            "mean the same: the surest gain of all, for linking and search",
        )
    facts = fit.counts.get("facts", 0)
    if facts:
        fits = facts <= FACTS_A_MINUTE * minutes
        yield Advice(
            "triples",
            "absorb",
            f"{facts:,} facts "
            + ("can be taken in" if fits else "are more than can be taken in, but some can be")
            + f" in {minutes:g} minutes as sentences with a part masked",
        )
    if reach is not None and reach.mentioning >= SOME:
        yield Advice(
            "masked_entities",
            "absorb",
            f"{reach.mentioning:.0%} of the texts mention an entity ({reach.mentions_each:.1f} each): "
            "whole mentions can be hidden; compare with masked_spans, its control",
        )
        together = sum(one.together for one in reach.relations)
        if together >= 200:
            yield Advice(
                "relation_contrast",
                "absorb",
                f"{together:,} facts have both ends in one text: labels for relations without an annotator",
            )
    if polarities and reach is not None:
        yield Advice("sentiment", "absorb", f"{polarities:,} words have a polarity")


def _attached(fit: Fitness, reach: Coverage | None, minutes: float) -> Iterator[Advice]:
    if reach is not None and reach.mentioning >= SOME:
        told = f"{reach.mentioning:.0%} of the texts have links"
        yield Advice(
            "facts_text",
            "attach",
            f"{told}: facts as text need no training, name what was used and follow edits; "
            "try it before any other method",
        )
    facts = fit.counts.get("facts", 0)
    if facts > FACTS_A_MINUTE * minutes:
        yield Advice(
            "knowledge_attention",
            "attach",
            f"{facts:,} facts are too many to train in: read them at inference, where one is a row",
        )
    if fit.depth >= 3:
        yield Advice(
            "kge train",
            "attach",
            f"the hierarchy is {fit.depth} deep and there are {facts:,} facts: vectors carry it to entities "
            "that the texts hardly mention",
        )
