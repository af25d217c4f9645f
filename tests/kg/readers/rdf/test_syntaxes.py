"""RDF in its six syntaxes: what its words mean, what is said of facts, and files that mean harm."""

import gzip
import json
import socket
from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.errors import BadInput
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.readers import READERS, recognise
from loregraft.kg.readers.rdf.syntaxes import (
    read_jsonld,
    read_nquads,
    read_ntriples,
    read_rdfxml,
    read_trig,
    read_turtle,
)
from loregraft.kg.tables.columns import TABLES

PREFIXES = """@prefix rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix skos: <http://www.w3.org/2004/02/skos/core#> .
@prefix oio: <http://www.geneontology.org/formats/oboInOwl#> .
@prefix obo: <http://purl.obolibrary.org/obo/> .
@prefix foaf: <http://xmlns.com/foaf/0.1/> .
@prefix lg: <urn:loregraft:> .
@prefix x: <http://x/> .
"""


def write(folder, text, name="a.ttl"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def rows_of(batches):
    """Give the rows of each table, defaults filled in, as tuples."""
    found = {}
    for batch in batches:
        columns = {name: pa.array(values).to_pylist() for name, values in batch.rows.items()}
        for number in range(len(batch)):
            row = [
                columns[name][number] if name in columns else default
                for name, default in TABLES[batch.table].items()
            ]
            found.setdefault(batch.table, []).append(tuple(row))
    return found


def turtle(folder, text):
    return rows_of(read_turtle(write(folder, PREFIXES + text)))


def left_out(rows):
    return [row[1:3] for row in rows.get("attributes", []) if not row[0]]


def facts(rows):
    return [row[:3] for row in rows.get("triples", [])]


def test_names_descriptions_types_and_the_rest_by_hand(tmp_path):
    rows = turtle(
        tmp_path,
        """x:a a owl:Class, x:Disease ; rdfs:label "Flu" ; skos:altLabel "Grippe"@de ; lg:lay "bug"@en ;
        oio:hasRelatedSynonym "cold"@en-GB ; skos:definition "An illness."@en ; oio:hasDbXref "X:1" ;
        owl:sameAs x:b ; owl:deprecated true ; foaf:depiction <http://x/a.png> ; x:mass 4.5 ;
        x:treats x:c ; rdfs:subClassOf x:d ; skos:narrower x:e .""",
    )
    assert [row[:4] for row in rows["names"]] == [
        ("http://x/a", "Flu", "preferred", ""),
        ("http://x/a", "Grippe", "exact", "de"),
        ("http://x/a", "bug", "lay", "en"),
        ("http://x/a", "cold", "related", "en-gb"),
    ]
    assert [row[:2] for row in rows["entities"]] == [("http://x/a", ""), ("http://x/a", "http://x/Disease")]
    assert rows["descriptions"] == [("http://x/a", "An illness.", "en", "")]
    assert rows["media"] == [("http://x/a", "http://x/a.png", "image", "", "")]
    assert [row[:4] for row in rows["attributes"]] == [
        ("http://x/a", "xref", "X:1", ""),
        ("http://x/a", "xref", "http://x/b", ""),
        ("http://x/a", "deprecated", "true", "boolean"),
        ("http://x/a", "http://x/mass", "4.5", "decimal"),
    ]
    assert sorted(facts(rows)) == [
        ("http://x/a", "http://x/treats", "http://x/c"),
        ("http://x/a", "subclass_of", "http://x/d"),
        ("http://x/e", "broader", "http://x/a"),
    ]


def test_properties_are_relations_wherever_they_are_declared(tmp_path):
    rows = turtle(
        tmp_path,
        """x:p rdfs:label "part of"@en ; rdfs:comment "Of wholes." . x:a x:p x:b .
        x:p a owl:ObjectProperty, owl:SymmetricProperty ; owl:inverseOf x:q ;
        rdfs:domain x:T ; rdfs:range x:U .""",
    )
    relations = rows["relations"]
    assert {row[0] for row in relations} == {"http://x/p"}
    assert ("http://x/p", "part of", "en", "", False, "", "", "") in relations
    assert [any(row[at] for row in relations) for at in (3, 4, 5, 6)] == [True] * 4
    assert "names" not in rows and "descriptions" not in rows
    assert left_out(rows) == [("text_of_relation", "http://x/p")]
    graph = KnowledgeGraph.gather(read_turtle(tmp_path / "a.ttl"))
    assert set(graph.ids) == {"http://x/a", "http://x/b"}


def test_restrictions_are_triples_and_other_definitions_are_counted(tmp_path):
    rows = turtle(
        tmp_path,
        """x:C rdfs:subClassOf [ a owl:Restriction ; owl:onProperty x:p ; owl:someValuesFrom x:D ] ;
        rdfs:subClassOf [ a owl:Restriction ; owl:onProperty x:p ; owl:allValuesFrom x:E ] ;
        owl:equivalentClass [ a owl:Class ; owl:intersectionOf ( x:F x:G ) ] .""",
    )
    assert facts(rows) == [("http://x/C", "http://x/p", "http://x/D")]
    assert Counter(reason for reason, _ in left_out(rows)) == {"logical": 7, "list": 4}
    assert len(KnowledgeGraph.gather(read_turtle(tmp_path / "a.ttl"))) == 2


@pytest.mark.parametrize(
    "said",
    [
        "x:a x:r x:b {| lg:source 'S' ; lg:confidence 0.5 ; "
        "oio:hasDbXref 'PMID:1', 'PMID:2' ; x:sex 'f' |} .",
        "_:n lg:source 'S' ; lg:confidence 0.5 ; oio:hasDbXref 'PMID:1', 'PMID:2' ; x:sex 'f' ; "
        "rdf:reifies <<( x:a x:r x:b )>> . x:a x:r x:b .",
        "x:a x:r x:b . [] a rdf:Statement ; rdf:subject x:a ; rdf:predicate x:r ; rdf:object x:b ; "
        "lg:source 'S' ; lg:confidence 0.5 ; oio:hasDbXref 'PMID:1', 'PMID:2' ; x:sex 'f' .",
        "[] a owl:Axiom ; owl:annotatedSource x:a ; owl:annotatedProperty x:r ; owl:annotatedTarget x:b ; "
        "lg:source 'S' ; lg:confidence 0.5 ; oio:hasDbXref 'PMID:1', 'PMID:2' ; x:sex 'f' . x:a x:r x:b .",
    ],
    ids=["annotation", "reifier", "statement", "axiom"],
)
def test_what_is_said_of_a_triple_fills_its_columns_and_it_comes_once(tmp_path, said):
    rows = turtle(tmp_path, said)
    assert set(rows) == {"triples"}
    qualifiers = json.dumps({"http://x/sex": "f"})
    assert rows["triples"] == [
        (
            "http://x/a",
            "http://x/r",
            "http://x/b",
            False,
            "PMID:1|PMID:2",
            qualifiers,
            0.5,
            "",
            "",
            "",
            "",
            "S",
        )
    ]


def test_two_statements_of_one_triple_stay_two(tmp_path):
    rows = turtle(tmp_path, "x:a x:r x:b {| lg:source 'S' |} {| lg:source 'T' |} .")
    assert sorted(row[-1] for row in rows["triples"]) == ["S", "T"]


def test_a_triple_that_is_not_asserted_is_no_fact_unless_it_is_negated(tmp_path):
    rows = turtle(
        tmp_path,
        """<< x:a x:r x:b >> x:saidBy x:someone . << x:a x:r x:c >> lg:negated true .
        [] a owl:NegativePropertyAssertion ; owl:sourceIndividual x:a ; owl:assertionProperty x:r ;
           owl:targetIndividual x:d .""",
    )
    assert [row[2:4] for row in rows["triples"]] == [("http://x/c", True), ("http://x/d", True)]
    assert left_out(rows) == [("not_asserted", "http://x/a")]


def test_axioms_make_lay_names_and_reifiers_give_units(tmp_path):
    rows = turtle(
        tmp_path,
        """x:a oio:hasExactSynonym "bug", "influenza" ; x:height 5 {| lg:unit "cm" |} .
        [] a owl:Axiom ; owl:annotatedSource x:a ; owl:annotatedProperty oio:hasExactSynonym ;
           owl:annotatedTarget "bug" ; oio:hasSynonymType <http://purl.obolibrary.org/obo/hp#layperson> ;
           oio:hasDbXref "ORCID:1" .""",
    )
    assert sorted(row[1:3] for row in rows["names"]) == [("bug", "lay"), ("influenza", "exact")]
    assert [row[1:5] for row in rows["attributes"] if row[0]] == [("http://x/height", "5", "integer", "cm")]
    assert left_out(rows) == [("said_of_a_fact", "references")]


def test_axioms_speak_of_our_own_relations_too(tmp_path):
    rows = turtle(
        tmp_path,
        """x:a <urn:loregraft:id:is_a> x:b .
        [] a owl:Axiom ; owl:annotatedSource x:a ; owl:annotatedTarget x:b ;
        owl:annotatedProperty <urn:loregraft:id:is_a> ; lg:validFrom "2001-01-01" ; lg:licence "CC0" .""",
    )
    assert facts(rows) == [("http://x/a", "is_a", "http://x/b")]
    assert rows["triples"][0][7:10] == ("2001-01-01", "", "CC0")


def test_odd_confidence_and_several_values_are_kept_as_qualifiers(tmp_path):
    rows = turtle(tmp_path, "x:a x:r x:b {| lg:confidence 'high' ; x:n 1, 2 ; x:sure true |} .")
    expected = {"urn:loregraft:confidence": "high", "http://x/n": "1|2", "http://x/sure": True}
    assert json.loads(rows["triples"][0][5]) == expected


def test_named_graphs_are_sources(tmp_path):
    text = "<x:a> <x:r> <x:b> <urn:loregraft:id:my%20file> .\n<x:a> <x:r> <x:c> .\n"
    rows = rows_of(read_nquads(write(tmp_path, text, "a.nq")))
    assert sorted(row[2:3] + row[-1:] for row in rows["triples"]) == [("x:b", "my file"), ("x:c", "")]
    text = PREFIXES + 'x:g { x:a x:r x:b {| x:why "so" |} . x:a rdfs:label "A" }'
    rows = rows_of(read_trig(write(tmp_path, text, "a.trig")))
    assert rows["triples"][0][-1] == "http://x/g" and rows["names"][0][-1] == "http://x/g"


def test_blank_nodes_of_two_files_never_meet_and_stay_the_same(tmp_path):
    blank = "_:n <x:r> <x:b> .\n"
    one, two = write(tmp_path, blank, "1.nt"), write(tmp_path, blank + "<x:a> <x:r> _:n .\n", "2.nt")
    heads = [rows_of(read_ntriples(path))["triples"][0][0] for path in (one, two, one)]
    assert heads[0].startswith("_:") and heads[0] != heads[1] and heads[0] == heads[2]
    anonymous = write(tmp_path, PREFIXES + "[] x:r [ x:s x:b ] . x:p a rdf:Property .")
    assert rows_of(read_turtle(anonymous)) == rows_of(read_turtle(anonymous))


FACTS = "<http://x/a> <http://x/r> <http://x/b> .\n"
SAME = {
    "ntriples": ("a.nt", FACTS),
    "nquads": ("a.nq", FACTS),
    "turtle": ("a.data", "@prefix x: <http://x/> .\nx:a x:r x:b .\n"),
    "trig": ("b.data", "@prefix x: <http://x/> .\n{ x:a x:r x:b }\nx:g { }"),
    "rdfxml": (
        "a.owl",
        '<?xml version="1.0"?>\n<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:x="http://x/">'
        '<rdf:Description rdf:about="http://x/a"><x:r rdf:resource="http://x/b"/></rdf:Description></rdf:RDF>',
    ),
    "jsonld": ("a.json", '{"@context": {"x": "http://x/"}, "@id": "x:a", "x:r": {"@id": "x:b"}}'),
}


@pytest.mark.parametrize("format", SAME)
def test_six_syntaxes_say_the_same_packed_or_not(tmp_path, format):
    name, text = SAME[format]
    for path in (
        write(tmp_path, text, name),
        write(tmp_path, gzip.compress(text.encode()), name + ".gz"),
        write(tmp_path, b"\xef\xbb\xbf" + text.encode(), "bom" + name),
    ):
        assert recognise(path) == format
        assert facts(rows_of(READERS[format](path, None))) == [("http://x/a", "http://x/r", "http://x/b")]


TERMS = st.sampled_from(["x:a", "x:b", "HP:1", "urn:loregraft:id:two%20words"])
LITERALS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(TERMS, TERMS, TERMS | LITERALS.map(lambda text: ("text", text))), max_size=12))
def test_each_triple_gives_one_row(tmp_path_factory, triples):
    ox = pytest.importorskip("pyoxigraph")
    node = ox.NamedNode
    quads = [
        ox.Triple(node(h), node(r), ox.Literal(t[1]) if isinstance(t, tuple) else node(t))
        for h, r, t in triples
    ]
    path = tmp_path_factory.mktemp("nt") / "a.nt"
    path.write_bytes(ox.serialize(quads, format=ox.RdfFormat.N_TRIPLES))
    rows = rows_of(read_ntriples(path))

    def plain(id):
        return "two words" if id.endswith("words") else id

    expected = [(plain(h), plain(r), t[1] if isinstance(t, tuple) else plain(t)) for h, r, t in triples]
    found = facts(rows) + [row[:3] for row in rows.get("attributes", [])]
    assert sorted(found) == sorted(expected)


