"""Checks of the graph's shape: circles, islands, hubs, and entities of which little is known."""

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from loregraft.kg.check.finding import EXAMPLES, Finding, finding, of_entities
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.hierarchy import hierarchy_rows, in_circles
from loregraft.kg.tables.columns import Bools, Ints
from loregraft.records import SAME_MEANING

HUB_TIMES, HUB_LEAST = 10, 100
"""A hub is in more than `HUB_TIMES` as many triples as 99% of the entities, and in at least `HUB_LEAST`."""


def nameless(graph: KnowledgeGraph) -> Finding:
    """Find entities without a name."""
    found = ~_mentioned(graph, graph.name_entities)
    fix = "Add an entities file with the columns id and name."
    return of_entities("entities without a name", "warn", graph, found, fix)


def dangling(graph: KnowledgeGraph) -> Finding:
    """Find ids that stand in triples and of which nothing else is known."""
    known = _mentioned(graph, graph.name_entities)
    for table in (graph.descriptions, graph.attributes):
        known |= _mentioned(graph, np.asarray(table["entity"]))
    known |= np.asarray(pc.not_equal(graph.entities["type"], ""), dtype=np.bool_)
    fix = "Add the file that describes these ids, or correct their spelling in the triples."
    return of_entities("ids of which only triples speak", "warn", graph, ~known & (degrees(graph) > 0), fix)


def cycles(graph: KnowledgeGraph) -> Finding:
    """Find entities that are, over some steps, a kind of themselves."""
    rows = hierarchy_rows(graph)
    found = in_circles(graph.heads[rows], graph.tails[rows], len(graph))
    fix = "Remove one triple of each circle: a thing cannot be a kind of itself."
    return of_entities("entities in a circle of is_a", "fail", graph, found, fix)


def undescribed(graph: KnowledgeGraph) -> Finding:
    """Find entities without a description."""
    found = ~_mentioned(graph, np.asarray(graph.descriptions["entity"]))
    fix = "Fine if names say enough; else add descriptions, which objectives on text can use."
    return of_entities("entities without description", "note", graph, found, fix)


def without_alias(graph: KnowledgeGraph) -> Finding:
    """Find entities with a single name of the same meaning."""
    same = graph.name_entities[graph.kind_mask(SAME_MEANING)]
    found = np.bincount(same, minlength=len(graph)) == 1
    fix = "Fine for some; the other names of an entity are what teaches a model to recognise it."
    return of_entities("entities with one name only", "note", graph, found, fix)


def without_triple(graph: KnowledgeGraph) -> Finding:
    """Find entities that no triple speaks of."""
    fix = "Fine if names matter only; else add their triples."
    return of_entities("entities in no triple", "note", graph, degrees(graph) == 0, fix)


def hubs(graph: KnowledgeGraph) -> Finding:
    """Find entities that are in far more triples than the others."""
    counts = degrees(graph)
    linked = counts[counts > 0]
    bound = max(HUB_LEAST - 1, HUB_TIMES * float(np.quantile(linked, 0.99))) if len(linked) else HUB_LEAST
    found = np.flatnonzero(counts > bound)
    largest = found[np.argsort(-counts[found], kind="stable")][:EXAMPLES].tolist()
    examples = [f"{graph.ids[index]}: {counts[index]:,} triples" for index in largest]
    fix = "Fine if it is so; paths through a hub say little: sample its neighbours, or leave it out of walks."
    return finding("hubs: entities in far more triples than others", "note", len(found), examples, fix)


def islands(graph: KnowledgeGraph) -> Finding:
    """Find groups of entities that no path joins to the largest group; entities in no triple aside."""
    groups = components(graph)
    sizes = np.bincount(groups, minlength=1)
    apart = sizes > 1
    apart[int(np.argmax(sizes))] = False
    found = np.flatnonzero(apart)
    largest = found[np.argsort(-sizes[found], kind="stable")][:EXAMPLES]
    examples = [
        f"{graph.ids[int(np.argmax(groups == group))]} and {sizes[group] - 1:,} more"
        for group in largest.tolist()
    ]
    fix = "Add triples that join them, or correct ids that are spelled in two ways; fine if they are apart."
    return finding("islands: groups that no path joins to the largest", "note", len(found), examples, fix)


def degrees(graph: KnowledgeGraph) -> NDArray[np.int64]:
    """Give for each entity how many triples it is in; a triple to itself counts once."""
    size = len(graph)
    loops = graph.heads[graph.heads == graph.tails]
    ends = np.bincount(graph.heads, minlength=size) + np.bincount(graph.tails, minlength=size)
    return np.asarray(ends - np.bincount(loops, minlength=size), dtype=np.int64)


def components(graph: KnowledgeGraph) -> Ints:
    """Give for each entity the number of its group: those that some path of triples joins."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ones = np.ones(len(graph.heads), np.int32)  # equal triples are added up
    matrix = coo_array((ones, (graph.heads, graph.tails)), shape=(len(graph), len(graph)))
    return np.asarray(connected_components(matrix.tocsr(), directed=False)[1], dtype=np.int32)


def _mentioned(graph: KnowledgeGraph, indexes: Ints) -> Bools:
    mask = np.zeros(len(graph), np.bool_)
    mask[indexes] = True
    return mask
