"""Ranks by text vectors: the same filter, ties and metrics as any other vectors, by the very same functions.

A question's vector is what its text says. It stands where a table of relations would hold one, so that
`kge/ranking.py` ranks it without knowing that it was read.
"""

from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from loregraft.artifact import Json
from loregraft.kge.judging.evaluate import Ranking, Ties, metrics, put_last, summary
from loregraft.kge.parts import Parts
from loregraft.kge.questions import Answers, Ints, Questions
from loregraft.kge.ranking import Ranks, rank
from loregraft.kge.scorers.scorer import Scorer
from loregraft.kge.tables import Table, Tables
from loregraft.kge.text.encode import TEXTS_AT_ONCE, encode_texts
from loregraft.kge.text.vectors import TextVectors

Bools = NDArray[np.bool_]
NAMED = 20
"""Ids of entities without text that are named."""


def rank_texts(vectors: TextVectors, questions: Questions, known: Answers | None) -> Ranks:
    """Rank the answers of questions among all entities, as `kge.ranking.rank` does.

    Each different question is read once; memory is that of the matrix and of `TEXTS_AT_ONCE` questions.

    Args:
        known: Answers that are taken out of the ranking, the right one apart; None: raw ranks.
    """
    keys = vectors.texts.key(questions)
    different, places = np.unique(keys, return_inverse=True)
    order = np.argsort(places, kind="stable")
    counted = [np.zeros(len(questions), np.int64) for _ in range(3)]
    for first in range(0, len(different), TEXTS_AT_ONCE):
        own = different[first : first + TEXTS_AT_ONCE]
        bounds = np.searchsorted(places[order], [first, first + len(own)])
        rows = order[bounds[0] : bounds[1]]
        asked = encode_texts(
            vectors.questions, [vectors.texts.question(key) for key in own.tolist()], vectors.settings
        )
        tables = _tables(vectors.matrix, torch.from_numpy(asked))
        part = questions.take(rows)
        renamed = replace(part, sides=places[rows] - first)
        answers = None if known is None else _renamed(known, part, renamed, len(tables.relations.values))
        found = rank(tables, renamed, answers)
        for whole, piece in zip(counted, (found.above, found.alike, found.candidates), strict=True):
            whole[rows] = piece
    return Ranks(*counted)


def rank_text_part(
    vectors: TextVectors,
    parts: Parts,
    part: Literal["valid", "test"],
    *,
    filtered: bool = True,
    ties: Ties = "realistic",
) -> Ranking:
    """Rank all questions of a part; filtered ranks leave out answers that any part knows.

    Entities that train does not know compete like all others. A question from or to an entity without
    text ranks last: nothing is known of it.
    """
    triples = getattr(parts, part)
    questions = Questions.of(triples, parts.relations)
    ranks = rank_texts(vectors, questions, parts.known() if filtered else None)
    missing = vectors.texts.missing
    known = ~(missing[questions.given] | missing[questions.answers])
    return Ranking(triples, parts.relations, put_last(ranks, known), ties)


def text_summary(vectors: TextVectors, ranking: Ranking, parts: Parts) -> dict[str, Json]:
    """Give all metrics of `kge.evaluate.summary`, and those of questions with an entity unknown to train.

    `unseen` counts a question whose given entity or whose answer is unknown; `given` and `answer` tell both
    apart, and `seen` are all others. `without_text` names the first entities of the part that have none.
    """
    questions = Questions.of(ranking.triples, parts.relations)
    new = np.zeros(parts.entities, bool)
    new[parts.unseen(ranking.triples)] = True
    given, answer = new[questions.given], new[questions.answers]

    def of(mask: Bools) -> dict[str, Json]:
        return metrics(ranking.values[mask], ranking.ranks.candidates[mask])

    unseen: dict[str, Json] = {**of(given | answer), "given": of(given), "answer": of(answer)}
    used = np.unique(questions.answers)
    missing = used[vectors.texts.missing[used]].tolist()
    return {
        **summary(ranking, parts.train, vectors.relation_ids),
        "unseen": unseen,
        "seen": of(~(given | answer)),
        "without_text": {"entities": len(missing), "first": [vectors.ids[row] for row in missing[:NAMED]]},
    }


def _renamed(known: Answers, part: Questions, renamed: Questions, sides: int) -> Answers:
    """Give the known answers of some questions under their new sides."""
    _, first = np.unique(renamed.sides, return_index=True)
    entities, asked = known.lists(part.take(first))
    rows: Ints = first[asked]
    weights = np.ones(len(rows), np.float32)
    named = Questions(renamed.given[rows], renamed.sides[rows], entities, weights)
    return Answers.of(named, sides // 2)


def _tables(matrix: Tensor, asked: Tensor) -> Tables:
    """Give tables in which each question is a relation of its own, asked forwards."""
    if len(asked) % 2:  # a side for each direction
        asked = torch.cat([asked, asked.new_zeros(1, asked.shape[1])])
    none = matrix.new_zeros(0)
    return Tables(TEXT, Table(matrix, none), Table(asked, none), None, reciprocal=True)


def _as_read(x: Tensor, r: Tensor) -> Tensor:
    return r


def _score(head: Tensor, relation: Tensor, tail: Tensor) -> Tensor:
    return (relation * tail).sum(-1)


TEXT = Scorer("text", "Wang et al. 2022, SimKGC", "dot", _score, _as_read)
"""The cosine of a question, which stands as a relation, with a candidate."""