# Files that are broken, or mean harm.


def problem_of(read, path):
    with pytest.raises(BadInput) as caught:
        list(read(path))
    problems = []
    list(read(path, problems))
    assert [str(problem) for problem in problems] == [str(caught.value)]
    assert caught.value.fix.endswith((".", "?"))
    return caught.value


XML = '<?xml version="1.0"?>\n{}<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:x="http://x/">\n{}</rdf:RDF>'
LAUGHS = "<!DOCTYPE x [\n<!ENTITY a0 'ha'>" + "".join(
    f"<!ENTITY a{level} '{f'&a{level - 1};' * 10}'>" for level in range(1, 10)
)
FACT = '<rdf:Description rdf:about="http://x/a"><x:p>&a9;</x:p></rdf:Description>'


@pytest.mark.parametrize("word", ["DOCTYPE", "doctype"])
def test_a_doctype_is_refused_wherever_it_stands(tmp_path, word):
    laughs = LAUGHS.replace("DOCTYPE", word) + "]>\n"
    before = problem_of(read_rdfxml, write(tmp_path, XML.format(laughs, FACT), "a.owl"))
    assert (before.line, "DOCTYPE" in before.found) == (2, True)
    # The parser would take it here, too, though XML does not allow it.
    after = problem_of(read_rdfxml, write(tmp_path, XML.format("", laughs + FACT), "b.owl"))
    assert (after.line, "DOCTYPE" in after.found) == (3, True)
    filler = f"<!--{'x' * ((1 << 20) - 90)}-->\n"
    far = "".join(filler for _ in range(2)) + laughs
    for shift in range(0, 12, 3):
        path = write(tmp_path, XML.format("", " " * shift + far + FACT), f"{shift}.owl")
        assert problem_of(read_rdfxml, path).line == 5


