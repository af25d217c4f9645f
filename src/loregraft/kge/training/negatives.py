"""Negatives: wrong answers, drawn once for a step and shared by all its questions."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float64
from numpy.typing import NDArray
from torch import Tensor

from loregraft.kg.runs import runs
from loregraft.kge import kernels
from loregraft.kge.questions import Answers, Ints, Questions, Triples
from loregraft.kge.settings import KgeSettings


@dataclass(frozen=True)
class Negatives:
    """Entities that are wrong answers.

    Attributes:
        log_drawn: log of how often each is expected in the sample of a step, over all steps.
        left_out: Questions x negatives: True where the entity is no wrong answer; None: nowhere.
    """

    entities: Tensor
    log_drawn: Tensor
    left_out: Tensor | None


def drawn_shares(triples: Triples, entities: int, settings: KgeSettings) -> Float64[np.ndarray, " entities"]:
    """Give how often each entity is drawn, as a share of all draws, but for `typed`."""
    if settings.drawn == "uniform":
        return np.full(entities, 1 / entities)
    answers = np.concatenate([triples.tails, triples.heads])
    shares = np.bincount(answers, minlength=entities) / max(1, len(answers))
    if settings.drawn == "degree":
        shares = (shares * len(answers) + 1) / (len(answers) + entities)
    return shares


class Draw:
    """Draws negatives for the questions of a step."""

    def __init__(self, triples: Triples, entities: int, relations: int, settings: KgeSettings) -> None:
        self._settings, self._entities = settings, entities
        questions = Questions.of(triples, relations)
        self._known = Answers.of(questions, relations) if settings.drop_known else None
        shares = drawn_shares(triples, entities, settings)
        if settings.drawn == "degree":
            self._cumulated = np.cumsum(shares)
        if settings.drawn == "typed":
            pairs = np.unique(questions.sides * entities + questions.answers)
            self._typed_starts = np.searchsorted(pairs, np.arange(2 * relations + 1) * entities)
            self._typed, self._pairs = pairs % entities, pairs
            asked = np.bincount(questions.sides, minlength=2 * relations) / max(1, len(questions))
            each = asked / np.maximum(np.diff(self._typed_starts), 1)
            drawn = np.bincount(self._typed, each[pairs // entities], minlength=entities)
            shares = np.asarray(drawn, np.float64)
        self._shares = shares

    def __call__(self, questions: Questions, generator: np.random.Generator) -> Negatives:
        """Draw for some questions."""
        count = self._settings.negatives
        if self._settings.drawn == "batch":
            chosen = generator.choice(questions.answers, count)
        elif self._settings.drawn == "degree":
            chosen = np.searchsorted(self._cumulated, generator.random(count))
            chosen = np.minimum(chosen, self._entities - 1)
        elif self._settings.drawn == "typed":
            sides = generator.choice(questions.sides, count)
            starts, ends = self._typed_starts[sides], self._typed_starts[sides + 1]
            chosen = self._typed[starts + (generator.random(count) * (ends - starts)).astype(np.int64)]
        else:
            chosen = generator.integers(0, self._entities, count)
        log_drawn = np.log(count * self._shares[chosen])
        left_out = self._left_out(questions, chosen)
        return Negatives(torch.from_numpy(chosen), torch.from_numpy(log_drawn.astype(np.float32)), left_out)

    def _left_out(self, questions: Questions, chosen: Ints) -> Tensor | None:
        mask: NDArray[np.bool_] | None = None
        if self._known is not None:
            mask = among(questions, chosen, self._known, self._entities)
        if self._settings.drawn == "typed":
            keys = questions.sides[:, None] * self._entities + chosen
            rows = np.minimum(np.searchsorted(self._pairs, keys), len(self._pairs) - 1)
            other = self._pairs[rows] != keys
            mask = other if mask is None else mask | other
        return None if mask is None or not mask.any() else torch.from_numpy(mask)


def among(
    questions: Questions, chosen: Ints, known: Answers, entities: int
) -> Bool[np.ndarray, "questions negatives"]:
    """Tell where a chosen entity is a known answer of a question."""
    mask = np.zeros((len(questions), len(chosen)), bool)
    if kernels.loops is not None:
        kernels.loops.among(known.rows(questions), known.starts, known.entities, chosen, entities, mask)
        return mask
    order = np.argsort(chosen, kind="stable")
    answers, asked = known.lists(questions)
    first, last = (np.searchsorted(chosen[order], answers, side=side) for side in ("left", "right"))
    met, places = runs(first, last)
    mask[asked[met], order[places]] = True
    return mask
