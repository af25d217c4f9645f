"""Judge a linker on labelled texts: beside the simplest linkers there are, and by what mentions are like."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from loregraft.artifact import Json
from loregraft.linking.formats.records import Annotated, Gold
from loregraft.linking.judging.scores import Judgement, judge, line_of
from loregraft.linking.judging.scores import told as told_scores
from loregraft.linking.judging.slices import Slice, by_ambiguity, by_nesting, sliced
from loregraft.linking.judging.slices import told as told_slices
from loregraft.linking.lexicon import KINDS
from loregraft.linking.linker import Linker
from loregraft.linking.normalize import normalize_name
from loregraft.linking.scoring.features import FEATURES
from loregraft.linking.scoring.weights import Weights
from loregraft.records import Link

NIL = 40.0
"""More than all that is not `exact` can give."""

FLOORS: Mapping[str, Mapping[str, float]] = {
    "exact only": {"exact": 2 * NIL},
    "prior only": {"exact": 2 * NIL, "prior": 10.0, "popular": 1.0},
}
"""Name of a simplest linker -> the weights it has: it links names that are found as they are, the first of
several meanings; or the one that labels or texts say is usual, else the one with most neighbours."""


@dataclass(frozen=True)
class Evaluation:
    """How good a linker is.

    Attributes:
        floors: Name of a simplest linker -> how good that one is.
        slices: Shares of mentions that were given their entity at their place, by what is hard about them.
    """

    judged: Judgement
    floors: Mapping[str, Judgement]
    slices: tuple[Slice, ...]

    def as_dict(self) -> dict[str, Json]:
        """Give it as JSON can hold it."""
        floors: dict[str, Json] = {name: one.as_dict() for name, one in self.floors.items()}
        slices: list[Json] = [one.as_dict() for one in self.slices]
        return self.judged.as_dict() | {"floors": floors, "slices": slices}

    def told(self) -> list[str]:
        """Give the lines of tables, values in percent."""
        lines = told_scores(self.judged)
        lines += [line_of(f"{name}, strong", floor.row("all")) for name, floor in self.floors.items()]
        return [*lines, "", *told_slices(self.slices)] if self.slices else lines


def evaluate(linker: Linker, texts: Sequence[Annotated], *, places_given: bool = False) -> Evaluation:
    """Judge a linker.

    Args:
        places_given: Mentions are told and only linked; else they are looked for.
    """
    contents, gold = [one.document.text for one in texts], [one.gold for one in texts]
    places = [one.places for one in texts] if places_given else None
    in_graph = linker.index.entities.numbers
    found = linker.links(contents, places)
    floors = {
        name: judge(gold, floor.links(contents, places), in_graph=in_graph)
        for name, floor in floors_of(linker).items()
    }
    return Evaluation(judge(gold, found, in_graph=in_graph), floors, tuple(_slices(linker, texts, found)))


def floors_of(linker: Linker) -> dict[str, Linker]:
    """Give the simplest linkers of the same names."""
    # Of several meanings each has a share above this threshold, and what is no name has one below.
    plain = linker.with_settings(coherence=False, variants=False, nil=1e-4)
    plain = replace(plain, calibration=None, cross=None)
    return {name: replace(plain, weights=Weights.of(FEATURES, named, NIL)) for name, named in FLOORS.items()}


def _slices(linker: Linker, texts: Sequence[Annotated], found: Sequence[Sequence[Link]]) -> list[Slice]:
    """Cut the mentions that mean an entity of the graph."""
    numbers, lexicon = linker.index.entities.numbers, linker.index.lexicon
    gold = [
        (number, one, nested)
        for number, text in enumerate(texts)
        for one, nested in zip(text.gold, by_nesting([text.gold]), strict=True)
        if any(id in numbers for id in one.entities)
    ]
    if not gold:
        return []
    said = {
        (number, link.mention.start, link.mention.end): link.entity
        for number, links in enumerate(found)
        for link in links
    }
    right = np.array([said.get((n, o.mention.start, o.mention.end)) in o.entities for n, o, _ in gold])
    forms = lexicon.find([normalize_name(one.mention.text, linker.index.rules) for _, one, _ in gold])
    meanings = np.where(forms >= 0, np.diff(lexicon.pointers)[np.maximum(forms, 0)], 0)
    labels: dict[str, Sequence[str]] = {
        "meanings": by_ambiguity(meanings),
        "name": [_kind(linker, int(form), one) for form, (_, one, _) in zip(forms, gold, strict=True)],
        "nesting": [nested for _, _, nested in gold],
    }
    if any(text.language for text in texts):
        labels["language"] = [texts[number].language or "not said" for number, _, _ in gold]
    return sliced(right, labels, np.array([number for number, _, _ in gold], np.int64))


def _kind(linker: Linker, form: int, gold: Gold) -> str:
    """Tell what kind of name a mention is of its entity: "none" where it is no name of it."""
    lexicon, numbers = linker.index.lexicon, linker.index.entities.numbers
    meant = {numbers[id] for id in gold.entities if id in numbers}
    for row in range(*lexicon.pointers[form : form + 2].tolist()) if form >= 0 else ():
        if int(lexicon.entities[row]) in meant:
            return KINDS[int(linker.index.names.kinds[lexicon.names[row]])]
    return "none"