def test_a_remote_context_is_refused_without_a_network(tmp_path, monkeypatch):
    def refuse(*arguments):
        raise AssertionError("a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    for context in (
        '"http://127.0.0.1:9/c"',
        '["http://127.0.0.1:9/c"]',
        '{"@import": "http://127.0.0.1:9/c"}',
    ):
        path = write(tmp_path, f'{{"@context": {context}, "@id": "x:a", "name": "A"}}', "a.json")
        problem = problem_of(read_jsonld, path)
        assert "nothing is fetched" in problem.found and problem.line == 0


def test_nested_nodes_end_well(tmp_path):
    depth = 100_000
    path = write(tmp_path, PREFIXES + "x:a x:p " + "[ x:p " * depth + "x:b" + " ]" * depth + " .")
    assert sum(map(len, read_turtle(path))) == depth + 1
    for text, name in (
        ("<x:a> <x:p> " + "<<( <x:a> <x:p> " * depth + "<x:b>" + " )>>" * depth + " .\n", "a.nt"),
        ("<x:a> <x:p> " + "<<( <x:a> <x:p> # )>>\n" * depth + "<x:b>" + " )>>" * depth + " .\n", "a.ttl"),
        ('<x:a> <x:p> ")>>" .\n<x:a> <x:p> ' + "<<( <x:a> <x:p> " * depth, "b.ttl"),
    ):
        read = read_ntriples if name == "a.nt" else read_turtle
        assert "nested more than" in problem_of(read, write(tmp_path, text, name)).found
    json_text = '{"x:p": ' * depth + "1" + "}" * depth
    assert problem_of(read_jsonld, write(tmp_path, json_text, "a.json")).found


