"""Ranks by texts are those of a plain loop, whatever the portion; who has no text is last."""

import numpy as np
import pytest

from loregraft.kge.judging.evaluate import metrics
from loregraft.kge.parts import Parts, parts_of
from loregraft.kge.questions import Answers, Questions, Triples
from loregraft.kge.text import encode, rank
from loregraft.kge.text.encode import encode_texts
from loregraft.kge.text.rank import rank_text_part, rank_texts, text_summary


def brute(vectors, questions, facts):
    """Above, alike and candidates of each question, entity by entity."""
    found, values = [], vectors.matrix.numpy()
    rows = zip(questions.given.tolist(), questions.sides.tolist(), questions.answers.tolist(), strict=True)
    for (given, side, answer), key in zip(rows, vectors.texts.key(questions).tolist(), strict=True):
        query = encode_texts(vectors.questions, [vectors.texts.question(key)], vectors.settings)[0]
        scores = values.astype(np.float64) @ query.astype(np.float64)
        others = [e for e in range(len(values)) if e != answer and (given, side, e) not in facts]
        twins = [e for e in others if np.array_equal(values[e], values[answer])]
        above = sum(scores[e] > scores[answer] for e in others if e not in twins)
        found.append((above, len(twins), len(others) + 1))
    return np.array(found).T


@pytest.mark.parametrize("filtered", [True, False])
@pytest.mark.parametrize("portion", [3, 4096])
def test_ranks_are_those_of_a_loop(words, learnt, filtered, portion, monkeypatch):
    for module in (encode, rank):
        monkeypatch.setattr(module, "TEXTS_AT_ONCE", portion)
    vectors, parts = learnt[0], parts_of(words)
    generator = np.random.default_rng(0)
    triples = Triples.of(*(generator.integers(0, size, 25) for size in (parts.entities, 2, parts.entities)))
    questions = Questions.of(triples, 2)
    every = Questions.of(Triples.of(*(np.r_[a, b] for a, b in columns(triples, parts.train))), 2)
    known = Answers.of(every, 2)
    facts = {*zip(every.given.tolist(), every.sides.tolist(), every.answers.tolist(), strict=True)}
    found = rank_texts(vectors, questions, known if filtered else None)
    above, alike, candidates = brute(vectors, questions, facts if filtered else set())
    assert found.above.tolist() == above.tolist() and found.alike.tolist() == alike.tolist()
    assert found.candidates.tolist() == candidates.tolist()


def columns(one, other):
    return [(getattr(one, name), getattr(other, name)) for name in ("heads", "relations", "tails")]


def test_equal_texts_are_ties_whatever_the_portion(learnt, monkeypatch):
    vectors = learnt[0]
    texts = ["fever", "", "rash", "fever", "skin lesion", "", "asthma", "fever", "rash"]
    whole = encode_texts(vectors.entities, texts, vectors.settings)
    monkeypatch.setattr(encode, "TEXTS_AT_ONCE", 2)
    shares = []
    found = encode_texts(vectors.entities, texts, vectors.settings, shares.append)
    assert np.allclose(found, whole, atol=1e-6) and not found[[1, 5]].any()
    assert np.array_equal(found[0], found[3]) and np.array_equal(found[0], found[7])
    assert np.array_equal(found[2], found[8])
    assert np.allclose(np.linalg.norm(found[[0, 2, 4]], axis=1), 1, atol=1e-6)
    assert shares == [0.5, 1.0]
    assert encode_texts(vectors.entities, [], vectors.settings).shape == (0, 32)
    assert not encode_texts(vectors.entities, ["", ""], vectors.settings).any()


def test_an_entity_without_text_is_last_counted_and_named(words, learnt):
    parts, silent = parts_of(words), words.ids.index("Z:silent")
    fever, relation = words.ids.index("A:0"), words.relation_ids.index("starts_with")
    test = Triples.of(np.array([silent]), np.array([relation]), np.array([fever]))
    parts = Parts(parts.train, parts.valid, test, parts.entities, parts.relations)
    for ties in ("realistic", "optimistic", "pessimistic"):
        ranking = rank_text_part(learnt[0], parts, "test", ties=ties)
        assert ranking.values.tolist() == ranking.ranks.candidates.tolist()
    told = text_summary(learnt[0], ranking, parts)
    assert told["without_text"] == {"entities": 1, "first": ["Z:silent"]}


def test_seen_and_unseen_are_told_apart(words, learnt):
    parts = parts_of(words)
    both = Triples.of(*(np.r_[a[:5], b[:7]] for a, b in columns(parts.test, parts.train)))
    parts = Parts(parts.train, parts.valid, both, parts.entities, parts.relations)
    ranking = rank_text_part(learnt[0], parts, "test")
    told = text_summary(learnt[0], ranking, parts)
    assert (told["unseen"]["n"], told["seen"]["n"]) == (10, 14)
    assert (told["unseen"]["given"]["n"], told["unseen"]["answer"]["n"]) == (5, 5)
    tails = metrics(ranking.values[:5], ranking.ranks.candidates[:5])
    assert told["unseen"]["given"] == tails, "pairs are heads, so they are given where tails are asked for"
