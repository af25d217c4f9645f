"""The NameIndex contract, over all indexes: a score for each string and name, the same name scores best."""

import numpy as np
import pytest

from loregraft.evaluate.name_index import DenseIndex, ExactIndex, NameIndex, NgramIndex

NAMES = ["Fever", "High temperature", "Rash", "发热", "Viral infection", "Throbbing headache on one side"]
INDEXES = {
    "exact": lambda encoder: ExactIndex(NAMES),
    "ngram": lambda encoder: NgramIndex(NAMES),
    "dense": lambda encoder: DenseIndex(encoder, NAMES),
}


@pytest.fixture(params=INDEXES)
def index(request, tiny_encoder):
    return INDEXES[request.param](tiny_encoder)


def test_it_is_a_name_index(index):
    assert isinstance(index, NameIndex)


@pytest.mark.parametrize("strings", [[], ["fever"], ["rash", "nothing", "", "rash"]])
def test_a_score_for_each_string_and_name(index, strings):
    scores = index.scores(strings)
    assert scores.shape == (len(strings), len(NAMES)) and scores.dtype == np.float32
    assert np.isfinite(scores).all()
    assert (np.abs(scores) <= 1 + 1e-5).all()


def test_the_same_name_scores_best(index):
    scores = index.scores(NAMES)
    assert scores.argmax(axis=1).tolist() == list(range(len(NAMES)))
    assert np.diag(scores) == pytest.approx(np.ones(len(NAMES)), abs=1e-5)


def test_case_does_not_matter(index):
    upper = index.scores([name.upper() for name in NAMES])
    assert upper == pytest.approx(index.scores(NAMES), abs=1e-5)


def test_strings_do_not_see_each_other(index):
    strings = ["fever", "skin rash", "", "head"]
    alone = np.concatenate([index.scores([string]) for string in strings])
    assert index.scores(strings) == pytest.approx(alone, abs=1e-5)