@pytest.mark.parametrize("mark", ['"', "'"])
def test_triple_terms_side_by_side_are_no_depth(tmp_path, mark):
    reifies = "<http://www.w3.org/1999/02/22-rdf-syntax-ns#reifies>"
    text = "_:{0} " + reifies + f" <<( <x:a> <x:p> {mark}x # <<( {'y' * 2_000}{mark} )>> .\n"
    one = f"<x:a> <x:p> {mark}x # <<( {'y' * 2_000}{mark} .\n"
    path = write(tmp_path, "".join(text.format(number) for number in range(2_000)) + one)
    assert sum(map(len, read_turtle(path))) == 2_000
    if mark == '"':
        assert sum(map(len, read_ntriples(path))) == 2_000


@pytest.mark.parametrize(
    ("read", "name", "text", "line", "found"),
    [
        (
            read_turtle,
            "a.ttl",
            PREFIXES + "x:a x:r x:b .\nx:a y:r x:b .",
            11,
            "prefix y: has not been declared",
        ),
        (read_turtle, "a.ttl", "<a> <b> <c> .", 1, "No scheme found"),
        (read_turtle, "a.ttl", b"<x:a> <x:b> <x:c> .\n<x:a> <x:b> '\xff' .", 2, "0xff"),
        (read_trig, "a.trig", "<x:g> { <x:a> <x:b> <x:c> .\n\n<x:d> <x:e> }", 3, ""),
        (read_jsonld, "a.json", '{"@id": "x:a",\n"x:b": nothing}', 2, ""),
        (read_rdfxml, "a.owl", XML.format("", "<x:a>\n</x:b>"), 4, "expected"),
        (read_nquads, "a.nq", "<x:a> <x:b> <x:c> <x:d> .\n<x:a> <x:b> <x:c> 'd' .", 2, ""),
        (read_turtle, "a.ttl", '<x:a> <x:b> "' + "x" * (17 << 20) + '" .', 0, "more than 16 MB"),
    ],
)
def test_broken_files_name_the_line(tmp_path, read, name, text, line, found):
    problem = problem_of(read, write(tmp_path, text, name))
    assert problem.line == line and found in problem.found


