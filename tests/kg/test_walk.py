"""Neighbours, samples, paths and surroundings are what a plain loop over the triples gives."""

import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.kg import walk
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.store import open_graph, save_graph
from loregraft.kg.tables.columns import Columns
from loregraft.kg.walk import neighbours, paths, sample_neighbours, subgraph

SIZE = 6
TRIPLES = st.lists(
    st.tuples(st.integers(0, SIZE - 1), st.integers(0, 1), st.integers(0, SIZE - 1), st.integers(0, 1)),
    max_size=14,
)


def graph_of(triples, size=SIZE):
    """Make a graph whose entity n has the index n; the last number of a triple is its source."""
    columns = [Columns("entities", {"id": [str(n) for n in range(size)]})]
    if triples:
        head, relation, tail, source = (
            [str(cell) for cell in column] for column in zip(*triples, strict=True)
        )
        columns.append(
            Columns("triples", {"head": head, "relation": relation, "tail": tail, "source": source})
        )
    return KnowledgeGraph.gather(columns)


def ends(graph, row):
    return int(graph.heads[row]), int(graph.tails[row])


def rows_around(graph, entity):
    return [row for row in range(len(graph.tails)) if entity in ends(graph, row)]


def facts(graph, path):
    return tuple(
        (int(graph.heads[row]), int(graph.relation_indexes[row]), int(graph.tails[row])) for row in path
    )


def brute_paths(graph, start, end, max_length):
    found, waiting = set(), [((start,), ())]
    while waiting:
        visited, path = waiting.pop()
        if visited[-1] == end or len(path) == max_length:
            found |= {path} if visited[-1] == end and path else set()
            continue
        for row in rows_around(graph, visited[-1]):
            head, tail = ends(graph, row)
            other = tail if head == visited[-1] else head
            if other not in visited:
                waiting.append(((*visited, other), (*path, row)))
    return {facts(graph, path) for path in found}


@settings(max_examples=50, deadline=None)
@given(TRIPLES, st.integers(0, SIZE - 1))
def test_neighbours(triples, entity):
    graph = graph_of(triples)
    expected = {end for row in rows_around(graph, entity) for end in ends(graph, row)} - {entity}
    assert neighbours(graph, entity).tolist() == sorted(expected)


@settings(max_examples=50, deadline=None)
@given(TRIPLES, st.integers(0, 100))
def test_samples_are_triples_of_the_entity(triples, seed):
    graph = graph_of(triples)
    found, rows = sample_neighbours(graph, np.arange(SIZE, dtype=np.int32), 5, np.random.default_rng(seed))
    assert found.shape == rows.shape == (SIZE, 5)
    for entity in range(SIZE):
        around = rows_around(graph, entity)
        for other, row in zip(found[entity].tolist(), rows[entity].tolist(), strict=True):
            if not around:
                assert (other, row) == (-1, -1)
            else:
                assert row in around
                assert sorted(ends(graph, row)) == sorted((entity, other))


def test_every_triple_is_drawn_equally_often():
    graph = graph_of([(0, 0, 1, 0), (0, 0, 2, 0), (3, 0, 0, 0), (0, 1, 2, 0), (4, 0, 5, 0)])
    found, rows = sample_neighbours(graph, np.zeros(1, np.int32), 40_000, np.random.default_rng(0))
    counts = np.bincount(rows[0], minlength=5)
    assert counts.sum() == 40_000 and counts[4] == 0
    assert np.allclose(counts[:4], 10_000, atol=400)  # four standard deviations are 350
    assert np.allclose(np.bincount(found[0], minlength=4)[1:], [10_000, 20_000, 10_000], atol=400)
    again, _ = sample_neighbours(graph, np.zeros(1, np.int32), 40_000, np.random.default_rng(0))
    assert (again == found).all()


@settings(max_examples=50, deadline=None)
@given(TRIPLES, st.integers(0, SIZE - 1), st.integers(0, SIZE - 1), st.integers(0, 5))
def test_paths_are_those_of_brute_force(triples, start, end, max_length):
    graph = graph_of(triples)
    found = paths(graph, start, end, max_length, limit=10_000)
    assert [len(path) for path in found] == sorted(len(path) for path in found)
    assert len({facts(graph, path) for path in found}) == len(found)
    assert {facts(graph, path) for path in found} == brute_paths(graph, start, end, max_length)
    assert paths(graph, start, end, max_length, limit=2) == found[:2]


