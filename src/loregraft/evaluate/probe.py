"""Probe: does an encoder know a fact? It is asked to fill in the tail, among others of the same type.

Asked in wordings that nothing was trained on (`corpus/verbalize.HELD_OUT`); the score of the wordings of the
training stands only beside. What never was injected is asked too: it must be known no better than before.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int64

from loregraft.corpus.tokens import tokens_of
from loregraft.corpus.verbalize import templates_of, verbalize
from loregraft.fusion.knowledge import Knowledge
from loregraft.metrics import ranks_from_scores
from loregraft.pretrain.heads import WordHead
from loregraft.pretrain.trunk import Trunk, starts_of

BATCH = 16
"""Questions that are read together."""


@dataclass(frozen=True)
class Question:
    """A fact without its tail.

    Attributes:
        row: The triple's row in the graph.
        before: The sentence up to the tail; `after` what follows it.
        candidates: Names, the right one first; none of the others is a true tail.
    """

    row: int
    before: str
    after: str
    candidates: tuple[str, ...]


def ask(
    knowledge: Knowledge,
    rows: Int64[np.ndarray, " rows"],
    *,
    held_out: bool = True,
    candidates: int = 100,
    first: Int64[np.ndarray, " entities"] | None = None,
    seed: int = 0,
) -> list[Question]:
    """Make a question of each triple.

    Args:
        held_out: In wordings that nothing was trained on; else in those of the training.
        candidates: Names to choose from, the right one among them; fewer where there are not so many of its
            type. No two are alike, and none of a true tail of the same head and relation.
        first: Entities whose names are taken before others. With the tails of all injected facts, having seen
            a name in training does not give the right one away.
    """
    graph, names = knowledge.graph, knowledge.names
    types = np.unique(knowledge.types, return_inverse=True)[1]
    by_type = {int(number): np.flatnonzero(types == number) for number in np.unique(types)}
    questions = []
    for row in rows.tolist():
        generator = np.random.default_rng([seed, row])
        head, tail = int(graph.heads[row]), int(graph.tails[row])
        relation = knowledge.relations[int(graph.relation_indexes[row])]
        wordings = templates_of(relation, held_out=held_out)
        template = wordings[int(generator.integers(len(wordings)))]
        sentence = verbalize(names[head], relation, names[tail], template)
        start, end = sentence.tail
        pool = generator.permutation(by_type[int(types[tail])])
        if first is not None:
            pool = pool[np.argsort(~np.isin(pool, first), kind="stable")]
        chosen = tuple(_others(knowledge, row, pool, candidates))
        questions.append(Question(row, sentence.text[:start], sentence.text[end:], chosen))
    return questions


def answer(
    trunk: Trunk, head: WordHead, questions: Sequence[Question], max_tokens: int = 64
) -> Float[np.ndarray, " questions"]:
    """Give the rank of each right tail, from 1, the mean rank among equals.

    A candidate's score is the mean log-probability of its tokens where as many are hidden: one reading of the
    sentence for each number of tokens, whatever the number of candidates. Gender, length and case of a name
    are clues that this leaves in; the never-injected facts tell what they are worth.
    """
    training = trunk.model.training
    trunk.model.eval()
    try:
        with torch.inference_mode():
            batches = [questions[first : first + BATCH] for first in range(0, len(questions), BATCH)]
            return np.array([rank for batch in batches for rank in _ranks(trunk, head, batch, max_tokens)])
    finally:
        trunk.model.train(training)


def _ranks(trunk: Trunk, head: WordHead, questions: Sequence[Question], max_tokens: int) -> list[float]:
    """Rank the right tails of some questions, read together."""
    tokenizer: Any = trunk.encoder.tokenizer
    pieces = [
        [tokenizer(name, add_special_tokens=False)["input_ids"] for name in one.candidates]
        for one in questions
    ]
    hidden_as = [
        (row, length) for row, own in enumerate(pieces) for length in sorted({len(name) for name in own})
    ]
    texts = [
        questions[row].before + " ".join([tokenizer.mask_token] * length) + questions[row].after
        for row, length in hidden_as
    ]
    read = tokens_of(tokenizer, texts, [[] for _ in texts], lambda id: None, max_tokens)
    ids = [one.ids for one in read]
    hidden = trunk.read(ids)
    scores = [np.full(len(own), -np.inf) for own in pieces]
    for start, tokens, (row, length) in zip(starts_of(ids).tolist(), ids, hidden_as, strict=True):
        masked = [place for place, id in enumerate(tokens) if id == tokenizer.mask_token_id]
        if len(masked) != length:
            continue  # the sentence was too long: names of so many tokens cannot be asked for
        logits = head(hidden[start + torch.tensor(masked)], trunk.table)
        likely = torch.log_softmax(logits.float(), -1)
        own = [place for place, name in enumerate(pieces[row]) if len(name) == length]
        wanted = torch.tensor([pieces[row][place] for place in own])
        scores[row][own] = likely.gather(1, wanted.T).mean(0).numpy()
    return [_rank(own) for own in scores]


def _rank(scores: Float[np.ndarray, " candidates"]) -> float:
    """Give the rank of the first; the last where it could not be asked for."""
    if not np.isfinite(scores[0]):
        return float(len(scores))
    return float(ranks_from_scores(scores[None], np.zeros(1, np.int64))[0])


def _others(knowledge: Knowledge, row: int, pool: Int64[np.ndarray, " pool"], count: int) -> Iterator[str]:
    """Yield the right tail's name, then names of other entities of its type."""
    graph, names = knowledge.graph, knowledge.names
    head, relation = int(graph.heads[row]), int(graph.relation_indexes[row])
    outgoing = graph.outgoing(head)
    same = np.asarray(graph.relation_indexes[outgoing]) == relation
    true = set(np.asarray(graph.tails[outgoing])[same].tolist())
    seen = {names[int(tail)] for tail in true}
    yield names[int(graph.tails[row])]
    left = count - 1
    for entity in pool.tolist():
        if left == 0:
            return
        if names[entity] not in seen:
            seen.add(names[entity])
            left -= 1
            yield names[entity]
