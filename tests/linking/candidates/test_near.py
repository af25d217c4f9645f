"""An index of many names' vectors: it proposes, and what it proposes is compared exactly."""

import subprocess
import sys

import numpy as np
import pytest

from loregraft.linking.candidates.dense import Dense
from loregraft.linking.candidates.near import EXACT_UP_TO, FILE, make_index

pytest.importorskip("usearch")


def unit(count: int, seed: int, dim: int = 32) -> np.ndarray:
    """Vectors in clusters, as names of a domain are."""
    generator = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(50, dim))
    drawn = centres[generator.integers(50, size=count)] + 0.4 * generator.normal(size=(count, dim))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def both(tiny_encoder):
    vectors = unit(5_000, 1).astype(np.float16)
    return Dense(tiny_encoder, vectors), Dense(tiny_encoder, vectors, make_index(vectors, 0))


def test_nearly_what_all_comparisons_give_and_exact_cosines(both):
    exact, proposed = both
    queries = unit(300, 2)
    rows, cosines = exact.nearest(queries, 20)
    found, said = proposed.nearest(queries, 20)
    recall = np.mean([len(set(a) & set(b)) / 20 for a, b in zip(rows.tolist(), found.tolist(), strict=True)])
    assert recall > 0.97
    own = np.einsum("qd,qfd->qf", queries, exact.vectors[found].astype(np.float32))
    assert np.allclose(own, said, atol=1e-5) and (np.diff(said, axis=1) <= 1e-6).all()
    assert np.allclose(cosines[:, 0], said[:, 0], atol=1e-3)


def test_names_that_came_later_are_found_too(both):
    exact, proposed = both
    later = unit(3, 9).astype(np.float16)
    grown = Dense(exact.encoder, np.concatenate([exact.vectors, later]), proposed.index)
    rows, _ = grown.nearest(later.astype(np.float32), 1)
    assert rows[:, 0].tolist() == [5_000, 5_001, 5_002]


def test_it_lies_in_the_folder_and_is_the_same(both, tmp_path):
    _, proposed = both
    proposed.save(tmp_path)
    opened = Dense.load(tmp_path, proposed.encoder)
    assert (tmp_path / FILE).is_file() and opened.index is not None
    queries = unit(20, 3)
    for one, other in zip(opened.nearest(queries, 10), proposed.nearest(queries, 10), strict=True):
        assert np.array_equal(one, other)


def test_more_are_wanted_than_there_are(both):
    _, proposed = both
    rows, _ = proposed.nearest(unit(2, 4), 10_000)
    assert sorted(rows[0].tolist()) == list(range(5_000))
    assert proposed.nearest(unit(0, 4), 5)[0].shape == (0, 5)


def test_few_names_need_no_index():
    assert make_index(unit(100, 1).astype(np.float16)) is None and EXACT_UP_TO == 50_000


def test_usearch_is_loaded_only_where_there_is_an_index(tiny_encoder_folder):
    """In one process with faiss it crashes, so that importing the linker must not load it."""
    code = (
        "import sys; import loregraft.linking.linker, loregraft.kge.nearest; "
        "print([name for name in ('usearch', 'faiss') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
