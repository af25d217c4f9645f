"""First numbers for entities that vectors do not know: solved from their triples with entities that they do.

Where a score is a product, each triple says that a known vector times the new one is about as large as such
products are among known triples: a ridge problem for each entity, in closed form. Where it is a distance,
the mean of the queries that the entity should answer is nearest to all of them. `grow.py` trains on from
here.
"""

from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from loregraft.kge.asking import Asked, ask_backward, grouped
from loregraft.kge.questions import Questions, Triples
from loregraft.kge.tables import Tables
from loregraft.kge.vectors import score_triples

SAMPLED = 10_000
"""Known triples whose mean score is the aim."""
AT_ONCE = 65_536


def fill_first_rows(tables: Tables, train: Triples, new: Bool[np.ndarray, " entities"]) -> None:
    """Put the first numbers into the rows of new entities that have a triple with a known one.

    Args:
        train: All triples to learn from; those of which one end is new count here.
    """
    relations, values = tables.relation_count, tables.entities.values
    questions = Questions.of(train, relations)
    answering = new[questions.answers] & ~new[questions.given]
    if tables.scorer.measure != "dot":
        _fill_means(tables, questions.take(np.flatnonzero(answering)))
        return
    asking = ~new[questions.answers] & new[questions.given]
    rows = np.flatnonzero(answering | asking)
    owners = np.where(answering, questions.answers, questions.given)[rows]
    order = np.argsort(owners, kind="stable")
    owners, aim = owners[order], _usual_score(tables, train, new)
    for part in _slices(owners, AT_ONCE):
        vectors = _known_sides(tables, questions.take(rows[order[part]]), new)
        weights = torch.from_numpy(questions.weights[rows[order[part]]])
        own, starts = np.unique(owners[part], return_index=True)
        for entity, first, last in zip(own, starts, [*starts[1:], len(vectors)], strict=True):
            values[int(entity)] = ridge(vectors[first:last], weights[first:last], aim)


def ridge(
    vectors: Float[Tensor, "triples width"], weights: Float[Tensor, " triples"], aim: float
) -> Float[Tensor, " width"]:
    """Give the x of least sum_i w_i (v_i x - aim)^2 + l |x|^2, with l the mean of the |v_i|^2.

    Solved over triples or over numbers, whichever are fewer.
    """
    scaled = vectors * weights.sqrt().unsqueeze(1)
    target = aim * weights.sqrt()
    penalty = float((vectors * vectors).sum(1).mean().clamp_min(1e-12))
    if len(vectors) <= vectors.shape[1]:
        square = scaled @ scaled.T + penalty * torch.eye(len(vectors))
        return scaled.T @ torch.linalg.solve(square, target)
    square = scaled.T @ scaled + penalty * torch.eye(vectors.shape[1])
    found: Tensor = torch.linalg.solve(square, scaled.T @ target)
    return found


def _fill_means(tables: Tables, questions: Questions) -> None:
    """Put the weighted mean of the queries into the rows of their answers, if these are met as they are."""
    values = tables.entities.values
    if tables.scorer.candidate is not None:
        return
    total, count = torch.zeros_like(values), torch.zeros(len(values), 1)
    for start in range(0, len(questions), AT_ONCE):
        part = np.arange(start, min(start + AT_ONCE, len(questions)))
        ordered, groups = grouped(tables, questions.take(part))
        for group in groups:
            own, asked = ordered.take(np.arange(group.rows.start, group.rows.stop)), Asked.of(tables, group)
            answers = torch.from_numpy(own.answers)
            queries = asked.query(tables.scorer, values[torch.from_numpy(own.given)])
            weights = torch.from_numpy(own.weights).unsqueeze(1)
            total.index_add_(0, answers, queries * weights)
            count.index_add_(0, answers, weights)
    reached = (count > 0).squeeze(1)
    values[reached] = total[reached] / count[reached]


def _known_sides(tables: Tables, questions: Questions, new: Bool[np.ndarray, " entities"]) -> Tensor:
    """Give for each question the vector whose product with its new entity is the score."""
    scorer, values = tables.scorer, tables.entities.values
    places = np.arange(len(questions), dtype=np.float32)  # in the place of weights, to find back
    numbered = Questions(questions.given, questions.sides, questions.answers, places)
    ordered, groups = grouped(tables, numbered)
    found = torch.empty(len(questions), values.shape[1])
    for group in groups:
        own, asked = ordered.take(np.arange(group.rows.start, group.rows.stop)), Asked.of(tables, group)
        given, answers = values[torch.from_numpy(own.given)], values[torch.from_numpy(own.answers)]
        queries = asked.query(scorer, given)
        met = answers if scorer.candidate is None else scorer.candidate(answers, asked.relation)
        to_answer = queries
        if scorer.candidate is not None:
            to_answer, _ = ask_backward(scorer, "candidate", queries, answers, asked.relation)
        to_given, _ = asked.query_backward(scorer, met, given)
        asks = torch.from_numpy(new[own.given]).unsqueeze(1)
        found[torch.from_numpy(own.weights.astype(np.int64))] = torch.where(asks, to_given, to_answer)
    return found.nan_to_num_()  # a user's query may have no gradient at 0


def _usual_score(tables: Tables, train: Triples, new: Bool[np.ndarray, " entities"]) -> float:
    """Give the mean score of known triples, 1 where there is none."""
    known = np.flatnonzero(~new[train.heads] & ~new[train.tails])
    sample = train.take(known[:: max(1, len(known) // SAMPLED)])
    scores = score_triples(tables, sample.heads, sample.relations, sample.tails)
    return float(scores.mean()) if len(scores) else 1.0


def _slices(owners: Int64[np.ndarray, " rows"], size: int) -> Iterator[slice]:
    """Cut sorted rows into slices of about a size, never inside the rows of one owner."""
    start = 0
    while start < len(owners):
        end = min(start + size, len(owners))
        end = int(np.searchsorted(owners, owners[end - 1], side="right"))
        yield slice(start, end)
        start = end
