"""Texts answer for entities that no triple of train has; the same training on shuffled texts does not."""

import numpy as np

from loregraft.kge.judging.popularity import rank_by_popularity
from loregraft.kge.parts import parts_of
from loregraft.kge.questions import Questions
from loregraft.kge.text.learn import learn_text_vectors
from loregraft.kge.text.rank import rank_text_part, text_summary


def chance(candidates: int) -> float:
    """Give the mean reciprocal rank of guessing among so many."""
    return float((1 / np.arange(1, candidates + 1)).mean())


# Who has learnt which entities a relation takes, and no more, still guesses: among 8 words as tails, and as
# heads among the 13 pairs that are in no triple of train; others were seen to be wrong, or are filtered.
GIVEN, ANSWER = chance(8), chance(13)


def told_of(vectors, graph):
    parts = parts_of(graph)
    return text_summary(vectors, rank_text_part(vectors, parts, "test"), parts)


def test_texts_answer_for_entities_that_train_does_not_know(words, learnt):
    told = told_of(learnt[0], words)
    assert told["unseen"]["n"] == told["n"] == 52 and told["seen"]["n"] == 0
    assert told["unseen"]["given"]["mrr"] > 0.9 and told["unseen"]["answer"]["mrr"] > 0.9
    parts = parts_of(words)
    questions = Questions.of(parts.test, parts.relations)
    popular = 1 / rank_by_popularity(parts, questions, parts.known()).realistic
    assert popular.mean() < 0.25, "what needs no text is not enough"


def test_shuffled_texts_are_no_better_than_guessing(shuffled_words, text_settings, tmp_path):
    vectors = learn_text_vectors(shuffled_words, "key", tmp_path / "vectors", text_settings)
    unseen = told_of(vectors, shuffled_words)["unseen"]
    assert unseen["given"]["mrr"] < 1.5 * GIVEN and unseen["answer"]["mrr"] < 1.5 * ANSWER


def test_a_text_that_is_in_no_graph_is_answered_too(learnt):
    vectors, _ = learnt
    assert "rash headache" not in vectors.texts.entities
    best = vectors.answers("rash headache", "endsWith").argmax()
    assert vectors.texts.entities[best] != ""
    found = vectors.answers("migraine rash", "starts_with")  # held out
    assert vectors.texts.entities[found.argmax()] == "migraine"
    heads = vectors.answers("gamma", "endsWith", heads=True).argsort()[::-1][:8]
    assert {vectors.texts.entities[head].split()[-1] for head in heads} == {"gamma"}
