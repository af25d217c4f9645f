"""One step on all entities: each different question once, against every entity, with all its answers.

With the loss softmax this is 1-vs-all (Lacroix et al. 2018, Canonical Tensor Decomposition for Knowledge
Base Completion, eq. 7), the answers of a question taken together: the same sum over triples with fewer rows
in the matrix products. With logistic it is K-vs-all (Dettmers et al. 2018, Convolutional 2D Knowledge Graph
Embeddings, eq. 2).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Int64
from torch import Tensor

from loregraft.kg.runs import runs
from loregraft.kge.asking import Asked, Group, ask_backward
from loregraft.kge.measures import meet, meet_backward
from loregraft.kge.questions import Questions
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Tables, default_scale
from loregraft.kge.training.penalties import dura_gradient, norm_gradient
from loregraft.kge.training.step import penalise_relations, step_relations

Scores = Float[Tensor, "questions entities"]


@dataclass(frozen=True)
class Labels:
    """The answers of some questions: the place of the question among them, the entity, the weight."""

    questions: Int64[Tensor, " answers"]
    entities: Int64[Tensor, " answers"]
    weights: Float32[Tensor, " answers"]

    def within(self, rows: slice) -> "Labels":
        """Give those of some questions in a row, which are counted from 0."""
        inside = (self.questions >= rows.start) & (self.questions < rows.stop)
        return Labels(self.questions[inside] - rows.start, self.entities[inside], self.weights[inside])

    def each_question(self, count: int) -> Float[Tensor, "questions 1"]:
        """Give the weight of the answers of each question."""
        return torch.zeros(count).index_add_(0, self.questions, self.weights).unsqueeze(1)

    def each_entity(self, count: int) -> Float[Tensor, "entities 1"]:
        """Give the weight of each entity as an answer."""
        return torch.zeros(count).index_add_(0, self.entities, self.weights).unsqueeze(1)


@dataclass(frozen=True)
class AnswerLists:
    """The answers of different questions, question by question.

    Attributes:
        questions: Each once; its answer is its own number, its weight the sum of those of its answers.
        starts: Where its answers begin; one more at the end.
    """

    questions: Questions
    starts: Int64[np.ndarray, " ends"]
    entities: Int64[np.ndarray, " answers"]
    weights: Float32[np.ndarray, " answers"]

    @classmethod
    def of(cls, questions: Questions) -> "AnswerLists":
        """Gather the answers."""
        order = np.lexsort((questions.given, questions.sides))
        q = questions.take(order)
        first = np.ones(len(q), bool)
        first[1:] = (np.diff(q.sides) != 0) | (np.diff(q.given) != 0)
        starts = np.flatnonzero(first)
        totals = np.add.reduceat(q.weights, starts) if len(q) else q.weights
        different = Questions(q.given[starts], q.sides[starts], np.arange(len(starts)), totals)
        return cls(different, np.r_[starts, len(q)].astype(np.int64), q.answers, q.weights)

    def labels(self, numbers: Int64[np.ndarray, " questions"]) -> "Labels":
        """Give the answers of some questions."""
        asked, places = runs(self.starts[numbers], self.starts[numbers + 1])
        columns = asked, self.entities[places], self.weights[places]
        return Labels(*(torch.from_numpy(column) for column in columns))


@dataclass(frozen=True)
class _Gradients:
    """By the given entities of the questions, by all entities, and by the relations of the groups."""

    given: Tensor
    entities: Tensor
    relations: list[Tensor]


def step_on_all(
    tables: Tables,
    lists: AnswerLists,
    questions: Questions,
    groups: list[Group],
    settings: KgeSettings,
    bf16: bool,
) -> float:
    """Change the tables by some questions of `lists`, in groups, and give the mean loss of an answer."""
    scorer, values, known = tables.scorer, tables.entities.values, torch.from_numpy(questions.given)
    given, labels = tables.entities.rows(known), lists.labels(questions.answers)
    asked = [Asked.of(tables, group) for group in groups]
    by = _Gradients(
        torch.zeros_like(given), torch.zeros_like(values), [torch.zeros_like(one.relation) for one in asked]
    )
    loss = 0.0
    for met in [asked] if scorer.candidate is None else [[one] for one in asked]:
        loss += _meet_all(tables, met, given, labels, by, settings, bf16)
    _penalise(tables, labels, given, asked, by, settings)
    by.entities.index_add_(0, known, by.given)
    tables.entities.step(torch.arange(len(values)), by.entities, settings.rate)
    step_relations(tables, asked, by.relations, settings)
    return loss / max(1, len(labels.entities))


def _meet_all(
    tables: Tables,
    met: list[Asked],
    given: Tensor,
    labels: Labels,
    by: _Gradients,
    settings: KgeSettings,
    bf16: bool,
) -> float:
    """Let questions in a row meet all entities: add the gradients, and give the loss."""
    scorer, values, relation = tables.scorer, tables.entities.values, met[0].relation
    first = met[0].group.rows.start
    labels = labels.within(slice(first, met[-1].group.rows.stop))
    queries = torch.cat([one.query(scorer, given[one.group.rows]) for one in met])
    candidates = values if scorer.candidate is None else scorer.candidate(values, relation)
    scores = meet(scorer.measure, queries, candidates, bf16)
    scale = settings.scale or default_scale(scorer)
    loss, by_scores = LOSSES_ON_ALL[settings.loss](scores * scale, labels)
    by_queries, by_candidates = meet_backward(
        scorer.measure, by_scores.mul_(scale), scores, queries, candidates, bf16
    )
    if settings.dura:
        by_queries = by_queries + labels.each_question(len(queries)) * dura_gradient(queries, settings)
        by_candidates = by_candidates + labels.each_entity(len(values)) * dura_gradient(candidates, settings)
    if scorer.candidate is not None:
        by_candidates, by_relation = ask_backward(scorer, "candidate", by_candidates, values, relation)
        by.relations[met[0].group.number] += by_relation
    by.entities.add_(by_candidates)
    for one in met:
        rows = one.group.rows
        gradient = by_queries[rows.start - first : rows.stop - first]
        by.given[rows], by_relation = one.query_backward(scorer, gradient, given[rows])
        by.relations[one.group.number] += by_relation
    return loss


def _penalise(
    tables: Tables,
    labels: Labels,
    given: Tensor,
    asked: list[Asked],
    by: _Gradients,
    settings: KgeSettings,
) -> None:
    """Add the gradients of the penalties, as often as a question has answers."""
    if not (settings.n3 or settings.l2):
        return
    values, complex_numbers = tables.entities.values, tables.scorer.complex_numbers
    own = labels.each_question(len(given))
    by.given.add_(own * norm_gradient(given, settings, complex_numbers))
    by.entities.add_(labels.each_entity(len(values)) * norm_gradient(values, settings, complex_numbers))
    if not tables.scorer.phases:
        penalise_relations(asked, own, by.relations, settings, complex_numbers)


def softmax_on_all(scores: Scores, labels: Labels) -> tuple[float, Scores]:
    """Cross-entropy of each answer among all entities, weighted, and its gradient."""
    shares = torch.softmax(scores, 1)
    own = shares[labels.questions, labels.entities].clamp_min(1e-38)
    loss = -(labels.weights * own.log()).sum()
    gradient = shares.mul_(labels.each_question(len(scores)))
    gradient.index_put_((labels.questions, labels.entities), -labels.weights, accumulate=True)
    return float(loss), gradient


def logistic_on_all(scores: Scores, labels: Labels) -> tuple[float, Scores]:
    """Binary cross-entropy of every entity, those that are answers by their weight, and its gradient."""
    own = scores[labels.questions, labels.entities]
    loss = torch.nn.functional.softplus(scores).sum() - (labels.weights * own).sum()
    gradient = torch.sigmoid_(scores)
    gradient.index_put_((labels.questions, labels.entities), -labels.weights, accumulate=True)
    return float(loss), gradient


LOSSES_ON_ALL: dict[str, Callable[[Scores, Labels], tuple[float, Scores]]] = {
    "softmax": softmax_on_all,
    "logistic": logistic_on_all,
}
"""Name -> loss, from scores (overwritten) to itself and its gradient."""
