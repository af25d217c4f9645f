"""Negatives come in the shares that they claim, and what is left out is what a loop leaves out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.kge import kernels
from loregraft.kge.questions import Answers, Questions, Triples
from loregraft.kge.settings import KgeSettings
from loregraft.kge.training.negatives import Draw, among

ENTITIES, RELATIONS = 8, 2
FACTS = np.array([[0, 0, 1], [0, 0, 2], [0, 0, 3], [4, 0, 1], [5, 1, 6], [7, 1, 6]])
TRIPLES = Triples.of(*FACTS.T)
QUESTIONS = Questions.of(TRIPLES, RELATIONS)
WAYS = ("uniform", "degree", "batch", "typed")
DEGREES = np.bincount(FACTS[:, [0, 2]].ravel(), minlength=ENTITIES)


def draw(way, count=40_000, drop_known=True):
    settings = KgeSettings(drawn=way, negatives=count, drop_known=drop_known)
    found = Draw(TRIPLES, ENTITIES, RELATIONS, settings)(QUESTIONS, np.random.default_rng(0))
    assert len(found.entities) == len(found.log_drawn) == count
    return found


@pytest.mark.parametrize("way", WAYS)
def test_shares(way):
    expected = {
        "uniform": np.full(ENTITIES, 1 / ENTITIES),
        "degree": (DEGREES + 1) / (DEGREES + 1).sum(),
        "batch": DEGREES / DEGREES.sum(),
        # tails of 0: 1 2 3; tails of 1: 6; heads of 0: 0 4; heads of 1: 5 7. As often as they are asked for.
        "typed": np.array([2 / 12, 4 / 36, 4 / 36, 4 / 36, 2 / 12, 1 / 12, 2 / 12, 1 / 12]),
    }[way]
    shares = np.bincount(draw(way).entities.numpy(), minlength=ENTITIES) / 40_000
    assert np.allclose(shares, expected, atol=0.01)


@pytest.mark.parametrize("way", WAYS)
def test_log_drawn_is_how_often_each_is_expected(way):
    found = draw(way)
    times = np.bincount(found.entities.numpy(), minlength=ENTITIES)
    for entity, told in zip(found.entities[:200].tolist(), found.log_drawn[:200].tolist(), strict=True):
        assert np.exp(told) == pytest.approx(times[entity], rel=0.05)


@pytest.mark.parametrize("fast", [True, False], ids=["numba", "torch"])
@pytest.mark.parametrize("drop_known", [True, False])
@pytest.mark.parametrize("way", WAYS)
def test_left_out_are_known_answers_and_those_of_another_type(way, drop_known, fast, monkeypatch):
    only(fast, monkeypatch)
    found = draw(way, 30, drop_known)
    facts = set(map(tuple, FACTS.tolist()))
    for row, (known, side) in enumerate(zip(QUESTIONS.given.tolist(), QUESTIONS.sides.tolist(), strict=True)):
        for column, entity in enumerate(found.entities.tolist()):
            triple = (known, side, entity) if side < RELATIONS else (entity, side - RELATIONS, known)
            typed = {f[2] if side < RELATIONS else f[0] for f in facts if f[1] == side % RELATIONS}
            expected = (drop_known and triple in facts) or (way == "typed" and entity not in typed)
            assert (found.left_out is not None and bool(found.left_out[row, column])) == expected


def test_nothing_to_leave_out_is_no_mask():
    assert draw("uniform", drop_known=False).left_out is None


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), known=st.integers(0, 40), asked=st.integers(0, 12), n=st.integers(1, 20))
def test_among_is_a_loop_with_numba_and_with_torch(seed, known, asked, n):
    generator = np.random.default_rng(seed)

    def facts(count):
        sizes = (ENTITIES, RELATIONS, ENTITIES)
        return Triples.of(*(generator.integers(0, size, count) for size in sizes))

    stated, chosen = facts(known), generator.integers(0, ENTITIES, n)
    answers = Answers.of(Questions.of(stated, RELATIONS), RELATIONS)
    questions = Questions.of(facts(asked), RELATIONS)
    pairs = Questions.of(stated, RELATIONS)
    true = set(zip(pairs.given.tolist(), pairs.sides.tolist(), pairs.answers.tolist(), strict=True))
    each = zip(questions.given.tolist(), questions.sides.tolist(), strict=True)
    expected = np.array([[(*one, e) in true for e in chosen.tolist()] for one in each], bool).reshape(-1, n)
    for fast in (True, False):
        with pytest.MonkeyPatch.context() as monkeypatch:
            if fast and kernels.loops is None:
                continue
            if not fast:
                monkeypatch.setattr(kernels, "loops", None)
            assert (among(questions, chosen, answers, ENTITIES) == expected).all()


def only(fast, monkeypatch):
    if not fast:
        monkeypatch.setattr(kernels, "loops", None)
    elif kernels.loops is None:
        pytest.skip("numba is not installed")
