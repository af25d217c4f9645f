"""One step of training: questions and negatives in, changed rows out. No autograd, no dense pass.

Gradients are those of the sum over the batch; Adagrad makes their size matter little.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from loregraft.kge.asking import Asked, Group, ask_backward
from loregraft.kge.measures import meet, meet_backward, pairs, pairs_backward
from loregraft.kge.questions import Questions
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Tables, default_scale
from loregraft.kge.training.losses import LOSSES
from loregraft.kge.training.negatives import Negatives
from loregraft.kge.training.penalties import dura_gradient, norm_gradient


@dataclass(frozen=True)
class Batch:
    """What a step learns from: questions in groups, and negatives for them.

    Attributes:
        seed: Of the numbers that dropout leaves out.
    """

    questions: Questions
    groups: list[Group]
    negatives: Negatives
    seed: int = 0


@dataclass(frozen=True)
class BatchVectors:
    """Of a batch, or the gradients by them.

    Attributes:
        entities: Given ones, answers and negatives, one after another; the next three are parts of it.
        relations: By group.
    """

    entities: Tensor
    given: Tensor
    answers: Tensor
    negatives: Tensor
    relations: list[Tensor]

    @classmethod
    def of(cls, entities: Tensor, questions: int, relations: list[Tensor]) -> "BatchVectors":
        """Name the parts."""
        given, answers, negatives = entities.tensor_split((questions, 2 * questions))
        return cls(entities, given, answers, negatives, relations)

    def zeros(self) -> "BatchVectors":
        """Begin gradients."""
        relations = [torch.zeros_like(relation) for relation in self.relations]
        return self.of(torch.zeros_like(self.entities), len(self.given), relations)


@dataclass(frozen=True)
class Meeting:
    """Questions that meet the same negatives: all of a batch, or a group where relations project them."""

    rows: slice
    asked: list[Asked]
    queries: Tensor
    answers: Tensor
    negatives: Tensor


def step(tables: Tables, batch: Batch, settings: KgeSettings, bf16: bool) -> float:
    """Change the tables by one batch, and give its mean loss."""
    scorer, questions = tables.scorer, batch.questions
    indexes = torch.from_numpy(questions.given), torch.from_numpy(questions.answers), batch.negatives.entities
    rows, weights = torch.cat(indexes), torch.from_numpy(questions.weights)
    asked = [Asked.of(tables, group) for group in batch.groups]
    relations = [one.relation for one in asked]
    entities, kept = _dropped(tables.entity_rows(rows), settings.dropout, batch.seed)
    vectors = BatchVectors.of(entities, len(questions), relations)
    meetings = _meetings(tables, asked, vectors)
    true = torch.cat([pairs(scorer.measure, m.queries, m.answers) for m in meetings])
    false = torch.cat([meet(scorer.measure, m.queries, m.negatives, bf16) for m in meetings])
    loss, by_true, by_false = _loss(tables, true, false, weights, batch.negatives, settings)
    by = vectors.zeros()
    for m in meetings:
        scores = (true[m.rows], by_true[m.rows], false[m.rows], by_false[m.rows])
        _meeting_backward(tables, m, scores, vectors, by, settings, bf16)
    _penalise(tables, vectors, by, asked, weights, settings)
    if kept is not None:
        by.entities.mul_(kept)
    tables.step_entities(rows, by.entities, settings.rate)
    step_relations(tables, asked, by.relations, settings)
    return loss / max(1, len(questions))


def _dropped(entities: Tensor, share: float, seed: int) -> tuple[Tensor, Tensor | None]:
    """Leave out a share of the numbers of each row and make the others larger; give the factors too.

    As Ruffinelli et al. 2020 train: a row that stands in a batch twice loses other numbers each time.
    """
    if not share:
        return entities, None
    generator = torch.Generator().manual_seed(seed)
    kept = torch.empty_like(entities).bernoulli_(1 - share, generator=generator).div_(1 - share)
    return entities * kept, kept


def _meetings(tables: Tables, asked: list[Asked], vectors: BatchVectors) -> list[Meeting]:
    """Put the questions to the vectors that they meet."""
    scorer = tables.scorer
    queries = [one.query(scorer, vectors.given[one.group.rows]) for one in asked]
    if scorer.candidate is None:
        every = slice(0, len(vectors.given))
        return [Meeting(every, asked, torch.cat(queries), vectors.answers, vectors.negatives)]
    return [
        Meeting(
            one.group.rows,
            [one],
            query,
            scorer.candidate(vectors.answers[one.group.rows], one.relation),
            scorer.candidate(vectors.negatives, one.relation),
        )
        for one, query in zip(asked, queries, strict=True)
    ]


def _loss(
    tables: Tables, true: Tensor, false: Tensor, weights: Tensor, negatives: Negatives, settings: KgeSettings
) -> tuple[float, Tensor, Tensor]:
    """Give the loss, and its gradients by both kinds of scores."""
    scale = settings.scale or default_scale(tables.scorer)
    scaled = false * scale
    if negatives.left_out is not None:  # few: their places are faster than masked_fill_
        places = np.flatnonzero(negatives.left_out.numpy())
        scaled.view(-1)[torch.from_numpy(places)] = -torch.inf
    loss, by_true, by_false = LOSSES[settings.loss](
        true * scale, scaled, weights, negatives.log_drawn, settings
    )
    return float(loss), by_true.mul_(scale), by_false.mul_(scale)


def _meeting_backward(
    tables: Tables,
    m: Meeting,
    scores: tuple[Tensor, Tensor, Tensor, Tensor],
    vectors: BatchVectors,
    by: BatchVectors,
    settings: KgeSettings,
    bf16: bool,
) -> None:
    """Add the gradients of a meeting: `scores` are the true ones, the gradient by them, and so for false."""
    scorer = tables.scorer
    true, by_true, false, by_false = scores
    by_queries, by_negatives = meet_backward(scorer.measure, by_false, false, m.queries, m.negatives, bf16)
    more, by_answers = pairs_backward(scorer.measure, by_true, true, m.queries, m.answers)
    by_queries += more
    if settings.dura:
        by_queries += dura_gradient(m.queries, settings)
        by_answers = by_answers + dura_gradient(m.answers, settings)
    for one in m.asked:
        within = slice(one.group.rows.start - m.rows.start, one.group.rows.stop - m.rows.start)
        by_given, by_relation = one.query_backward(scorer, by_queries[within], vectors.given[one.group.rows])
        by.given[one.group.rows] = by_given
        by.relations[one.group.number] += by_relation
    if scorer.candidate is None:
        by.answers.copy_(by_answers)
        by.negatives.copy_(by_negatives)
        return
    (one,) = m.asked
    for own, gradient, total in (
        (vectors.answers[m.rows], by_answers, by.answers[m.rows]),
        (vectors.negatives, by_negatives, by.negatives),
    ):
        by_own, by_relation = ask_backward(scorer, "candidate", gradient, own, one.relation)
        total += by_own
        by.relations[one.group.number] += by_relation


def _penalise(
    tables: Tables,
    vectors: BatchVectors,
    by: BatchVectors,
    asked: list[Asked],
    weights: Tensor,
    settings: KgeSettings,
) -> None:
    """Add the gradients of the penalties on given entities, answers and relations."""
    if not (settings.n3 or settings.l2):
        return
    complex_numbers, own = tables.scorer.complex_numbers, weights.unsqueeze(1)
    by.given.add_(own * norm_gradient(vectors.given, settings, complex_numbers))
    by.answers.add_(own * norm_gradient(vectors.answers, settings, complex_numbers))
    if not tables.scorer.phases:
        penalise_relations(asked, own, by.relations, settings, complex_numbers)


def penalise_relations(
    asked: list[Asked], own: Tensor, by_relations: list[Tensor], settings: KgeSettings, complex_numbers: bool
) -> None:
    """Add the gradients of the penalties on relations; `own` is the weight of each question."""
    for one, total in zip(asked, by_relations, strict=True):
        share = own[one.group.rows]
        if len(one.relation) == 1:
            share = share.sum(0, keepdim=True)
        total += share * norm_gradient(one.relation, settings, complex_numbers)


def step_relations(
    tables: Tables, asked: list[Asked], by_relations: list[Tensor], settings: KgeSettings
) -> None:
    """Step the table of relations, and the core where there is one."""
    if tables.core is not None:
        backward = tables.scorer.compose_backward
        assert backward is not None
        by_core, raw = torch.zeros_like(tables.core.values), []
        for one, gradient in zip(asked, by_relations, strict=True):
            by_raw, more = backward(gradient, one.raw, tables.core.values)
            raw.append(by_raw)
            by_core += more
        by_relations = raw
        tables.core.step(torch.arange(len(by_core)), by_core, settings.rate)
    rows = torch.cat([one.group.relations for one in asked])
    tables.relations.step(rows, torch.cat(by_relations), settings.rate)
