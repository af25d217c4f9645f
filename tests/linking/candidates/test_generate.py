"""From strings to candidates, with how alike they are."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.linking.candidates.generate import Generator, LeftOut
from loregraft.linking.candidates.likeness import FEATURES
from loregraft.linking.candidates.ngrams import Ngrams
from loregraft.linking.lexicon import Lexicon, Names
from loregraft.linking.normalize import Rules

ROWS = [
    *[(0, "Renal cyst"), (0, "Kidney cyst"), (1, "Renal failure"), (1, "Kidney failure")],
    *[(2, "Renal stone"), (2, "Kidney stone"), (3, "Type 1 diabetes"), (4, "Type 2 diabetes")],
    *[(5, "Kidney tumor"), (6, "Hepatitis"), (7, "Cold"), (8, "Cold")],
]


def names_of(rows):
    texts = pa.array([name for _, name in rows], pa.large_string())
    kinds = np.array([0 if row == 0 or rows[row - 1][0] != rows[row][0] else 1 for row in range(len(rows))])
    languages = pa.array(["en"] * len(rows), pa.large_string())
    return Names(texts, np.array([entity for entity, _ in rows], np.int32), kinds.astype(np.uint8), languages)


@pytest.fixture(scope="module")
def generator():
    return Generator.of(Lexicon.of(names_of(ROWS), Rules()))


def best(generator, *keys):
    found = generator.find(list(keys))
    return [int(found.entities[found.strings == place][0]) for place in range(len(keys))]


def column(found, name):
    return found.likeness[:, FEATURES.index(name)]


def test_names_themselves_come_first_and_several_entities_may_have_one(generator):
    assert best(generator, "renal cyst", "kidney stone", "type 2 diabetes") == [0, 2, 4]
    found = generator.find(["cold"])
    assert sorted(found.entities[:2].tolist()) == [7, 8]
    assert column(found, "exact")[:2].tolist() == [1, 1]


def test_misspelt_reordered_and_rewritten_names_are_found(generator):
    assert best(generator, "hepatitus", "cysts of the kidney", "renal tumor") == [6, 0, 5]
    found = generator.find(["renal tumor"])
    assert column(found, "words_like")[0] > column(found, "words_covered")[0] > 0


def test_numbers_tell_names_apart(generator):
    found = generator.find(["type 2 diabetes"])
    wrong = found.entities == 3
    assert column(found, "marks_missing")[wrong].tolist() == [1]
    assert column(found, "marks_missing")[0] == 0


def test_all_features_of_a_name_itself_are_those_of_the_same(generator):
    found = generator.find(["renal failure"])
    same = (
        "exact",
        "same_words",
        "letters",
        "words_covered",
        "name_covered",
        "words_like",
        "name_like",
        "ratio",
    )
    np.testing.assert_allclose([column(found, name)[0] for name in same], 1, atol=1e-5)


def test_what_is_left_out_is_not_found(generator):
    lexicon = generator.lexicon
    meaning = lexicon.pointers[lexicon.find(["renal cyst"])]
    gone = np.zeros(9, bool)
    one_name = generator.find(["renal cyst"], left_out=LeftOut(meaning, gone))
    assert one_name.entities[0] == 0 and column(one_name, "exact")[0] == 0  # by its other name
    gone[0] = True
    entity = generator.find(["renal cyst", "kidney cyst"], left_out=LeftOut(np.array([-1, -1]), gone))
    assert 0 not in entity.entities.tolist()


def test_only_the_forms_that_are_named_are_compared(generator):
    form = int(generator.lexicon.find(["hepatitis"])[0])
    found = generator.find(["renal cyst"], only=(np.array([0]), np.array([form])))
    assert found.entities.tolist() == [6]


def test_saved_and_loaded_it_finds_the_same(generator, tmp_path):
    generator.save(tmp_path)
    loaded = Generator.load(tmp_path, generator.lexicon)
    keys = ["renal tumor", "hepatitus", "cold", "nothing like it"]
    for one, other in zip(vars(generator.find(keys)).values(), vars(loaded.find(keys)).values(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_no_strings_and_strings_of_no_word(generator):
    assert len(generator.find([]).entities) == 0
    assert generator.find(["", "%"]).entities.tolist() == []


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(alphabet="abc de1疫", max_size=12), min_size=1, max_size=5, unique=True))
def test_likeness_is_between_0_and_1_and_a_string_has_at_most_so_many_candidates(generator, keys):
    found = generator.find(keys, most=3)
    assert np.isfinite(found.likeness).all() and found.likeness.min(initial=0) >= 0
    assert found.likeness.max(initial=0) <= 1 + 1e-5
    assert np.bincount(found.strings, minlength=len(keys)).max(initial=0) <= 3


def test_cosines_are_those_of_the_vectors_and_the_nearest_come_first():
    forms = ["renal cyst", "renal failure", "hepatitis", "hepatic cyst"]
    ngrams = Ngrams.of(forms)
    vectors = ngrams.vectors(["hepatitis c", "cyst"])
    near = ngrams.nearest(vectors, 2)
    dense = np.asarray((vectors @ ngrams.vectors(forms).T).todense())
    np.testing.assert_allclose(near.cosines, dense[near.strings, near.forms], atol=1e-6)
    assert near.forms[near.strings == 0][0] == 2
    assert (near.strings == 1).sum() == 2
