"""What is written as RDF is read back as the same graph, and a file is whole or absent."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loregraft.errors import CannotWrite
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.readers.rdf.syntaxes import read_jsonld, read_nquads, read_ntriples, read_rdfxml, read_trig
from loregraft.kg.tables.columns import Columns
from loregraft.kg.writers import WRITERS, write
from loregraft.kg.writers.rdf import (
    write_jsonld,
    write_nquads,
    write_ntriples,
    write_rdfxml,
    write_trig,
    write_turtle,
)

pyoxigraph = pytest.importorskip("pyoxigraph")

IDS = [
    "HP:0000118",
    "http://x/é?a=1#b",
    "a b",
    "c",
    "urn:loregraft:id:c",
    "100%",
    "%41",
    "_:b",
    "<>\"'\\",
    "发热",
    "C",
]
RELATIONS = ["is_a", "subclass_of", "r:1", "caused by", "http://x/r"]
TYPES = ["", "disease", "http://x/T"]
SOURCES = ["", "a.tsv", "http://x/source"]
LETTERS = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn"))
TEXT = st.text(LETTERS, min_size=1, max_size=8).filter(str.strip)  # the reader leaves empty ones out
NO_NAMES = {"http://x/é?a=1#b", "r:1"}
SCALAR = st.booleans() | st.integers(-9, 9) | st.floats(-2, 2) | TEXT
LANGUAGES = st.sampled_from(["", "en", "zh", "de-ch"])


def rows(table, **columns):
    """Give up to four rows of a table."""
    return st.lists(st.fixed_dictionaries(columns), max_size=4).map(
        lambda found: (table, list(columns), found)
    )


@st.composite
def tables_of(draw):
    """Draw rows of all tables. They become Columns outside: its type check throws dice."""
    entity, source = st.sampled_from(IDS), st.sampled_from(SOURCES)
    date = st.sampled_from(["", "2001-02-03"])
    qualifiers = st.dictionaries(TEXT, SCALAR, max_size=2).map(
        lambda said: json.dumps(said, ensure_ascii=False, sort_keys=True) if said else ""
    )
    tables = (
        # Rows with and without a source are read in batches of their own, and the first type comes first.
        rows("entities", id=entity, type=st.sampled_from(TYPES), source=st.sampled_from(SOURCES[1:])),
        rows(
            "relations",
            id=st.sampled_from(RELATIONS),
            name=st.just("") | TEXT,
            language=LANGUAGES,
            inverse=st.sampled_from(["", *RELATIONS]),
            symmetric=st.booleans(),
            domain=st.sampled_from(TYPES),
            range=st.sampled_from(TYPES),
        ),
        rows(
            "names",
            entity=entity,
            name=TEXT,
            kind=st.sampled_from(["preferred", "exact", "lay", "abbreviation", "broad", "narrow", "related"]),
            language=LANGUAGES,
            source=source,
        ),
        rows("descriptions", entity=entity, text=TEXT, language=LANGUAGES, source=source),
        rows(
            "triples",
            head=entity,
            relation=st.sampled_from(RELATIONS),
            tail=entity,
            negated=st.booleans(),
            references=st.lists(
                st.sampled_from(["PMID:1", "http://x/1", "b c"]), max_size=2, unique=True
            ).map("|".join),
            qualifiers=qualifiers,
            confidence=st.sampled_from([1.0, 0.0, 0.1, float(np.float32(1 / 3))]),
            valid_from=date,
            valid_to=date,
            licence=st.sampled_from(["", "CC0"]),
            split=st.sampled_from(["", "train", "test"]),
            source=source,
        ),
        rows(
            "attributes",
            entity=entity,
            property=st.sampled_from(["xref", "how old", "http://x/p"]),
            value=TEXT,
            datatype=st.sampled_from(["", "integer", "decimal", "http://x/type"]),
            unit=st.sampled_from(["", "mg"]),
            source=source,
        ),
        rows(
            "attributes",
            entity=entity,
            property=st.just("note"),
            value=TEXT,
            language=LANGUAGES,
            source=source,
        ),
        rows(
            "media",
            entity=entity,
            reference=st.sampled_from(["http://x/a.png", "b c.png"]),
            kind=st.sampled_from(["image", "video", "audio"]),
            licence=st.sampled_from(["", "CC0"]),
            source=source,
        ),
    )
    return [draw(table) for table in tables]


def gathered(drawn):
    first = Columns("triples", {"head": ["C"], "relation": ["is_a"], "tail": ["c"], "source": ["a.tsv"]})
    more = [
        Columns(table, {column: [row[column] for row in found] for column in columns})
        for table, columns, found in drawn
    ]
    return KnowledgeGraph.gather([first, *more])


def content(graph):
    """Give each table as rows with ids for indexes, in an order of their own."""
    ids, relations = graph.ids, graph.relation_ids
    numbered = {"entity": ids, "head": ids, "tail": ids, "relation": relations}
    found = {}
    for table, rows in graph.tables.items():
        named = [
            {name: numbered[name][cell] if name in numbered else cell for name, cell in row.items()}
            for row in rows.to_pylist()
        ]
        for row in named:
            if "qualifiers" in row:
                row["qualifiers"] = sorted(json.loads(row["qualifiers"] or "{}").items(), key=repr)
                row["references"] = sorted(row["references"].split("|"))
        found[table] = sorted(map(repr, named))
    return found


@pytest.mark.parametrize(
    ("write_it", "read_it"),
    [(write_nquads, read_nquads), (write_trig, read_trig), (write_jsonld, read_jsonld)],
)
def test_a_fact_that_is_stated_and_denied_keeps_both_statements(write_it, read_it, tmp_path):
    names = {"head": ["A", "A"], "relation": ["r", "r"], "tail": ["B", "B"], "negated": [False, True]}
    graph = KnowledgeGraph.gather([Columns("triples", names)])
    write_it(graph, tmp_path / "graph")
    again = KnowledgeGraph.gather(read_it(tmp_path / "graph", None))
    assert (len(again.triples), len(again.negated)) == (1, 1)


@pytest.mark.parametrize(
    ("write_it", "read_it"),
    [(write_nquads, read_nquads), (write_trig, read_trig), (write_jsonld, read_jsonld)],
)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=tables_of())
def test_what_is_written_is_read_back_equal(write_it, read_it, drawn, tmp_path):
    graph = gathered(drawn)
    write_it(graph, tmp_path / "graph")
    again = KnowledgeGraph.gather(read_it(tmp_path / "graph", None))
    assert content(again) == content(graph)
    assert {name: count for name, count in again.tally.items() if name.startswith("left_out")} == {}


def test_the_first_source_of_an_entity_stays_its_source(tmp_path):
    """It may be that of a row without a type, before the one with a type: hypothesis found that."""
    rows = {"id": ["a", "a"], "type": ["", "disease"], "source": ["first", "second"]}
    graph = KnowledgeGraph.gather([Columns("entities", rows)])
    write_nquads(graph, tmp_path / "graph")
    again = KnowledgeGraph.gather(read_nquads(tmp_path / "graph", None))
    assert content(again) == content(graph)
    assert again.entities["source"].to_pylist() == ["first"]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=tables_of())
def test_all_four_say_the_same_of_the_same_terms(drawn, tmp_path):
    graph = gathered(drawn)
    formats = pyoxigraph.RdfFormat
    for one, other in (
        ((write_ntriples, formats.N_TRIPLES), (write_turtle, formats.TURTLE)),
        ((write_nquads, formats.N_QUADS), (write_trig, formats.TRIG)),
    ):
        read = []
        for writer, format in (one, other):
            writer(graph, tmp_path / "graph")
            dataset = pyoxigraph.Dataset(pyoxigraph.parse(path=tmp_path / "graph", format=format))
            dataset.canonicalize(pyoxigraph.CanonicalizationAlgorithm.UNSTABLE)
            read.append(dataset)
        assert read[0] == read[1]


def without_qualifiers(row):
    return {column: "" if column == "qualifiers" else cell for column, cell in row.items()}


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=tables_of())
def test_rdf_xml_says_what_n_triples_say(drawn, tmp_path):
    """Relations and qualifiers that are no names of XML aside, which are left out and counted."""
    named = [
        (table, columns, [without_qualifiers(row) for row in found if not NO_NAMES & set(row.values())])
        for table, columns, found in drawn
    ]
    graph = gathered(named)
    told = write_rdfxml(graph, tmp_path / "xml")
    write_ntriples(graph, tmp_path / "lines")
    one = KnowledgeGraph.gather(read_rdfxml(tmp_path / "xml", None))
    other = KnowledgeGraph.gather(read_ntriples(tmp_path / "lines", None))
    assert content(one) == content(other)
    assert not any("XML" in what for what in told.left_out)


def test_what_xml_cannot_hold_is_left_out_and_counted(tmp_path):
    rows = {"head": ["a", "b"], "relation": ["r:1", "r"], "tail": ["b", "a"]}
    text = {"entity": ["a"], "text": ["one\uffff"]}
    graph = KnowledgeGraph.gather([Columns("triples", rows), Columns("descriptions", text)])
    told = write_rdfxml(graph, tmp_path / "xml")
    again = KnowledgeGraph.gather(read_rdfxml(tmp_path / "xml", None))
    assert [(one.head, one.relation) for one in again.statements(range(len(again.triples)))] == [("b", "r")]
    assert told.left_out == {
        "triples whose relation or property ends in no name of XML": 1,
        "texts with characters that XML cannot hold": 1,
    }


def test_the_writer_tells_what_went_in_and_what_did_not(tiny_graph, tmp_path):
    assert str(write(tiny_graph, tmp_path / "a.nq", "nquads")) == "90 quads of N-Quads"
    told = "102 triples of N-Triples; left out: 51 sources of names, types and attributes"
    assert str(write(tiny_graph, tmp_path / "a.nt", "ntriples")) == told
    assert len((tmp_path / "a.nt").read_text(encoding="utf-8").splitlines()) == 102
    write(tiny_graph, tmp_path / "a.ttl", "turtle")
    assert "@prefix skos:" in (tmp_path / "a.ttl").read_text(encoding="utf-8")
    with pytest.raises(CannotWrite, match="exists already"):
        write(tiny_graph, tmp_path / "a.nt", "turtle")


@pytest.mark.parametrize("format", ["ntriples", "nquads", "turtle", "trig", "rdfxml", "jsonld"])
def test_a_writer_that_fails_leaves_what_was_there(format, tiny_graph, tmp_path):
    path = tmp_path / "graph"
    path.write_text("old", encoding="utf-8")
    negated = tiny_graph.negated.drop_columns(["split"])  # met when all else is written
    with pytest.raises(KeyError):
        WRITERS[format](KnowledgeGraph({**tiny_graph.tables, "negated": negated}), path)
    assert [file.name for file in tmp_path.iterdir()] == ["graph"]
    assert path.read_text(encoding="utf-8") == "old"


def test_a_place_that_cannot_be_written_to_is_named(tiny_graph, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(CannotWrite, match="a file is in the way of a folder"):
        write_turtle(tiny_graph, tmp_path / "file" / "graph.ttl")