def test_a_path_goes_against_the_direction_too(tiny_graph):
    flu, measles = tiny_graph.index("D:2"), tiny_graph.index("D:1")
    found = [[tiny_graph.triple(row) for row in path] for path in paths(tiny_graph, measles, flu, 2)]
    words = [[(triple.head, triple.tail) for triple in path] for path in found]
    assert sorted(words) == [[("D:1", "D:4"), ("D:2", "D:4")], [("D:1", "P:1"), ("D:2", "P:1")]]
    assert paths(tiny_graph, measles, tiny_graph.index("D:3"), 5) == []
    assert paths(tiny_graph, flu, flu, 4) == []
    assert paths(tiny_graph, measles, flu, 2, limit=0) == []


@settings(max_examples=50, deadline=None)
@given(TRIPLES, st.sets(st.integers(0, SIZE - 1), max_size=2), st.integers(0, 4), st.integers(0, 8))
def test_subgraphs_are_those_of_brute_force(triples, entities, hops, limit):
    graph = graph_of(triples)
    known, expected = set(entities), []
    for _ in range(hops):
        new = sorted({row for entity in known for row in rows_around(graph, entity)} - set(expected))
        expected += new[: limit - len(expected)]
        known |= {end for row in expected for end in ends(graph, row)}
        if len(expected) >= limit:
            break
    assert subgraph(graph, entities, hops, limit).tolist() == expected


def test_a_graph_without_triples():
    graph = graph_of([], size=3)
    assert neighbours(graph, 0).tolist() == []
    assert paths(graph, 0, 1) == [] and subgraph(graph, [0, 1, 2], 3).tolist() == []
    found, rows = sample_neighbours(graph, np.array([0, 2], np.int32), 2, np.random.default_rng(0))
    assert found.tolist() == rows.tolist() == [[-1, -1], [-1, -1]]


@pytest.mark.parametrize("count", [0, 3])
def test_no_entity_has_no_sample(count, tiny_graph):
    found, rows = sample_neighbours(tiny_graph, np.zeros(0, np.int32), count, np.random.default_rng(0))
    assert found.shape == rows.shape == (0, count)


def test_a_graph_from_disk_gives_the_same(tiny_graph, tmp_path):
    save_graph(tiny_graph, tmp_path / "graph", "key")
    opened = open_graph(tmp_path / "graph")
    entities = np.arange(12, dtype=np.int32)
    for graph in (tiny_graph, opened):
        assert isinstance(graph.tails, np.memmap) == (graph is opened)
    ours, theirs = (sample_neighbours(g, entities, 4, np.random.default_rng(1)) for g in (tiny_graph, opened))
    assert all((mine == other).all() for mine, other in zip(ours, theirs, strict=True))
    for start, end in pairwise(range(12)):
        assert paths(opened, start, end) == paths(tiny_graph, start, end)
    assert subgraph(opened, [3], 2).tolist() == subgraph(tiny_graph, [3], 2).tolist()


def complete(first, size):
    return [(a, 0, b, 0) for a in range(first, first + size) for b in range(a + 1, first + size)]


def test_a_crowd_that_leads_nowhere_is_not_walked():
    """The start hangs in it; the end is only behind the start."""
    graph = graph_of([(0, 0, 1, 0), *((0, 0, n, 0) for n in range(2, 60)), *complete(2, 58)], 60)
    begun = time.monotonic()
    assert len(paths(graph, 0, 1, 10)) == 1
    assert len(paths(graph_of([(0, 0, 1, 0), *complete(2, 58)], 60), 2, 0, 10)) == 0
    assert time.monotonic() - begun < 5


def test_a_search_that_would_not_end_gives_up_and_says_so(caplog, monkeypatch):
    monkeypatch.setattr(walk, "MOST_TRIED", 1_000)
    graph = graph_of(
        [(0, 0, 1, 0), (1, 0, 2, 0), *((1, 0, n, 0) for n in range(3, 40)), *complete(3, 37)], 40
    )
    begun = time.monotonic()
    assert len(paths(graph, 0, 2, 9)) == 1
    assert time.monotonic() - begun < 5
    assert "gave up after 1,000 entities" in caplog.text
