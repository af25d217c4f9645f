"""A graph as quads says all that the graph says, and never what is false."""

from collections import Counter

import pytest

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.rdf.quads import quads
from loregraft.kg.rdf.vocabulary import RDFS, REIFIES
from loregraft.kg.tables.columns import Columns

pyoxigraph = pytest.importorskip("pyoxigraph")

FULL = {
    "entities": {"id": ["a:1", "two", "lone"], "type": ["disease", "", ""], "source": ["x", "x", ""]},
    "relations": {
        "id": ["causes"],
        "name": ["leads to"],
        "inverse": ["caused by"],
        "symmetric": [True],
        "domain": ["disease"],
        "range": ["t:sign"],
    },
    "names": {
        "entity": ["a:1", "a:1"],
        "name": ["Eins", 'a "b"'],
        "kind": ["preferred", "lay"],
        "language": ["de", "en_US"],
    },
    "attributes": {
        "entity": ["a:1", "a:1"],
        "property": ["age", "note"],
        "value": ["4.5", "alt"],
        "datatype": ["decimal", ""],
        "unit": ["years", ""],
        "language": ["", "de"],
    },
    "media": {"entity": ["a:1", "a:1"], "reference": ["http://x/y.png", "z.mp4"], "kind": ["image", "video"]},
    "triples": {
        "head": ["a:1"] * 4,
        "relation": ["causes"] * 4,
        "tail": ["two", "b:2", "b:2", "c:3"],
        "negated": [False, False, False, True],
        "references": ["", "PMID:1|PMID:2", "", ""],
        "qualifiers": ["", '{"how often": 0.5, "sure": true}', "", ""],
        "confidence": [1.0, 0.9, 1.0, 1.0],
        "valid_from": ["", "2001-01-01", "", ""],
        "split": ["", "train", "", ""],
        "source": ["x", "x", "", "x"],
    },
}


def graph_of(rows):
    return KnowledgeGraph.gather([Columns(table, columns) for table, columns in rows.items()])


def lines(graph, sources):
    data = pyoxigraph.serialize(quads(graph, sources), format=pyoxigraph.RdfFormat.N_QUADS).decode()
    for prefix, address in {
        "rdfs:": "http://www.w3.org/2000/01/rdf-schema#",
        "rdf:": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        "owl:": "http://www.w3.org/2002/07/owl#",
        "xsd:": "http://www.w3.org/2001/XMLSchema#",
        "skos:": "http://www.w3.org/2004/02/skos/core#",
        "foaf:": "http://xmlns.com/foaf/0.1/",
        "id:": "urn:loregraft:id:",
        "lg:": "urn:loregraft:",
    }.items():
        data = data.replace(address, prefix)
    return data.replace("<", "").replace(">", "").replace(" .\n", "\n").splitlines()


def test_every_table_becomes_quads():
    assert lines(graph_of(FULL), "graphs") == [
        "id:causes rdf:type rdf:Property",
        "id:causes rdf:type owl:SymmetricProperty",
        "id:causes owl:inverseOf id:caused%20by",
        "id:causes rdfs:domain id:disease",
        "id:causes rdfs:range t:sign",
        'id:causes rdfs:label "leads to"@en',
        "id:two rdf:type lg:Entity id:x",
        "id:lone rdf:type lg:Entity",
        "a:1 rdf:type id:disease id:x",
        'a:1 rdfs:label "Eins"@de',
        'a:1 lg:lay "a \\"b\\""',
        'a:1 id:age "4.5"^^xsd:decimal',
        '_:attribute0 rdf:reifies ( a:1 id:age "4.5"^^xsd:decimal )',
        '_:attribute0 lg:unit "years"',
        'a:1 id:note "alt"@de',
        "a:1 foaf:depiction http://x/y.png",
        'a:1 lg:video "z.mp4"',
        "a:1 id:causes id:two id:x",
        "a:1 id:causes b:2 id:x",
        "_:triples1 rdf:reifies ( a:1 id:causes b:2 ) id:x",
        '_:triples1 lg:validFrom "2001-01-01" id:x',
        '_:triples1 lg:split "train" id:x',
        '_:triples1 lg:reference "PMID:1" id:x',
        '_:triples1 lg:reference "PMID:2" id:x',
        '_:triples1 lg:confidence "0.9"^^xsd:float id:x',
        '_:triples1 lg:qualifier:how%20often "0.5"^^xsd:double id:x',
        '_:triples1 lg:qualifier:sure "true"^^xsd:boolean id:x',
        "a:1 id:causes b:2",
        "_:triples2 rdf:reifies ( a:1 id:causes b:2 )",
        "_:negated0 rdf:reifies ( a:1 id:causes c:3 ) id:x",
        '_:negated0 lg:negated "true"^^xsd:boolean id:x',
    ]


def test_without_named_graphs_a_source_is_said_of_triples():
    said = [line for line in lines(graph_of(FULL), "reified") if "two" in line or "triples0" in line]
    assert said == [
        "id:two rdf:type lg:Entity",
        "a:1 id:causes id:two",
        "_:triples0 rdf:reifies ( a:1 id:causes id:two )",
        '_:triples0 lg:source "x"',
    ]


def test_with_both_a_triple_stands_in_its_graph_too():
    found = lines(graph_of(FULL), "both")
    assert found.count("a:1 id:causes id:two id:x") == found.count("a:1 id:causes id:two") == 1
    assert '_:triples1 lg:source "x"' in found
    assert not any(line.startswith("_:triples0") for line in found)


def test_what_rdf_cannot_hold_is_counted():
    rows = {
        **FULL,
        "attributes": {
            "entity": ["a:1"] * 2,
            "property": ["p", "q"],
            "value": ["1", "2"],
            "datatype": ["decimal", "a b"],
            "language": ["de", ""],
        },
    }
    lost = Counter()
    assert list(quads(graph_of(rows), "reified", lost))
    assert lost == {
        "languages that are no BCP 47 tag": 1,
        "datatypes that are no address": 1,
        "datatypes of texts that have a language": 1,
        "sources of names, types and attributes": 2,
    }


@pytest.mark.parametrize("sources", ["graphs", "reified", "both"])
def test_what_is_false_is_never_asserted(sources, tiny_graph):
    found = list(quads(tiny_graph, sources))
    false = ("D:2", "urn:loregraft:id:has_phenotype", "P:5")
    assert [
        q for q in found if (q.subject.value, q.predicate.value) == false[:2] and q.object.value == false[2]
    ] == []
    reified = [q.object for q in found if q.predicate.value == REIFIES]
    assert [t for t in reified if (t.subject.value, t.predicate.value, t.object.value) == false]
    assert sum(q.predicate.value == RDFS + "label" for q in found) == 12
