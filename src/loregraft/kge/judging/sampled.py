"""Rank right answers against a few wrong ones, as OGB does where a graph has millions of entities.

Such ranks are much better than those among all entities and cannot be compared with them, nor with those
against another number of wrong answers. So the metrics have other names: `sampled_mrr@500`.

Hu et al. 2020, Open Graph Benchmark: Datasets for Machine Learning on Graphs, section 5 (ogbl-wikikg2).
"""

from collections.abc import Mapping

import numpy as np
import torch

from loregraft.artifact import Json
from loregraft.kge.asking import Asked, grouped
from loregraft.kge.judging.evaluate import HITS, Ranking, Ties, learnt, put_last
from loregraft.kge.judging.false_triples import Part
from loregraft.kge.measures import pairs
from loregraft.kge.parts import Parts
from loregraft.kge.questions import Answers, Ints, Questions
from loregraft.kge.ranking import QUESTIONS_AT_ONCE, Ranks
from loregraft.kge.tables import Tables

PAIRS_AT_ONCE = 65_536
METRICS = ("mrr", "mr", *(f"hits@{k}" for k in HITS), "amri")


def rank_sampled(
    tables: Tables, questions: Questions, known: Answers | None, count: int, seed: int = 0
) -> Ranks:
    """Rank the answers of questions among `count` wrong answers, drawn for each question.

    All wrong answers of a question are different and all alike likely; where there are fewer, all are taken,
    and the ranks are those of `ranking.rank`.

    Args:
        known: Answers that are no wrong ones; None: only the right one is none.
    """
    above, alike, candidates = (np.zeros(len(questions), np.int64) for _ in range(3))
    order, generator = np.argsort(questions.sides, kind="stable"), np.random.default_rng((seed, count))
    for start in range(0, len(questions), QUESTIONS_AT_ONCE):
        rows = order[start : start + QUESTIONS_AT_ONCE]
        part, groups = grouped(tables, questions.take(rows))  # sorted by side, they keep their order
        for group in groups:
            own, met = part.take(np.arange(group.rows.start, group.rows.stop)), rows[group.rows]
            wrong, asked_by = wrong_answers(own, known, len(tables.entities.values), count, generator)
            above[met], alike[met] = _count(tables, Asked.of(tables, group), own, (wrong, asked_by))
            candidates[met] = np.bincount(asked_by, minlength=len(own)) + 1
    return Ranks(above, alike, candidates)


def wrong_answers(
    questions: Questions, known: Answers | None, entities: int, count: int, generator: np.random.Generator
) -> tuple[Ints, Ints]:
    """Draw wrong answers, question by question, and give the question of each."""
    right, asked_by = questions.answers, np.arange(len(questions))
    if known is not None:
        others, by = known.lists(questions)
        right, asked_by = np.r_[right, others], np.r_[asked_by, by]
        order = np.argsort(asked_by, kind="stable")
        right, asked_by = right[order], asked_by[order]
    each = np.split(right, np.searchsorted(asked_by, np.arange(1, len(questions))))
    drawn = []
    for own in each:  # so many more are drawn as may have to go
        some = generator.choice(entities, min(entities, count + len(own)), replace=False)
        drawn.append(some[~np.isin(some, own)][:count])
    lengths = [len(one) for one in drawn]
    return np.concatenate(drawn), np.repeat(np.arange(len(questions)), lengths)


def _count(tables: Tables, asked: Asked, questions: Questions, drawn: tuple[Ints, Ints]) -> tuple[Ints, Ints]:
    scorer, values = tables.scorer, tables.entities.values

    def answers(entities: Ints) -> torch.Tensor:
        rows = values[torch.from_numpy(entities)]
        return rows if scorer.candidate is None else scorer.candidate(rows, asked.relation)

    queries = asked.query(scorer, values[torch.from_numpy(questions.given)])
    true = pairs(scorer.measure, queries, answers(questions.answers))
    above, alike = np.zeros(len(questions), np.int64), np.zeros(len(questions), np.int64)
    for start in range(0, len(drawn[0]), PAIRS_AT_ONCE):
        wrong, asked_by = (column[start : start + PAIRS_AT_ONCE] for column in drawn)
        by = torch.from_numpy(asked_by)
        scores = pairs(scorer.measure, queries[by], answers(wrong))
        above += np.bincount(asked_by[(scores > true[by]).numpy()], minlength=len(above))
        alike += np.bincount(asked_by[(scores == true[by]).numpy()], minlength=len(above))
    return above, alike


def sample_part(
    tables: Tables,
    parts: Parts,
    part: Part,
    count: int,
    *,
    filtered: bool = True,
    ties: Ties = "realistic",
    seed: int = 0,
) -> Ranking:
    """Rank all questions of a part against drawn wrong answers; else as `evaluate.rank_part`."""
    triples = getattr(parts, part)
    questions = Questions.of(triples, parts.relations)
    ranks = rank_sampled(tables, questions, parts.known() if filtered else None, count, seed)
    return Ranking(triples, parts.relations, put_last(ranks, np.tile(learnt(parts, triples), 2)), ties)


def named(told: Mapping[str, Json], count: int) -> dict[str, Json]:
    """Give metrics, and those of any part of them, the names of sampled ones: mrr is `sampled_mrr@500`."""
    made: dict[str, Json] = {}
    for name, value in told.items():
        if isinstance(value, dict):  # its name may be a relation's
            made[name] = named(value, count)
        else:
            made[sampled_name(name, count) if name in METRICS else name] = value
    return made


def sampled_name(metric: str, count: int) -> str:
    """Name a metric of ranks against `count` wrong answers."""
    return f"sampled_{metric}@{count}"