def test_what_stands_before_a_problem_is_kept(tmp_path):
    problems = []
    rows = rows_of(read_turtle(write(tmp_path, PREFIXES + "x:a x:r x:b .\nx:a y:r x:b ."), problems))
    assert facts(rows) == [("http://x/a", "http://x/r", "http://x/b")] and len(problems) == 1


def test_lines_after_bad_ones_are_read(tmp_path):
    good = "<x:a> <x:r> <x:{}> .\n"
    bad = {7: b"<x:a> <x:r> x .\n", 9: b'<x:a> <x:r> "\xff" .\n', 10: b'<x:a> <x:r> "open .\n'}
    bad[13] = b'<x:a> <x:r> "' + b"x" * (17 << 20) + b'" .\n'
    lines = [bad.get(number, good.format(number).encode()) for number in range(1, 21)]
    problems = []
    rows = rows_of(read_ntriples(write(tmp_path, b"".join(lines), "a.nt"), problems))
    assert sorted(problem.line for problem in problems) == sorted(bad)
    assert [tail for _, _, tail in facts(rows)] == [
        f"x:{number}" for number in range(1, 21) if number not in bad
    ]


def test_other_formats_are_not_taken_for_rdf(tmp_path):
    for text in ("<x:a>\t<x:r>\t<x:b>\n", "a\tr\tb\n", '{"head": "a", "relation": "r", "tail": "b"}\n'):
        assert recognise(write(tmp_path, text, "a.txt")) not in SAME
