"""Each finding is triggered by the smallest graph that has its fault, and by no sound one."""

import pytest

from loregraft.kg.check import check_graph
from loregraft.kg.columns import Columns
from loregraft.kg.graph import KnowledgeGraph


def names(*rows):
    entity, name = (list(column) for column in zip(*rows, strict=True))
    return Columns("names", {"entity": entity, "name": name, "kind": ["preferred"] * len(rows)})


def triples(*rows, negated=()):
    head, relation, tail = (list(column) for column in zip(*rows, strict=True))
    flags = [number in negated for number in range(len(rows))]
    return Columns("triples", {"head": head, "relation": relation, "tail": tail, "negated": flags})


def isa(*pairs):
    return triples(*((head, "is_a", tail) for head, tail in pairs))


FAULTS = [
    ("empty names", "fail", [names(("a", " "))], 1, "a: ' '"),
    ("entities in a circle of is_a", "fail", [isa("ab", "bc", "ca", "dc", "ae")], 3, "a"),
    ("entities in a circle of is_a", "fail", [isa("ab", "ba", "bc", "cd", "dc")], 4, "a"),
    ("entities without a name", "warn", [names(("a", "x")), triples(("a", "r", "b"))], 1, "b"),
    ("ids of which only triples speak", "warn", [names(("a", "x")), triples(("a", "r", "b"))], 1, "b"),
    ("triples from an entity to itself", "warn", [isa("aa", "ab")], 1, "a is_a a"),
    (
        "facts both asserted and negated",
        "warn",
        [triples(("a", "r", "b"), ("a", "r", "b"), ("a", "s", "b"), negated=[1])],
        1,
        "a r b",
    ),
    ("names shared by several entities", "warn", [names(("a", "Flu"), ("b", "flu"))], 1, "'flu': a, b"),
    ("names with invisible characters", "warn", [names(("a", "x\u200by"))], 1, r"a: 'x\u200by'"),
    ("names with invisible characters", "warn", [names(("a", "x\u202ey"))], 1, r"a: 'x\u202ey'"),
    ("names with invisible characters", "warn", [names(("a", "x\ty"))], 1, r"a: 'x\ty'"),
    ("entities with one name only", "warn", [names(("a", "x"), ("b", "y"), ("b", "z"))], 1, "a"),
    ("entities without description", "warn", [names(("a", "x"))], 1, "a"),
    ("entities in no triple", "warn", [names(("a", "x")), isa("bc")], 1, "a"),
]


@pytest.mark.parametrize(("name", "level", "batches", "count", "example"), FAULTS)
def test_fault_is_found(name, level, batches, count, example):
    found = {finding.name: finding for finding in check_graph(KnowledgeGraph.gather(batches))}[name]
    assert (found.level, found.count) == (level, count)
    assert found.examples[0] == example
    assert found.fix


def test_a_sound_graph_passes(tiny_graph):
    findings = {finding.name: finding for finding in check_graph(tiny_graph)}
    warned = {name: finding.count for name, finding in findings.items() if finding.level != "pass"}
    assert warned == {"entities with one name only": 2, "entities without description": 4}
    assert all(not finding.fix and not finding.examples for finding in findings.values() if not finding.count)


def test_every_check_has_a_fault_here(tiny_graph):
    assert {finding.name for finding in check_graph(tiny_graph)} == {fault[0] for fault in FAULTS}


def test_examples_are_at_most_three():
    graph = KnowledgeGraph.gather([names(*((str(number), "flu") for number in range(9)))])
    assert all(len(finding.examples) <= 3 for finding in check_graph(graph))
    shared = next(finding for finding in check_graph(graph) if "shared" in finding.name)
    assert shared.examples == ("'flu': 0, 1, 2, ...",)


def test_a_long_chain_is_no_circle_and_takes_no_recursion():
    graph = KnowledgeGraph.gather([isa(*((str(number), str(number + 1)) for number in range(20_000)))])
    circle = next(finding for finding in check_graph(graph) if "circle" in finding.name)
    assert circle.level == "pass"
