"""Each finding is triggered by the smallest graph that has its fault, and by no sound one."""

import pytest

from loregraft.kg.check.checks import check_graph
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.tables.columns import Columns


def names(*rows):
    entity, name = (list(column) for column in zip(*rows, strict=True))
    return Columns("names", {"entity": entity, "name": name, "kind": ["preferred"] * len(rows)})


def triples(*rows, negated=()):
    head, relation, tail = (list(column) for column in zip(*rows, strict=True))
    flags = [number in negated for number in range(len(rows))]
    return Columns("triples", {"head": head, "relation": relation, "tail": tail, "negated": flags})


def isa(*pairs):
    return triples(*((head, "is_a", tail) for head, tail in pairs))


def sourced(*sources):
    row = {"head": ["a"], "relation": ["r"], "tail": ["b"]}
    return [Columns("triples", {**row, "source": [source]}) for source in sources]


def inverse(of, is_inverse):
    return Columns("relations", {"id": [of], "inverse": [is_inverse]})


def left_out(reason, *ids):
    rows = {"entity": [""] * len(ids), "property": [reason] * len(ids), "value": ids}
    return [names(("a", "x")), Columns("attributes", rows)]


SYMMETRIC = Columns("relations", {"id": ["r"], "symmetric": [True]})
MIRRORED = [
    *((f"a{n}", "has_part", f"b{n}") for n in range(5)),
    *((f"b{n}", "in", f"a{n}") for n in range(4)),
]
STAR = [(str(number), "r", "hub") for number in range(100)]


# fmt: off
FAULTS = [
    ("empty names", "fail", [names(("a", "\u200b\u3000"))], 1, r"a: '\u200b\u3000'"),
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
    ("names shared by several entities", "note", [names(("a", "Flu"), ("b", "flu"))], 1, "'flu': a, b"),
    ("names with invisible characters", "warn", [names(("a", "x\u200by"))], 1, r"a: 'x\u200by'"),
    ("names with invisible characters", "warn", [names(("a", "x\u202ey"))], 1, r"a: 'x\u202ey'"),
    ("names with invisible characters", "warn", [names(("a", "x\ty"))], 1, r"a: 'x\ty'"),
    ("entities with one name only", "note", [names(("a", "x"), ("b", "y"), ("b", "z"))], 1, "a"),
    ("entities without description", "note", [names(("a", "x"))], 1, "a"),
    ("facts without their inverse", "warn", [inverse("r", "s"), isa("ab"), triples(("a", "r", "b"))], 1,
     "a r b, but not b s a"),
    ("facts without their inverse", "warn",
     [inverse("r", "s"), triples(("a", "r", "b"), ("b", "s", "a"), ("c", "s", "d"))], 1,
     "c s d, but not d r c"),
    ("facts without their inverse", "warn",
     [SYMMETRIC, triples(("a", "r", "b"), ("b", "r", "a"), ("a", "r", "a"), ("b", "r", "c"))], 1,
     "b r c, but not c r b"),
    ("facts without their inverse", "warn", [triples(*MIRRORED)], 1, "a4 has_part b4, but not b4 in a4"),
    ("names and descriptions with damaged characters", "warn", [names(("a", "caf\u00c3\u00a9"))], 1,
     "a: 'caf\u00c3\u00a9' has '\u00c3\u00a9' for '\u00e9'"),
    ("names that mix scripts in a word", "warn", [names(("a", "\u0430spirin"))], 1, r"a: '\u0430spirin'"),
    ("names that differ only in case, width or look-alike letters", "note",
     [names(("a", "Flu"), ("a", "flu"), ("b", "cold"))], 1, "'Flu' / 'flu'"),
    ("names that differ only in case, width or look-alike letters", "note",
     [names(("a", "IL6"), ("b", "\uff29\uff2c\uff16"))], 1, "'IL6' / '\uff29\uff2c\uff16'"),
    ("names that differ only in case, width or look-alike letters", "warn",
     [names(("a", "aspirin"), ("b", "\u0430spirin"))], 1, r"'aspirin' / '\u0430spirin'"),
    ("names that differ only in case, width or look-alike letters", "note",
     [names(("a", "\u039f\u0399"), ("b", "\u03bf\u03b9"))], 1,
     r"'\u039f\u0399' / '\u03bf\u03b9'"),
    ("ids and names in quotes", "note", [names(("a", '"x"'), ('"b"', "y"), ("c", 'say "z"'))], 2, "'\"b\"'"),
    ("names that differ only in simplified and traditional Chinese", "note",
     [names(("a", "高血压"), ("b", "高血壓"))], 1, "'高血压' (a) / '高血壓' (b)"),
    ("rows left out at import", "note", left_out("obsolete", "x", "y"), 2, "obsolete: 2"),
    ("duplicate rows, merged", "note", sourced("one", "one"), 1, "triples: 1"),
    ("facts stated more than once", "note", sourced("one", "two", "three"), 1, "a r b"),
    ("islands: groups that no path joins to the largest", "note", [isa("ab", "bc", "xy", "zx", "st")], 2,
     "x and 2 more"),
    ("hubs: entities in far more triples than others", "note", [triples(*STAR)], 1, "hub: 100 triples"),
    ("entities in no triple", "note", [names(("a", "x")), isa("bc")], 1, "a"),
]
# fmt: on


@pytest.mark.parametrize(("name", "level", "batches", "count", "example"), FAULTS)
def test_fault_is_found(name, level, batches, count, example):
    found = {finding.name: finding for finding in check_graph(KnowledgeGraph.gather(batches))}[name]
    assert (found.level, found.count) == (level, count)
    assert found.examples[0] == example
    assert found.fix


def test_a_sound_graph_passes(tiny_graph):
    findings = {finding.name: finding for finding in check_graph(tiny_graph)}
    warned = {name: finding.count for name, finding in findings.items() if finding.level != "pass"}
    assert warned == {
        "entities with one name only": 2, "entities without description": 4,
        "islands: groups that no path joins to the largest": 1,
    }  # fmt: skip
    assert {finding.level for finding in findings.values()} == {"pass", "note"}
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


def finding(name, *batches):
    return next(one for one in check_graph(KnowledgeGraph.gather(batches)) if name in one.name)


def test_a_hub_needs_a_hundred_triples_and_a_pair_looks_like_inverses_with_four():
    assert finding("hubs", triples(*STAR[:99])).level == "pass"
    assert finding("inverse", triples(*MIRRORED[1:])).level == "pass"  # all four are mirrored
    assert finding("inverse", triples(*MIRRORED[:8])).level == "pass"  # three of five are too few


def test_an_inverse_that_is_whole_passes_whatever_the_direction_of_its_declaration():
    whole = triples(("a", "r", "b"), ("b", "s", "a"))
    assert finding("inverse", inverse("r", "s"), whole).level == "pass"
    assert finding("inverse", inverse("s", "r"), whole).level == "pass"


@pytest.mark.parametrize("id", ["is_a", "rdfs:subClassOf", "http://w/skos/core#broader", "P279", "_hypernym"])
def test_a_hierarchy_is_known_by_the_last_part_of_the_id(id):
    circle = triples(("a", id, "b"), ("b", id, "a"))
    assert finding("circle", circle).count == 2
    assert finding("circle", triples(("a", f"{id}_not", "b"), ("b", f"{id}_not", "a"))).level == "pass"


def test_equal_triples_of_many_sources_still_join_two_entities():
    """256 of them would be none in eight bits."""
    assert finding("islands", *sourced(*map(str, range(256)))).level == "pass"


def test_damage_in_descriptions_is_found_too():
    text = Columns("descriptions", {"entity": ["a"], "text": ["more \ufffd less"]})
    assert finding("damaged", text).examples == ("a: 'more \ufffd less' has a character that was lost",)


def test_a_graph_of_one_entity_can_be_checked():
    findings = check_graph(KnowledgeGraph.gather([Columns("entities", {"id": ["a"]})]))
    assert {one.name for one in findings if one.level != "pass"} == {
        "entities without a name", "entities without description", "entities in no triple",
    }  # fmt: skip
